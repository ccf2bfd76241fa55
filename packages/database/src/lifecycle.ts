/** What happens when a client comes and goes: its `st_client` row, and the module's life-cycle reducers. */
import { asTableId, type ErrorCode, type LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { toHex } from "@lightcone/sats";
import type { Job } from "./job-loop.ts";
import type { Caller } from "./link.ts";
import { abandonCall, callReducer } from "./reducer-call.ts";
import type { Room } from "./room.ts";
import { noBytes, noReducerId, ok } from "./writer.ts";

const clientTable = asTableId(7); // st_client (identity u256, connection_id u128)
const encoder = new TextEncoder();

/** Who came. */
export type Client = Pick<Caller, "identity" | "connectionId">;

/** Why a client may not come. `Refused` is the module's own word; anything else may be over by the next time. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Notes the client and runs the connect reducer. Returns why the client is refused; undefined when it is not. */
export function connectClient(room: Room, caller: Caller): Refusal | undefined {
  if (room.refusal !== undefined) return { code: room.refusal.code, message: room.refusal.told };
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
  const { code, message } = result;
  return { code: code === "ReducerFailed" ? "Refused" : code, message };
}

/** Undoes what a connect that took too long left behind. The client is refused. */
export function abandonConnect(room: Room, caller: Client): LightconeError {
  const error = abandonCall(room);
  room.claims.delete(toHex(caller.connectionId));
  return error;
}

/**
 * Runs the disconnect reducer and forgets the client, whatever the reducer says or however long it takes. Nothing if
 * the client is forgotten already. A job of its own: what came before it has been answered.
 */
export class DisconnectJob implements Job {
  readonly #room: Room;
  readonly #client: Client;

  constructor(room: Room, client: Client) {
    this.#room = room;
    this.#client = client;
  }

  run(): void {
    const room = this.#room;
    if (!isKnown(room, this.#client)) return;
    const reducer = room.module?.lifecycle("disconnect");
    if (reducer !== undefined) {
      fillMeta(room, CommitKind.disconnect, this.#client, reducer.def.name, reducer.def.id);
      if (callReducer(room, reducer, () => forget(room, this.#client)).kind === "failed") this.#forgetAlone();
    } else this.#forgetAlone();
    room.claims.delete(toHex(this.#client.connectionId));
  }

  timedOut(): void {
    abandonCall(this.#room);
    // The next host comes back to it.
    if (this.#room.store.poisoned) return;
    this.#forgetAlone();
    this.#room.claims.delete(toHex(this.#client.connectionId));
  }

  #forgetAlone(): void {
    const room = this.#room;
    fillMeta(room, CommitKind.disconnect, this.#client, undefined, undefined);
    room.writer.transact(room.meta, () => {
      forget(room, this.#client);
      return ok;
    });
  }
}

/** Whether a client that came has not gone. */
export function isKnown(room: Room, client: Client): boolean {
  const row = clientRow(client);
  return room.store.table(clientTable)?.findRow(row, 0, row.length) !== -1;
}

function forget(room: Room, client: Client): void {
  room.store.tx.deleteRows(clientTable, oneRow(clientRow(client)));
}

function fillMeta(
  room: Room,
  kind: CommitKind,
  caller: Client,
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

function clientRow(caller: Client): Uint8Array {
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
