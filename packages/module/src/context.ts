/** What a reducer is given. */
import type { DbView, Tables } from "./handles.ts";
import type { ConnectionId, Identity, Timestamp } from "./values.ts";

type IntegerArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** Chance that is the same wherever the call is run again: seeded by the call's time and caller. */
export interface Random {
  /** A number in [0, 1) with 53 random bits. */
  (): number;
  fill<A extends IntegerArray>(array: A): A;
  uint32(): number;
  /** An integer; both ends are included. */
  integerInRange(min: number, max: number): number;
  bigintInRange(min: bigint, max: bigint): bigint;
}

export interface ReducerCtx<S extends Tables = Tables> {
  /** Who calls. */
  readonly sender: Identity;
  /** Over which connection; null for a scheduled call. */
  readonly connectionId: ConnectionId | null;
  /** When: the only clock there is. */
  readonly timestamp: Timestamp;
  /** The database itself. */
  readonly identity: Identity;
  readonly databaseIdentity: Identity;
  readonly random: Random;
  readonly db: DbView<S>;
}
