/**
 * Rows of a record into their tables.
 *
 * The usual change is an update: as many deletes as inserts, each with the key of its counterpart in the same
 * position. Index entries are then re-pointed as a live update does; otherwise all deletes come first, and then
 * all inserts. Slots are allocated in the order of the inserts either way. Where the record says that there are pairs, the first
 * of both lists are updates as well, and those that leave every key as it is are made in place.
 */
import type { ByteReader } from "@lightcone/sats";
import type { TransactionChanges } from "../transaction/transaction-changes.ts";
import { copyRow, fillSlot } from "../transaction/transaction-changes.ts";
import { readRowLength, type TableHead } from "./commit-record.ts";
import { RowState } from "../storage/row-space.ts";
import type { StoredIndex, StoredTable } from "../table/stored-table.ts";
import type { QuickPaths } from "../transaction/quick-paths.ts";
import { fallback } from "../transaction/update-code.ts";

/** Where a list of rows stands in the record: place and length of each, in turns. */
class RowRanges {
  private ranges = new Uint32Array(64);

  at(row: number): number {
    return this.ranges[2 * row] as number;
  }
  length(row: number): number {
    return this.ranges[2 * row + 1] as number;
  }
  set(row: number, at: number, length: number): void {
    if (2 * row >= this.ranges.length) {
      const ranges = new Uint32Array(this.ranges.length * 2);
      ranges.set(this.ranges);
      this.ranges = ranges;
    }
    this.ranges[2 * row] = at;
    this.ranges[2 * row + 1] = length;
  }
}

const deletes = new RowRanges();
const inserts = new RowRanges();

/** Applies what the record says of one table; the reader stands behind the table's head. */
export function replayTable(
  changes: TransactionChanges,
  quickPaths: QuickPaths,
  table: StoredTable,
  input: ByteReader,
  head: TableHead,
): void {
  const [only] = table.uniques;
  if (only !== undefined && head.rowLength === table.plainBytes && head.deleteCount === head.insertCount) {
    const { at, view } = input;
    const rowsBytes = head.deleteCount * head.rowLength;
    if (2 * rowsBytes <= input.remaining) {
      const done = quickPaths.replay(only)(changes, view, at, at + rowsBytes, head.deleteCount, head.pairCount);
      if (done === head.deleteCount) {
        input.at = at + 2 * rowsBytes;
        return;
      }
      if (done !== fallback)
        input.fail(`a row that table '${table.name}' is to lose is not there`, at + done * head.rowLength);
    }
  }
  changes.addChanged(table);
  findRows(table, input, head, deletes, head.deleteCount);
  findRows(table, input, head, inserts, head.insertCount);
  for (let row = 0; row < head.deleteCount; row += 1) {
    const ref = table.findIdentical(input.view, deletes.at(row), deletes.length(row));
    if (ref < 0) input.fail(`a row that table '${table.name}' is to lose is not there`, deletes.at(row));
    table.changes.deletes.push(ref);
  }
  if (head.pairCount > 0) {
    deleteRows(table, head, head.pairCount);
    replayUpdates(table, input, head.pairCount, true);
    insertRows(table, input, head, head.pairCount);
  } else if (isUpdate(table, input, head)) replayUpdates(table, input, head.insertCount, false);
  else {
    deleteRows(table, head, 0);
    insertRows(table, input, head, 0);
  }
}

function deleteRows(table: StoredTable, head: TableHead, from: number): void {
  for (let row = from; row < head.deleteCount; row += 1) {
    const ref = table.changes.deletes.refs[row] as number;
    table.removeFromIndexes(ref);
    table.space.setState(ref, RowState.tombstone);
  }
}

/** Skips the record's deletes of a table, which are done already, and inserts the rest. */
export function replayInserts(table: StoredTable, input: ByteReader, head: TableHead): void {
  findRows(table, input, head, deletes, head.deleteCount);
  findRows(table, input, head, inserts, head.insertCount);
  insertRows(table, input, head, 0);
}

function findRows(table: StoredTable, input: ByteReader, head: TableHead, ranges: RowRanges, count: number): void {
  const { bytes, view } = input;
  for (let row = 0; row < count; row += 1) {
    const length = readRowLength(input, head);
    const at = input.take(length);
    const end = at + length;
    if (table.plainBytes < 0 ? table.check(bytes, view, at, end) !== end : length !== table.plainBytes) {
      input.fail(`no row of table '${table.name}'`, at);
    }
    ranges.set(row, at, length);
  }
}

function isUpdate(table: StoredTable, input: ByteReader, head: TableHead): boolean {
  const [unique] = table.uniques;
  if (unique === undefined || !unique.code.hashable || head.deleteCount !== head.insertCount) return false;
  for (let row = 0; row < head.deleteCount; row += 1) {
    if (!unique.code.equalRows(input.view, deletes.at(row), input.view, inserts.at(row))) return false;
  }
  return true;
}

/** @param inPlace whether rows whose keys stay are replaced where they are */
function replayUpdates(table: StoredTable, input: ByteReader, count: number, inPlace: boolean): void {
  const { space, indexes } = table;
  for (let row = 0; row < count; row += 1) {
    const old = table.changes.deletes.refs[row] as number;
    if (inPlace && canReplace(table, input, row, old)) {
      replaceRow(table, input, row, old);
      continue;
    }
    const ref = allocateRow(table, input, row);
    // Until the last row is in, keys of another index may be there twice: finding is not asked of it before.
    for (let position = 0; position < indexes.length; position += 1) (indexes[position] as StoredIndex).move(old, ref);
    table.rowBytes += space.rowBytes(ref) - space.rowBytes(old);
    space.setState(old, RowState.tombstone);
  }
}

/** The rule of `TransactionChanges.update`. */
function canReplace(table: StoredTable, input: ByteReader, row: number, old: number): boolean {
  return (
    table.replacesInPlace &&
    inserts.length(row) === table.space.rowBytes(old) &&
    table.hasKeysOf(old, input.view, inserts.at(row))
  );
}

function replaceRow(table: StoredTable, input: ByteReader, row: number, old: number): void {
  const { changes, space } = table;
  const length = inserts.length(row);
  const image = space.allocate(length);
  copyRow(space, old, image, RowState.tombstone);
  changes.images.push(row);
  changes.deletes.refs[row] = image;
  changes.inserts.push(old);
  space.memory.beforeWrite(old);
  fillSlot(space, old, RowState.live, input.bytes, input.view, inserts.at(row), length);
}

function insertRows(table: StoredTable, input: ByteReader, head: TableHead, from: number): void {
  for (let row = from; row < head.insertCount; row += 1) table.addToIndexes(allocateRow(table, input, row));
}

function allocateRow(table: StoredTable, input: ByteReader, row: number): number {
  const length = inserts.length(row);
  const ref = table.space.allocate(length);
  fillSlot(table.space, ref, RowState.live, input.bytes, input.view, inserts.at(row), length);
  table.changes.inserts.push(ref);
  return ref;
}
