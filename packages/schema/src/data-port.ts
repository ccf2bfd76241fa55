/**
 * The data port: how the rows of a database's tables are read and changed, by whoever runs inside a transaction.
 *
 * It stands between those who keep rows (`engine`) and those who run modules (`host`, and the hosts behind it), which do
 * not know each other; so it is declared here, below both.
 *
 * Everything crosses as bytes: a row is its BSATN, a key is the BSATN of its columns back to back, and a row that is read
 * is seen in place through `resolve`. Nothing here throws for an outcome that a module may handle: such calls return a
 * number below zero, the negated `Errno`. What is not of the module's making (a limit that is met, a bug of the host's)
 * throws and must be let through.
 *
 * Bytes handed in are the caller's again when the call returns: a scan keeps none of its key or bounds.
 *
 * All calls but `tableId` and `indexId` need an open transaction: `-Errno.notInTransaction` without.
 */
import type { IndexId, RowRef, TableId } from "@lightcone/base";

/** The error numbers of the module ABI: docs/wire/module-abi.md. */
export const Errno = {
  hostCallFailure: 1,
  notInTransaction: 2,
  bsatnDecode: 3,
  noSuchTable: 4,
  noSuchIndex: 5,
  noSuchIter: 6,
  noSuchConsoleTimer: 7,
  noSuchBytes: 8,
  noSpace: 9,
  wrongIndexAlgorithm: 10,
  bufferTooSmall: 11,
  uniqueAlreadyExists: 12,
  scheduleTooLong: 13,
  indexNotUnique: 14,
  noSuchRow: 15,
  autoIncOverflow: 16,
  wouldBlockTransaction: 17,
  transactionNotAnonymous: 18,
  transactionIsReadOnly: 19,
  transactionIsMut: 20,
  httpError: 21,
} as const;
export type Errno = (typeof Errno)[keyof typeof Errno];

/** A scan's rows, in order. Lazy until the transaction first writes the table; then it keeps what remains. */
export interface RowScan {
  /** The next row, or -1 when none is left. */
  next(): RowRef | -1;
  /** Lets go of what the scan holds. A scan that was read to its end needs none. */
  close(): void;
}

/** A bound of a range, on the column behind the prefix. `bytes` is that column's BSATN. */
export type ScanBound =
  | { readonly kind: "included"; readonly bytes: Uint8Array }
  | { readonly kind: "excluded"; readonly bytes: Uint8Array }
  | { readonly kind: "unbounded" };

/** Where a row's bytes stand. One object, reused by every `resolve`: read it before the next call. */
export interface RowView {
  bytes: Uint8Array;
  view: DataView;
  at: number;
  length: number;
}

export interface DataPort {
  /** The table's id by its canonical name or its accessor, 0 if there is none. */
  tableId(name: string): TableId | 0;
  /** The index's id by its canonical or source name, 0 if there is none. */
  indexId(name: string): IndexId | 0;

  /** Rows visible to the transaction, or `-Errno`. */
  rowCount(table: TableId): number;
  /** Inserts the row `bytes[at … at + length)`. Returns its reference or `-Errno`; `generated` is set. */
  insert(table: TableId, bytes: Uint8Array, at: number, length: number): number;
  /** Replaces the row with the same key in a unique index. Returns the new reference or `-Errno`. */
  update(table: TableId, index: IndexId, bytes: Uint8Array, at: number, length: number): number;
  /** The columns that the last `insert` or `update` generated: BSATN in column order; empty when none. */
  readonly generated: Uint8Array;

  /** Finds by a unique index. Returns the row, -1 when there is none, or `-Errno - 1`. */
  find(index: IndexId, key: Uint8Array, at: number, length: number): number;
  /** Deletes by equality on all columns of an index. Returns how many, or `-Errno`. */
  deletePoint(index: IndexId, key: Uint8Array, at: number, length: number): number;
  deleteRange(index: IndexId, prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): number;
  /** Deletes each of `rows`, a BSATN array of whole rows. Returns how many there were, or `-Errno`. */
  deleteRows(table: TableId, rows: Uint8Array): number;
  /** Deletes every row. Returns how many, or `-Errno`. */
  clear(table: TableId): number;

  scanTable(table: TableId): RowScan | number;
  scanPoint(index: IndexId, key: Uint8Array, at: number, length: number): RowScan | number;
  scanRange(
    index: IndexId,
    prefix: Uint8Array,
    prefixColumns: number,
    from: ScanBound,
    to: ScanBound,
  ): RowScan | number;

  /** Sets `row` to where the row's bytes are. Good until the transaction ends. */
  resolve(row: RowRef): void;
  readonly row: RowView;

  /** Says in words what the last negative result was about, for a log or an error's text. */
  failure(): string;
}
