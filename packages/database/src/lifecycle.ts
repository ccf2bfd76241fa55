/** What happens when a client comes and goes: its `st_client` row, and the module's life-cycle reducers. */
import { asTableId } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { toHex } from "@lightcone/sats";
import type { Caller } from "./link.ts";
import { callReducer } from "./reducer-call.ts";
import type { Room } from "./room.ts";
import { noBytes, noReducerId, ok } from "./writer.ts";

const clientTable = asTableId(7); // st_client (identity u256, connection_id u128)
const encoder = new TextEncoder();

/** Notes the client and runs the connect reducer. Returns why the client is refused; undefined when it is not. */
export function connectClient(room: Room, caller: Caller): string | undefined {
  if (room.refusal !== undefined) return room.refusal.message;
  const key = toHex(caller.connectionId);
  room.claims.set(key, encoder.encode(caller.claims));
  const row = clientRow(caller);
  const reducer = room.module?.lifecycle("connect");
  fillMeta(room, CommitKind.connect, caller, reducer?.def.name, reducer?.def.id);
  const note = (): void => void room.store.tx.insert(clientTable, row, 0, row.length);
  if (reducer === undefined) {
    room.writer.transact(room.meta, () => {
      note();
      return ok;
    });
    return undefined;
  }
  const result = callReducer(room, reducer, undefined, note);
  if (result.kind === "committed") return undefined;
  room.claims.delete(key);
  return result.message;
}

/** Runs the disconnect reducer and forgets the client, whatever the reducer says. Nothing if it is forgotten already. */
export function disconnectClient(room: Room, caller: Pick<Caller, "identity" | "connectionId">): void {
  const row = clientRow(caller);
  if (room.store.table(clientTable)?.findRow(row, 0, row.length) === -1) return;
  const reducer = room.module?.lifecycle("disconnect");
  const forget = (): void => void room.store.tx.deleteRows(clientTable, oneRow(row));
  fillMeta(room, CommitKind.disconnect, caller, reducer?.def.name, reducer?.def.id);
  if (reducer === undefined || callReducer(room, reducer, forget).kind === "failed") {
    fillMeta(room, CommitKind.disconnect, caller, undefined, undefined);
    room.writer.transact(room.meta, () => {
      forget();
      return ok;
    });
  }
  room.claims.delete(toHex(caller.connectionId));
}

function fillMeta(
  room: Room,
  kind: CommitKind,
  caller: Pick<Caller, "identity" | "connectionId">,
  functionName: string | undefined,
  reducerId: number | undefined,
): void {
  const { meta } = room;
  meta.kind = kind;
  meta.timestampMicros = room.writer.nowMicros();
  meta.functionName = functionName ?? "";
  meta.reducerId = reducerId ?? noReducerId;
  meta.args = noBytes;
  meta.sender = caller.identity;
  meta.connection = caller.connectionId;
  meta.requestId = 0;
  meta.requestSequence = 0;
}

function clientRow(caller: Pick<Caller, "identity" | "connectionId">): Uint8Array {
  const row = new Uint8Array(48);
  row.set(caller.identity, 0);
  row.set(caller.connectionId, 32);
  return row;
}

/** A BSATN array of one row. */
function oneRow(row: Uint8Array): Uint8Array {
  const rows = new Uint8Array(4 + row.length);
  rows[0] = 1;
  rows.set(row, 4);
  return rows;
}
