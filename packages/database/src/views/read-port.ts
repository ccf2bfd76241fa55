/**
 * What a view may ask of its database: it reads the committed state, and what it reads is recorded. There is no transaction:
 * what would write is refused.
 */
import type { IndexId, RowRef, TableId } from "@lightcone/base";
import type { Index, IndexCursor, RowView, Store } from "@lightcone/engine";
import { Errno, type HostPort, type LogLine, type RowScan, type ScanBound } from "@lightcone/host";
import type { ReadSet } from "./read-set.ts";

const noBytes = new Uint8Array(0);
const readOnly = -Errno.transactionIsReadOnly;

export interface ReadPortSite {
  readonly store: Store;
  readonly databaseIdentity: Uint8Array;
  /** What whoever would write is told. */
  readonly refusal: string;
  log(line: LogLine): void;
  nowMicros(): number;
}

export class ReadPort implements HostPort {
  readonly databaseIdentity: Uint8Array;
  readonly generated: Uint8Array = noBytes;
  readonly row: RowView;
  private readonly site: ReadPortSite;
  private readonly store: Store;
  private readonly indexes = new Map<IndexId, Index>();
  /** Of the view that runs; undefined while none does. */
  private reads: ReadSet | undefined;
  private errno: number = 0;
  private key: Uint8Array = noBytes;
  private keyView: DataView = new DataView(noBytes.buffer);

  constructor(site: ReadPortSite) {
    this.site = site;
    this.store = site.store;
    this.databaseIdentity = site.databaseIdentity;
    this.row = site.store.row;
  }

  /** Definitions have changed: finds indexes anew. */
  bind(): void {
    this.indexes.clear();
    for (const table of this.store.tables()) for (const index of table.indexes) this.indexes.set(index.id, index);
  }

  /** A view begins to run; what it reads goes into `reads`. */
  begin(reads: ReadSet): void {
    this.reads = reads;
  }

  end(): void {
    this.reads = undefined;
  }

  tableId(name: string): TableId | 0 {
    return this.store.tx.tableId(name);
  }

  indexId(name: string): IndexId | 0 {
    return this.store.tx.indexId(name);
  }

  rowCount(id: TableId): number {
    const { reads } = this;
    if (reads === undefined) return this.fail(Errno.notInTransaction);
    const table = this.store.table(id);
    if (table === undefined) return this.fail(Errno.noSuchTable);
    reads.table(table);
    return table.rowCount;
  }

  find(id: IndexId, key: Uint8Array, at: number, length: number): number {
    const { reads } = this;
    if (reads === undefined) return this.fail(Errno.notInTransaction) - 1;
    const index = this.indexes.get(id);
    if (index === undefined) return this.fail(Errno.noSuchIndex) - 1;
    if (!index.unique) return this.fail(Errno.indexNotUnique) - 1;
    if (!index.isKey(key, at, length)) return this.fail(Errno.bsatnDecode) - 1;
    const view = this.viewOf(key);
    reads.point(index, view, at);
    return index.find(view, at, length);
  }

  scanTable(id: TableId): RowScan | number {
    const { reads } = this;
    if (reads === undefined) return this.fail(Errno.notInTransaction);
    const table = this.store.table(id);
    if (table === undefined) return this.fail(Errno.noSuchTable);
    reads.table(table);
    const cursor = table.openCursor();
    cursor.seek();
    return { next: () => cursor.next(), close: () => undefined };
  }

  scanPoint(id: IndexId, key: Uint8Array, at: number, length: number): RowScan | number {
    const { reads } = this;
    if (reads === undefined) return this.fail(Errno.notInTransaction);
    const index = this.indexes.get(id);
    if (index === undefined) return this.fail(Errno.noSuchIndex);
    if (!index.isKey(key, at, length)) return this.fail(Errno.bsatnDecode);
    const view = this.viewOf(key);
    reads.point(index, view, at);
    const cursor = index.openCursor();
    cursor.seekPoint(view, at, length);
    return { next: () => cursor.next(), close: () => undefined };
  }

  scanRange(id: IndexId, prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): RowScan | number {
    const { reads } = this;
    if (reads === undefined) return this.fail(Errno.notInTransaction);
    const index = this.indexes.get(id);
    if (index === undefined) return this.fail(Errno.noSuchIndex);
    if (!index.ranged) return this.fail(Errno.wrongIndexAlgorithm);
    const isRange =
      prefixColumns < index.def.columns.length &&
      index.isKey(prefix, 0, prefix.length, prefixColumns) &&
      isBound(index, prefix, prefixColumns, from) &&
      isBound(index, prefix, prefixColumns, to);
    if (!isRange) return this.fail(Errno.bsatnDecode);
    const own = { prefix: prefix.slice(), from: copied(from), to: copied(to) };
    const cursor = index.openCursor();
    cursor.seekRange(own.prefix, prefixColumns, own.from, own.to);
    return new RangeScan(this.store, reads, { index, prefixColumns, ...own }, cursor);
  }

  resolve(row: RowRef): void {
    this.store.resolve(row);
  }

  insert(): number {
    return this.fail(Errno.transactionIsReadOnly);
  }
  update(): number {
    return this.fail(Errno.transactionIsReadOnly);
  }
  deletePoint(): number {
    return this.fail(Errno.transactionIsReadOnly);
  }
  deleteRange(): number {
    return this.fail(Errno.transactionIsReadOnly);
  }
  deleteRows(): number {
    return this.fail(Errno.transactionIsReadOnly);
  }
  clear(): number {
    return this.fail(Errno.transactionIsReadOnly);
  }

  failure(): string {
    switch (-this.errno) {
      case readOnly:
        return this.site.refusal;
      case -Errno.notInTransaction:
        return "no view runs";
      case -Errno.noSuchTable:
        return "no such table";
      case -Errno.noSuchIndex:
        return "no such index";
      case -Errno.indexNotUnique:
        return "the index is not unique";
      case -Errno.wrongIndexAlgorithm:
        return "the index is hashed and has no ranges";
      default:
        return "the bytes are not a key of the index";
    }
  }

  jwt(): undefined {
    return undefined;
  }
  log(line: LogLine): void {
    this.site.log(line);
  }
  scheduleNow(functionName: string): void {
    this.site.log({ level: 1, message: `a view only reads: ${functionName} is not scheduled` });
  }
  nowMicros(): number {
    return this.site.nowMicros();
  }

  private fail(errno: number): number {
    this.errno = errno;
    return -errno;
  }

  private viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.key) {
      this.key = bytes;
      this.keyView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.keyView;
  }
}

function copied(bound: ScanBound): ScanBound {
  return bound.kind === "unbounded" ? bound : { kind: bound.kind, bytes: bound.bytes.slice() };
}

function isBound(index: Index, prefix: Uint8Array, prefixColumns: number, bound: ScanBound): boolean {
  if (bound.kind === "unbounded") return true;
  const key = new Uint8Array(prefix.length + bound.bytes.length);
  key.set(prefix);
  key.set(bound.bytes, prefix.length);
  return index.isKey(key, 0, key.length, prefixColumns + 1);
}

interface Range {
  readonly index: Index;
  readonly prefix: Uint8Array;
  readonly prefixColumns: number;
  readonly from: ScanBound;
  readonly to: ScanBound;
}

/** A range that is read up to the last row delivered, if the view looks no further. */
class RangeScan implements RowScan {
  private readonly store: Store;
  private readonly reads: ReadSet;
  private readonly range: Range;
  private readonly cursor: IndexCursor;
  private last: RowRef | -1 = -1;
  private isNoted = false;

  constructor(store: Store, reads: ReadSet, range: Range, cursor: IndexCursor) {
    this.store = store;
    this.reads = reads;
    this.range = range;
    this.cursor = cursor;
    reads.open(this);
  }

  next(): RowRef | -1 {
    const row = this.cursor.next();
    if (row !== -1) this.last = row;
    else this.note(this.range.to);
    return row;
  }

  close(): void {
    const { index, prefixColumns } = this.range;
    if (this.isNoted) return;
    const column = index.def.columns[prefixColumns];
    // Before its first row nothing was learnt of the range.
    if (this.last === -1 || column === undefined) return;
    this.store.resolve(this.last);
    const { bytes, view, at } = this.store.row;
    const { start, end } = this.reads.placeOf(index, column, view, at);
    this.note({ kind: "included", bytes: bytes.slice(start, end) });
  }

  private note(to: ScanBound): void {
    if (this.isNoted) return;
    this.isNoted = true;
    const { index, prefix, prefixColumns, from } = this.range;
    this.reads.range(index, prefix, prefixColumns, from, to);
  }
}
