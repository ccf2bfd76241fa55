/** What happens when a client comes and goes: its `st_client` row, and the module's life-cycle reducers. */
import { asTableId, LightconeError, type ErrorCode } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { toHexReversed } from "@lightcone/sats";
import { bytesOfClient, keyOfClient, type Client } from "../link/client.ts";
import type { Job } from "../core/job-loop.ts";
import type { Caller } from "../link/link.ts";
import { isWhole, noted } from "../recovery/noted.ts";
import { abandonCall, callReducer } from "./reducer-call.ts";
import type { Room } from "../core/context.ts";
import { WorkKind } from "../link/work.ts";
import { noBytes, noReducerId, ok } from "../core/commit-pipeline.ts";

const clientTable = asTableId(7); // st_client (identity u256, connection_id u128)
const encoder = new TextEncoder();

/** Why a client may not come. `Refused` is the module's own word; anything else may be over by the next time. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * Notes the client and runs the connect reducer. Returns why the client is refused; undefined when it is not.
 *
 * @throws {HostEnded} naming the client, when it breaks the host
 */
export function connectClient(room: Room, caller: Caller): Refusal | undefined {
  if (room.refusal !== undefined) return { code: room.refusal.code, message: room.refusal.told };
  const row = bytesOfClient(caller);
  if (isKnown(room, caller))
    return new LightconeError("ConnectionIdInUse", { connectionId: toHexReversed(caller.connectionId) });
  return noted(room, WorkKind.connect, row, 0, () => {
    const key = keyOfClient(caller);
    const reducer = room.module?.lifecycle("connect");
    const quarantine = reducer === undefined || caller.isOwner ? undefined : room.ends.refusal(reducer.def.name);
    if (quarantine !== undefined) return { code: quarantine.code, message: quarantine.message };
    room.claims.set(key, encoder.encode(caller.claims));
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
  });
}

/** Undoes what a connect that took too long left behind. The client is refused. */
export function abandonConnect(room: Room, caller: Client): LightconeError {
  const error = abandonCall(room);
  room.claims.delete(keyOfClient(caller));
  return error;
}

/**
 * Runs the disconnect reducer and forgets the client, whatever the reducer says or however long it takes. Nothing if
 * the client is forgotten already. A job of its own: what came before it has been answered.
 */
export class DisconnectJob implements Job {
  readonly #room: Room;
  readonly #client: Client;
  readonly #runsReducer: boolean;

  /** @param runsReducer false when the reducer has ended a host before */
  constructor(room: Room, client: Client, runsReducer = true) {
    this.#room = room;
    this.#client = client;
    this.#runsReducer = runsReducer;
  }

  run(): void {
    const room = this.#room;
    const client = this.#client;
    if (!isKnown(room, client)) return;
    const own = room.module?.lifecycle("disconnect");
    const reducer =
      this.#runsReducer && own !== undefined && room.ends.refusal(own.def.name) === undefined ? own : undefined;
    noted(room, WorkKind.disconnect, bytesOfClient(client), 0, () => {
      if (reducer !== undefined) {
        fillMeta(room, CommitKind.disconnect, client, reducer.def.name, reducer.def.id);
        if (callReducer(room, reducer, () => forget(room, client)).kind === "committed") return;
      }
      this.#forgetAlone();
    });
    room.claims.delete(keyOfClient(client));
  }

  timedOut(): void {
    const room = this.#room;
    room.activity.end();
    abandonCall(room);
    // The next host comes back to it.
    if (!isWhole(room)) return;
    if (isKnown(room, this.#client)) this.#forgetAlone();
    room.claims.delete(keyOfClient(this.#client));
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
  const row = bytesOfClient(client);
  return room.store.table(clientTable)?.findRow(row, 0, row.length) !== -1;
}

/** Those who came and have not gone. */
export function knownClients(room: Room): readonly Client[] {
  const clients: Client[] = [];
  const cursor = room.store.table(clientTable)?.openCursor();
  cursor?.seek();
  for (let row = cursor?.next() ?? -1; row !== -1; row = cursor?.next() ?? -1) {
    room.store.locate(row);
    const { bytes, at } = room.store.place;
    clients.push({ identity: bytes.slice(at, at + 32), connectionId: bytes.slice(at + 32, at + 48) });
  }
  return clients;
}

function forget(room: Room, client: Client): void {
  room.store.tx.deleteRows(clientTable, oneRow(bytesOfClient(client)));
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

/** A BSATN array of one row. */
function oneRow(row: Uint8Array): Uint8Array {
  const rows = new Uint8Array(4 + row.length);
  rows[0] = 1;
  rows.set(row, 4);
  return rows;
}
