/**
 * What one client is subscribed to: sets of queries under ids that the client chose, and the legacy set, which has none.
 *
 * Law: of each row the client has been sent as many inserts less deletes as queries held here return it. A Multi
 * shares the query of a text that a set has already: nothing is sent for it, and its rows go back with the last set
 * that has it. The rows of a Single and of the legacy set always come, so there the query is held once more.
 * docs/wire/websocket-v1.md.
 */
import { cutText } from "@lightcone/base";
import type { Subscribe, SubscribeMulti, SubscribeSingle, Unsubscribe } from "@lightcone/protocol";
import type { DatabaseContext } from "../../core/context.ts";
import type { KeptPart, ResumeNote } from "../../link/link.ts";
import type { Piece } from "../../link/piece.ts";
import type { Subscriptions } from "../../subscriptions/fan-out.ts";
import type { Subscriber, Subscription } from "../../subscriptions/subscriber.ts";
import { putOffUntilWarm } from "../warm.ts";
import { entriesOf, type FirstRows, type QueryRows } from "../first-rows.ts";
import { allOrNone, computedTexts, lostBy, overLimit, plansOf, recompiled, type WantedQuery } from "../query-texts.ts";
import { closeReasonMax, type Channel, type ClientRequest } from "../wire.ts";
import type { Encoder } from "./encoder.ts";
import { decodeSet, encodeSet, type KeptSet } from "./set-state.ts";
import { TextQueries, type TextQuery } from "./text-queries.ts";

export type SubscriptionMessage = Subscribe | SubscribeSingle | SubscribeMulti | Unsubscribe;

interface QuerySet extends KeptSet {
  readonly queries: readonly TextQuery[];
  /** The client's message that made it. */
  readonly message: number;
}

type Encode = (queries: readonly QueryRows[]) => readonly Piece[];

export class QuerySets {
  private readonly context: DatabaseContext;
  private readonly subscriptions: Subscriptions;
  private readonly encoder: Encoder;
  private readonly channel: Channel;
  private readonly rows: FirstRows;
  private readonly held: TextQueries;
  /** By their ids; the legacy set, which has none, by `undefined`. */
  private readonly sets = new Map<number | undefined, QuerySet>();

  constructor(
    context: DatabaseContext,
    subscriptions: Subscriptions,
    encoder: Encoder,
    channel: Channel,
    rows: FirstRows,
    subscriber: Subscriber,
  ) {
    this.context = context;
    this.subscriptions = subscriptions;
    this.encoder = encoder;
    this.channel = channel;
    this.rows = rows;
    this.held = new TextQueries(subscriptions, subscriber, channel.info.caller.identity);
  }

  run(request: ClientRequest, message: SubscriptionMessage): void {
    this.context.critical.run(() => this.change(request, message));
  }

  private change(request: ClientRequest, message: SubscriptionMessage): void {
    switch (message.kind) {
      case "SubscribeSingle":
        this.subscribeSingle(request, message);
        break;
      case "SubscribeMulti":
        this.subscribeMulti(request, message);
        break;
      case "Subscribe":
        this.replaceLegacy(request, message);
        break;
      case "Unsubscribe":
      case "UnsubscribeMulti":
        this.unsubscribe(request, message);
        break;
    }
  }

  /** Restores sets of a host before, which the client has the rows of. @returns whether all are as they were */
  restore(parts: readonly KeptPart[]): boolean {
    let isWhole = true;
    this.context.critical.run(() => {
      isWhole = parts.every((part) => this.restoreSet(part));
    });
    return isWhole;
  }

  private restoreSet({ message, state }: KeptPart): boolean {
    const { requestId, queryId, queries: kept } = decodeSet(state);
    const wanted = recompiled(kept, (texts) => this.compile(texts, true));
    if (wanted === undefined) return false;
    const queries = this.holdAll(wanted, (each) => this.held.restore(each, each.number, each.isShared));
    if (typeof queries === "string") return false;
    this.sets.set(queryId, { queries, message, requestId, queryId });
    return true;
  }

  /** Lets go of everything: the connection is over. */
  clear(): void {
    for (const set of this.sets.values()) this.release(set);
    this.sets.clear();
  }

  // --- subscribing

  private subscribeSingle(request: ClientRequest, { query, requestId, queryId }: SubscribeSingle): void {
    const set = this.begin(request, [query], requestId, queryId, false);
    if (set === undefined) return;
    const encode: Encode = (rows) =>
      this.encoder.applied("SubscribeApplied", requestId, this.durationMicros(), queryId, rows);
    this.apply(request, set, set.queries, encode);
  }

  private subscribeMulti(request: ClientRequest, { queries, requestId, queryId }: SubscribeMulti): void {
    const texts = queries.map((query) => query.trim());
    const set = this.begin(request, texts, requestId, queryId, true);
    if (set === undefined) return;
    const encode: Encode = (rows) =>
      this.encoder.applied("SubscribeMultiApplied", requestId, this.durationMicros(), queryId, entriesOf(rows));
    this.apply(request, set, this.overRows(set.queries.filter(({ uses }) => uses === 1)), encode);
  }

  /** Holds the queries of a new set, answers why not, or puts the request off. */
  private begin(
    request: ClientRequest,
    texts: readonly string[],
    requestId: number,
    queryId: number,
    isMulti: boolean,
  ): QuerySet | undefined {
    const refuse = (text: string): undefined => {
      request.send(this.failure(requestId, queryId, text));
    };
    if (this.sets.has(queryId)) return refuse(`Subscription with id ${queryId} already exists for client`);
    const { subscriptionsPerConnectionMax } = this.context.limits;
    const setCount = this.sets.size - (this.sets.has(undefined) ? 1 : 0);
    if (setCount >= subscriptionsPerConnectionMax)
      return refuse(overLimit(setCount + 1, subscriptionsPerConnectionMax));
    const wanted = this.compile(texts, isMulti);
    if (typeof wanted === "string") return refuse(wanted);
    const count = this.held.count + (isMulti ? this.held.newOf(wanted) : wanted.length);
    if (count > subscriptionsPerConnectionMax) return refuse(overLimit(count, subscriptionsPerConnectionMax));
    if (putOffUntilWarm(this.context, this.subscriptions, request, plansOf(wanted))) return undefined;
    const queries = this.holdAll(wanted, (each) => this.held.share(each, isMulti));
    if (typeof queries === "string") return refuse(queries);
    const set: QuerySet = { queries, message: request.number, requestId, queryId };
    this.sets.set(queryId, set);
    return set;
  }

  /** Answers with the rows of a new set, which ends again if they cannot be had. */
  private apply(request: ClientRequest, set: QuerySet, sent: readonly TextQuery[], encode: Encode): void {
    this.rows.answer(request, plansOf(sent), { encode, fail: (text) => this.failNew(set, text), note: kept(set) });
  }

  private failNew(set: QuerySet, text: string): Piece {
    // It may have ended before its rows were there, and its id stand for another by now.
    if (this.sets.get(set.queryId) === set) this.end(set);
    return this.failure(set.requestId, set.queryId, text);
  }

  private replaceLegacy(request: ClientRequest, { queries: texts, requestId }: Subscribe): void {
    const refuse = (text: string): void => request.send(this.failure(requestId, undefined, text));
    const before = this.sets.get(undefined);
    const wanted = this.compile(
      texts.map((text) => text.trim()),
      true,
    );
    if (typeof wanted === "string") {
      refuse(wanted);
      return;
    }
    const count = this.held.count - (before?.queries.length ?? 0) + wanted.length;
    const { subscriptionsPerConnectionMax } = this.context.limits;
    if (count > subscriptionsPerConnectionMax) {
      refuse(overLimit(count, subscriptionsPerConnectionMax));
      return;
    }
    if (putOffUntilWarm(this.context, this.subscriptions, request, plansOf(wanted))) return;
    const queries = this.holdAll(wanted, (each) => this.held.hold(each));
    if (typeof queries === "string") {
      refuse(queries);
      return;
    }
    const legacy: QuerySet = { queries, message: request.number, requestId, queryId: undefined };
    const read = this.rows.read(plansOf(this.overRows(queries)));
    if (typeof read === "string") {
      this.release(legacy);
      refuse(read);
      return;
    }
    if (before !== undefined) this.end(before);
    this.sets.set(undefined, legacy);
    this.rows.send(request, read, {
      encode: (rows) => this.encoder.initial(requestId, this.durationMicros(), entriesOf(rows)),
      fail: (text) => this.failNew(legacy, text),
      note: kept(legacy),
    });
  }

  // --- unsubscribing

  private unsubscribe(request: ClientRequest, { kind, requestId, queryId }: Unsubscribe): void {
    const fail = (text: string): Piece => this.failure(requestId, queryId, text);
    const set = this.sets.get(queryId);
    if (set === undefined) {
      request.send(fail(`Subscription not found: ${queryId}`));
      return;
    }
    const isMulti = kind === "UnsubscribeMulti";
    const ending = set.queries.filter(({ uses }) => uses === 1);
    const sent = isMulti ? this.overRows(ending) : ending;
    this.end(set);
    if (!isMulti && set.queries.length !== 1) {
      request.send(fail("Internal error"));
      return;
    }
    const applied = isMulti ? "UnsubscribeMultiApplied" : "UnsubscribeApplied";
    const encode: Encode = (rows) => {
      // The form for one query has an entry even where other sets keep its rows.
      const all = isMulti
        ? entriesOf(rows)
        : sent.length > 0
          ? rows
          : plansOf(set.queries).map((plan) => this.rows.of(plan));
      return this.encoder.applied(applied, requestId, this.durationMicros(), queryId, all);
    };
    this.rows.answer(request, plansOf(sent), { encode, fail });
  }

  /** Ends the sets over tables that may not be read any more: their rows are taken back, and it is said why. */
  endUnreadable(): void {
    const catalog = this.context.access.catalog(this.channel.info.caller, false);
    for (const set of this.sets.values()) {
      const lost = lostBy(set.queries, catalog);
      if (lost !== undefined) this.withdraw(set, lost);
    }
  }

  /** Ends the sets that hold a query by `subscription`. */
  strikeOff(subscription: Subscription, text: string): void {
    this.context.critical.run(() => {
      for (const set of [...this.sets.values()])
        if (set.queries.some((query) => query.subscription === subscription)) this.withdraw(set, text);
    });
  }

  /** Ends the sets that hold a query by `subscription`, and the connection: which rows its client has is not known any more. */
  giveUp(subscription: Subscription, text: string): void {
    for (const set of [...this.sets.values()]) {
      if (!set.queries.some((query) => query.subscription === subscription)) continue;
      this.end(set);
      this.channel.send(this.failure(requestOf(set), set.queryId, text));
    }
    this.channel.finish(1011, cutText(text, closeReasonMax));
  }

  private withdraw(set: QuerySet, lost: string): void {
    const { channel } = this;
    const { queryId } = set;
    const requestId = requestOf(set);
    const sent = this.overRows(set.queries.filter(({ uses }) => uses === 1));
    this.end(set);
    const fail = (reason: string): Piece => {
      channel.end(1011, reason); // the client would keep rows that it may not read
      return this.failure(requestId, queryId, reason);
    };
    if (sent.length > 0)
      this.rows.answer(channel, plansOf(sent), { encode: (rows) => this.encoder.withdrawn(entriesOf(rows)), fail });
    channel.send(this.failure(requestId, queryId, lost));
  }

  private end(set: QuerySet): void {
    this.sets.delete(set.queryId);
    this.release(set);
    this.channel.note({ kind: "dropped", message: set.message });
  }

  private release(set: QuerySet): void {
    for (const query of set.queries) this.held.release(query);
  }

  // --- what both need

  private holdAll<W>(wanted: readonly W[], hold: (each: W) => TextQuery): readonly TextQuery[] | string {
    return allOrNone(wanted, hold, (query) => this.held.release(query));
  }

  /** @param expandsAll whether one text may stand for all tables */
  private compile(texts: readonly string[], expandsAll: boolean): readonly WantedQuery[] | string {
    return computedTexts(this.context, texts, this.channel.info.caller, expandsAll, false);
  }

  private overRows(queries: readonly TextQuery[]): readonly TextQuery[] {
    return queries.filter(({ plan }) => this.rows.areOver(plan));
  }

  private failure(requestId: number | undefined, queryId: number | undefined, text: string): Piece {
    return this.encoder.subscriptionError(this.durationMicros(), requestId, queryId, text);
  }

  private durationMicros(): number {
    return this.context.time.durationMicros();
  }
}

/** The legacy set, without an id of its own, is named by its request. */
function requestOf({ queryId, requestId }: QuerySet): number | undefined {
  return queryId === undefined ? requestId : undefined;
}

function kept(set: QuerySet): ResumeNote {
  return { kind: "kept", message: set.message, state: encodeSet(set) };
}
