/**
 * The data port of an open transaction: what modules, SQL and the scheduler do to rows.
 *
 * Rows and keys are checked here, once. An outcome that a module may handle is a negated `Errno`, decided
 * before anything is written; limits throw before anything is written. Then the state is `writing` from a mutation's
 * first store to its last.
 *
 * Only user tables are written through here. Rows of system tables define the database, and a wrong one leaves a
 * state that cannot be read back; the database alone writes those, through `SystemRows`.
 */
import { type IndexId, LightconeError, type RowRef, type TableId, userIdMin } from "@lightcone/base";
import type { Transaction } from "../api.ts";
import type { RowView, RowScan, ScanBound } from "@lightcone/schema";
import type { TransactionChanges } from "./transaction-changes.ts";
import { TransactionState } from "./transaction-state.ts";
import { Errno, isWrittenByDatabase } from "@lightcone/schema";
import { Meta, metaWords, pageShift, slabMask, slabShift } from "../storage/memory.ts";
import { RefList } from "../table/ref-list.ts";
import { RowState, SlotCursor } from "../storage/row-space.ts";
import { isZero, type Sequence, writeInteger } from "../table/sequence.ts";
import { rowBytesMax } from "../storage/slot-classes.ts";
import type { StoredIndex, StoredTable } from "../table/stored-table.ts";
import type { QuickPaths } from "./quick-paths.ts";
import { fallback } from "./update-code.ts";
import type { TableDirectory } from "../table/table-directory.ts";
import { TransactionScan } from "./transaction-scan.ts";
import { uniqueViolation } from "../table/violation.ts";

const noBytes = new Uint8Array(0);

/** @throws {LightconeError} `SystemTable` unless the table may be written through the data port */
function checkWritable(table: StoredTable): void {
  if (isWrittenByDatabase(table.id)) throw new LightconeError("SystemTable", { table: table.name });
}

/** Stores how far a sequence's reservation reaches, as a change of the open transaction. */
export type StoreReservation = (sequence: Sequence) => void;

export class StoreTransaction implements Transaction {
  readonly changes: TransactionChanges;
  private readonly quickPaths: QuickPaths;
  private readonly tables: TableDirectory;
  private readonly scanRowsMax: number;
  /** Set by whoever knows `st_sequence`. */
  storeReservation: StoreReservation = () => {};
  /** Sequences that the open transaction drew from. */
  readonly drawn: Sequence[] = [];

  generated: Uint8Array = noBytes;
  readonly row: RowView = { bytes: noBytes, view: new DataView(new ArrayBuffer(0)), at: 0, length: 0 };

  private errno = 0;
  private failedTable: StoredTable | undefined;
  private failedIndex: StoredIndex | undefined;
  private failedRow = -1;

  /** The last caller's bytes and a view of them: hosts hand in the same object again and again. */
  private source = noBytes;
  private sourceView = new DataView(noBytes.buffer);
  private scratch = new Uint8Array(256);
  private scratchView = new DataView(this.scratch.buffer);
  private readonly collected = new RefList();

  constructor(changes: TransactionChanges, quickPaths: QuickPaths, tables: TableDirectory, scanRowsMax: number) {
    this.changes = changes;
    this.quickPaths = quickPaths;
    this.tables = tables;
    this.scanRowsMax = scanRowsMax;
  }

  tableId(name: string): TableId | 0 {
    return this.tables.idOf(name);
  }

  indexId(name: string): IndexId | 0 {
    return this.tables.indexIdOf(name);
  }

  rowCount(id: TableId): number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const table = this.tables.byId[id];
    return table === undefined ? this.fail(Errno.noSuchTable) : table.rowCount;
  }

  insert(id: TableId, bytes: Uint8Array, at: number, length: number): number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const table = this.tables.byId[id];
    if (table === undefined) return this.fail(Errno.noSuchTable);
    if (id < userIdMin) checkWritable(table);
    const view = this.viewOf(bytes);
    if (!this.isRow(table, bytes, view, at, length)) return this.fail(Errno.bsatnDecode, table);
    if (this.generated.length > 0) this.generated = noBytes;
    if (table.sequences.length > 0 && this.fillSequences(table, bytes, at, length)) {
      return this.insertChecked(table, this.scratch, this.scratchView, 0, length);
    }
    return this.insertChecked(table, bytes, view, at, length);
  }

  /** Inserts a row that is valid. Returns its reference or `-Errno`. */
  insertChecked(table: StoredTable, bytes: Uint8Array, view: DataView, at: number, length: number): number {
    const { changes } = this;
    const { uniques } = table;
    if (uniques.length === 0) {
      const same = table.findIdentical(view, at, length);
      if (same >= 0) return same;
    }
    for (let position = 0; position < uniques.length; position += 1) {
      const unique = uniques[position] as StoredIndex;
      const other = unique.findByRow(view, at);
      if (other < 0) continue;
      if (table.isRow(other, view, at, length)) return other;
      return this.fail(Errno.uniqueAlreadyExists, table, unique, other);
    }
    const tombstone = table.changes.deletes.count > 0 ? table.changes.tombstones.find(view, at, length) : -1;
    changes.prepare(table, length);
    changes.startWriting();
    let ref = tombstone;
    if (tombstone >= 0) changes.revive(table, tombstone);
    else ref = changes.insert(table, bytes, view, at, length);
    changes.stopWriting();
    return ref;
  }

  update(id: TableId, indexId: IndexId, bytes: Uint8Array, at: number, length: number): number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const table = this.tables.byId[id];
    if (table === undefined) return this.fail(Errno.noSuchTable);
    if (id < userIdMin) checkWritable(table);
    const index = this.tables.indexById[indexId];
    if (index === undefined || index.table !== table) return this.fail(Errno.noSuchIndex, table);
    if (!index.unique) return this.fail(Errno.indexNotUnique, table, index);
    const view = this.viewOf(bytes);
    if (length === table.plainBytes && at + length <= bytes.length && table.sequences.length === 0) {
      const ref = this.quickPaths.update(index)(this.changes, view, at);
      if (ref !== fallback) {
        if (this.generated.length > 0) this.generated = noBytes;
        return ref >= 0 ? ref : this.fail(Errno.noSuchRow, table, index);
      }
    } else if (!this.isRow(table, bytes, view, at, length)) return this.fail(Errno.bsatnDecode, table);
    if (this.generated.length > 0) this.generated = noBytes;
    if (table.sequences.length > 0 && this.fillSequences(table, bytes, at, length)) {
      return this.updateChecked(table, index, this.scratch, this.scratchView, 0, length);
    }
    return this.updateChecked(table, index, bytes, view, at, length);
  }

  /** Replaces the row with the same key in a unique index by one that is valid. Returns its reference or `-Errno`. */
  updateChecked(
    table: StoredTable,
    index: StoredIndex,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
  ): number {
    const { changes } = this;
    const old = index.findByRow(view, at);
    if (old < 0) return this.fail(Errno.noSuchRow, table, index);
    if (table.isRow(old, view, at, length)) return old;
    const { uniques } = table;
    for (let position = 0; position < uniques.length; position += 1) {
      const unique = uniques[position] as StoredIndex;
      if (unique === index || unique.hasKeyOf(old, view, at)) continue;
      const other = unique.findByRow(view, at);
      if (other >= 0) return this.fail(Errno.uniqueAlreadyExists, table, unique, other);
    }
    // A deleted row with these bytes would have this key, and of those the committed state has one: `old`, if it is live.
    const mayBeTombstone = table.changes.deletes.count > 0 && table.space.state(old) !== RowState.live;
    const tombstone = mayBeTombstone ? table.changes.tombstones.find(view, at, length) : -1;
    changes.prepare(table, length);
    changes.startWriting();
    let ref = tombstone;
    if (tombstone >= 0) {
      changes.delete(table, old);
      changes.revive(table, tombstone);
    } else ref = changes.update(table, index, old, bytes, view, at, length);
    changes.stopWriting();
    return ref;
  }

  find(id: IndexId, key: Uint8Array, at: number, length: number): number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction - 1);
    const index = this.tables.indexById[id];
    if (index === undefined) return this.fail(Errno.noSuchIndex) - 1;
    const { hash } = index; // only unique ones have it
    if (hash !== undefined && length === index.plainBytes && at + length <= key.length)
      return index.code.findKey(hash, key === this.source ? this.sourceView : this.viewOf(key), at);
    if (!index.unique) return this.fail(Errno.indexNotUnique, index.table, index) - 1;
    const view = this.viewOf(key);
    if (!this.isKey(index, key, view, at, length)) return this.fail(Errno.bsatnDecode, index.table, index) - 1;
    return index.find(view, at, length);
  }

  deletePoint(id: IndexId, key: Uint8Array, at: number, length: number): number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const index = this.tables.indexById[id];
    if (index === undefined) return this.fail(Errno.noSuchIndex);
    if (index.table.id < userIdMin) checkWritable(index.table);
    const view = this.viewOf(key);
    if (!this.isKey(index, key, view, at, length)) return this.fail(Errno.bsatnDecode, index.table, index);
    if (index.unique) {
      const ref = index.find(view, at, length);
      if (ref < 0) return 0;
      this.deleteVisible(index.table, ref);
      return 1;
    }
    const cursor = index.openCursor();
    cursor.seekPoint(view, at, length);
    return this.deleteAll(index.table, cursor);
  }

  deleteRange(id: IndexId, prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): number {
    const source = this.rangeOf(id, prefix, prefixColumns, from, to);
    if (typeof source === "number") return source;
    const { table } = this.tables.indexById[id] as StoredIndex;
    if (table.id < userIdMin) checkWritable(table);
    return this.deleteAll(table, source);
  }

  deleteRows(id: TableId, rows: Uint8Array): number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const table = this.tables.byId[id];
    if (table === undefined) return this.fail(Errno.noSuchTable);
    if (id < userIdMin) checkWritable(table);
    const view = this.viewOf(rows);
    if (rows.length < 4) return this.fail(Errno.bsatnDecode, table);
    const count = view.getUint32(0, true);
    // Every row is checked before one is deleted. A row may take no bytes, and a table then holds one.
    if (count > rows.length) return this.fail(Errno.bsatnDecode, table);
    let end = 4;
    for (let row = 0; row < count; row += 1) {
      end = table.check(rows, view, end, rows.length);
      if (end < 0) return this.fail(Errno.bsatnDecode, table);
    }
    if (end !== rows.length) return this.fail(Errno.bsatnDecode, table);
    let deleted = 0;
    for (let row = 0, at = 4; row < count; row += 1) {
      const next = table.check(rows, view, at, rows.length);
      const ref = table.findIdentical(view, at, next - at);
      if (ref >= 0) {
        this.deleteVisible(table, ref);
        deleted += 1;
      }
      at = next;
    }
    return deleted;
  }

  clear(id: TableId): number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const table = this.tables.byId[id];
    if (table === undefined) return this.fail(Errno.noSuchTable);
    if (id < userIdMin) checkWritable(table);
    return this.clearTable(table);
  }

  deleteRow(id: TableId, row: RowRef): void {
    if (this.changes.state !== TransactionState.open && this.changes.refuse(-1) < 0) {
      throw new LightconeError("DatabaseStopped", { reason: "rows are deleted inside transactions only" });
    }
    const table = this.tables.byId[id];
    if (table === undefined) throw new LightconeError("NoSuchTable", { table: String(id) });
    if (id < userIdMin) checkWritable(table);
    if ((table.space.state(row) & 1) === 1) this.deleteVisible(table, row);
  }

  scanTable(id: TableId): RowScan | number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const table = this.tables.byId[id];
    if (table === undefined) return this.fail(Errno.noSuchTable);
    return new TransactionScan(this.changes, table, new SlotCursor(table.space), this.scanRowsMax);
  }

  scanPoint(id: IndexId, key: Uint8Array, at: number, length: number): RowScan | number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const index = this.tables.indexById[id];
    if (index === undefined) return this.fail(Errno.noSuchIndex);
    const view = this.viewOf(key);
    if (!this.isKey(index, key, view, at, length)) return this.fail(Errno.bsatnDecode, index.table, index);
    const cursor = index.openCursor();
    cursor.seekPoint(view, at, length);
    return new TransactionScan(this.changes, index.table, cursor, this.scanRowsMax);
  }

  scanRange(id: IndexId, prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): RowScan | number {
    const source = this.rangeOf(id, prefix, prefixColumns, from, to);
    if (typeof source === "number") return source;
    return new TransactionScan(
      this.changes,
      (this.tables.indexById[id] as StoredIndex).table,
      source,
      this.scanRowsMax,
    );
  }

  resolve(row: RowRef): void {
    const slab = this.changes.memory.slabs[row >>> slabShift] as {
      bytes: Uint8Array;
      view: DataView;
      words: Int32Array;
      meta: Int32Array;
    };
    const { row: seen } = this;
    const head = slab.meta[((row >>> pageShift) & 255) * metaWords + Meta.head] as number;
    const rowLength = slab.meta[(head & 255) * metaWords + Meta.rowLength] as number;
    const at = (row & slabMask) << 3;
    seen.bytes = slab.bytes;
    seen.view = slab.view;
    if (rowLength >= 0) {
      seen.at = at + 1;
      seen.length = rowLength;
    } else {
      seen.at = at + 4;
      seen.length = (slab.words[at >> 2] as number) >>> 4;
    }
  }

  failure(): string {
    const table = this.failedTable?.name ?? "";
    const index = this.failedIndex?.def.name ?? "";
    switch (this.errno) {
      case Errno.noSuchTable:
        return "no such table";
      case Errno.noSuchIndex:
        return "no such index";
      case Errno.bsatnDecode:
        return `the bytes are not a ${index === "" ? `row of table '${table}'` : `key of index '${index}'`}`;
      case Errno.wrongIndexAlgorithm:
        return `index '${index}' is hashed and has no ranges`;
      case Errno.indexNotUnique:
        return `index '${index}' is not unique`;
      case Errno.noSuchRow:
        return `no row of table '${table}' has that key in index '${index}'`;
      case Errno.uniqueAlreadyExists:
        return this.violation();
      default:
        return "";
    }
  }

  /** Deletes one row, completely. */
  deleteVisible(table: StoredTable, ref: number): void {
    const { changes } = this;
    if (table.changes.scans.length > 0) changes.materializeScans(table);
    changes.startWriting();
    changes.delete(table, ref);
    changes.stopWriting();
  }

  clearTable(table: StoredTable): number {
    return this.deleteAll(table, new SlotCursor(table.space));
  }

  private deleteAll(table: StoredTable, source: { next(): number }): number {
    const { changes, collected } = this;
    collected.reset();
    for (let ref = source.next(); ref >= 0; ref = source.next()) collected.push(ref);
    if (collected.count === 0) return 0;
    if (table.changes.scans.length > 0) changes.materializeScans(table);
    changes.startWriting();
    for (let index = 0; index < collected.count; index += 1) changes.delete(table, collected.refs[index] as number);
    changes.stopWriting();
    const { count } = collected;
    collected.reset();
    return count;
  }

  private rangeOf(
    id: IndexId,
    prefix: Uint8Array,
    prefixColumns: number,
    from: ScanBound,
    to: ScanBound,
  ): { next(): RowRef | -1 } | number {
    if (this.changes.state !== TransactionState.open) return this.changes.refuse(-Errno.notInTransaction);
    const index = this.tables.indexById[id];
    if (index === undefined) return this.fail(Errno.noSuchIndex);
    if (!index.ranged) return this.fail(Errno.wrongIndexAlgorithm, index.table, index);
    if (!isRange(index, prefix, prefixColumns, from, to)) return this.fail(Errno.bsatnDecode, index.table, index);
    const cursor = index.openCursor();
    cursor.seekRange(prefix, prefixColumns, from, to);
    return cursor;
  }

  isRow(table: StoredTable, bytes: Uint8Array, view: DataView, at: number, length: number): boolean {
    const end = at + length;
    if (table.plainBytes >= 0) return length === table.plainBytes && end <= bytes.length;
    return end <= bytes.length && length <= rowBytesMax && table.check(bytes, view, at, end) === end;
  }

  private isKey(index: StoredIndex, bytes: Uint8Array, view: DataView, at: number, length: number): boolean {
    return at + length <= bytes.length && index.isKeyIn(bytes, view, at, length, index.def.columns.length);
  }

  viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.source) {
      this.source = bytes as Uint8Array<ArrayBuffer>;
      this.sourceView = new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.sourceView;
  }

  /** Copies a row whose generated columns are zero to `scratch` and fills them; false when none is. */
  private fillSequences(table: StoredTable, bytes: Uint8Array, at: number, length: number): boolean {
    const view = this.viewOf(bytes);
    let generatedBytes = 0;
    for (const sequence of table.sequences) {
      if (isZero(view, sequence.columnAt(view, at), sequence.columnBytes)) generatedBytes += sequence.columnBytes;
    }
    if (generatedBytes === 0) return false;
    if (this.scratch.length < length) {
      this.scratch = new Uint8Array(length * 2);
      this.scratchView = new DataView(this.scratch.buffer);
    }
    const { scratch, scratchView } = this;
    scratch.set(bytes.subarray(at, at + length));
    const generated = new Uint8Array(generatedBytes);
    let written = 0;
    for (const sequence of table.sequences) {
      const columnAt = sequence.columnAt(scratchView, 0);
      if (!isZero(scratchView, columnAt, sequence.columnBytes)) continue;
      writeInteger(scratchView, columnAt, sequence.columnBytes, this.draw(sequence));
      generated.set(scratch.subarray(columnAt, columnAt + sequence.columnBytes), written);
      written += sequence.columnBytes;
    }
    this.generated = generated;
    return true;
  }

  private draw(sequence: Sequence): bigint {
    if (sequence.before === undefined) {
      sequence.before = sequence.next;
      this.drawn.push(sequence);
    }
    const value = sequence.draw();
    if (sequence.stored !== sequence.allocated) this.storeReservation(sequence);
    return value;
  }

  private fail(errno: Errno, table?: StoredTable, index?: StoredIndex, row = -1): number {
    this.errno = errno;
    this.failedTable = table;
    this.failedIndex = index;
    this.failedRow = row;
    return -errno;
  }

  /** The last violation as an error's text; the row in the way tells the value. */
  private violation(): string {
    const table = this.failedTable;
    const index = this.failedIndex;
    if (table === undefined || index === undefined) return "";
    this.resolve(this.failedRow as RowRef);
    const { bytes, view, at, length } = this.row;
    return uniqueViolation(table.def, index.def, bytes, view, at, at + length).message;
  }
}

/** Whether the prefix and both bounds are valid for the index. */
export function isRange(
  index: StoredIndex,
  prefix: Uint8Array,
  prefixColumns: number,
  from: ScanBound,
  to: ScanBound,
): boolean {
  if (prefixColumns >= index.def.columns.length) return false;
  if (prefixColumns > 0 && !index.isKey(prefix, 0, prefix.length, prefixColumns)) return false;
  return isBound(index, prefixColumns, from) && isBound(index, prefixColumns, to);
}

function isBound(index: StoredIndex, column: number, bound: ScanBound): boolean {
  return bound.kind === "unbounded" || index.isColumn(column, bound.bytes);
}
