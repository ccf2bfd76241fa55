/**
 * The queries that one client holds, counted by their texts: a set shares the query of a text that another set has
 * already, and the query is held until the last lets go of it.
 */
import { bindParams } from "@lightcone/sql";
import type { Subscriptions } from "../../subscriptions/fan-out.ts";
import type { Subscriber, Subscription } from "../../subscriptions/subscriber.ts";
import type { WantedQuery } from "../query-texts.ts";

/** A query that is held. */
export interface TextQuery extends WantedQuery {
  /** Its own among all that the client holds. */
  readonly number: number;
  /** Whether it is the one that further sets share. Which one that is depends on sets that may have ended since. */
  readonly isShared: boolean;
  readonly subscription: Subscription;
  /** Sets that contain it. */
  uses: number;
}

export class TextQueries {
  private readonly subscriptions: Subscriptions;
  private readonly subscriber: Subscriber;
  private readonly identity: Uint8Array;
  private readonly all = new Map<number, TextQuery>();
  /** Those that further sets share, by text. */
  private readonly shared = new Map<string, TextQuery>();
  private lastNumber = 0;

  constructor(subscriptions: Subscriptions, subscriber: Subscriber, identity: Uint8Array) {
    this.subscriptions = subscriptions;
    this.subscriber = subscriber;
    this.identity = identity;
  }

  /** How many are held in all. */
  get count(): number {
    return this.all.size;
  }

  /** How many of these would have to be held anew if they were shared. */
  newOf(wanted: readonly WantedQuery[]): number {
    return wanted.reduce((sum, { text }) => sum + (this.shared.has(text) ? 0 : 1), 0);
  }

  /** Holds a query once more, of which no other set knows. */
  hold(wanted: WantedQuery): TextQuery {
    return this.add(wanted, this.lastNumber + 1, false);
  }

  /** Holds a query that others may share. @param shares whether it may be one that is held already */
  share(wanted: WantedQuery, shares: boolean): TextQuery {
    const known = this.shared.get(wanted.text);
    if (known !== undefined && shares) {
      known.uses++;
      return known;
    }
    return this.add(wanted, this.lastNumber + 1, known === undefined);
  }

  /** Holds a query as a host before did: sets that shared it then share it now. */
  restore(wanted: WantedQuery, number: number, isShared: boolean): TextQuery {
    const known = this.all.get(number);
    if (known === undefined) return this.add(wanted, number, isShared);
    known.uses++;
    return known;
  }

  release(query: TextQuery): void {
    query.uses--;
    if (query.uses > 0) return;
    this.all.delete(query.number);
    if (query.isShared) this.shared.delete(query.text);
    this.subscriptions.release(query.subscription);
  }

  private add({ text, statement, plan }: WantedQuery, number: number, isShared: boolean): TextQuery {
    const subscription = this.subscriptions.hold(this.subscriber, plan, bindParams(plan, this.identity));
    const query: TextQuery = { text, statement, plan, number, isShared, subscription, uses: 1 };
    this.lastNumber = Math.max(this.lastNumber, number);
    this.all.set(number, query);
    if (isShared) this.shared.set(text, query);
    return query;
  }
}
