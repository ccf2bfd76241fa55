/** What can be read of a table and its indexes: rows by reference, cursors, ranges. */
import type { IndexId, RowRef, TableId } from "@lightcone/base";
import type { IndexDef, ScanBound, TableDef, TableSchema } from "@lightcone/schema";

/** Row references, the first `count` of `refs`. */
export interface RowRefs {
  readonly refs: Uint32Array;
  readonly count: number;
}

/**
 * Rows that a commit took from a table and gave it. Both lists can be read in place until the commit is released.
 *
 * A row that was replaced in place keeps its reference: it is the inserted row, and the deleted one is an image of what it
 * was, under another reference. `images` has the positions of such rows, which are the same in both lists, rising.
 */
export interface RowChanges {
  readonly deletes: RowRefs;
  readonly inserts: RowRefs;
  readonly images: RowRefs;
}

/** Walks a table's rows in slot order. Make one, use it often: seeking and stepping allocate nothing. */
export interface TableCursor {
  seek(): void;
  /** The next row, or -1. Writing the table in between leaves it undefined which rows are seen. */
  next(): RowRef | -1;
}

/** Walks an index in key order (unordered ones: point only). Allocates nothing once made. */
export interface IndexCursor {
  /**
   * To the rows whose key is the BSATN of all the index's columns back to back, at `view[at …]`.
   * The bytes must be valid; `Index.isKey` tells.
   */
  seekPoint(view: DataView, at: number, length: number): void;
  /** To the rows in a range: `prefixColumns` leading columns equal to `prefix`, the next within bounds. */
  seekRange(prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): void;
  next(): RowRef | -1;
}

export interface Index {
  readonly id: IndexId;
  readonly def: IndexDef;
  readonly table: Table;
  readonly unique: boolean;
  /** Whether it can answer ranges: everything but declared hash indexes. */
  readonly ranged: boolean;
  /** Whether the bytes decode as the first `columns` (default: all) columns of the key, with nothing left. */
  isKey(bytes: Uint8Array, at: number, length: number, columns?: number): boolean;
  /** The row of a unique index with that key, or -1. The key must be valid. */
  find(view: DataView, at: number, length: number): RowRef | -1;
  openCursor(): IndexCursor;
}

/** Rows in the order of some columns, for whoever opened it: see `Table.openArrangement`. */
export interface Arrangement {
  readonly columns: readonly number[];
  readonly rowCount: number;
  /** What it holds. No part of the store's account. */
  readonly bytes: number;
  /** Whether it has all rows: false for one that is made in slices, until it is. */
  readonly isWhole: boolean;
  /** Goes on to arrange, by about so many rows. Only between transactions. */
  step(rowsMax: number): void;
  /** Follows a commit of the table, which must not have been released. */
  advance(changes: RowChanges): void;
  openCursor(): ArrangementCursor;
  close(): void;
}

/** Good until the arrangement changes. Seeking and stepping allocate nothing. */
export interface ArrangementCursor {
  /** To the rows whose first `columns` columns of the key are at `view[at …]`, back to back. */
  seek(view: DataView, at: number, columns: number): void;
  next(): RowRef | -1;
}

export interface Table {
  readonly id: TableId;
  readonly schema: TableSchema;
  readonly def: TableDef;
  readonly name: string;
  readonly rowCount: number;
  /** Bytes of all rows, without headers and unused room. */
  readonly rowBytes: number;
  /** By position as in `def.indexes`. */
  readonly indexes: readonly Index[];
  openCursor(): TableCursor;
  /** The row with exactly these bytes, or -1. */
  findRow(bytes: Uint8Array, at: number, length: number): RowRef | -1;
  /**
   * Arranges the rows there are by some columns. The opener adds and removes rows as commits tell, and closes it when
   * the table's version changes. Cost: a sort of the table, or with `inSlices` nothing until it is stepped.
   */
  openArrangement(columns: readonly number[], inSlices?: boolean): Arrangement;
  /** Rises whenever the table's definition changes: what was derived from it is then stale. */
  readonly version: number;
}
