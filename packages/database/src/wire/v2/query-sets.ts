/**
 * What one client is subscribed to: sets of queries under ids that the client chose.
 *
 * Law: each set is complete by itself. Of each row the client has been sent for a set, as many inserts less deletes as
 * queries of the set return it; rows of other sets do not count. docs/wire/websocket-v2.md.
 */
import { cutText } from "@lightcone/base";
import type { v2 } from "@lightcone/protocol";
import { bindParams } from "@lightcone/sql";
import type { DatabaseContext } from "../../core/context.ts";
import type { KeptPart, ResumeNote } from "../../link/link.ts";
import type { Piece } from "../../link/piece.ts";
import type { Subscriptions } from "../../subscriptions/fan-out.ts";
import type { Subscriber, Subscription } from "../../subscriptions/subscriber.ts";
import { putOffUntilWarm } from "../warm.ts";
import { entriesOf, type FirstRows } from "../first-rows.ts";
import { allOrNone, computedTexts, lostBy, overLimit, plansOf, recompiled, type WantedQuery } from "../query-texts.ts";
import { closeReasonMax, type Channel, type ClientRequest } from "../wire.ts";
import type { EncoderV2 } from "./encoder.ts";
import { decodeSets, encodeSets, type KeptSet } from "./set-state.ts";

export interface QuerySet {
  readonly querySetId: number;
  readonly queries: readonly WantedQuery[];
  readonly subscriptions: readonly Subscription[];
  /** The client's message that made it. */
  readonly message: number;
}

export class QuerySets {
  private readonly context: DatabaseContext;
  private readonly subscriptions: Subscriptions;
  private readonly encoder: EncoderV2;
  private readonly channel: Channel;
  private readonly rows: FirstRows;
  private readonly subscriber: Subscriber;
  private readonly sets = new Map<number, QuerySet>();
  /** Queries of all sets. */
  private queryCount = 0;

  constructor(
    context: DatabaseContext,
    subscriptions: Subscriptions,
    encoder: EncoderV2,
    channel: Channel,
    rows: FirstRows,
    subscriber: Subscriber,
  ) {
    this.context = context;
    this.subscriptions = subscriptions;
    this.encoder = encoder;
    this.channel = channel;
    this.rows = rows;
    this.subscriber = subscriber;
  }

  /** Restores sets of a host before, which the client has the rows of. @returns whether all are as they were */
  restore(parts: readonly KeptPart[]): boolean {
    let isWhole = true;
    this.context.critical.run(() => {
      isWhole = parts.every(({ message, state }) => decodeSets(state).every((set) => this.restoreSet(set, message)));
    });
    return isWhole;
  }

  private restoreSet({ querySetId, queries: kept }: KeptSet, message: number): boolean {
    const queries = recompiled(kept, (texts) => this.compile(texts));
    return queries !== undefined && typeof this.hold(querySetId, queries, message) !== "string";
  }

  /** What the next host restores of the sets that a message made. */
  noteOf(message: number): ResumeNote {
    const sets = [...this.sets.values()].filter((set) => set.message === message);
    return sets.length === 0 ? { kind: "dropped", message } : { kind: "kept", message, state: encodeSets(sets) };
  }

  /** Lets go of everything: the connection is over. */
  clear(): void {
    for (const set of this.sets.values()) this.release(set);
    this.sets.clear();
  }

  // --- subscribing

  subscribe(request: ClientRequest, message: v2.Subscribe): void {
    this.context.critical.run(() => this.begin(request, message));
  }

  private begin(request: ClientRequest, { requestId, querySetId, queries: texts }: v2.Subscribe): void {
    const fail = (text: string): Piece => this.encoder.subscriptionError(requestId, querySetId, text);
    const wanted = this.wantedOf(querySetId, texts);
    if (typeof wanted === "string") {
      request.send(fail(wanted));
      return;
    }
    if (putOffUntilWarm(this.context, this.subscriptions, request, plansOf(wanted))) return;
    const set = this.hold(querySetId, wanted, request.number);
    if (typeof set === "string") {
      request.send(fail(set));
      return;
    }
    const place = this.encoder.place();
    this.rows.answer(request, plansOf(this.overRows(set)), {
      encode: (rows) => this.encoder.subscribeApplied(requestId, querySetId, entriesOf(rows), place),
      fail: (text) => {
        // It may have ended before its rows were there, and its id stand for another by now.
        if (this.sets.get(querySetId) === set) this.end(set);
        return fail(text);
      },
      note: { kind: "kept", message: set.message, state: encodeSets([set]) },
    });
  }

  /**
   * The queries of a new set, or why there is none.
   *
   * @param more what is to be held beside it
   */
  wantedOf(
    querySetId: number,
    texts: readonly string[],
    more = { sets: 0, queries: 0 },
  ): readonly WantedQuery[] | string {
    if (this.sets.has(querySetId)) return `Subscription with id ${querySetId} already exists for client`;
    const { subscriptionsPerConnectionMax: max } = this.context.limits;
    const setCount = this.sets.size + more.sets;
    if (setCount >= max) return overLimit(setCount + 1, max);
    const wanted = this.compile(texts.map((text) => text.trim()));
    if (typeof wanted === "string") return wanted;
    const count = this.queryCount + more.queries + wanted.length;
    return count > max ? overLimit(count, max) : wanted;
  }

  /** Holds the queries of a new set; the text of why not. */
  hold(querySetId: number, queries: readonly WantedQuery[], message: number): QuerySet | string {
    const { identity } = this.channel.info.caller;
    const subscriptions = allOrNone(
      queries,
      ({ plan }) => this.subscriptions.hold(this.subscriber, plan, bindParams(plan, identity), querySetId),
      (subscription) => this.subscriptions.release(subscription),
    );
    if (typeof subscriptions === "string") return subscriptions;
    const set: QuerySet = { querySetId, queries, subscriptions, message };
    this.sets.set(querySetId, set);
    this.queryCount += queries.length;
    return set;
  }

  // --- unsubscribing

  unsubscribe(request: ClientRequest, message: v2.Unsubscribe): void {
    this.context.critical.run(() => this.drop(request, message));
  }

  private drop(request: ClientRequest, { requestId, querySetId, sendDroppedRows }: v2.Unsubscribe): void {
    const fail = (text: string): Piece => this.encoder.subscriptionError(requestId, querySetId, text);
    const set = this.sets.get(querySetId);
    if (set === undefined) {
      request.send(fail(`Subscription not found: ${querySetId}`));
      return;
    }
    const sent = sendDroppedRows ? this.overRows(set) : [];
    this.end(set);
    this.rows.answer(request, plansOf(sent), {
      encode: (rows) =>
        this.encoder.unsubscribeApplied(requestId, querySetId, sendDroppedRows ? entriesOf(rows) : undefined),
      fail,
    });
  }

  /** Ends the sets over tables that may not be read any more: their rows are taken back, and it is said why. */
  endUnreadable(): void {
    const catalog = this.context.access.catalog(this.channel.info.caller, false);
    for (const set of this.sets.values()) {
      const lost = lostBy(set.queries, catalog);
      if (lost !== undefined) this.withdraw(set, lost);
    }
  }

  /** Ends the set that holds a query by `subscription`. */
  strikeOff(subscription: Subscription, text: string): void {
    this.context.critical.run(() => {
      const set = this.sets.get(subscription.receiver.mark);
      if (set?.subscriptions.includes(subscription) === true) this.withdraw(set, text);
    });
  }

  /** Ends the set that holds a query by `subscription`, and the connection: which rows its client has is not known any more. */
  giveUp(subscription: Subscription, text: string): void {
    const set = this.sets.get(subscription.receiver.mark);
    if (set?.subscriptions.includes(subscription) === true) {
      this.end(set);
      this.channel.send(this.encoder.subscriptionError(undefined, set.querySetId, text));
    }
    this.channel.finish(1011, cutText(text, closeReasonMax));
  }

  /** Ends the sets that a message made; its client is not told of them. */
  letGo(message: number): void {
    for (const set of this.sets.values()) if (set.message === message) this.end(set);
  }

  private withdraw(set: QuerySet, lost: string): void {
    const { channel, encoder } = this;
    const { querySetId } = set;
    const sent = this.overRows(set);
    this.end(set);
    const fail = (reason: string): Piece => {
      channel.end(1011, reason); // the client would keep rows that it may not read
      return encoder.subscriptionError(undefined, querySetId, reason);
    };
    if (sent.length > 0)
      this.rows.answer(channel, plansOf(sent), {
        encode: (rows) => encoder.withdrawn(querySetId, entriesOf(rows)),
        fail,
      });
    channel.send(encoder.subscriptionError(undefined, querySetId, lost));
  }

  private end(set: QuerySet): void {
    this.sets.delete(set.querySetId);
    this.release(set);
    this.channel.note(this.noteOf(set.message));
  }

  private release({ subscriptions }: QuerySet): void {
    for (const subscription of subscriptions) this.subscriptions.release(subscription);
    this.queryCount -= subscriptions.length;
  }

  // --- what both need

  private compile(texts: readonly string[]): readonly WantedQuery[] | string {
    return computedTexts(this.context, texts, this.channel.info.caller, true, true);
  }

  private overRows({ queries }: QuerySet): readonly WantedQuery[] {
    return queries.filter(({ plan }) => this.rows.areOver(plan));
  }
}
