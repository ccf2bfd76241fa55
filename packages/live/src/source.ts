/** What can be shown live: a table, a view, or what else has rows that change and a subscription that brings them. */
import type { LightconeError, Query } from "@lightcone/client";

/** Rows as a client has them now. A table of `db.tables` is one. */
export interface Source<Row> {
  readonly accessor: string;
  /** What is here of it. The same array until something changes, and the same rows where they are unchanged. */
  rows(): readonly Row[];
  /** Runs when `rows()` may be others. Returns what ends that. */
  onChange(run: () => void): () => void;
}

/** A source with what it goes by. */
export interface Shown<Row> {
  /** Sources of one key are the same rows. */
  readonly key: string;
  readonly query: Query;
  readonly source: Source<Row>;
}

/** What a live query shows. */
export interface LiveRows<Row> {
  readonly rows: readonly Row[];
  /** Whether `rows` are all of them: until then they are what other queries have brought. */
  readonly ready: boolean;
  /** Why there are none, or will be no others. */
  readonly error: LightconeError | undefined;
}

export const noRows: LiveRows<never> = { rows: [], ready: false, error: undefined };
