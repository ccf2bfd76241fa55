/** Writes a whole server message with the layered writers of `server-message.ts`: for tests that read it again. */
import { ByteWriter } from "@lightcone/sats";
import type { QueryUpdate, ServerMessage, TableUpdate, TransactionUpdate } from "../v1/decode-server-message.ts";
import type { RowListView } from "../row-list-view.ts";
import { RowListBuilder } from "../row-list.ts";
import {
  beginApplied,
  beginInitialSubscription,
  beginOneOffQueryResponse,
  beginQueryUpdate,
  beginTable,
  beginTransactionUpdate,
  beginTransactionUpdateLight,
  endInitialSubscription,
  endOneOffQueryResponse,
  endTransactionUpdate,
  writeIdentityToken,
  writeProcedureFailure,
  writeProcedureResult,
  writeSubscriptionError,
  writeTransactionFailure,
  type TransactionHead,
} from "../v1/server-message.ts";

/** The payload, compression byte included. Covers what our server says: not compressed updates, nor spent budgets. */
export function encodeServerMessage(message: ServerMessage): Uint8Array {
  const out = new ByteWriter();
  switch (message.kind) {
    case "InitialSubscription":
      beginInitialSubscription(out);
      writeTables(out, message.tables);
      endInitialSubscription(out, message.requestId, Number(message.durationMicros));
      break;
    case "TransactionUpdate":
      writeTransaction(out, message);
      break;
    case "TransactionUpdateLight":
      beginTransactionUpdateLight(out, message.requestId);
      writeTables(out, message.tables);
      break;
    case "IdentityToken":
      writeIdentityToken(out, message.identity, message.token, message.connectionId);
      break;
    case "OneOffQueryResponse": {
      beginOneOffQueryResponse(out, message.messageId, message.error);
      const [table] = message.tables;
      if (table !== undefined) {
        out.string(table.tableName);
        writeRows(out, table.rows);
      }
      endOneOffQueryResponse(out, Number(message.durationMicros));
      break;
    }
    case "SubscribeApplied":
    case "UnsubscribeApplied":
      beginApplied(out, message.kind, message.requestId, Number(message.durationMicros), message.queryId);
      out.u32(message.tableId);
      out.string(message.tableName);
      writeTable(out, message.table);
      break;
    case "SubscribeMultiApplied":
    case "UnsubscribeMultiApplied":
      beginApplied(out, message.kind, message.requestId, Number(message.durationMicros), message.queryId);
      writeTables(out, message.tables);
      break;
    case "SubscriptionError":
      writeSubscriptionError(out, Number(message.durationMicros), message.requestId, message.queryId, message.message);
      break;
    case "ProcedureResult": {
      const [at, duration] = [Number(message.timestampMicros), Number(message.durationMicros)];
      const { status, requestId } = message;
      if (status.kind === "Returned") writeProcedureResult(out, status.value, at, duration, requestId);
      else if (status.kind === "InternalError") writeProcedureFailure(out, status.message, at, duration, requestId);
      else throw new TypeError("our procedures have no budget to spend");
    }
  }
  return out.toBytes();
}

function writeTransaction(out: ByteWriter, message: TransactionUpdate): void {
  const head: TransactionHead = {
    timestampMicros: Number(message.timestampMicros),
    sender: message.callerIdentity,
    connection: message.callerConnectionId,
    functionName: message.reducerName,
    reducerId: message.reducerId,
    args: message.args,
    requestId: message.requestId,
    durationMicros: Number(message.durationMicros),
  };
  if (message.status.kind === "Committed") {
    beginTransactionUpdate(out);
    writeTables(out, message.status.tables);
    endTransactionUpdate(out, head);
  } else if (message.status.kind === "Failed") writeTransactionFailure(out, message.status.message, head);
  else throw new TypeError("our calls have no budget to spend");
}

function writeTables(out: ByteWriter, tables: readonly TableUpdate[]): void {
  out.u32(tables.length);
  for (const table of tables) writeTable(out, table);
}

function writeTable(out: ByteWriter, table: TableUpdate): void {
  beginTable(out, table.tableId, table.tableName, Number(table.rowCount), table.updates.length);
  for (const update of table.updates) writeQueryUpdate(out, update);
}

function writeQueryUpdate(out: ByteWriter, update: QueryUpdate): void {
  beginQueryUpdate(out);
  writeRows(out, update.deletes);
  writeRows(out, update.inserts);
}

const list = new RowListBuilder();

export function writeRows(out: ByteWriter, rows: RowListView): void {
  list.clear();
  for (let index = 0; index < rows.count; index += 1) {
    const start = rows.startOf(index);
    list.add(rows.data, start, rows.startOf(index + 1) - start);
  }
  list.writeTo(out);
}
