/**
 * Which requests wait while a log is replayed: one that is in the log is answered by its commit and not run again.
 *
 * A client is one from its connect on: what another had done under the same identity and connection id before counts
 * for nothing.
 */
import { CommitKind, type Commit } from "@lightcone/engine";
import { keyOfClient, type Client } from "../link/client.ts";
import type { NumberedMessage, Resume, ResumedConnection } from "./resume.ts";
import type { Call } from "../core/call.ts";
import type { BegunMessage } from "../core/running-procedures.ts";

/** What is in the log of a request that has no answer. A procedure may have more to come. */
export interface Settled {
  readonly kind: CommitKind;
  readonly inserted: number;
  readonly deleted: number;
}

/** A connection that waits for answers. */
export interface WaitingConnection {
  /** The call that a pending message makes. */
  callOf(message: NumberedMessage): Call;
}

interface Waiting {
  /** Who gets the answers; undefined as long as what is replayed had been sent. */
  connection: WaitingConnection | undefined;
  /** What has no answer, by number; of a request over HTTP, which is message 1, there is nothing to tell. */
  readonly pending: ReadonlyMap<number, NumberedMessage | undefined>;
  readonly settled: Map<number, Settled>;
}

export class Replay {
  private readonly waiting = new Map<string, Waiting>();

  /** @param begun what the snapshot has of procedures: their commits before it are not replayed */
  constructor(resume: Resume, begun: readonly BegunMessage[]) {
    const wait = (client: Client, pending: Waiting["pending"]): void =>
      void this.waiting.set(keyOfClient(client), { connection: undefined, pending, settled: new Map() });
    for (const { connections, visits } of resume) {
      for (const { info, pending } of connections)
        wait(info.caller, new Map(pending.map((message) => [message.number, message] as const)));
      for (const visitor of visits) wait(visitor, new Map([[1, undefined]]));
    }
    for (const { client, number } of begun) {
      const waiting = this.waiting.get(client);
      if (waiting?.pending.has(number) === true)
        waiting.settled.set(number, { kind: CommitKind.procedure, inserted: 0, deleted: 0 });
    }
  }

  /** From here on what is replayed is delivered to a connection. */
  tell({ info }: ResumedConnection, connection: WaitingConnection): void {
    const waiting = this.waiting.get(keyOfClient(info.caller));
    if (waiting !== undefined) waiting.connection = connection;
  }

  /** Notes a commit before anybody hears of it. @returns the call that it answers, if somebody waits for it */
  readonly callOf = ({ meta, deltas }: Commit): Call | undefined => {
    if (this.waiting.size === 0) return undefined;
    if (meta.requestSequence === 0 && meta.kind !== CommitKind.connect) return undefined;
    const waiting = this.waiting.get(keyOfClient({ identity: meta.sender, connectionId: meta.connection }));
    if (waiting === undefined) return undefined;
    const { connection, pending, settled } = waiting;
    if (meta.kind === CommitKind.connect) settled.clear();
    if (meta.kind === CommitKind.connect || !pending.has(meta.requestSequence)) return undefined;
    let [inserted, deleted] = [0, 0];
    for (const { inserts, deletes } of deltas) {
      inserted += inserts.count;
      deleted += deletes.count;
    }
    settled.set(meta.requestSequence, { kind: meta.kind, inserted, deleted });
    const message = pending.get(meta.requestSequence);
    return meta.kind === CommitKind.reducer && message !== undefined ? connection?.callOf(message) : undefined;
  };

  /** What of a client's requests is in the log, by number. */
  settledOf(key: string): ReadonlyMap<number, Settled> {
    return this.waiting.get(key)?.settled ?? new Map();
  }
}
