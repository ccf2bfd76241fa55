/** Messages of versions 2 and 3 for tests: written whole with the layered writers, and in the vectors' notation. */
import { type ByteWriter, toHex, toHexReversed } from "@lightcone/sats";
import type { ClientMessage } from "../v2/client-message.ts";
import type { QuerySetUpdate, ReducerOutcome, ServerMessage, TableRows } from "../v2/decode-server-message.ts";
import {
  beginOneOffQueryResult,
  beginQuerySet,
  beginReducerOk,
  beginSubscribeApplied,
  beginTable,
  beginTransactionUpdate,
  beginUnsubscribeApplied,
  reducerOutcome,
  rowsKind,
  serverTag,
  writeInitialConnection,
  writeOneOffQueryError,
  writeProcedureFailure,
  writeProcedureResult,
  writeReducerError,
  writeReducerFailure,
  writeSubscriptionError,
} from "../v2/server-message.ts";
import { writeRows } from "./encode-server-message.ts";
import { noteRows } from "./notation.ts";

/** Writes a message without a compression byte. Covers what our server says, and `OkEmpty`. */
export function writeServerMessage(out: ByteWriter, message: ServerMessage): void {
  switch (message.kind) {
    case "InitialConnection":
      writeInitialConnection(out, message.identity, message.connectionId, message.token);
      break;
    case "SubscribeApplied":
      beginSubscribeApplied(out, message.requestId, message.querySetId);
      writeTableRows(out, message.tables);
      break;
    case "UnsubscribeApplied":
      beginUnsubscribeApplied(out, message.requestId, message.querySetId, message.tables !== undefined);
      if (message.tables !== undefined) writeTableRows(out, message.tables);
      break;
    case "SubscriptionError":
      writeSubscriptionError(out, message.requestId, message.querySetId, message.message);
      break;
    case "TransactionUpdate":
      beginTransactionUpdate(out);
      writeQuerySets(out, message.querySets);
      break;
    case "OneOffQueryResult": {
      const { requestId, result } = message;
      if (result.kind === "err") {
        writeOneOffQueryError(out, requestId, result.message);
        break;
      }
      beginOneOffQueryResult(out, requestId);
      for (const { tableName, rows } of result.tables) {
        out.string(tableName);
        writeRows(out, rows);
      }
      break;
    }
    case "ReducerResult":
      writeOutcome(out, message.requestId, Number(message.timestampMicros), message.outcome);
      break;
    case "ProcedureResult": {
      const [at, duration] = [Number(message.timestampMicros), Number(message.durationMicros)];
      const { status, requestId } = message;
      if (status.kind === "Returned") writeProcedureResult(out, status.value, at, duration, requestId);
      else writeProcedureFailure(out, status.message, at, duration, requestId);
    }
  }
}

function writeOutcome(out: ByteWriter, requestId: number, timestampMicros: number, outcome: ReducerOutcome): void {
  switch (outcome.kind) {
    case "Ok":
      beginReducerOk(out, requestId, timestampMicros, outcome.value.length === 0 ? undefined : outcome.value);
      writeQuerySets(out, outcome.querySets);
      break;
    case "OkEmpty":
      out.u8(serverTag.ReducerResult);
      out.u32(requestId);
      out.u64Number(timestampMicros);
      out.u8(reducerOutcome.OkEmpty);
      break;
    case "Err":
      writeReducerError(out, requestId, timestampMicros, new TextDecoder().decode(outcome.error.subarray(4)));
      break;
    case "InternalError":
      writeReducerFailure(out, requestId, timestampMicros, outcome.message);
  }
}

function writeTableRows(out: ByteWriter, tables: readonly TableRows[]): void {
  out.u32(tables.length);
  for (const { tableName, rows } of tables) {
    out.string(tableName);
    writeRows(out, rows);
  }
}

function writeQuerySets(out: ByteWriter, sets: readonly QuerySetUpdate[]): void {
  out.u32(sets.length);
  for (const { querySetId, tables } of sets) {
    beginQuerySet(out, querySetId, tables.length);
    for (const { tableName, rows } of tables) {
      beginTable(out, tableName, rows.length);
      for (const each of rows) {
        out.u8(rowsKind[each.kind]);
        if (each.kind === "EventTable") writeRows(out, each.events);
        else {
          writeRows(out, each.inserts);
          writeRows(out, each.deletes);
        }
      }
    }
  }
}

// --- notation

const tagged = (tag: string, value: unknown): unknown => ({ tag, value });

export function noteClientMessage(message: ClientMessage): unknown {
  const head = { request_id: message.requestId };
  switch (message.kind) {
    case "Subscribe":
      return tagged(message.kind, {
        ...head,
        query_set_id: { id: message.querySetId },
        query_strings: message.queries,
      });
    case "Unsubscribe":
      return tagged(message.kind, {
        ...head,
        query_set_id: { id: message.querySetId },
        flags: { tag: message.sendDroppedRows ? "SendDroppedRows" : "Default" },
      });
    case "OneOffQuery":
      return tagged(message.kind, { ...head, query_string: message.query });
    case "CallReducer":
      return tagged(message.kind, { ...head, flags: 0, reducer: message.reducer, args: toHex(message.args) });
    case "CallProcedure":
      return tagged(message.kind, { ...head, flags: 0, procedure: message.procedure, args: toHex(message.args) });
  }
}

export function noteServerMessage(message: ServerMessage): unknown {
  return tagged(message.kind, serverFields(message));
}

function serverFields(message: ServerMessage): unknown {
  switch (message.kind) {
    case "InitialConnection":
      return {
        identity: toHexReversed(message.identity),
        connection_id: toHexReversed(message.connectionId),
        token: message.token,
      };
    case "SubscribeApplied":
      return {
        request_id: message.requestId,
        query_set_id: { id: message.querySetId },
        rows: noteTableRows(message.tables),
      };
    case "UnsubscribeApplied":
      return {
        request_id: message.requestId,
        query_set_id: { id: message.querySetId },
        rows: message.tables === undefined ? null : noteTableRows(message.tables),
      };
    case "SubscriptionError":
      return {
        request_id: message.requestId ?? null,
        query_set_id: { id: message.querySetId },
        error: message.message,
      };
    case "TransactionUpdate":
      return noteQuerySets(message.querySets);
    case "OneOffQueryResult":
      return {
        request_id: message.requestId,
        result:
          message.result.kind === "ok" ? { ok: noteTableRows(message.result.tables) } : { err: message.result.message },
      };
    case "ReducerResult":
      return {
        request_id: message.requestId,
        timestamp: String(message.timestampMicros),
        result: noteOutcome(message.outcome),
      };
    case "ProcedureResult":
      return {
        status:
          message.status.kind === "Returned"
            ? tagged("Returned", toHex(message.status.value))
            : tagged("InternalError", message.status.message),
        timestamp: String(message.timestampMicros),
        total_host_execution_duration: String(message.durationMicros),
        request_id: message.requestId,
      };
  }
}

function noteOutcome(outcome: ReducerOutcome): unknown {
  switch (outcome.kind) {
    case "Ok":
      return tagged("Ok", { ret_value: toHex(outcome.value), transaction_update: noteQuerySets(outcome.querySets) });
    case "OkEmpty":
      return { tag: "OkEmpty" };
    case "Err":
      return tagged("Err", toHex(outcome.error));
    case "InternalError":
      return tagged("InternalError", outcome.message);
  }
}

function noteTableRows(tables: readonly TableRows[]): unknown {
  return { tables: tables.map(({ tableName, rows }) => ({ table: tableName, rows: noteRows(rows) })) };
}

function noteQuerySets(sets: readonly QuerySetUpdate[]): unknown {
  return {
    query_sets: sets.map(({ querySetId, tables }) => ({
      query_set_id: { id: querySetId },
      tables: tables.map(({ tableName, rows }) => ({
        table_name: tableName,
        rows: rows.map((each) =>
          each.kind === "EventTable"
            ? tagged("EventTable", { events: noteRows(each.events) })
            : tagged("PersistentTable", { inserts: noteRows(each.inserts), deletes: noteRows(each.deletes) }),
        ),
      })),
    })),
  };
}
