/**
 * The base of the SDK outside of a database, as in a test or a script, where a module's file loads as a plain
 * description. It runs no reducers. Clients use the types alone and load nothing of it.
 *
 * A bundle for a database is made with the condition `lightcone-host` and has `host-inside.ts` instead.
 */
import type { Bound, HostErrorClass, HostErrors, RangeClass, SenderErrorClass } from "./host-types.ts";

export { ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid } from "@lightcone/sats";

/** The symbol under which the schema and its functions describe themselves. The same for every copy of the SDK. */
export const description: unique symbol = Symbol.for("lightcone:host@1 description");

class OutsideRange<T> {
  readonly from: Bound<T>;
  readonly to: Bound<T>;

  constructor(from?: Bound<T> | null, to?: Bound<T> | null) {
    this.from = from ?? { tag: "unbounded" };
    this.to = to ?? { tag: "unbounded" };
  }
}
export const Range: RangeClass = OutsideRange;

class OutsideSenderError extends Error {
  override readonly name = "SenderError";
}
export const SenderError: SenderErrorClass = OutsideSenderError;

class OutsideHostError extends Error {
  override readonly name: string = "SpacetimeHostError";
}
export const SpacetimeHostError: HostErrorClass = OutsideHostError;

/** Every name gives a class. Nothing throws them here, but a module's file may mention them as it loads. */
const made = new Map<string | symbol, HostErrorClass>();
export const errors: HostErrors = new Proxy({} as HostErrors, { get: (_, name) => errorClass(name) });

function errorClass(name: string | symbol): HostErrorClass {
  const known = made.get(name);
  if (known !== undefined) return known;
  const fresh = class extends OutsideHostError {
    override readonly name = String(name);
  };
  made.set(name, fresh);
  return fresh;
}
