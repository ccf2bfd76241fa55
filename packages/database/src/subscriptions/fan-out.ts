/**
 * Who hears of what: each commit's changes, evaluated once per live query and told to all who hold it.
 *
 * Law: what a session has been sent of a query, inserts less deletes, is the query's result at the offset
 * of the last message. So rows are counted exactly, and a commit reaches a session in one message.
 */
import { CommitKind, type Commit, type CommitMeta, type Store } from "@lightcone/engine";
import type { TransactionHead } from "@lightcone/protocol";
import { LiveQueries, type DeltaPart, type LiveQuery } from "@lightcone/query";
import type { SelectPlan } from "@lightcone/sql";
import type { Piece } from "../wire/message-buffer.ts";
import { slotCount } from "../wire/wire-format.ts";
import type { JobClock } from "../core/job-clock.ts";
import type { Session } from "../session/session.ts";
import { noBytes, noConnection, type CommitListener } from "../core/commit-pipeline.ts";

/** A live query with those who hold it: the one subscriber that the query itself knows. */
class SharedQuery {
  readonly holders: HeldQuery[] = [];
}

/** A query that a session holds. */
export interface HeldQuery {
  readonly session: Session;
  readonly text: string;
  readonly plan: SelectPlan;
  readonly live: LiveQuery<SharedQuery>;
  readonly shared: SharedQuery;
  /** Query sets of the session that contain it. */
  uses: number;
  /** Its place among the holders of the query. */
  at: number;
}

/** What a session is about to be told: kept on the session between `noteChange` and the message. */
export type SessionChange = DeltaPart;

/** The call that causes the present transaction, if a session made it. */
export interface Origin {
  readonly session: Session;
  /** Whether the caller is told of success in full. */
  readonly notify: boolean;
}

export class Subscriptions implements CommitListener {
  private readonly live: LiveQueries<SharedQuery>;
  private readonly time: JobClock;
  private readonly head: Head;
  /** How many queries are held: with none, a commit concerns its caller alone. */
  private heldCount = 0;
  private readonly touched: Session[] = [];
  /** Messages of the present commit that hold several changes, by which they are. */
  private readonly messages = new Map<string, Piece>();
  /**
   * Set while a session's queries are taken or let go, or a message in parts is put out. If it is set between jobs, that
   * was cut short.
   */
  isChanging = false;
  /** Set by the session that runs a call, for the length of its transaction. */
  origin: Origin | undefined;
  /** The call's arguments as its caller wrote them, when they came as JSON. */
  argsText: string | undefined;

  /**
   * @param database its identity, which stands for whom a commit does not name
   * @param seed of the hashes of what clients choose
   */
  constructor(store: Store, time: JobClock, database: Uint8Array, seed: number) {
    this.head = new Head(database);
    this.live = new LiveQueries(store, { seed });
    this.time = time;
  }

  /** How long the present job has run. */
  durationMicros(): number {
    return this.time.durationMicros();
  }

  /** Starts to hold a query; its changes come with every commit from now on. */
  hold(session: Session, text: string, plan: SelectPlan, params: readonly Uint8Array[]): HeldQuery {
    const [known] = this.live.find(plan, params)?.subscribers.keys() ?? [];
    const shared = known ?? new SharedQuery();
    const live = this.live.subscribe(plan, params, shared);
    const held: HeldQuery = { session, text, plan, live, shared, uses: 1, at: shared.holders.length };
    shared.holders.push(held);
    this.heldCount++;
    return held;
  }

  release({ live, shared, at }: HeldQuery): void {
    const last = shared.holders.pop();
    // The last takes the place: holders are in no order.
    if (last !== undefined && last.at !== at) {
      shared.holders[at] = last;
      last.at = at;
    }
    this.live.unsubscribe(live, shared);
    this.heldCount--;
  }

  committed(commit: Commit): void {
    if (this.heldCount > 0) {
      this.live.advance(commit);
      this.live.forEachDelta(this.noteChange);
    }
    const { origin } = this;
    if (this.touched.length === 0 && origin === undefined) return;
    const head = this.head.fill(commit.meta, this.argsText, this.durationMicros());
    if (origin !== undefined) {
      if (origin.notify) origin.session.told(this.message(origin.session, head, false), true);
      else if (origin.session.changes.length > 0)
        origin.session.told(this.message(origin.session, head, origin.session.light), true);
      else origin.session.told(undefined, true);
    }
    for (const session of this.touched) {
      if (session !== origin?.session) session.told(this.message(session, head, session.light), false);
      session.changes.length = 0;
    }
    if (this.touched.length > 0) {
      this.touched.length = 0;
      this.live.settle();
    }
    // Clearing a map makes a new table, even of an empty one.
    if (this.messages.size > 0) this.messages.clear();
  }

  private readonly noteChange = (live: LiveQuery<SharedQuery>, parts: readonly DeltaPart[]): void => {
    for (const { holders } of live.subscribers.keys()) {
      for (const { session } of holders) {
        if (session.changes.length === 0) this.touched.push(session);
        for (const part of parts) session.changes.push(part);
      }
    }
  };

  /** The message for a session: made once for all whose queries changed by the same parts. */
  private message(session: Session, head: TransactionHead, light: boolean): Piece {
    const { changes, encoder } = session;
    const variant = encoder.slot * 2 + (light ? 1 : 0);
    const [first] = changes;
    if (first === undefined) return encoder.update(changes, head, light);
    if (changes.length === 1) {
      const place = slotCount + variant;
      const made = (first.encoded[place] ??= encoder.update(changes, head, light));
      return made as Piece; // such places hold nothing else
    }
    changes.sort(byTable);
    const key = `${variant}:${changes.map((change) => change.number).join(",")}`;
    let message = this.messages.get(key);
    if (message === undefined) {
      message = encoder.update(changes, head, light);
      this.messages.set(key, message);
    }
    return message;
  }
}

function byTable(a: DeltaPart, b: DeltaPart): number {
  return a.table.id - b.table.id || a.number - b.number;
}

/**
 * A commit's head, as messages tell it. One object, filled in for each. Whose procedure or statement it was stands in
 * the log, so that it is not run again, and is nobody else's business.
 */
class Head implements TransactionHead {
  private readonly database: Uint8Array;
  timestampMicros = 0;
  sender: Uint8Array = noBytes;
  connection: Uint8Array = noBytes;
  functionName = "";
  reducerId = 0;
  args: Uint8Array = noBytes;
  argsText: string | undefined;
  requestId = 0;
  durationMicros = 0;

  constructor(database: Uint8Array) {
    this.database = database;
  }

  fill(meta: CommitMeta, argsText: string | undefined, durationMicros: number): this {
    this.timestampMicros = meta.timestampMicros;
    this.sender = meta.sender;
    this.connection = meta.connection;
    this.functionName = meta.functionName;
    this.reducerId = meta.reducerId;
    this.args = meta.args;
    this.argsText = argsText;
    this.requestId = meta.requestId;
    this.durationMicros = durationMicros;
    if (meta.kind === CommitKind.sql || meta.kind === CommitKind.procedure) this.connection = noConnection;
    if (meta.kind === CommitKind.procedure) {
      this.sender = this.database;
      this.functionName = "";
    }
    return this;
  }
}
