/** A `Commit` is the only account of a change: the log, subscriptions, schedules and followers see nothing else. */
import type { RowRef, TxOffset } from "@lightcone/base";
import type { RowChanges, Table } from "./api-tables.ts";

/** What caused a transaction. The numbers stand in the log; never reuse one. */
export const CommitKind = {
  reducer: 0,
  connect: 1,
  disconnect: 2,
  schedule: 3,
  sql: 4,
  publish: 5,
  internal: 6,
  /** One of the transactions that a procedure makes. */
  procedure: 7,
} as const;
export type CommitKind = (typeof CommitKind)[keyof typeof CommitKind];

/** The front through which a connection came. When a run of it has ended, so have the connections of that run. */
export interface CommitOrigin {
  /** The front's name; not empty. */
  readonly front: string;
  /** Which run of that front: rising, a safe integer. */
  readonly incarnation: number;
}

/** Who did what, as the log keeps it. */
export interface CommitMeta {
  readonly kind: CommitKind;
  /** What the transaction saw as now; never lower than the commit's before. Microseconds. */
  readonly timestampMicros: number;
  /** The function's name; empty for SQL and internal transactions. */
  readonly functionName: string;
  /** 0xffffffff for none. */
  readonly reducerId: number;
  readonly args: Uint8Array;
  /** 32 bytes, little-endian; never changed in place. */
  readonly sender: Uint8Array;
  /** 16 bytes, little-endian, never changed in place; all zero for none. */
  readonly connection: Uint8Array;
  /** Where the connection came from, as far as the commit says it: that of a connect is what matters. */
  readonly origin?: CommitOrigin | undefined;
  /** The client's own number for the request. Echoed, never interpreted. */
  readonly requestId: number;
  /** The front's number for the request, rising per connection; 0 for none. Makes a retry safe. */
  readonly requestSequence: number;
}

/** The net change of one table. */
export interface TableDelta extends RowChanges {
  readonly table: Table;
}

/** How far a sequence moved. */
export interface SequenceMove {
  readonly id: number;
  readonly before: bigint;
  readonly after: bigint;
}

export interface Commit {
  readonly offset: TxOffset;
  readonly meta: CommitMeta;
  /** Only tables with a net change, by rising id. */
  readonly deltas: readonly TableDelta[];
  readonly sequences: readonly SequenceMove[];
  /** The log record. Good until the commit is released. */
  readonly bytes: Uint8Array;
}

export type { RowRef };
