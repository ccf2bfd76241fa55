/** What a connection and those who keep its rows for the next start ask of one another: `persist/` keeps them. */
import type { Identity } from "@lightcone/sats";
import type { Bags } from "./bags.ts";
import type { Catalog } from "./catalog.ts";
import type { Platform } from "./platform.ts";
import type { Standing } from "./standing.ts";
import type { Subscription } from "./subscription.ts";

/** What rows are kept from for the next start, and shown to at this one: `persist/`. */
export interface KeepingWorld {
  readonly uri: string;
  readonly database: string;
  readonly catalog: Catalog;
  readonly platform: Platform;
  /** That the connection goes by. */
  token(): string | undefined;
  /** Who that is, once it is known. */
  identity(): Identity | undefined;
  /** The rows that are seen, as long as a link brings them up to date. */
  bags(): Bags | undefined;
  /** Shows rows, unless there are some. @throws {LightconeError} what is wrong with the schema, or by `fill` */
  show(kept: ShownRows, fill: (bags: Bags, newId: () => number) => void): void;
}

export interface ShownRows {
  readonly schema: string;
  /** Whose they are. */
  readonly identity: Identity;
}

export interface Keeping {
  /** Whom the client connects as is known. What it gives settles when what was kept is seen, if there is any. */
  load(token: string | undefined): Promise<void> | undefined;
  /** Gives the kept sets the ids of the subscriptions to the same. */
  match(standing: Standing, subscriptions: Iterable<Subscription>): void;
  /** Rows have changed. */
  changed(): void;
  close(): void;
}
