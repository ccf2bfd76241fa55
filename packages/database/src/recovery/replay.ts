/**
 * Who waits for what while a log is replayed for them: a request that is in the log is not made again.
 *
 * A client is one from its connect on: what another had done under the same identity and connection id before counts
 * for nothing.
 */
import { CommitKind, type Commit } from "@lightcone/engine";
import { keyOfClient } from "../link/client.ts";
import type { NumberedMessage, Resume, ResumedConnection } from "./resume.ts";
import type { Session } from "../session/session.ts";
import type { Subscriptions } from "../subscriptions/fan-out.ts";

/** What is in the log of a request that has no answer. A procedure may have more to come. */
export interface Settled {
  readonly kind: CommitKind;
  readonly inserted: number;
  readonly deleted: number;
}

interface Waiting {
  session: Session | undefined;
  /** What has no answer, by number; of a request over HTTP, which is message 1, there is nothing to tell. */
  readonly pending: ReadonlyMap<number, NumberedMessage | undefined>;
  readonly settled: Map<number, Settled>;
}

export class Replay {
  private readonly subscriptions: Subscriptions;
  private readonly waiting = new Map<string, Waiting>();

  constructor(subscriptions: Subscriptions, resume: Resume | undefined) {
    this.subscriptions = subscriptions;
    for (const { info, pending } of resume?.connections ?? []) {
      const byNumber = new Map(pending.map((message) => [message.number, message] as const));
      this.waiting.set(keyOfClient(info.caller), { session: undefined, pending: byNumber, settled: new Map() });
    }
    for (const client of resume?.visits ?? [])
      this.waiting.set(keyOfClient(client), {
        session: undefined,
        pending: new Map([[1, undefined]]),
        settled: new Map(),
      });
  }

  /** From here on what is replayed is told to a connection. */
  tell({ info }: ResumedConnection, session: Session): void {
    const waiting = this.waiting.get(keyOfClient(info.caller));
    if (waiting !== undefined) waiting.session = session;
  }

  /** Notes a commit before anybody hears of it. */
  readonly note = ({ meta, deltas }: Commit): void => {
    this.subscriptions.origin = undefined;
    this.subscriptions.argsText = undefined;
    if (this.waiting.size === 0) return;
    if (meta.requestSequence === 0 && meta.kind !== CommitKind.connect) return;
    const waiting = this.waiting.get(keyOfClient({ identity: meta.sender, connectionId: meta.connection }));
    if (waiting === undefined) return;
    const { session, pending, settled } = waiting;
    if (meta.kind === CommitKind.connect) settled.clear();
    else if (pending.has(meta.requestSequence)) {
      let [inserted, deleted] = [0, 0];
      for (const { inserts, deletes } of deltas) {
        inserted += inserts.count;
        deleted += deletes.count;
      }
      settled.set(meta.requestSequence, { kind: meta.kind, inserted, deleted });
      const message = pending.get(meta.requestSequence);
      if (meta.kind === CommitKind.reducer && message !== undefined) session?.answerWithCommit(message);
    }
  };

  /** Nothing more is replayed. */
  end(): void {
    this.subscriptions.origin = undefined;
    this.subscriptions.argsText = undefined;
  }

  /** What of a client's requests is in the log, by number. */
  settledOf(key: string): ReadonlyMap<number, Settled> {
    return this.waiting.get(key)?.settled ?? new Map();
  }
}
