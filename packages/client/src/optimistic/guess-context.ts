/** `ctx` of a guess: what a reducer is given, as far as a client can know it before the database says. */
import { Timestamp, Uuid } from "@lightcone/sats";
import type { GuessWorld } from "../guessing.ts";
import { makeRandom } from "./guess-random.ts";
import { GuessRefused } from "./guess-table.ts";

export interface ContextParts {
  readonly world: GuessWorld;
  /** When the call was made, as the page's clock has it. */
  readonly timestampMicros: number;
  /** Four words, the same each time. */
  readonly seed: Uint32Array;
  /** A table, by its accessor. */
  readonly table: (accessor: string) => object;
  /** Whether tables stand within a name. */
  readonly isSubmodule: (accessor: string) => boolean;
}

export function makeContext({ world, timestampMicros, seed, table, isSubmodule }: ContextParts): object {
  const { identity, connectionId = null } = world.connection;
  if (identity === undefined) throw new TypeError("who calls is not known before there was a connection");
  const timestamp = new Timestamp(BigInt(timestampMicros));
  const random = makeRandom(seed);
  const bytes = (words: number): Uint8Array =>
    new Uint8Array(Uint32Array.from({ length: words }, () => random.uint32()).buffer);
  const counter = { value: 0 };
  const unknown = (name: string) => (): never => {
    throw new GuessRefused(`ctx.${name} is known to the database alone`);
  };

  function within(prefix: string): object {
    const db = new Proxy(Object.create(null) as object, {
      get: (_, name) => {
        if (typeof name !== "string") return undefined;
        const accessor = prefix + name;
        return isSubmodule(accessor) ? tablesWithin(`${accessor}.`) : table(accessor);
      },
    });
    const as = new Proxy(Object.create(null) as object, {
      get: (_, name) => (typeof name === "string" ? within(`${prefix}${name}.`) : undefined),
    });
    return Object.defineProperties(
      {
        db,
        as,
        sender: identity,
        connectionId,
        timestamp,
        random,
        newUuidV4: (): Uuid => Uuid.fromRandomBytesV4(bytes(4)),
        newUuidV7: (): Uuid => Uuid.fromCounterV7(counter, timestamp, bytes(1)),
      },
      Object.fromEntries(["identity", "databaseIdentity", "senderAuth"].map((name) => [name, { get: unknown(name) }])),
    );
  }
  const tablesWithin = (prefix: string): unknown => Reflect.get(within(prefix), "db");
  return within("");
}
