/** The live queries of a client: one for each key, whoever asks. */
import type { Client } from "@lightcone/client";
import { keyOf, LiveQuery, type LiveQueryOwner } from "./live-query.ts";
import type { LiveRows, Source } from "./source.ts";

/** As much of a client as live queries need: one of any module is it. */
export type AnyClient = Pick<
  Client,
  "subscribe" | "state" | "error" | "identity" | "connectionId" | "onState" | "retry"
>;

/** How long a query that nobody shows any more is kept: longer than a change of pages takes. */
export const keepMsDefault = 5_000;

/** How live queries are kept. */
export interface LiveOptions {
  /** How long a query that nobody shows any more is kept, in milliseconds: 5000 unless said. */
  readonly keepMs?: number;
  /** Other timers than the platform's own: for tests. */
  readonly after?: (delayMs: number, run: () => void) => () => void;
}

/**
 * The live queries of a client: one for all who show the same rows. `liveQueries(client)` gives it, the same for the
 * same client.
 */
export class LiveQueries {
  readonly client: AnyClient;
  /** Rows that a page's server handed over and no subscription has replaced, by key. */
  readonly handed = new Map<string, readonly unknown[]>();
  /** What a server has shown, to hand it over, by key. */
  readonly pinned = new Map<string, LiveRows<unknown>>();
  readonly #byKey = new Map<string, LiveQuery<unknown>>();
  readonly #owner: LiveQueryOwner;

  constructor(client: AnyClient, { keepMs = keepMsDefault, after = realAfter }: LiveOptions = {}) {
    this.client = client;
    this.#owner = {
      subscribe: (source) => client.subscribe(source),
      isHere: ({ key, accessor }) => key !== undefined && this.#byKey.get(accessor)?.isApplied === true,
      later: (run) => after(keepMs, run),
      began: (query) => {
        if (!this.#byKey.has(query.key)) this.#byKey.set(query.key, query);
      },
      ended: (query, wasApplied) => {
        if (wasApplied) this.handed.delete(query.key);
        if (this.#byKey.get(query.key) === query) this.#byKey.delete(query.key);
      },
      pin: (key, now) => {
        const pinned = this.pinned.get(key) ?? now;
        if (pinned.ready) this.pinned.set(key, pinned);
        return pinned;
      },
    };
  }

  /** The live query of a source: the same for whoever shows the same rows. */
  of<Row>(source: Source<Row>): LiveQuery<Row> {
    const key = keyOf(source);
    // Of one key there are only rows of one type.
    const known = this.#byKey.get(key) as LiveQuery<Row> | undefined;
    if (known !== undefined) return known;
    const made = new LiveQuery(source, this.#owner, this.handed.get(key) as readonly Row[] | undefined);
    this.#byKey.set(key, made);
    return made;
  }
}

/** A Node process does not go on for the sake of these. */
function realAfter(delayMs: number, run: () => void): () => void {
  const timer: unknown = setTimeout(run, delayMs);
  if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function")
    timer.unref();
  // What `setTimeout` gave, which is an object in Node and a number in a page.
  return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
}

const byClient = new WeakMap<AnyClient, LiveQueries>();

/**
 * The live queries of a client, which are made when they are first asked for.
 *
 * @param options count only then
 */
export function liveQueries(client: AnyClient, options?: LiveOptions): LiveQueries {
  const known = byClient.get(client);
  if (known !== undefined) return known;
  const made = new LiveQueries(client, options);
  byClient.set(client, made);
  return made;
}

/**
 * Asks for the rows of a source before anything shows them, as on a server or on the way to another page. They are kept
 * for a while, until something does.
 *
 * Resolves when they are there; rejects as `applied` of a subscription does.
 */
export const preload = (client: AnyClient, source: Source<unknown>): Promise<void> =>
  liveQueries(client).of(source).load();
