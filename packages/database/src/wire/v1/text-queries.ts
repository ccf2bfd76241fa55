/**
 * The queries that one client holds, counted by their texts: a set shares the query of a text that another set has
 * already, and the query is held until the last lets go of it.
 */
import { isLightconeError } from "@lightcone/base";
import { bindParams, compileSubscription, type Catalog, type SelectPlan } from "@lightcone/sql";
import type { Subscription, Subscriptions } from "../../subscriptions/fan-out.ts";
import type { Subscriber } from "../../subscriptions/subscriber.ts";

/** A query of a request, not held yet. */
export interface WantedQuery {
  readonly text: string;
  readonly plan: SelectPlan;
}

/** A query that is held. */
export interface TextQuery extends WantedQuery {
  readonly subscription: Subscription;
  /** Sets that contain it. */
  uses: number;
}

const eventTablesText =
  "Subscribing to event tables requires WebSocket v2. Please upgrade your client SDK and regenerate your module bindings.";

/** The queries of texts: all, or the text of why there are none. The first that does not compile fails all. */
export function compileTexts(texts: readonly string[], catalog: Catalog): readonly WantedQuery[] | string {
  const wanted = new Map<string, WantedQuery>();
  for (const text of texts) {
    try {
      const plans = compileSubscription(text, catalog);
      if (plans.some((plan) => plan.sources.some((source) => source.table.def.isEvent))) return eventTablesText;
      for (const plan of plans) {
        // One text that stands for many queries: each is held by itself.
        const own = plans.length === 1 ? text : `${text} #${plan.key}`;
        wanted.set(own, { text: own, plan });
      }
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      return text === "" ? "SubscriptionError: Empty string, executing: ``" : `${error.told}, executing: \`${text}\``;
    }
  }
  return [...wanted.values()];
}

export class TextQueries {
  private readonly subscriptions: Subscriptions;
  private readonly subscriber: Subscriber;
  private readonly identity: Uint8Array;
  /** Those that may be shared, by text. */
  private readonly shared = new Map<string, TextQuery>();
  /** How many are held in all. */
  count = 0;

  constructor(subscriptions: Subscriptions, subscriber: Subscriber, identity: Uint8Array) {
    this.subscriptions = subscriptions;
    this.subscriber = subscriber;
    this.identity = identity;
  }

  /** How many of these would have to be held anew if they were shared. */
  newOf(wanted: readonly WantedQuery[]): number {
    return wanted.reduce((sum, { text }) => sum + (this.shared.has(text) ? 0 : 1), 0);
  }

  /** Holds a query once more, of which no other set knows. */
  hold({ text, plan }: WantedQuery): TextQuery {
    this.count++;
    const params = bindParams(plan, this.identity);
    return { text, plan, subscription: this.subscriptions.hold(this.subscriber, plan, params), uses: 1 };
  }

  /** Holds a query that others may share. @param shares whether it may be one that is held already */
  share(wanted: WantedQuery, shares: boolean): TextQuery {
    const known = this.shared.get(wanted.text);
    if (known !== undefined && shares) {
      known.uses++;
      return known;
    }
    const query = this.hold(wanted);
    if (known === undefined) this.shared.set(wanted.text, query);
    return query;
  }

  release(query: TextQuery): void {
    query.uses--;
    if (query.uses > 0) return;
    if (this.shared.get(query.text) === query) this.shared.delete(query.text);
    this.subscriptions.release(query.subscription);
    this.count--;
  }
}
