/**
 * A table's rows made anew, in slices, before the transaction that puts them in the old ones' place.
 *
 * Nothing commits from the first slice to that transaction, so the new rows stand in their slots as a function of the
 * state before it. The log has the conversion and no row: a replay makes the same rows in the same slots. All pages
 * that remakes allocate come before those of their transaction, live and in a replay, and are given back in reverse
 * order when it comes to nothing.
 */
import { isLightconeError, LightconeError } from "@lightcone/base";
import { ByteWriter, type Converter, fixedSizeOf, makeConverter, validator } from "@lightcone/sats";
import type { RemakeRecord } from "../log/remake-record.ts";
import { type Memory, pageShift, type Slab, slabShift } from "../storage/memory.ts";
import { RowSpace, RowState, SlotCursor } from "../storage/row-space.ts";
import { rowBytesMax } from "../storage/slot-classes.ts";
import type { StoredIndex, StoredTable } from "../table/stored-table.ts";
import { uniqueViolation } from "../table/violation.ts";
import { fillSlot } from "../transaction/transaction-changes.ts";

/** Rows in a space of their own that no table has yet. */
export interface RemadeRows {
  readonly space: RowSpace;
  rowCount: number;
  rowBytes: number;
}

/** Converts rows, one after the other, into a space of their own. */
class RowRemaker implements RemadeRows {
  readonly space: RowSpace;
  rowCount = 0;
  rowBytes = 0;
  readonly out = new ByteWriter();
  private readonly memory: Memory;
  private readonly old: StoredTable;
  private readonly walk: SlotCursor;
  private readonly convert: Converter;

  constructor(memory: Memory, old: StoredTable, { rowType, conversion }: RemakeRecord) {
    this.memory = memory;
    this.old = old;
    this.space = new RowSpace(memory, old.id, fixedSizeOf(rowType));
    this.walk = new SlotCursor(old.space);
    this.convert = makeConverter(old.def.rowType, rowType, conversion);
  }

  /** Where the next row's bytes begin in `out`, whose length it has; false behind the last. */
  next(): boolean {
    const ref = this.walk.next();
    if (ref < 0) return false;
    this.out.reset();
    this.convert((this.memory.slabs[ref >>> slabShift] as Slab).view, this.old.space.rowAt(ref), this.out);
    return true;
  }

  /** Puts the row that `next` made into a slot; returns that. */
  place(): number {
    const { out, space } = this;
    const ref = space.allocate(out.length);
    fillSlot(space, ref, RowState.live, out.bytes, out.view, 0, out.length);
    this.rowCount += 1;
    this.rowBytes += out.length;
    return ref;
  }
}

/**
 * Remakes a table's rows at once, as a replay does.
 *
 * @throws {LightconeError} `Malformed` for a record that is not of these rows
 */
export function remakeRows(memory: Memory, old: StoredTable, record: RemakeRecord): RemadeRows {
  const malformed = (reason: string): LightconeError =>
    new LightconeError("Malformed", { what: "a remade table of a log record", reason });
  const check = validator(record.rowType);
  try {
    const rows = new RowRemaker(memory, old, record);
    const { out } = rows;
    while (rows.next()) {
      if (check(out.bytes, out.view, 0, out.length) !== out.length)
        throw malformed(`it makes no rows of '${old.name}'`);
      rows.place();
    }
    return rows;
  } catch (cause) {
    if (isLightconeError(cause)) throw cause;
    throw malformed(`it fits no rows of table '${old.name}': ${String(cause)}`);
  }
}

/** A remake of one table as it goes on. */
export class TableRemake {
  readonly old: StoredTable;
  /** The table to be. */
  readonly table: StoredTable;
  /** What the log is to say; undefined when the rows stay where they are. */
  readonly record: RemakeRecord | undefined;
  isDone = false;
  private readonly memory: Memory;
  private readonly rows: RowRemaker | undefined;
  private readonly walk: SlotCursor;
  /** Unique columns that were not unique before. */
  private readonly checked: readonly StoredIndex[];

  /** @param makeTable makes the table, over the given space */
  constructor(
    memory: Memory,
    old: StoredTable,
    record: RemakeRecord | undefined,
    makeTable: (space: RowSpace) => StoredTable,
    isChecked: (index: StoredIndex) => boolean,
  ) {
    this.memory = memory;
    this.old = old;
    this.record = record;
    this.rows = record && new RowRemaker(memory, old, record);
    this.table = makeTable(this.rows?.space ?? old.space);
    this.walk = new SlotCursor(old.space);
    this.checked = this.table.indexes.filter(isChecked);
  }

  /** Does up to so many rows; returns how many are left of that number. */
  step(rowCountMax: number): number {
    let left = rowCountMax;
    for (; left > 0 && !this.isDone; left -= 1) this.stepRow();
    return left;
  }

  private stepRow(): void {
    const { rows, table } = this;
    if (rows === undefined) {
      const ref = this.walk.next();
      if (ref < 0) return this.finish();
      const slab = this.memory.slabs[ref >>> slabShift] as Slab;
      const at = table.space.rowAt(ref);
      this.check(slab.bytes, slab.view, at, at + table.space.rowBytes(ref));
      table.addToIndexes(ref);
      return;
    }
    if (!rows.next()) return this.finish();
    const { out, space } = rows;
    if (out.length > rowBytesMax)
      throw new LightconeError("LimitExceeded", { limit: "rowBytesMax", value: out.length, max: rowBytesMax });
    this.memory.checkRoom(space.allocationBytes(out.length));
    this.check(out.bytes, out.view, 0, out.length);
    table.addToIndexes(rows.place());
  }

  private finish(): void {
    this.isDone = true;
    this.table.space.allocatedPages = false;
  }

  /** @throws {LightconeError} `UniqueViolation` for a row that may not stand beside one that is there */
  private check(bytes: Uint8Array, view: DataView, at: number, end: number): void {
    const { table } = this;
    for (const index of this.checked)
      if (index.findByRow(view, at) >= 0) throw uniqueViolation(table.def, index.def, bytes, view, at, end);
    if (this.rows !== undefined && table.rowSet !== undefined && table.rowCode.findRow(table.rowSet, view, at) >= 0)
      throw new LightconeError("MigrationRefused", {
        reason: `Two rows of table ${table.name} would be the same without the columns that go; a table holds a row once`,
      });
  }

  /** Takes back what was made. Of several remakes the last comes first. */
  abandon(): void {
    this.table.dispose();
    const { rows } = this;
    if (rows === undefined) return;
    const { space } = rows;
    for (; space.spanCount > 0; space.spanCount -= 1)
      this.memory.undoAllocate(space.spans[space.spanCount - 1] as number);
  }
}

/** Gives back what a table held that another took the place of, but for rows that both have. */
export function retireTable(old: StoredTable, table: StoredTable): void {
  old.dispose();
  if (old.space !== table.space) freeSpace(old.space);
}

/** Frees a space for good, rows and all. */
function freeSpace(space: RowSpace): void {
  const { memory } = space;
  for (let ordinal = 0; ordinal < space.spanCount; ordinal += 1) {
    const head = space.spans[ordinal] as number;
    memory.beforeWrite((head << pageShift) >>> 0);
    memory.free(head);
  }
  space.spanCount = 0;
}
