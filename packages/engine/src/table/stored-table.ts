/** A table: its rows, its indexes, its sequences. What the open transaction did to it stands in `changes`. */
import type { RowRef, TableId } from "@lightcone/base";
import { type AlgebraicType, fixedSizeOf, product, type Validator, validator } from "@lightcone/sats";
import type { TableDef, TableSchema } from "@lightcone/schema";
import type { Arrangement, TableCursor } from "../api-tables.ts";
import { HashIndex } from "../indexes/hash-index.ts";
import { type HashSeed, type KeyCode, makeKeyCode } from "../indexes/key-code.ts";
import { columnTypesOf, MadeOnce } from "../indexes/made-once.ts";
import { plainSize } from "../indexes/key-shape.ts";
import { type Memory, slabShift } from "../storage/memory.ts";
import { RowSpace, SlotCursor } from "../storage/row-space.ts";
import { TableArrangement } from "./arrangement.ts";
import type { Sequence } from "./sequence.ts";
import type { RowOwner } from "./row-owner.ts";
import { TableChanges } from "./table-changes.ts";
import { TableIndex } from "./table-index.ts";

const rowChecks = new MadeOnce<Validator>();

export type StoredIndex = TableIndex<StoredTable>;
export type StoredChanges = TableChanges<StoredTable>;

export class StoredTable implements RowOwner {
  readonly id: TableId;
  schema: TableSchema;
  version = 0;
  readonly space: RowSpace;
  readonly seed: HashSeed;
  columnTypes: readonly AlgebraicType[];
  check: Validator;
  /** The length of every row, if any bytes of that length are a row; otherwise -1. */
  readonly plainBytes: number;
  indexes: StoredIndex[] = [];
  /** The unique ones. */
  uniques: StoredIndex[] = [];
  /** Whether an update that leaves all keys as they are leaves the row where it is: it pays with a tree. */
  replacesInPlace = false;
  /** Finds identical rows in a table without a unique index. */
  rowSet: HashIndex | undefined;
  sequences: Sequence[] = [];
  isEvent: boolean;
  rowCount = 0;
  rowBytes = 0;
  private code: KeyCode | undefined;

  readonly changes: StoredChanges;

  /** @param space where its rows stand already; a new one by default */
  constructor(memory: Memory, schema: TableSchema, seed: HashSeed, space?: RowSpace) {
    this.id = schema.id;
    this.schema = schema;
    this.seed = seed;
    this.columnTypes = columnTypesOf(schema.def.columns);
    this.check = rowChecks.of(this.columnTypes, "", () => validator(product(this.columnTypes)));
    this.plainBytes = plainSize(this.columnTypes);
    this.isEvent = schema.def.isEvent;
    this.space = space ?? new RowSpace(memory, schema.id, fixedSizeOf(schema.def.rowType));
    this.changes = new TableChanges<StoredTable>(this);
    this.indexes = schema.def.indexes.map(
      (def, index) => new TableIndex<StoredTable>(this, schema.indexIds[index] as TableIndex["id"], def),
    );
    this.indexesChanged();
  }

  get def(): TableDef {
    return this.schema.def;
  }
  get name(): string {
    return this.schema.def.name;
  }

  /** Derives what follows from `indexes`. Call it whenever they change. */
  indexesChanged(): void {
    this.uniques = this.indexes.filter((index) => index.unique);
    this.replacesInPlace = this.uniques.length > 0 && this.indexes.some(({ isOrdered }) => isOrdered);
    if (this.uniques.length > 0) {
      this.rowSet?.dispose();
      this.rowSet = undefined;
    } else if (this.rowSet === undefined) {
      this.rowSet = new HashIndex(this.space.memory, this.space.headerBytes, this.rowCode.hashRow);
      for (const ref of this.allRefs()) this.rowSet.add(this.rowSet.hashOf(ref), ref);
    }
    this.version += 1;
  }

  get rowCode(): KeyCode {
    this.code ??= makeKeyCode(
      this.columnTypes,
      this.columnTypes.map((_, index) => index),
      this.seed,
      this.space.headerBytes,
    );
    return this.code;
  }

  openCursor(): TableCursor {
    return new SlotCursor(this.space) as unknown as TableCursor; // its references are unbranded
  }

  openArrangement(columns: readonly number[], inSlices = false): Arrangement {
    return new TableArrangement(this, columns, inSlices);
  }

  allRefs(): Uint32Array {
    const refs = new Uint32Array(this.rowCount);
    const walk = new SlotCursor(this.space);
    let count = 0;
    for (let ref = walk.next(); ref >= 0; ref = walk.next()) refs[count++] = ref;
    return refs;
  }

  findRow(bytes: Uint8Array, at: number, length: number): RowRef | -1 {
    return this.findIdentical(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at, length) as
      | RowRef
      | -1;
  }

  /** The visible row with exactly these (valid) bytes, or -1. */
  findIdentical(view: DataView, at: number, length: number): number {
    if (this.rowSet !== undefined) return this.rowCode.findRow(this.rowSet, view, at);
    const ref = (this.uniques[0] as StoredIndex).findByRow(view, at);
    return ref >= 0 && this.isRow(ref, view, at, length) ? ref : -1;
  }

  isRow(ref: number, view: DataView, at: number, length: number): boolean {
    const { space } = this;
    if (space.rowBytes(ref) !== length) return false;
    const row = (space.memory.slabs[ref >>> slabShift] as { view: DataView }).view;
    const rowAt = space.rowAt(ref);
    let index = 0;
    for (; index + 4 <= length; index += 4) {
      if (row.getInt32(rowAt + index, true) !== view.getInt32(at + index, true)) return false;
    }
    for (; index < length; index += 1) {
      if (row.getUint8(rowAt + index) !== view.getUint8(at + index)) return false;
    }
    return true;
  }

  /** Whether a row has the bytes of the row at `view[at …]` in every key. */
  hasKeysOf(ref: number, view: DataView, at: number): boolean {
    const row = (this.space.memory.slabs[ref >>> slabShift] as { view: DataView }).view;
    const rowAt = this.space.rowAt(ref);
    for (let position = 0; position < this.indexes.length; position += 1)
      if (!(this.indexes[position] as StoredIndex).code.equalRows(row, rowAt, view, at)) return false;
    return true;
  }

  addToIndexes(ref: number): void {
    for (const index of this.indexes) index.add(ref);
    if (this.rowSet !== undefined) this.rowSet.add(this.rowSet.hashOf(ref), ref);
    this.rowCount += 1;
    this.rowBytes += this.space.rowBytes(ref);
  }

  removeFromIndexes(ref: number): void {
    for (const index of this.indexes) index.remove(ref);
    if (this.rowSet !== undefined) this.rowSet.remove(this.rowSet.hashOf(ref), ref);
    this.rowCount -= 1;
    this.rowBytes -= this.space.rowBytes(ref);
  }

  /** Fills the empty indexes of a table whose rows stand in their slots already. */
  loadIndexes(rowBytes: number, rowCount: number): void {
    this.rowCount = rowCount;
    this.rowBytes = rowBytes;
    const refs = this.allRefs();
    for (const index of this.indexes) index.load(refs);
    const { rowSet } = this;
    if (rowSet === undefined) return;
    rowSet.reserve(refs.length);
    for (let index = 0; index < refs.length; index += 1) {
      const ref = refs[index] as number;
      rowSet.add(rowSet.hashOf(ref), ref);
    }
  }

  /** Frees the memory of the indexes of a table that is dropped or replaced. */
  dispose(): void {
    for (const index of this.indexes) index.dispose();
    this.rowSet?.dispose();
    this.changes.tombstones.reset();
  }
}
