/**
 * Fan-out: each commit's changes are evaluated once per live query and delivered to all who hold it.
 *
 *   commit ─▶ live queries ─▶ changes, each to its holders ─▶ the call's answer ─▶ every other subscriber
 *
 * Law: what a subscriber has been sent of a query, inserts less deletes, is the query's result at the offset
 * of the last message. So rows are counted exactly, and a commit reaches a subscriber in one message.
 */
import { empty, type LightconeError } from "@lightcone/base";
import { CommitKind, type Commit, type CommitMeta } from "@lightcone/engine";
import {
  LiveQueries,
  type Changes,
  type DeltaPart,
  type LiveBounds,
  type LiveQuery,
  type StruckOff,
  type Warming,
} from "@lightcone/query";
import type { SelectPlan } from "@lightcone/sql";
import { noBytes, noConnection, noReducerId, type Call, type CommitHead, type MadeEnding } from "../core/call.ts";
import type { CommitListener } from "../core/commit-pipeline.ts";
import type { JobClock } from "../core/job-clock.ts";
import type { Piece } from "../link/piece.ts";
import type { Instance } from "../views/instances.ts";
import type { Relations } from "../views/relations.ts";
import { derivedMeta } from "../views/relations.ts";
import type { ViewListener } from "../views/view-site.ts";
import type { Views } from "../views/views.ts";
import { Receivers } from "./receivers.ts";
import { SharedQuery, type Receiver, type Subscriber, type Subscription } from "./subscriber.ts";

/** Those whose view has failed, or whose query was given up, and why. */
export interface Failing {
  readonly subscription: Subscription;
  readonly error: LightconeError;
  /** Whether a commit has changed its rows that it was not told of. */
  readonly hasMissed: boolean;
}

export class Subscriptions implements CommitListener, ViewListener {
  private readonly live: LiveQueries<SharedQuery>;
  private readonly relations: Relations;
  private readonly views: Views;
  private readonly time: JobClock;
  private readonly head: Head;
  private failing: Failing[] = [];
  /** Is told, within a commit, that there are some who fail now: `takeFailing` gives them. */
  onFailing: () => void = () => undefined;
  private readonly touched: Subscriber[] = [];
  private readonly receivers = new Receivers();

  /**
   * @param database its identity, which stands for whom a commit does not name
   * @param seed of the hashes of what clients choose
   */
  constructor(
    relations: Relations,
    views: Views,
    time: JobClock,
    database: Uint8Array,
    seed: number,
    limits: LiveBounds,
  ) {
    this.head = new Head(database);
    this.relations = relations;
    this.views = views;
    this.live = new LiveQueries(relations, { seed, limits, otherBytes: () => views.bytes });
    this.time = time;
    views.listener = this;
    views.otherBytes = () => this.live.bytes;
  }

  /**
   * Starts to hold a query; its changes come with every commit from now on.
   *
   * @throws {LightconeError} `LimitExceeded` when there is no room for what it needs
   */
  hold(subscriber: Subscriber, plan: SelectPlan, params: readonly Uint8Array[], mark = 0): Subscription {
    const [known] = this.live.find(plan, params)?.subscribers.keys() ?? [];
    const shared = known ?? new SharedQuery();
    const live = this.live.subscribe(plan, params, shared);
    const instances = this.views.hold(plan, params, live);
    const receiver = this.receivers.acquire(subscriber, mark);
    const subscription: Subscription = { receiver, live, shared, at: shared.holders.length, instances };
    shared.holders.push(subscription);
    this.noteLone(subscription);
    return subscription;
  }

  /**
   * What is to be made before queries can be held without anybody waiting for it; undefined for nothing.
   *
   * @throws {LightconeError} `LimitExceeded` when there is no room for it
   */
  warm(plans: readonly SelectPlan[]): Warming | undefined {
    return this.live.warm(plans);
  }

  release({ receiver, live, shared, at, instances }: Subscription): void {
    const last = shared.holders.pop();
    // The last takes the place: holders are in no order.
    if (last !== undefined && last.at !== at) {
      shared.holders[at] = last;
      last.at = at;
    }
    this.receivers.release(receiver);
    const [left] = shared.holders;
    if (left !== undefined) this.noteLone(left);
    this.live.unsubscribe(live, shared);
    if (left === undefined) this.views.release(instances, live);
  }

  /** Of a query with one holder the live queries know the holder's number. */
  private noteLone({ live, shared, receiver }: Subscription): void {
    this.live.setLone(live, shared.holders.length === 1 ? receiver.number : -1);
  }

  committed(commit: Commit, call: Call | undefined): void {
    const derived = this.views.refresh(commit);
    this.tell(derived === undefined ? commit : joined(commit, derived), commit.meta, call);
    if (derived !== undefined) this.relations.derived.release(derived);
  }

  /** Tells what a new module has changed of views, apart from any commit. */
  viewsChanged(offset: Changes["offset"]): void {
    const derived = this.views.refreshStale();
    if (derived === undefined) return;
    this.tell({ offset, deltas: derived.deltas }, derivedMeta, undefined);
    this.relations.derived.release(derived);
  }

  filled(changes: Changes): void {
    this.live.advance(changes);
    this.live.settle();
    this.giveUp(this.live.takeStruckOff());
  }

  failed(instance: Instance, error: LightconeError): void {
    for (const user of instance.users)
      for (const { holders } of (user as LiveQuery<SharedQuery>).subscribers.keys())
        for (const subscription of holders) this.failing.push({ subscription, error, hasMissed: false });
    this.onFailing();
  }

  /** Queries took more than they may. */
  private giveUp(struckOff: readonly StruckOff<SharedQuery>[]): void {
    if (struckOff.length === 0) return;
    for (const { queries, error, hasMissed } of struckOff)
      for (const { subscribers } of queries)
        for (const { holders } of subscribers.keys())
          for (const subscription of holders) this.failing.push({ subscription, error, hasMissed });
    this.onFailing();
  }

  /** Gives those whose view has failed since the last time. */
  takeFailing(): readonly Failing[] {
    const { failing } = this;
    this.failing = [];
    return failing;
  }

  private tell(changes: Changes, meta: CommitMeta, call: Call | undefined): void {
    // With none a commit concerns its caller alone.
    if (!this.live.isIdle) {
      this.live.advance(changes);
      this.live.forEachDelta(this.noteChange, this.noteLoneChange);
      this.giveUp(this.live.takeStruckOff());
    }
    const responder = call?.responder;
    if (this.touched.length === 0 && responder === undefined) return;
    const head = this.head.fill(meta, call?.argsText, this.time.durationMicros());
    responder?.committed(head);
    for (const subscriber of this.touched) {
      // Whoever made the call has had its changes with the answer.
      if (subscriber.changes.length === 0) continue;
      subscriber.deliver(head);
      empty(subscriber.changes);
    }
    if (this.touched.length > 0) {
      empty(this.touched);
      this.live.settle();
    }
    // Clearing a map makes a new table, even of an empty one.
    if (head.messages.size > 0) head.messages.clear();
    head.ending.bytes = undefined;
  }

  private readonly noteChange = (live: LiveQuery<SharedQuery>, parts: readonly DeltaPart[]): void => {
    for (const { holders } of live.subscribers.keys()) {
      for (const { receiver } of holders) for (const part of parts) this.add(receiver, part);
    }
  };

  private readonly noteLoneChange = (lone: number, part: DeltaPart): void => this.add(this.receivers.of(lone), part);

  private add({ subscriber, mark }: Receiver, part: DeltaPart): void {
    const { changes, marks } = subscriber;
    if (changes.length === 0) this.touched.push(subscriber);
    changes.push(part);
    marks?.push(mark);
  }
}

/** A commit with what it has changed of views. */
function joined({ offset, deltas }: Commit, derived: Commit): Changes {
  return { offset, deltas: [...deltas, ...derived.deltas] };
}

/**
 * One object, filled in for each commit. The log has who ran a procedure or a statement, so that it is not run again, and the
 * statement's text, so that it can be; subscribers do not learn it.
 */
class Head implements CommitHead {
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
  readonly messages = new Map<string, Piece>();
  readonly ending: MadeEnding = { bytes: undefined, at: 0, length: 0 };

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
    if (meta.kind === CommitKind.sql) this.args = noBytes;
    if (meta.kind === CommitKind.procedure) {
      this.sender = this.database;
      this.functionName = "";
    } else if (meta.kind === CommitKind.schedule && meta.reducerId === noReducerId) {
      // The time of a row has come whose function is a procedure.
      this.functionName = "";
      this.reducerId = 0;
      this.args = noBytes;
    }
    return this;
  }
}
