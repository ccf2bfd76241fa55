/**
 * What the SDK stands on anywhere else, a test or a script: a module's file loads there as a plain description.
 * Nothing of it runs reducers. Clients take its types alone and load none of it.
 *
 * A bundle for a database is made with the condition `lightcone-host` and has `host-inside.ts` instead.
 */
import type { Bound, HostErrorClass, HostErrors, RangeClass, SenderErrorClass } from "./host-types.ts";

export { ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid } from "@lightcone/sats";

/** Under this symbol the schema and its functions carry what they are. The same for every copy of the SDK. */
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

/** Every name gives a class: nothing throws them here, but a module's file may name them as it loads. */
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
