/**
 * What the open transaction did, so far: every way rows change, and how it is undone.
 *
 * A transaction never reuses a slot. Deleting marks the row, inserting takes a fresh slot; indexes follow at once, so they
 * and the row states always show the transaction's own view. A row is overwritten in one case alone: an update that leaves
 * every key as it is, in a table with a tree to spare, puts an image of the old row into the fresh slot (`replace`).
 * Each step is noted in a log that a rollback walks backwards; slots go back in exactly the reverse order, so
 * that the store is afterwards as if the transaction had never been.
 *
 * Inserting a row that the transaction deleted brings the deleted one back: what is left of both lists at the
 * end is the net effect.
 */
import { type CriticalSection, LightconeError } from "@lightcone/base";
import { copyBytes } from "../storage/copy-bytes.ts";
import { type Memory, type Slab, slabMask, slabShift } from "../storage/memory.ts";
import { type RowSpace, RowState } from "../storage/row-space.ts";
import type { StoredChanges, StoredIndex, StoredTable } from "../table/stored-table.ts";
import type { LazyScan } from "../table/table-changes.ts";
import { slotSourceMask, Step, stepBits, stepMask, stepWords, TransactionState } from "./transaction-state.ts";

export class TransactionChanges {
  readonly memory: Memory;
  private readonly critical: CriticalSection;
  /** A `TransactionState`. */
  state: number = TransactionState.closed;
  /** Changed tables, in the order the transaction first changed them: the first `changedCount`. */
  readonly changed: StoredChanges[] = [];
  changedCount = 0;
  /** Tables that have lazy scans. */
  readonly scanned: StoredTable[] = [];
  /** Which transaction this is: a scan of another one is over. */
  serial = 0;
  log: Uint32Array = new Uint32Array(256 * stepWords);
  logCount = 0;
  /** What undoes steps that are not about rows, in order. */
  private readonly undos: (() => void)[] = [];

  constructor(memory: Memory, critical: CriticalSection) {
    this.memory = memory;
    this.critical = critical;
  }

  /** A mutation begins: its first store comes next. */
  startWriting(): void {
    this.critical.enter();
    this.state = TransactionState.writing;
  }

  /** The mutation is whole. */
  stopWriting(): void {
    this.state = TransactionState.open;
    this.critical.leave();
  }

  /** Prepares for a write: checks memory, and materializes scans. A refusal changes nothing. */
  prepare(table: StoredTable, length: number): void {
    this.memory.checkRoom(table.space.allocationBytes(length));
    if (table.changes.scans.length > 0) this.materializeScans(table);
  }

  /** @throws {LightconeError} `LimitExceeded` when more rows remain than a scan may keep; it is then closed */
  materializeScans(table: StoredTable): void {
    const { scans } = table.changes;
    // Were this interrupted, a scan would have lost rows without saying so.
    this.startWriting();
    let tooLong: LazyScan | undefined;
    for (const scan of scans) {
      if (!scan.materialize()) tooLong = scan;
      // What it keeps are references of rows as they are now: none may be overwritten any more.
      if (scan.keptCount > 0) table.changes.endPairs();
    }
    scans.length = 0;
    this.stopWriting();
    if (tooLong !== undefined) {
      throw new LightconeError("LimitExceeded", {
        limit: "scanRowsMax",
        value: tooLong.rowsMax + 1,
        max: tooLong.rowsMax,
      });
    }
  }

  /** Inserts a row that is valid, not there, and breaks no constraint. */
  insert(table: StoredTable, bytes: Uint8Array, view: DataView, at: number, length: number): number {
    const { space } = table;
    const ref = space.allocate(length);
    this.logStep(table, Step.insert | space.slotSource, ref, 0);
    table.changes.endPairs();
    table.changes.inserts.push(ref);
    fillSlot(space, ref, RowState.ownLive, bytes, view, at, length);
    table.addToIndexes(ref);
    return ref;
  }

  /** Replaces a visible row, which `index.findByRow` has just found, by one of the same key. */
  update(
    table: StoredTable,
    index: StoredIndex,
    old: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
  ): number {
    const { space, indexes } = table;
    if (space.state(old) !== RowState.live) table.changes.endPairs();
    else if (
      table.replacesInPlace &&
      table.changes.pairCount < 0 &&
      space.rowBytes(old) === length &&
      table.hasKeysOf(old, view, at)
    )
      return this.replace(table, old, bytes, view, at, length);
    const ref = space.allocate(length);
    this.logStep(table, Step.update | space.slotSource, ref, old);
    table.changes.inserts.push(ref);
    fillSlot(space, ref, RowState.ownLive, bytes, view, at, length);
    for (let position = 0; position < indexes.length; position += 1) {
      const each = indexes[position] as StoredIndex;
      if (each === index) each.replaceFound(old, ref);
      else each.move(old, ref);
    }
    table.rowBytes += length - space.rowBytes(old);
    this.markDeleted(table, old);
    return ref;
  }

  /** Overwrites a committed row by one of the same length and keys. */
  private replace(
    table: StoredTable,
    row: number,
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
  ): number {
    const { changes, space } = table;
    const image = space.allocate(length);
    this.logStep(table, Step.replace | space.slotSource, image, row);
    copyRow(space, row, image, RowState.tombstone);
    changes.images.push(changes.deletes.count);
    changes.deletes.push(image);
    changes.inserts.push(row);
    changes.tombstones.add(image);
    space.memory.beforeWrite(row);
    fillSlot(space, row, RowState.ownLive, bytes, view, at, length);
    return row;
  }

  /** Deletes a visible row. */
  delete(table: StoredTable, ref: number): void {
    table.changes.endPairs();
    table.removeFromIndexes(ref);
    this.markDeleted(table, ref);
    this.logStep(table, Step.delete, ref, 0);
  }

  /** Makes a row visible again that the transaction deleted. */
  revive(table: StoredTable, ref: number): void {
    table.changes.endPairs();
    table.space.setState(ref, RowState.live);
    table.addToIndexes(ref);
    table.changes.revivedCount += 1;
    table.changes.tombstones.remove(ref);
    this.logStep(table, Step.revive, ref, 0);
  }

  /** Logs a step of another kind, with the function that undoes it. */
  logUndo(undo: () => void): void {
    this.undos.push(undo);
    this.push(Step.other, 0, 0);
  }

  private markDeleted(table: StoredTable, ref: number): void {
    const { changes } = table;
    if (table.space.makeTombstone(ref)) {
      changes.ownTombstoneCount += 1;
      return;
    }
    changes.deletes.push(ref);
    changes.tombstones.add(ref);
  }

  private logStep(table: StoredTable, step: number, ref: number, old: number): void {
    if (table.changes.position < 0) this.addChanged(table);
    this.push((table.changes.position << stepBits) | step, ref, old);
  }

  /** Adds a table to those that changed. */
  addChanged(table: StoredTable): void {
    table.changes.position = this.changedCount;
    // A store into an array is a slow one once a module has had its realm locked down; mostly it is the same table again.
    if (this.changed[this.changedCount] !== table.changes) this.changed[this.changedCount] = table.changes;
    this.changedCount += 1;
  }

  private push(step: number, ref: number, old: number): void {
    const at = this.logCount;
    if (at === this.log.length) this.growLog();
    const { log } = this;
    log[at] = step;
    log[at + 1] = ref;
    log[at + 2] = old;
    this.logCount = at + stepWords;
  }

  private growLog(): void {
    const log = new Uint32Array(this.log.length * 2);
    log.set(this.log);
    this.memory.account(log.byteLength - this.log.byteLength);
    this.log = log;
  }

  /** Undoes everything, last first. */
  undo(): void {
    // The hash of tombstones would have to be told of each step back; it is made again when needed.
    for (let index = 0; index < this.changedCount; index += 1)
      (this.changed[index] as StoredChanges).tombstones.reset();
    for (let at = this.logCount - stepWords; at >= 0; at -= stepWords) {
      const step = (this.log[at] as number) & stepMask;
      if (step === Step.other) {
        (this.undos.pop() as () => void)();
        continue;
      }
      const { table } = this.changed[(this.log[at] as number) >>> stepBits] as StoredChanges;
      this.undoStep(table, step, this.log[at + 1] as number, this.log[at + 2] as number);
    }
    this.resetTables();
  }

  private undoStep(table: StoredTable, step: number, ref: number, old: number): void {
    const { space } = table;
    if (step === Step.delete) {
      space.undoTombstone(ref);
      table.addToIndexes(ref);
    } else if (step === Step.revive) {
      table.removeFromIndexes(ref);
      space.setState(ref, RowState.tombstone);
    } else if ((step & ~slotSourceMask) === Step.update) {
      for (const index of table.indexes) index.move(ref, old);
      table.rowBytes += space.rowBytes(old) - space.rowBytes(ref);
      space.undoTombstone(old);
      space.undoAllocate(ref, step & slotSourceMask);
    } else if ((step & ~slotSourceMask) === Step.replace) {
      copyRow(space, ref, old, RowState.live);
      space.undoAllocate(ref, step & slotSourceMask);
    } else {
      table.removeFromIndexes(ref);
      space.undoAllocate(ref, step & slotSourceMask);
    }
  }

  /**
   * Undoes the transaction's inserts and keeps its deletes: every slot that it allocated is free again, and images are back
   * in the rows they are of. What is then inserted gets the slots that a replay of the commit would allocate.
   */
  undoInserts(): void {
    const rowsOfImages = new Map<number, number>();
    for (let at = this.logCount - stepWords; at >= 0; at -= stepWords) {
      const step = (this.log[at] as number) & stepMask;
      if (step >= Step.delete && step < Step.replace) continue;
      const { table } = this.changed[(this.log[at] as number) >>> stepBits] as StoredChanges;
      const ref = this.log[at + 1] as number;
      if (step >= Step.replace) {
        const row = this.log[at + 2] as number;
        this.undoReplace(table, ref, row);
        rowsOfImages.set(ref, row);
      } else if (table.space.state(ref) === RowState.ownLive) table.removeFromIndexes(ref);
      table.space.undoAllocate(ref, step & slotSourceMask);
    }
    for (let index = 0; index < this.changedCount; index += 1) {
      const changes = this.changed[index] as StoredChanges;
      changes.inserts.reset();
      changes.ownTombstoneCount = 0;
      if (changes.images.count === 0) continue;
      changes.images.reset();
      const { refs, count } = changes.deletes;
      for (let at = 0; at < count; at += 1) refs[at] = rowsOfImages.get(refs[at] as number) ?? (refs[at] as number);
    }
  }

  /** Puts an image back into the row that it is of, deleted or, if the image was revived, visible. */
  private undoReplace(table: StoredTable, image: number, row: number): void {
    const { space } = table;
    const isRevived = (space.state(image) & 1) === 1;
    if (isRevived) table.removeFromIndexes(image);
    else if ((space.state(row) & 1) === 1) table.removeFromIndexes(row);
    copyRow(space, image, row, isRevived ? RowState.live : RowState.tombstone);
    if (isRevived) table.addToIndexes(row);
  }

  /** Empties the undo log. The lists of the tables are emptied by `TableChanges.reset`. */
  reset(): void {
    this.logCount = 0;
    // Emptying an array costs its storage, which the next push must get again: so only a long list is emptied.
    this.changedCount = 0;
    if (this.changed.length > 64) this.changed.length = 0;
    if (this.undos.length > 0) this.undos.length = 0;
    while (this.scanned.length > 0) (this.scanned.pop() as StoredTable).changes.scans = [];
    this.serial += 1;
    if (this.log.length > 1 << 20) {
      const log = new Uint32Array(256 * stepWords);
      this.memory.account(log.byteLength - this.log.byteLength);
      this.log = log;
    }
    this.memory.keepAllocations();
  }

  private resetTables(): void {
    for (let index = 0; index < this.changedCount; index += 1) (this.changed[index] as StoredChanges).reset();
    this.reset();
  }

  /** Refuses a call: gives `notInTransaction` when no transaction is open, and throws when the store is poisoned. */
  refuse(notInTransaction: number): number {
    if (this.state === TransactionState.closed) return notInTransaction;
    this.state = TransactionState.poisoned;
    throw poisonedError();
  }
}

export function poisonedError(): LightconeError<"DatabaseStopped"> {
  return new LightconeError("DatabaseStopped", { reason: "a change was interrupted half-way; memory must be rebuilt" });
}

/** Copies a row into a slot of its length. */
export function copyRow(space: RowSpace, from: number, to: number, state: number): void {
  const { bytes, view } = space.memory.slabs[from >>> slabShift] as Slab;
  space.memory.beforeWrite(to);
  fillSlot(space, to, state, bytes, view, space.rowAt(from), space.rowBytes(from));
}

/** Writes a row, header and all, into a slot. */
export function fillSlot(
  space: RowSpace,
  ref: number,
  state: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  length: number,
): void {
  const slab = space.memory.slabs[ref >>> slabShift] as { bytes: Uint8Array; view: DataView; words: Int32Array };
  let to = (ref & slabMask) << 3;
  if (space.rowLength >= 0) {
    slab.bytes[to] = state;
    to += 1;
  } else {
    slab.words[(ref & slabMask) << 1] = (length << 4) | state;
    to += 4;
  }
  copyBytes(slab.bytes, slab.view, to, bytes, view, at, length);
}
