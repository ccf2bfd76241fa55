/** The contract between a connection and `persist/`, which keeps its rows for the next start. */
import type { Identity } from "@lightcone/sats";
import type { Bags } from "./bags.ts";
import type { Catalog } from "./catalog.ts";
import type { Platform } from "./platform.ts";
import type { Standing } from "./standing.ts";
import type { Subscription } from "./subscription.ts";

/** A connection, as `persist/` sees it. */
export interface KeepingWorld {
  readonly uri: string;
  readonly database: string;
  readonly catalog: Catalog;
  readonly platform: Platform;
  /** That the connection goes by. */
  token(): string | undefined;
  /** Who that is, once it is known. */
  identity(): Identity | undefined;
  /** The rows that the application sees; undefined while no link keeps them up to date. */
  bags(): Bags | undefined;
  /** Shows rows, unless there are some. @throws {LightconeError} what is wrong with the schema, or by `fill` */
  show(kept: ShownRows, fill: (bags: Bags, newId: () => number) => void): void;
}

export interface ShownRows {
  readonly schema: string;
  /** Whose they are. */
  readonly identity: Identity;
}

/** What a connection asks of `persist/`. */
export interface Keeping {
  /** The token to connect with is known. The promise settles once kept rows are shown, if there are any. */
  load(token: string | undefined): Promise<void> | undefined;
  /** Gives the kept sets the ids of the subscriptions to the same. */
  match(standing: Standing, subscriptions: Iterable<Subscription>): void;
  /** Rows have changed. */
  changed(): void;
  close(): void;
}
