/**
 * The messages of a server of protocol v1: docs/wire/websocket-v1.md.
 *
 *   payload = compression u8 | tag u8 | fields          little-endian BSATN
 *
 * A transaction goes to many clients, so its parts are encoded separately: a `QueryUpdate` once per live query, the
 * tables once per set of queries, and the head, which names the caller, once per commit. Writers put the
 * compression byte (none) in front; `compression.ts` may replace a finished payload.
 */
import type { ByteWriter } from "@lightcone/sats";

export const serverTag = {
  InitialSubscription: 0,
  TransactionUpdate: 1,
  TransactionUpdateLight: 2,
  IdentityToken: 3,
  OneOffQueryResponse: 4,
  SubscribeApplied: 5,
  UnsubscribeApplied: 6,
  SubscriptionError: 7,
  SubscribeMultiApplied: 8,
  UnsubscribeMultiApplied: 9,
  ProcedureResult: 10,
} as const;

/** No reducer, as `reducerId` says it. */
export const noReducer = 0xffff_ffff;

export function writeIdentityToken(out: ByteWriter, identity: Uint8Array, token: string, connection: Uint8Array): void {
  begin(out, serverTag.IdentityToken);
  out.raw(identity);
  out.string(token);
  out.raw(connection);
}

/** Who did what, as a transaction's head tells it. */
export interface TransactionHead {
  readonly timestampMicros: number;
  readonly sender: Uint8Array;
  readonly connection: Uint8Array;
  readonly functionName: string;
  readonly reducerId: number;
  readonly args: Uint8Array;
  /** The arguments as the caller wrote them in JSON, for the JSON form; undefined when they came as BSATN. */
  readonly argsText?: string | undefined;
  readonly requestId: number;
  readonly durationMicros: number;
}

export const updateStatus = { Committed: 0, Failed: 1, OutOfEnergy: 2 } as const;

/** Starts a `TransactionUpdate` that was committed; the tables (`beginTables` …) and `endTransactionUpdate` follow. */
export function beginTransactionUpdate(out: ByteWriter): void {
  begin(out, serverTag.TransactionUpdate);
  out.u8(updateStatus.Committed);
}

/** Ends what `beginTransactionUpdate` started. */
export function endTransactionUpdate(out: ByteWriter, head: TransactionHead): void {
  const { sender, connection, args } = head;
  out.u64Number(head.timestampMicros);
  // Every call is answered with one of these: room is made once for what has a known length.
  const ids = out.reserve(48);
  const { bytes } = out;
  for (let index = 0; index < 32; index++) bytes[ids + index] = sender[index] as number;
  for (let index = 0; index < 16; index++) bytes[ids + 32 + index] = connection[index] as number;
  out.string(head.functionName);
  out.u32(head.reducerId);
  out.u32(args.length);
  out.rawRange(args, 0, args.length);
  const tail = out.reserve(28);
  out.setU32(tail, head.requestId);
  out.setU64(tail + 4, 0); // what the call cost, a u128: nothing is metered
  out.setU64(tail + 12, 0);
  out.setU64(tail + 20, head.durationMicros);
}

/** A call that changed nothing and says why. */
export function writeTransactionFailure(out: ByteWriter, message: string, head: TransactionHead): void {
  begin(out, serverTag.TransactionUpdate);
  out.u8(updateStatus.Failed);
  out.string(message);
  endTransactionUpdate(out, head);
}

/** Starts a `TransactionUpdateLight`; the tables follow. */
export function beginTransactionUpdateLight(out: ByteWriter, requestId: number): void {
  begin(out, serverTag.TransactionUpdateLight);
  out.u32(requestId);
}

/** One table's part of a `DatabaseUpdate`; `updateCount` query updates follow. */
export function beginTable(
  out: ByteWriter,
  tableId: number,
  tableName: string,
  rowCount: number,
  updateCount: number,
): void {
  out.u32(tableId);
  out.string(tableName);
  out.u64Number(rowCount);
  out.u32(updateCount);
}

/** Starts a query's update: its deletes, then its inserts, follow as row lists. */
export function beginQueryUpdate(out: ByteWriter): void {
  out.u8(0); // not compressed
}

/** Starts `InitialSubscription`; the count of tables and the tables follow, then `endInitialSubscription`. */
export function beginInitialSubscription(out: ByteWriter): void {
  begin(out, serverTag.InitialSubscription);
}

export function endInitialSubscription(out: ByteWriter, requestId: number, durationMicros: number): void {
  out.u32(requestId);
  out.u64Number(durationMicros);
}

/**
 * Starts an answer to a subscription: for a multi, the count of tables and the tables follow; for a single,
 * `table_id`, `table_name` and one table.
 */
export function beginApplied(
  out: ByteWriter,
  tag: "SubscribeApplied" | "UnsubscribeApplied" | "SubscribeMultiApplied" | "UnsubscribeMultiApplied",
  requestId: number,
  durationMicros: number,
  queryId: number,
): void {
  begin(out, serverTag[tag]);
  out.u32(requestId);
  out.u64Number(durationMicros);
  out.u32(queryId);
}

export function writeSubscriptionError(
  out: ByteWriter,
  durationMicros: number,
  requestId: number | undefined,
  queryId: number | undefined,
  message: string,
): void {
  begin(out, serverTag.SubscriptionError);
  out.u64Number(durationMicros);
  writeOptionalU32(out, requestId);
  writeOptionalU32(out, queryId);
  writeOptionalU32(out, undefined);
  out.string(message);
}

/** Starts a one-off query's answer; with `error` undefined a table name and a row list follow. */
export function beginOneOffQueryResponse(out: ByteWriter, messageId: Uint8Array, error: string | undefined): void {
  begin(out, serverTag.OneOffQueryResponse);
  out.byteArray(messageId);
  if (error === undefined) {
    out.u8(1);
    out.u32(1);
  } else {
    out.u8(0);
    out.string(error);
    out.u32(0);
  }
}

export function endOneOffQueryResponse(out: ByteWriter, durationMicros: number): void {
  out.u64Number(durationMicros);
}

/** What a procedure returned, in BSATN. */
export function writeProcedureResult(
  out: ByteWriter,
  value: Uint8Array,
  timestampMicros: number,
  durationMicros: number,
  requestId: number,
): void {
  begin(out, serverTag.ProcedureResult);
  out.u8(0);
  out.byteArray(value);
  out.u64Number(timestampMicros);
  out.u64Number(durationMicros);
  out.u32(requestId);
}

/** A procedure that did not run or broke. */
export function writeProcedureFailure(
  out: ByteWriter,
  message: string,
  timestampMicros: number,
  durationMicros: number,
  requestId: number,
): void {
  begin(out, serverTag.ProcedureResult);
  out.u8(2);
  out.string(message);
  out.u64Number(timestampMicros);
  out.u64Number(durationMicros);
  out.u32(requestId);
}

function begin(out: ByteWriter, tag: number): void {
  out.u8(0); // not compressed
  out.u8(tag);
}

function writeOptionalU32(out: ByteWriter, value: number | undefined): void {
  out.u8(value === undefined ? 1 : 0);
  if (value !== undefined) out.u32(value);
}
