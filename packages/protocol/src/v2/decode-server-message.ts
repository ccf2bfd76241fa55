/**
 * Decodes the messages of a server of protocols v2 and v3, for tests and clients. Mirrors `server-message.ts`.
 *
 * Rows, values and ids are views of the message's bytes.
 */
import { ByteReader } from "@lightcone/sats";
import { readRowList, type RowListView } from "../row-list-view.ts";
import { reducerOutcome, rowsKind, serverTag } from "./server-message.ts";

export interface InitialConnection {
  readonly kind: "InitialConnection";
  /** 32 bytes, little-endian. */
  readonly identity: Uint8Array;
  /** 16 bytes, little-endian. */
  readonly connectionId: Uint8Array;
  readonly token: string;
}
export interface TableRows {
  readonly tableName: string;
  readonly rows: RowListView;
}
export interface SubscribeApplied {
  readonly kind: "SubscribeApplied";
  readonly requestId: number;
  readonly querySetId: number;
  readonly tables: readonly TableRows[];
}
export interface UnsubscribeApplied {
  readonly kind: "UnsubscribeApplied";
  readonly requestId: number;
  readonly querySetId: number;
  /** Undefined when the client did not ask for the rows that it loses. */
  readonly tables: readonly TableRows[] | undefined;
}
export interface SubscriptionError {
  readonly kind: "SubscriptionError";
  readonly requestId: number | undefined;
  readonly querySetId: number;
  readonly message: string;
}
export type TableUpdateRows =
  | { readonly kind: "PersistentTable"; readonly inserts: RowListView; readonly deletes: RowListView }
  | { readonly kind: "EventTable"; readonly events: RowListView };
export interface TableUpdate {
  readonly tableName: string;
  readonly rows: readonly TableUpdateRows[];
}
export interface QuerySetUpdate {
  readonly querySetId: number;
  readonly tables: readonly TableUpdate[];
}
export interface TransactionUpdate {
  readonly kind: "TransactionUpdate";
  readonly querySets: readonly QuerySetUpdate[];
}
export interface OneOffQueryResult {
  readonly kind: "OneOffQueryResult";
  readonly requestId: number;
  readonly result:
    | { readonly kind: "ok"; readonly tables: readonly TableRows[] }
    | { readonly kind: "err"; readonly message: string };
}
export type ReducerOutcome =
  | { readonly kind: "Ok"; readonly value: Uint8Array; readonly querySets: readonly QuerySetUpdate[] }
  | { readonly kind: "OkEmpty" }
  /** The error as the reducer gave it: BSATN, as a rule of a string. */
  | { readonly kind: "Err"; readonly error: Uint8Array }
  | { readonly kind: "InternalError"; readonly message: string };
export interface ReducerResult {
  readonly kind: "ReducerResult";
  readonly requestId: number;
  readonly timestampMicros: bigint;
  readonly outcome: ReducerOutcome;
}
export type ProcedureStatus =
  | { readonly kind: "Returned"; readonly value: Uint8Array }
  | { readonly kind: "InternalError"; readonly message: string };
export interface ProcedureResult {
  readonly kind: "ProcedureResult";
  readonly status: ProcedureStatus;
  readonly timestampMicros: bigint;
  readonly durationMicros: bigint;
  readonly requestId: number;
}

export type ServerMessage =
  | InitialConnection
  | SubscribeApplied
  | UnsubscribeApplied
  | SubscriptionError
  | TransactionUpdate
  | OneOffQueryResult
  | ReducerResult
  | ProcedureResult;

/**
 * Reads one message without its compression byte. Bytes after it are ignored.
 *
 * @throws {LightconeError} `Malformed` for an unknown tag, a short message or text that is not UTF-8
 */
export function decodeServerMessage(bytes: Uint8Array): ServerMessage {
  return readServerMessage(new ByteReader(bytes, "server message"));
}

/** Reads the next message. @throws {LightconeError} `Malformed` */
export function readServerMessage(input: ByteReader): ServerMessage {
  const at = input.at;
  const tag = input.u8();
  switch (tag) {
    case serverTag.InitialConnection: {
      const [identity, connectionId] = [readRaw(input, 32), readRaw(input, 16)];
      return { kind: "InitialConnection", identity, connectionId, token: input.string() };
    }
    case serverTag.SubscribeApplied: {
      const [requestId, querySetId] = [input.u32(), input.u32()];
      return { kind: "SubscribeApplied", requestId, querySetId, tables: readTableRows(input) };
    }
    case serverTag.UnsubscribeApplied: {
      const [requestId, querySetId] = [input.u32(), input.u32()];
      const tables = readTag(input, "an option", 2) === 0 ? readTableRows(input) : undefined;
      return { kind: "UnsubscribeApplied", requestId, querySetId, tables };
    }
    case serverTag.SubscriptionError: {
      const requestId = readTag(input, "an option", 2) === 0 ? input.u32() : undefined;
      return { kind: "SubscriptionError", requestId, querySetId: input.u32(), message: input.string() };
    }
    case serverTag.TransactionUpdate:
      return { kind: "TransactionUpdate", querySets: readQuerySets(input) };
    case serverTag.OneOffQueryResult: {
      const requestId = input.u32();
      const isOk = readTag(input, "a result", 2) === 0;
      const result = isOk
        ? ({ kind: "ok", tables: readTableRows(input) } as const)
        : ({ kind: "err", message: input.string() } as const);
      return { kind: "OneOffQueryResult", requestId, result };
    }
    case serverTag.ReducerResult: {
      const [requestId, timestampMicros] = [input.u32(), input.i64()];
      return { kind: "ReducerResult", requestId, timestampMicros, outcome: readOutcome(input) };
    }
    case serverTag.ProcedureResult: {
      const isReturned = readTag(input, "a procedure's status", 2) === 0;
      const status: ProcedureStatus = isReturned
        ? { kind: "Returned", value: input.byteArrayView() }
        : { kind: "InternalError", message: input.string() };
      const [timestampMicros, durationMicros] = [input.i64(), input.i64()];
      return { kind: "ProcedureResult", status, timestampMicros, durationMicros, requestId: input.u32() };
    }
    default:
      return input.fail(`tag ${tag} is unknown`, at);
  }
}

function readOutcome(input: ByteReader): ReducerOutcome {
  const tag = readTag(input, "a reducer's outcome", 4);
  switch (tag) {
    case reducerOutcome.Ok:
      return { kind: "Ok", value: input.byteArrayView(), querySets: readQuerySets(input) };
    case reducerOutcome.OkEmpty:
      return { kind: "OkEmpty" };
    case reducerOutcome.Err:
      return { kind: "Err", error: input.byteArrayView() };
    default:
      return { kind: "InternalError", message: input.string() };
  }
}

function readTableRows(input: ByteReader): TableRows[] {
  const count = input.count(9); // an empty name and an empty list
  const tables: TableRows[] = [];
  for (let index = 0; index < count; index += 1) tables.push({ tableName: input.string(), rows: readRowList(input) });
  return tables;
}

export function readQuerySets(input: ByteReader): QuerySetUpdate[] {
  const count = input.count(8); // an id and a count
  const sets: QuerySetUpdate[] = [];
  for (let index = 0; index < count; index += 1) sets.push({ querySetId: input.u32(), tables: readTables(input) });
  return sets;
}

function readTables(input: ByteReader): TableUpdate[] {
  const count = input.count(8); // an empty name and a count
  const tables: TableUpdate[] = [];
  for (let index = 0; index < count; index += 1) {
    const tableName = input.string();
    const rows: TableUpdateRows[] = [];
    for (let left = input.count(8); left > 0; left -= 1) rows.push(readRows(input)); // a tag and a list at least
    tables.push({ tableName, rows });
  }
  return tables;
}

function readRows(input: ByteReader): TableUpdateRows {
  const kind = readTag(input, "a table's update", 2);
  if (kind === rowsKind.EventTable) return { kind: "EventTable", events: readRowList(input) };
  return { kind: "PersistentTable", inserts: readRowList(input), deletes: readRowList(input) };
}

/** Reads a tag below `count`. */
function readTag(input: ByteReader, what: string, count: number): number {
  const tag = input.u8();
  if (tag >= count) input.fail(`${what} has no tag ${tag}`, input.at - 1);
  return tag;
}

function readRaw(input: ByteReader, length: number): Uint8Array {
  const at = input.take(length);
  return input.bytes.subarray(at, at + length);
}
