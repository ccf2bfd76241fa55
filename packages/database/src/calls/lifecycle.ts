/** What happens when a client connects and disconnects: its `st_client` row, and the module's life-cycle reducers. */
import { asTableId, LightconeError, type ErrorCode } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { toHexReversed } from "@lightcone/sats";
import { bytesOfClient, keyOfClient, type Client } from "../link/client.ts";
import type { Job } from "../core/job-loop.ts";
import type { Caller } from "../link/link.ts";
import { noted } from "../recovery/noted.ts";
import { abandonCall, abandonNoted, callReducer } from "./reducer-call.ts";
import { isWhole, type DatabaseContext } from "../core/context.ts";
import { Call } from "../core/call.ts";
import type { BoundReducer } from "../core/module.ts";
import { WorkKind } from "../link/work.ts";
import { ok } from "../core/commit-pipeline.ts";

const clientTable = asTableId(7); // st_client (identity u256, connection_id u128)
const encoder = new TextEncoder();

/** Why a client is refused. `Refused` is the module's own decision; any other reason may be over by the next try. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/**
 * Notes the client and runs the connect reducer. Returns why the client is refused; undefined when it is not.
 *
 * @throws {HostEnded} naming the client, when it breaks the host
 */
export function connectClient(context: DatabaseContext, caller: Caller): Refusal | undefined {
  const key = keyOfClient(caller);
  const condemned = context.condemnedClients.get(key);
  if (context.condemnedClients.delete(key)) return condemned;
  if (context.pipeline.refusal !== undefined)
    return { code: context.pipeline.refusal.code, message: context.pipeline.refusal.told };
  const row = bytesOfClient(caller);
  if (isKnown(context, caller))
    return new LightconeError("ConnectionIdInUse", { connectionId: toHexReversed(caller.connectionId) });
  return noted(context, WorkKind.connect, row, 0, () => {
    const reducer = context.module?.lifecycle("connect");
    const quarantine = reducer === undefined || caller.isOwner ? undefined : context.ends.refusal(reducer.def.name);
    if (quarantine !== undefined) return { code: quarantine.code, message: quarantine.message };
    context.claims.set(key, encoder.encode(caller.claims));
    const call = callOf(context, CommitKind.connect, caller, reducer);
    const note = (): void => context.store.system.insert(clientTable, row, row.length);
    if (reducer === undefined) {
      context.pipeline.transact(call, () => {
        note();
        return ok;
      });
      return undefined;
    }
    const result = callReducer(context, call, reducer, undefined, note);
    if (result.kind === "committed") return undefined;
    context.claims.delete(key);
    const { code, message } = result;
    return { code: code === "ReducerFailed" ? "Refused" : code, message };
  });
}

/** Undoes what a connect that took too long left behind. The client is refused, if need be by the next host. @throws {HostEnded} */
export function abandonConnect(context: DatabaseContext, caller: Client): LightconeError {
  const error = abandonNoted(context, WorkKind.connect, bytesOfClient(caller), 0);
  context.claims.delete(keyOfClient(caller));
  return error;
}

/**
 * Runs the disconnect reducer and forgets the client, whatever the reducer says or however long it takes. Does nothing
 * if the client is forgotten already. A job of its own: the client's messages before it have been answered.
 *
 * @param runsReducer false when the reducer has ended a host before
 */
export function disconnectJob(context: DatabaseContext, client: Client, runsReducer = true): Job {
  const forgetAlone = (): void => {
    const call = callOf(context, CommitKind.disconnect, client, undefined);
    context.pipeline.transact(call, () => {
      forget(context, client);
      return ok;
    });
  };
  return {
    run(): void {
      if (!isKnown(context, client)) return;
      const own = runsReducer ? context.module?.lifecycle("disconnect") : undefined;
      const reducer = own !== undefined && context.ends.refusal(own.def.name) === undefined ? own : undefined;
      noted(context, WorkKind.disconnect, bytesOfClient(client), 0, () => {
        if (reducer !== undefined) {
          const call = callOf(context, CommitKind.disconnect, client, reducer);
          if (callReducer(context, call, reducer, () => forget(context, client)).kind === "committed") return;
        }
        forgetAlone();
      });
      context.claims.delete(keyOfClient(client));
    },
    timedOut(): void {
      context.activity.end();
      abandonCall(context);
      // The next host comes back to it.
      if (!isWhole(context)) return;
      if (isKnown(context, client)) forgetAlone();
      context.claims.delete(keyOfClient(client));
    },
  };
}

/** Whether a client is connected, as the tables say. */
export function isKnown(context: DatabaseContext, client: Client): boolean {
  const row = bytesOfClient(client);
  return context.store.table(clientTable)?.findRow(row, 0, row.length) !== -1;
}

export function knownClients(context: DatabaseContext): readonly Client[] {
  const clients: Client[] = [];
  const cursor = context.store.table(clientTable)?.openCursor();
  cursor?.seek();
  for (let row = cursor?.next() ?? -1; row !== -1; row = cursor?.next() ?? -1) {
    context.store.resolve(row);
    const { bytes, at } = context.store.row;
    clients.push({ identity: bytes.slice(at, at + 32), connectionId: bytes.slice(at + 32, at + 48) });
  }
  return clients;
}

function forget(context: DatabaseContext, client: Client): void {
  const row = bytesOfClient(client);
  context.store.system.delete(clientTable, row, row.length);
}

function callOf(context: DatabaseContext, kind: CommitKind, client: Client, reducer: BoundReducer | undefined): Call {
  return new Call(kind, client).of(reducer, context.pipeline.nowMicros());
}
