/** What can be shown live: a table, a view, or a query of one. */
import type { LightconeError } from "@lightcone/client";

/** Rows as a client has them now. A table of `db.tables` is one, and so is what its `where`, `orderBy` and `limit` give. */
export interface Source<Row> {
  /** The table's. */
  readonly accessor: string;
  /** What is asked of the table, if not all of it: sources of one key are the same. */
  readonly key?: string;
  /** What is here of it. The same array until something changes, and the same rows where they are unchanged. */
  rows(): readonly Row[];
  /** Runs when `rows()` may be others. Returns what ends that. */
  onChange(run: () => void): () => void;
}

/** What a live query shows. */
export interface LiveRows<Row> {
  readonly rows: readonly Row[];
  /** Whether `rows` are all of them: until then they are what other queries have brought. */
  readonly ready: boolean;
  /** Why there are none, or will be no others. */
  readonly error: LightconeError | undefined;
}

/** What shows nothing: no rows, not ready, no error. */
export const noRows: LiveRows<never> = { rows: [], ready: false, error: undefined };
