/** Frames of version 1 as a server of version 3 would word them, and a client's of version 3 in the words of version 1. */
import {
  decodeClientMessage,
  decodeServerMessage,
  RowListBuilder,
  v2,
  v3,
  type ClientMessage,
  type RowListView,
  type TableUpdate,
} from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";

export type TestedVersion = 1 | 3;

/** What a frame of the client asks, whatever its version. */
export function asksIn(frame: Uint8Array, version: TestedVersion): ClientMessage[] {
  if (version === 1) return [decodeClientMessage(frame, 0, frame.length)];
  return v3.decodeClientPayload(frame).map((ask): ClientMessage => {
    const { requestId } = ask;
    switch (ask.kind) {
      case "Subscribe":
        return { kind: "SubscribeMulti", queries: ask.queries, requestId, queryId: ask.querySetId };
      case "Unsubscribe":
        return { kind: "UnsubscribeMulti", requestId, queryId: ask.querySetId };
      case "CallReducer":
        return { ...ask, argsText: undefined, notify: true };
      case "CallProcedure":
        return { ...ask, argsText: undefined };
      case "OneOffQuery":
        return { kind: "OneOffQuery", query: ask.query, messageId: Uint8Array.of(requestId, 0, 0, 0) };
    }
  });
}

/** A frame that version 1 cannot read is as wrong in the other. */
export function translated(frame: Uint8Array): Uint8Array {
  const out = new ByteWriter();
  out.u8(0);
  try {
    writeSaid(out, frame);
  } catch {
    return frame[0] === 0 && frame.length > 2 ? Uint8Array.of(0, v2.serverTag.TransactionUpdate, 1) : frame;
  }
  return out.toBytes();
}

function writeSaid(out: ByteWriter, frame: Uint8Array): void {
  const said = decodeServerMessage(frame.subarray(1));
  switch (said.kind) {
    case "IdentityToken":
      return v2.writeInitialConnection(out, said.identity, said.connectionId, said.token);
    case "SubscribeMultiApplied":
      v2.beginSubscribeApplied(out, said.requestId, said.queryId);
      return writeTables(out, said.tables, "inserts");
    case "UnsubscribeMultiApplied":
      v2.beginUnsubscribeApplied(out, said.requestId, said.queryId, true);
      return writeTables(out, said.tables, "deletes");
    case "SubscriptionError":
      return v2.writeSubscriptionError(out, said.requestId, said.queryId ?? 0, said.message);
    case "TransactionUpdateLight":
      v2.beginTransactionUpdate(out);
      return writeSet(out, said.tables);
    case "TransactionUpdate": {
      const { requestId, status } = said;
      if (status.kind === "Committed") {
        v2.beginReducerOk(out, requestId, 0, undefined);
        return writeSet(out, status.tables);
      }
      return v2.writeReducerError(out, requestId, 0, status.kind === "Failed" ? status.message : "out of energy");
    }
    default:
      throw new Error(`no test has a ${said.kind}`);
  }
}

function writeTables(out: ByteWriter, tables: readonly TableUpdate[], which: "inserts" | "deletes"): void {
  const lists = tables.flatMap(({ tableName, updates }) =>
    updates.map((update) => [tableName, update[which]] as const),
  );
  out.u32(lists.length);
  for (const [name, list] of lists) {
    out.string(name);
    writeList(out, list);
  }
}

/** All as the changes of one query set: the client puts them into one cache. */
function writeSet(out: ByteWriter, tables: readonly TableUpdate[]): void {
  out.u32(tables.length === 0 ? 0 : 1);
  if (tables.length === 0) return;
  v2.beginQuerySet(out, 1, tables.length);
  for (const { tableName, updates } of tables) {
    v2.beginTable(out, tableName, updates.length);
    for (const { inserts, deletes } of updates) {
      out.u8(v2.rowsKind.PersistentTable);
      writeList(out, inserts);
      writeList(out, deletes);
    }
  }
}

function writeList(out: ByteWriter, list: RowListView): void {
  const rows = new RowListBuilder();
  for (const row of list) rows.add(row, 0, row.length);
  rows.writeTo(out);
}
