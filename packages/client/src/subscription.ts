/** One subscription: what was asked, and how far it got. */
import type { LightconeError } from "@lightcone/base";

/** A query's text, or a table for all of its rows. */
export type Query = string | { readonly accessor: string };

/** A subscription, as the application holds it. */
export interface SubscriptionHandle {
  /**
   * When its first rows are in the tables. It stays subscribed across reconnections. Whoever never looks at it is told by
   * `onError` of what it would reject with.
   *
   * Rejects with `SubscriptionRefused` when the server does not take a query, with `VersionDiffers` when the page was
   * built with another version of the table, with `Unsubscribed` or `ConnectionClosed` when the application ends it or
   * the client first, and with `NoSuchDatabase`, `Refused` and the like when there can be no connection.
   */
  readonly applied: Promise<void>;
  /** Whether its rows are there, if a little behind while the client is not `open`. */
  readonly isApplied: boolean;
  /** Why it ended: what `applied` rejects with, or what ended it, or the client, after its rows had come. */
  readonly error: LightconeError | undefined;
  /**
   * Runs when `isApplied` or `error` has become another, with the rows in the tables. Whoever looks only here has not
   * looked at `applied`. Returns what ends that.
   */
  onChange(run: () => void): () => void;
  /** Ends it: rows that no other subscription has leave. Calling it again changes nothing. */
  unsubscribe(): void;
}

export class Subscription {
  readonly id: number;
  readonly queries: readonly Query[];
  readonly applied: Promise<void>;
  isApplied = false;
  error: LightconeError | undefined;
  /** Whoever wants to know when one of these two changes. */
  readonly listeners = new Set<{ readonly run: () => void }>();
  /** Whether the application has looked at `applied`, and so hears of its end. */
  isAwaited = false;
  /** Whether `applied` has been resolved or rejected. */
  isSettled = false;
  #resolve: () => void = () => {};
  #reject: (error: LightconeError) => void = () => {};

  constructor(id: number, queries: readonly Query[]) {
    this.id = id;
    this.queries = queries;
    this.applied = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Its rows are in the tables; again after each reconnection. */
  markApplied(): void {
    const { isApplied } = this;
    this.isApplied = true;
    this.isSettled = true;
    this.#resolve();
    if (!isApplied) this.#announce();
  }

  fail(error: LightconeError): void {
    this.isApplied = false;
    this.isSettled = true;
    this.#reject(error);
    this.stop(error);
  }

  /** Its rows stay as they are for good. */
  stop(error: LightconeError): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.#announce();
  }

  /** As `fail`, where the application is told in another way: it need not also catch. */
  end(error: LightconeError): void {
    this.applied.catch(() => {});
    this.fail(error);
  }

  #announce(): void {
    for (const { run } of this.listeners) run();
  }
}
