/**
 * What live queries read: relations, their rows by key, and what a commit changed of them.
 *
 * A row is a reference; whoever needs its bytes resolves it. A table is a relation (`table-relation.ts`), and so can be
 * whatever else has rows, keyed access and a delta for each commit.
 */
import type { RowRef, TableId } from "@lightcone/base";
import type { Arrangement, RowView, RowRefs } from "@lightcone/engine";
import type { AlgebraicType } from "@lightcone/sats";

/** Finds rows by a key: the BSATN of the key's columns, back to back. Allocates nothing once made. */
export interface Keyed {
  /** To the rows with the key at `view[at … at + length)`, whose bytes must stay until the last of them was given. */
  seek(view: DataView, at: number, length: number): void;
  /** The next row, or -1. It may have another key: whoever asks compares. */
  next(): RowRef | -1;
}

/** An index that leads to a relation's rows by some of its columns. */
export interface KeyedAccess {
  /** In the order of the key. */
  readonly columns: readonly number[];
  /** Whether there is one row at most for a key. */
  readonly isUnique: boolean;
  open(): Keyed;
}

export interface Relation {
  readonly id: TableId;
  /** False once its columns or indexes are others than when this was made. */
  readonly isCurrent: boolean;
  /** Of its columns. */
  readonly types: readonly AlgebraicType[];
  readonly rowCount: number;
  /** Whether rows are there only in the commit that inserts them. */
  readonly isEvent: boolean;
  /** The best of the indexes it has anyway whose leading columns are among `columns`. */
  access(columns: readonly number[]): KeyedAccess | undefined;
  /** Arranges the present rows by columns that no index serves. */
  arrange(columns: readonly number[]): Arrangement;
}

/** The net change of a relation. Each row is in one list at most, once. */
export interface RelationDelta {
  readonly deletes: RowRefs;
  readonly inserts: RowRefs;
}

/** Resolves references to bytes: the store does. */
export interface RowResolver {
  resolve(row: RowRef): void;
  readonly row: RowView;
}
