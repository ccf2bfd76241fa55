/**
 * Relations: what live queries read. A relation has rows, access to them by key, and a delta for each commit.
 *
 * Tables are relations (`table-relation.ts`); views and results of other operators can be. A row is a reference;
 * operators resolve it when they need its bytes.
 */
import type { RowRef, TableId } from "@lightcone/base";
import type { Arrangement, RowView, RowRefs } from "@lightcone/engine";
import type { AlgebraicType } from "@lightcone/sats";

/** Finds rows by a key: the BSATN of the key's columns, back to back. Allocates nothing once made. */
export interface Keyed {
  /** Moves to the rows with the key `view[at … at + length)`. Its bytes must not change until the last row was read. */
  seek(view: DataView, at: number, length: number): void;
  /** The next row, or -1. Its key may differ (a hash is looked up), so the caller must compare. */
  next(): RowRef | -1;
}

/** An index of a relation: it finds rows by some of their columns. */
export interface KeyedAccess {
  /** In the order of the key. */
  readonly columns: readonly number[];
  /** Whether a key has one row at most. */
  readonly isUnique: boolean;
  open(): Keyed;
}

export interface Relation {
  readonly id: TableId;
  /** False once the columns or indexes have changed since this was made. */
  readonly isCurrent: boolean;
  /** The types of its columns. */
  readonly types: readonly AlgebraicType[];
  readonly rowCount: number;
  /** Whether its rows exist only in the commit that inserts them. */
  readonly isEvent: boolean;
  /** The best declared index whose leading columns are among `columns`. */
  access(columns: readonly number[]): KeyedAccess | undefined;
  /** All rows, by a key of no columns. */
  scan(): KeyedAccess;
  /** Makes an index of the present rows, for columns that no declared index serves: at once, or as it is stepped. */
  arrange(columns: readonly number[], inSlices: boolean): Arrangement;
}

/** The net change of a relation. A row is in one of the lists at most, and once. */
export interface RelationDelta {
  readonly deletes: RowRefs;
  readonly inserts: RowRefs;
}

/** Resolves references to bytes: the store does. */
export interface RowResolver {
  resolve(row: RowRef): void;
  readonly row: RowView;
}
