/**
 * Decodes the messages of a server of protocol v1, for our client and for tests. Mirrors `server-message.ts`.
 *
 * Rows, arguments and ids are views of the message's bytes. A query update that is compressed by itself
 * needs `decompress`; the reference no longer sends one.
 */
import { ByteReader } from "@lightcone/sats";
import { readRowList, type RowListView } from "../row-list-view.ts";
import { serverTag, updateStatus } from "./server-message.ts";

export interface QueryUpdate {
  readonly deletes: RowListView;
  readonly inserts: RowListView;
}
export interface TableUpdate {
  readonly tableId: number;
  readonly tableName: string;
  /** Inserts and deletes of all updates. */
  readonly rowCount: bigint;
  readonly updates: readonly QueryUpdate[];
}
export type UpdateStatus =
  | { readonly kind: "Committed"; readonly tables: readonly TableUpdate[] }
  | { readonly kind: "Failed"; readonly message: string }
  | { readonly kind: "OutOfEnergy" };

export interface InitialSubscription {
  readonly kind: "InitialSubscription";
  readonly tables: readonly TableUpdate[];
  readonly requestId: number;
  readonly durationMicros: bigint;
}
export interface TransactionUpdate {
  readonly kind: "TransactionUpdate";
  readonly status: UpdateStatus;
  readonly timestampMicros: bigint;
  /** 32 bytes, little-endian. */
  readonly callerIdentity: Uint8Array;
  /** 16 bytes, little-endian; all zero for none. */
  readonly callerConnectionId: Uint8Array;
  readonly reducerName: string;
  readonly reducerId: number;
  readonly args: Uint8Array;
  readonly requestId: number;
  readonly energyQuanta: bigint;
  readonly durationMicros: bigint;
}
export interface TransactionUpdateLight {
  readonly kind: "TransactionUpdateLight";
  readonly requestId: number;
  readonly tables: readonly TableUpdate[];
}
export interface IdentityToken {
  readonly kind: "IdentityToken";
  readonly identity: Uint8Array;
  readonly token: string;
  readonly connectionId: Uint8Array;
}
export interface OneOffQueryResponse {
  readonly kind: "OneOffQueryResponse";
  readonly messageId: Uint8Array;
  readonly error: string | undefined;
  readonly tables: readonly { readonly tableName: string; readonly rows: RowListView }[];
  readonly durationMicros: bigint;
}
/** The answer to a Single: one table, named twice on the wire. */
export interface SingleApplied {
  readonly kind: "SubscribeApplied" | "UnsubscribeApplied";
  readonly requestId: number;
  readonly durationMicros: bigint;
  readonly queryId: number;
  readonly tableId: number;
  readonly tableName: string;
  readonly table: TableUpdate;
}
export interface MultiApplied {
  readonly kind: "SubscribeMultiApplied" | "UnsubscribeMultiApplied";
  readonly requestId: number;
  readonly durationMicros: bigint;
  readonly queryId: number;
  readonly tables: readonly TableUpdate[];
}
export interface SubscriptionError {
  readonly kind: "SubscriptionError";
  readonly durationMicros: bigint;
  readonly requestId: number | undefined;
  readonly queryId: number | undefined;
  readonly tableId: number | undefined;
  readonly message: string;
}
export type ProcedureStatus =
  | { readonly kind: "Returned"; readonly value: Uint8Array }
  | { readonly kind: "OutOfEnergy" }
  | { readonly kind: "InternalError"; readonly message: string };
export interface ProcedureResult {
  readonly kind: "ProcedureResult";
  readonly status: ProcedureStatus;
  readonly timestampMicros: bigint;
  readonly durationMicros: bigint;
  readonly requestId: number;
}

export type ServerMessage =
  | InitialSubscription
  | TransactionUpdate
  | TransactionUpdateLight
  | IdentityToken
  | OneOffQueryResponse
  | SingleApplied
  | MultiApplied
  | SubscriptionError
  | ProcedureResult;

/** Undoes the compression of bytes that carry no tag of their own. */
export type Decompress = (kind: "brotli" | "gzip", bytes: Uint8Array) => Uint8Array;

/**
 * Reads one message without its compression byte. Bytes after it are ignored.
 *
 * @throws {LightconeError} `Malformed` for an unknown tag, a short message or text that is not UTF-8
 */
export function decodeServerMessage(bytes: Uint8Array, decompress?: Decompress): ServerMessage {
  const input = new ByteReader(bytes, "server message");
  const tag = input.u8();
  switch (tag) {
    case serverTag.InitialSubscription: {
      const tables = readTables(input, decompress);
      return { kind: "InitialSubscription", tables, requestId: input.u32(), durationMicros: input.i64() };
    }
    case serverTag.TransactionUpdate:
      return readTransactionUpdate(input, decompress);
    case serverTag.TransactionUpdateLight:
      return { kind: "TransactionUpdateLight", requestId: input.u32(), tables: readTables(input, decompress) };
    case serverTag.IdentityToken: {
      const [identity, token] = [readRaw(input, 32), input.string()];
      return { kind: "IdentityToken", identity, token, connectionId: readRaw(input, 16) };
    }
    case serverTag.OneOffQueryResponse:
      return readOneOff(input);
    case serverTag.SubscribeApplied:
      return readSingleApplied(input, "SubscribeApplied", decompress);
    case serverTag.UnsubscribeApplied:
      return readSingleApplied(input, "UnsubscribeApplied", decompress);
    case serverTag.SubscriptionError:
      return {
        kind: "SubscriptionError",
        durationMicros: input.u64(),
        requestId: readOptionalU32(input),
        queryId: readOptionalU32(input),
        tableId: readOptionalU32(input),
        message: input.string(),
      };
    case serverTag.SubscribeMultiApplied:
      return readMultiApplied(input, "SubscribeMultiApplied", decompress);
    case serverTag.UnsubscribeMultiApplied:
      return readMultiApplied(input, "UnsubscribeMultiApplied", decompress);
    case serverTag.ProcedureResult: {
      const status = readProcedureStatus(input);
      return {
        kind: "ProcedureResult",
        status,
        timestampMicros: input.i64(),
        durationMicros: input.i64(),
        requestId: input.u32(),
      };
    }
    default:
      return input.fail(`tag ${tag} is unknown`, 0);
  }
}

function readTransactionUpdate(input: ByteReader, decompress: Decompress | undefined): TransactionUpdate {
  return {
    kind: "TransactionUpdate",
    status: readStatus(input, decompress),
    timestampMicros: input.i64(),
    callerIdentity: readRaw(input, 32),
    callerConnectionId: readRaw(input, 16),
    reducerName: input.string(),
    reducerId: input.u32(),
    args: input.byteArrayView(),
    requestId: input.u32(),
    energyQuanta: input.u128(),
    durationMicros: input.i64(),
  };
}

function readStatus(input: ByteReader, decompress: Decompress | undefined): UpdateStatus {
  const tag = input.u8();
  switch (tag) {
    case updateStatus.Committed:
      return { kind: "Committed", tables: readTables(input, decompress) };
    case updateStatus.Failed:
      return { kind: "Failed", message: input.string() };
    case updateStatus.OutOfEnergy:
      return { kind: "OutOfEnergy" };
    default:
      return input.fail(`an update has no status ${tag}`, input.at - 1);
  }
}

function readProcedureStatus(input: ByteReader): ProcedureStatus {
  const tag = input.u8();
  switch (tag) {
    case 0:
      return { kind: "Returned", value: input.byteArrayView() };
    case 1:
      return { kind: "OutOfEnergy" };
    case 2:
      return { kind: "InternalError", message: input.string() };
    default:
      return input.fail(`a procedure has no status ${tag}`, input.at - 1);
  }
}

function readOneOff(input: ByteReader): OneOffQueryResponse {
  const messageId = input.byteArrayView();
  const error = readOptionTag(input) ? input.string() : undefined;
  const count = input.count(9); // an empty name and an empty list
  const tables = [];
  for (let index = 0; index < count; index += 1) tables.push({ tableName: input.string(), rows: readRowList(input) });
  return { kind: "OneOffQueryResponse", messageId, error, tables, durationMicros: input.i64() };
}

function readSingleApplied(
  input: ByteReader,
  kind: SingleApplied["kind"],
  decompress: Decompress | undefined,
): SingleApplied {
  const [requestId, durationMicros, queryId] = [input.u32(), input.u64(), input.u32()];
  const [tableId, tableName] = [input.u32(), input.string()];
  return { kind, requestId, durationMicros, queryId, tableId, tableName, table: readTable(input, decompress) };
}

function readMultiApplied(
  input: ByteReader,
  kind: MultiApplied["kind"],
  decompress: Decompress | undefined,
): MultiApplied {
  const [requestId, durationMicros, queryId] = [input.u32(), input.u64(), input.u32()];
  return { kind, requestId, durationMicros, queryId, tables: readTables(input, decompress) };
}

function readTables(input: ByteReader, decompress: Decompress | undefined): TableUpdate[] {
  const count = input.count(20); // id, empty name, count of rows, count of updates
  const tables: TableUpdate[] = [];
  for (let index = 0; index < count; index += 1) tables.push(readTable(input, decompress));
  return tables;
}

function readTable(input: ByteReader, decompress: Decompress | undefined): TableUpdate {
  const [tableId, tableName, rowCount] = [input.u32(), input.string(), input.u64()];
  const count = input.count(5); // a tag and a length at least
  const updates: QueryUpdate[] = [];
  for (let index = 0; index < count; index += 1) updates.push(readQueryUpdate(input, decompress));
  return { tableId, tableName, rowCount, updates };
}

const queryCompressions = ["none", "brotli", "gzip"] as const;

function readQueryUpdate(input: ByteReader, decompress: Decompress | undefined): QueryUpdate {
  const tag = input.u8();
  const compression = queryCompressions[tag] ?? input.fail(`a query update has no form ${tag}`, input.at - 1);
  if (compression === "none") return { deletes: readRowList(input), inserts: readRowList(input) };
  const compressed = input.byteArrayView();
  if (decompress === undefined)
    return input.fail(`a query update came in ${compression}, which is not understood here`);
  const inner = new ByteReader(decompress(compression, compressed), "query update");
  return { deletes: readRowList(inner), inserts: readRowList(inner) };
}

function readRaw(input: ByteReader, length: number): Uint8Array {
  const at = input.take(length);
  return input.bytes.subarray(at, at + length);
}

/** Whether an Option's value follows. */
function readOptionTag(input: ByteReader): boolean {
  const tag = input.u8();
  if (tag > 1) input.fail(`an option has no tag ${tag}`, input.at - 1);
  return tag === 0;
}

function readOptionalU32(input: ByteReader): number | undefined {
  return readOptionTag(input) ? input.u32() : undefined;
}
