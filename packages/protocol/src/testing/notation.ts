/** Our messages in the notation of `conformance/vectors/websocket.json`: snake_case, `{tag, value}`, digits as text. */
import { toHex, toHexReversed } from "@lightcone/sats";
import type { ClientMessage } from "../v1/client-message.ts";
import type { ServerMessage, TableUpdate } from "../v1/decode-server-message.ts";
import type { RowListView } from "../row-list-view.ts";

const tagged = (tag: string, value: unknown): unknown => ({ tag, value });

export function noteClientMessage(message: ClientMessage): unknown {
  switch (message.kind) {
    case "CallReducer":
      return tagged(message.kind, {
        reducer: message.reducer,
        args: toHex(message.args),
        request_id: message.requestId,
        flags: message.notify ? 0 : 1,
      });
    case "CallProcedure":
      return tagged(message.kind, {
        procedure: message.procedure,
        args: toHex(message.args),
        request_id: message.requestId,
        flags: 0,
      });
    case "Subscribe":
      return tagged(message.kind, { query_strings: message.queries, request_id: message.requestId });
    case "OneOffQuery":
      return tagged(message.kind, { message_id: toHex(message.messageId), query_string: message.query });
    case "SubscribeSingle":
      return tagged(message.kind, {
        query: message.query,
        request_id: message.requestId,
        query_id: { id: message.queryId },
      });
    case "SubscribeMulti":
      return tagged(message.kind, {
        query_strings: message.queries,
        request_id: message.requestId,
        query_id: { id: message.queryId },
      });
    case "Unsubscribe":
    case "UnsubscribeMulti":
      return tagged(message.kind, { request_id: message.requestId, query_id: { id: message.queryId } });
  }
}

export function noteServerMessage(message: ServerMessage): unknown {
  return tagged(message.kind, serverFields(message));
}

function serverFields(message: ServerMessage): unknown {
  switch (message.kind) {
    case "InitialSubscription":
      return {
        database_update: noteTables(message.tables),
        request_id: message.requestId,
        total_host_execution_duration: String(message.durationMicros),
      };
    case "TransactionUpdate":
      return {
        status:
          message.status.kind === "Committed"
            ? tagged("Committed", noteTables(message.status.tables))
            : message.status.kind === "Failed"
              ? tagged("Failed", message.status.message)
              : { tag: "OutOfEnergy" },
        timestamp: String(message.timestampMicros),
        caller_identity: toHexReversed(message.callerIdentity),
        caller_connection_id: toHexReversed(message.callerConnectionId),
        reducer_call: {
          reducer_name: message.reducerName,
          reducer_id: message.reducerId,
          args: toHex(message.args),
          request_id: message.requestId,
        },
        energy_quanta_used: { quanta: String(message.energyQuanta) },
        total_host_execution_duration: String(message.durationMicros),
      };
    case "TransactionUpdateLight":
      return { request_id: message.requestId, update: noteTables(message.tables) };
    case "IdentityToken":
      return {
        identity: toHexReversed(message.identity),
        token: message.token,
        connection_id: toHexReversed(message.connectionId),
      };
    case "OneOffQueryResponse":
      return {
        message_id: toHex(message.messageId),
        error: message.error ?? null,
        tables: message.tables.map((table) => ({ table_name: table.tableName, rows: noteRows(table.rows) })),
        total_host_execution_duration: String(message.durationMicros),
      };
    case "SubscribeApplied":
    case "UnsubscribeApplied":
      return {
        request_id: message.requestId,
        total_host_execution_duration_micros: String(message.durationMicros),
        query_id: { id: message.queryId },
        rows: { table_id: message.tableId, table_name: message.tableName, table_rows: noteTable(message.table) },
      };
    case "SubscribeMultiApplied":
    case "UnsubscribeMultiApplied":
      return {
        request_id: message.requestId,
        total_host_execution_duration_micros: String(message.durationMicros),
        query_id: { id: message.queryId },
        update: noteTables(message.tables),
      };
    case "SubscriptionError":
      return {
        total_host_execution_duration_micros: String(message.durationMicros),
        request_id: message.requestId ?? null,
        query_id: message.queryId ?? null,
        table_id: message.tableId ?? null,
        error: message.message,
      };
    case "ProcedureResult":
      return {
        status:
          message.status.kind === "Returned"
            ? tagged("Returned", toHex(message.status.value))
            : message.status.kind === "InternalError"
              ? tagged("InternalError", message.status.message)
              : { tag: "OutOfEnergy" },
        timestamp: String(message.timestampMicros),
        total_host_execution_duration: String(message.durationMicros),
        request_id: message.requestId,
      };
  }
}

function noteTables(tables: readonly TableUpdate[]): unknown {
  return { tables: tables.map(noteTable) };
}

function noteTable(table: TableUpdate): unknown {
  return {
    table_id: table.tableId,
    table_name: table.tableName,
    num_rows: String(table.rowCount),
    updates: table.updates.map((update) =>
      tagged("Uncompressed", { deletes: noteRows(update.deletes), inserts: noteRows(update.inserts) }),
    ),
  };
}

/** Rows one by one: the hint is told apart by the vectors' bytes. */
export function noteRows(rows: RowListView): readonly string[] {
  return Array.from(rows, (row) => toHex(row));
}

/** A vector's value with every row list as its rows, so that both sides of a comparison have them alike. */
export function withRows(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withRows);
  if (typeof value !== "object" || value === null) return value;
  if ("rows_data" in value && "size_hint" in value) return rowsOf(value as VectorRows);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withRows(inner)]));
}

interface VectorRows {
  readonly rows_data: string;
  readonly size_hint:
    | { readonly tag: "FixedSize"; readonly value: number }
    | { readonly tag: "RowOffsets"; readonly value: readonly string[] };
}

function rowsOf({ rows_data: data, size_hint: hint }: VectorRows): readonly string[] {
  const length = data.length / 2;
  const starts =
    hint.tag === "RowOffsets"
      ? hint.value.map(Number)
      : Array.from({ length: length / hint.value }, (_, index) => index * hint.value);
  return starts.map((start, index) => data.slice(start * 2, (starts[index + 1] ?? length) * 2));
}
