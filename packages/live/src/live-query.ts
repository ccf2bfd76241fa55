/**
 * One query as everything that shows it sees it: one subscription for all, and one object for each state.
 *
 *   unasked ──watch, load──▶ subscribed ──the last one leaves, time passes──▶ ended
 *
 * Laws
 *   What `now` gives is the same object until a row, `ready` or `error` is another, and `rows` the same array until a row is.
 *   `now` reads what the client has at this moment, never what it had when somebody was told: two queries that are read
 *   together are of one state of the client.
 *   It ends only when nobody has watched it, or waited for its first rows, for a while: who leaves and comes back, as React's
 *   strict mode and a change of pages do, finds its rows there.
 */
import { isLightconeError, type SubscriptionHandle } from "@lightcone/client";
import { noRows, type LiveRows, type Source } from "./source.ts";

/** What a live query needs of those it is one of. */
export interface LiveQueryOwner {
  subscribe(source: Source<unknown>): SubscriptionHandle;
  /** Whether the client has all of its rows by another subscription. */
  isHere(source: Source<unknown>): boolean;
  /** Runs when time has passed that may bring somebody back. Returns what cancels it. */
  later(run: () => void): () => void;
  /** It is subscribed to, or is not any more. */
  began(query: LiveQuery<unknown>): void;
  ended(query: LiveQuery<unknown>, wasApplied: boolean): void;
  /** Rows are shown by a server, which hands over what this gives: the same each time. */
  pin(key: string, now: LiveRows<unknown>): LiveRows<unknown>;
}

/**
 * One query as everything that shows it sees it. `now()` is what there is, the same object until something changes;
 * `watch(run)` asks
 * for the rows, tells of each change, and gives what ends that.
 */
export class LiveQuery<Row> {
  readonly key: string;
  /** What a page showed before it was connected, as its server handed it over. */
  readonly handed: LiveRows<Row> | undefined;

  readonly #source: Source<Row>;
  readonly #owner: LiveQueryOwner;
  readonly #watchers = new Set<{ readonly run: () => void }>();
  #subscription: SubscriptionHandle | undefined;
  #ends: (() => void)[] = [];
  #cancelEnd: () => void;
  #isAwaited = false;
  #wasApplied = false;
  #seen: LiveRows<Row> = noRows;
  #told: LiveRows<Row> = noRows;

  constructor(source: Source<Row>, owner: LiveQueryOwner, handed: readonly Row[] | undefined) {
    this.key = keyOf(source);
    this.#source = source;
    this.#owner = owner;
    this.handed = handed === undefined ? undefined : { rows: handed, ready: true, error: undefined };
    // What asked for it may never come to watch it.
    this.#cancelEnd = owner.later(() => this.#end());
  }

  /** What there is to show. */
  readonly now = (): LiveRows<Row> => {
    const { handed, isApplied } = this;
    const error = this.#subscription?.error;
    const isHanded = handed !== undefined && !this.#wasApplied && !isApplied;
    if (isApplied) this.#wasApplied = true;
    const found = isHanded ? handed.rows : rowsOf(this.#source);
    const rows = isSame(this.#seen.rows, found) ? this.#seen.rows : found;
    const ready = isApplied || isHanded;
    if (rows !== this.#seen.rows || ready !== this.#seen.ready || error !== this.#seen.error)
      this.#seen = { rows, ready, error };
    return this.#seen;
  };

  /** Whether the client has all of its rows. */
  get isApplied(): boolean {
    return this.#subscription?.isApplied === true || this.#owner.isHere(this.#source);
  }

  /** What a server shows: `now`, and once that is ready always the same. */
  // What was pinned by this key was of this type.
  readonly pinned = (): LiveRows<Row> => this.#owner.pin(this.key, this.now()) as LiveRows<Row>;

  /** Asks for the rows, and runs whenever `now` gives another object than by then. Returns what ends that. */
  readonly watch = (run: () => void): (() => void) => {
    const watcher = { run };
    this.#watchers.add(watcher);
    this.#begin();
    if (this.#watchers.size === 1) this.#told = this.now();
    return () => {
      if (this.#watchers.delete(watcher)) this.#endLater();
    };
  };

  /** Asks for the rows. Resolves when all of them are there; rejects as `applied` of a subscription. */
  readonly load = (): Promise<void> => {
    const { applied } = this.#begin();
    if (this.#isAwaited) return applied;
    this.#isAwaited = true;
    const end = (): void => {
      this.#isAwaited = false;
      this.#endLater();
    };
    applied.then(end, end);
    return applied;
  };

  #begin(): SubscriptionHandle {
    this.#cancelEnd();
    if (this.#subscription !== undefined) return this.#subscription;
    const subscription = this.#owner.subscribe(this.#source);
    // Of a client that is closed already: `now` shows it.
    if (subscription.error !== undefined) subscription.applied.catch(() => {});
    this.#subscription = subscription;
    this.#owner.began(this);
    const changed = (): void => this.#changed();
    this.#ends = [subscription.onChange(changed)];
    if (subscription.error === undefined) this.#ends.push(this.#source.onChange(changed));
    return subscription;
  }

  /** Those who come after what `now` was read by somebody must be told as well. */
  #changed(): void {
    const now = this.now();
    if (now === this.#told) return;
    this.#told = now;
    for (const { run } of this.#watchers) run();
  }

  #endLater(): void {
    this.#cancelEnd();
    if (this.#watchers.size === 0 && !this.#isAwaited) this.#cancelEnd = this.#owner.later(() => this.#end());
  }

  #end(): void {
    for (const end of this.#ends.splice(0)) end();
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#owner.ended(this, this.#wasApplied);
  }
}

export const keyOf = ({ key, accessor }: Source<unknown>): string => key ?? accessor;

function isSame(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before === after || (before.length === after.length && before.every((row, index) => row === after[index]));
}

/** A query that its table refuses has no rows here: why, its subscription tells. */
function rowsOf<Row>(source: Source<Row>): readonly Row[] {
  try {
    return source.rows();
  } catch (error) {
    if (isLightconeError(error, "SubscriptionRefused")) return noRows.rows;
    throw error;
  }
}
