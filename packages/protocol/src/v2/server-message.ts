/**
 * The messages of a server of protocol v2: docs/wire/websocket-v2.md. Version 3 has the same, several to a payload.
 *
 *   payload = compression u8 | tag u8 | fields          little-endian BSATN
 *
 * As in v1, what many clients are told of a transaction is encoded in parts: rows once per live query, a query set once per
 * its id. Writers begin with the tag; whoever makes a payload puts the compression byte in front.
 */
import type { ByteWriter } from "@lightcone/sats";

export const serverTag = {
  InitialConnection: 0,
  SubscribeApplied: 1,
  UnsubscribeApplied: 2,
  SubscriptionError: 3,
  TransactionUpdate: 4,
  OneOffQueryResult: 5,
  ReducerResult: 6,
  ProcedureResult: 7,
} as const;

/** How a reducer ended. `OkEmpty` is for a client to understand; the official ones tell of a call only with `Ok`. */
export const reducerOutcome = { Ok: 0, OkEmpty: 1, Err: 2, InternalError: 3 } as const;

/** What a table's rows in an update are: kept by clients, or told once and never kept. */
export const rowsKind = { PersistentTable: 0, EventTable: 1 } as const;

export function writeInitialConnection(
  out: ByteWriter,
  identity: Uint8Array,
  connection: Uint8Array,
  token: string,
): void {
  out.u8(serverTag.InitialConnection);
  out.raw(identity);
  out.raw(connection);
  out.string(token);
}

/** Starts `SubscribeApplied`; the count of tables follows, then for each its name and a list of rows. */
export function beginSubscribeApplied(out: ByteWriter, requestId: number, querySetId: number): void {
  out.u8(serverTag.SubscribeApplied);
  out.u32(requestId);
  out.u32(querySetId);
}

/** Starts `UnsubscribeApplied`; with rows, tables follow as after `beginSubscribeApplied`. */
export function beginUnsubscribeApplied(
  out: ByteWriter,
  requestId: number,
  querySetId: number,
  hasRows: boolean,
): void {
  out.u8(serverTag.UnsubscribeApplied);
  out.u32(requestId);
  out.u32(querySetId);
  out.u8(hasRows ? 0 : 1);
}

/** @param requestId undefined when a query set has ended by itself */
export function writeSubscriptionError(
  out: ByteWriter,
  requestId: number | undefined,
  querySetId: number,
  message: string,
): void {
  out.u8(serverTag.SubscriptionError);
  out.u8(requestId === undefined ? 1 : 0);
  if (requestId !== undefined) out.u32(requestId);
  out.u32(querySetId);
  out.string(message);
}

/** Starts `TransactionUpdate`; the count of query sets and the sets follow. */
export function beginTransactionUpdate(out: ByteWriter): void {
  out.u8(serverTag.TransactionUpdate);
}

/** Starts one query set's part of an update; `tableCount` tables follow. */
export function beginQuerySet(out: ByteWriter, querySetId: number, tableCount: number): void {
  out.u32(querySetId);
  out.u32(tableCount);
}

/** Starts one table's part of a query set's; `rowsCount` entries follow: a `rowsKind`, then its lists. */
export function beginTable(out: ByteWriter, tableName: string, rowsCount: number): void {
  out.string(tableName);
  out.u32(rowsCount);
}

/** Starts the `ReducerResult` of a call that succeeded; the count of query sets and the sets follow. */
/** @param value what the reducer gives, in BSATN: nothing, unless the client takes it, or official Rust clients panic */
export function beginReducerOk(
  out: ByteWriter,
  requestId: number,
  timestampMicros: number,
  value: Uint8Array | undefined,
): void {
  const at = out.reserve(18);
  const { bytes } = out;
  bytes[at] = serverTag.ReducerResult;
  out.setU32(at + 1, requestId);
  out.setU64(at + 5, timestampMicros);
  bytes[at + 13] = reducerOutcome.Ok;
  out.setU32(at + 14, value?.length ?? 0);
  if (value !== undefined) out.raw(value);
}

/** The `ReducerResult` of a call whose reducer reported an error: the text, in BSATN. */
export function writeReducerError(out: ByteWriter, requestId: number, timestampMicros: number, message: string): void {
  beginReducerResult(out, requestId, timestampMicros, reducerOutcome.Err);
  const at = out.reserve(4);
  out.string(message);
  out.setU32(at, out.length - at - 4);
}

/** The `ReducerResult` of a call that did not run or broke. */
export function writeReducerFailure(
  out: ByteWriter,
  requestId: number,
  timestampMicros: number,
  message: string,
): void {
  beginReducerResult(out, requestId, timestampMicros, reducerOutcome.InternalError);
  out.string(message);
}

function beginReducerResult(out: ByteWriter, requestId: number, timestampMicros: number, outcome: number): void {
  out.u8(serverTag.ReducerResult);
  out.u32(requestId);
  out.u64Number(timestampMicros);
  out.u8(outcome);
}

/** Starts the `OneOffQueryResult` of a query that has rows to give: one table's name and a list of rows follow. */
export function beginOneOffQueryResult(out: ByteWriter, requestId: number): void {
  out.u8(serverTag.OneOffQueryResult);
  out.u32(requestId);
  out.u8(0);
  out.u32(1);
}

export function writeOneOffQueryError(out: ByteWriter, requestId: number, message: string): void {
  out.u8(serverTag.OneOffQueryResult);
  out.u32(requestId);
  out.u8(1);
  out.string(message);
}

/** What a procedure returned, in BSATN. */
export function writeProcedureResult(
  out: ByteWriter,
  value: Uint8Array,
  timestampMicros: number,
  durationMicros: number,
  requestId: number,
): void {
  out.u8(serverTag.ProcedureResult);
  out.u8(0);
  out.byteArray(value);
  endProcedureResult(out, timestampMicros, durationMicros, requestId);
}

/** A procedure that did not run or broke. */
export function writeProcedureFailure(
  out: ByteWriter,
  message: string,
  timestampMicros: number,
  durationMicros: number,
  requestId: number,
): void {
  out.u8(serverTag.ProcedureResult);
  out.u8(1);
  out.string(message);
  endProcedureResult(out, timestampMicros, durationMicros, requestId);
}

function endProcedureResult(out: ByteWriter, timestampMicros: number, durationMicros: number, requestId: number): void {
  out.u64Number(timestampMicros);
  out.u64Number(durationMicros);
  out.u32(requestId);
}
