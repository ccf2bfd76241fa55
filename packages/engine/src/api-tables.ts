/** What can be read of a table and its indexes: rows by reference, cursors, ranges. */
import type { IndexId, RowRef, TableId } from "@lightcone/base";
import type { IndexDef, ScanBound, TableDef, TableSchema } from "@lightcone/schema";

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

export interface Table {
  readonly id: TableId;
  readonly schema: TableSchema;
  readonly def: TableDef;
  readonly name: string;
  readonly rowCount: number;
  /** Bytes of all rows, without what storing them costs. */
  readonly rowBytes: number;
  /** By position as in `def.indexes`. */
  readonly indexes: readonly Index[];
  openCursor(): TableCursor;
  /** The row with exactly these bytes, or -1. */
  findRow(bytes: Uint8Array, at: number, length: number): RowRef | -1;
  /** Rises whenever the table's definition changes: what was derived from it is then stale. */
  readonly version: number;
}
