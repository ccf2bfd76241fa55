/** A table: its rows, its indexes, and what the open transaction did to it. */
import type { RowRef, TableId } from "@lightcone/base";
import { type AlgebraicType, fixedSizeOf, product, type Validator, validator } from "@lightcone/sats";
import type { TableDef, TableSchema } from "@lightcone/schema";
import type { Table, TableCursor } from "../api.ts";
import type { TableDelta } from "../commit.ts";
import { HashIndex } from "../indexes/hash-index.ts";
import { type HashSeed, type KeyCode, makeKeyCode } from "../indexes/key-code.ts";
import { plainSize } from "../indexes/key-shape.ts";
import { type Memory, slabShift } from "../storage/memory.ts";
import { RefList } from "./ref-list.ts";
import { RowSpace, SlotWalk } from "../storage/row-space.ts";
import type { Sequence } from "./sequence.ts";
import { TableIndex } from "./table-index.ts";
import type { TransactionScan } from "../transaction/transaction-scan.ts";

/** Up to here deleted rows are compared one by one, beyond it they are hashed. */
const deadComparedMax = 8;

export class StoredTable implements Table, TableDelta {
  readonly id: TableId;
  schema: TableSchema;
  version = 0;
  readonly space: RowSpace;
  readonly seed: HashSeed;
  columnTypes: readonly AlgebraicType[];
  check: Validator;
  /** Bytes of every row, if any so many bytes are one; otherwise -1. */
  readonly plainBytes: number;
  indexes: TableIndex[] = [];
  /** Those that refuse a second row of a key. */
  uniques: TableIndex[] = [];
  /** Finds identical rows where no unique index would. */
  rowSet: HashIndex | undefined;
  sequences: Sequence[] = [];
  isEvent: boolean;
  rowCount = 0;
  rowBytes = 0;
  private code: KeyCode | undefined;

  // What the open transaction, or the commit not yet released, did.
  readonly deletes: RefList = new RefList();
  readonly inserts: RefList = new RefList();
  /** Position among the transaction's tables, or -1. */
  touched = -1;
  /** Rows that it inserted and deleted again. */
  ownDeadCount = 0;
  /** Rows that it deleted and inserted again; some of `deletes` are then visible. */
  revivedCount = 0;
  /** Its scans that are still lazy. */
  scans: TransactionScan[] = [];
  /** What `findDead` asks once many are deleted. */
  deadSet: HashIndex | undefined;

  constructor(memory: Memory, schema: TableSchema, seed: HashSeed) {
    this.id = schema.id;
    this.schema = schema;
    this.seed = seed;
    this.columnTypes = schema.def.columns.map((column) => column.type);
    this.check = validator(product(this.columnTypes));
    this.plainBytes = plainSize(this.columnTypes);
    this.isEvent = schema.def.isEvent;
    this.space = new RowSpace(memory, schema.id, fixedSizeOf(schema.def.rowType));
    this.indexes = schema.def.indexes.map(
      (def, index) => new TableIndex(this, schema.indexIds[index] as TableIndex["id"], def),
    );
    this.settleIndexes();
  }

  /** A table is its own delta: between a commit and its release the lists hold the net change. */
  get table(): this {
    return this;
  }
  get def(): TableDef {
    return this.schema.def;
  }
  get name(): string {
    return this.schema.def.name;
  }

  /** What follows from `indexes`: call it whenever they changed. */
  settleIndexes(): void {
    this.uniques = this.indexes.filter((index) => index.unique);
    if (this.uniques.length > 0) {
      this.rowSet?.forget();
      this.rowSet = undefined;
    } else if (this.rowSet === undefined) {
      this.rowSet = new HashIndex(this.space.memory, this.space.headerBytes, this.rowCode.hashRow);
      for (const ref of this.allRefs()) this.rowSet.add(this.rowSet.hashOf(ref), ref);
    }
    this.version += 1;
  }

  /** The whole row as a key. */
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
    return new SlotWalk(this.space) as unknown as TableCursor; // its references are unbranded
  }

  /** Every visible row, in scan order. */
  allRefs(): Uint32Array {
    const refs = new Uint32Array(this.rowCount);
    const walk = new SlotWalk(this.space);
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
    const ref = (this.uniques[0] as TableIndex).findLike(view, at);
    return ref >= 0 && this.isRow(ref, view, at, length) ? ref : -1;
  }

  /** Whether a row has exactly these bytes. */
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

  /** The row with these bytes that the transaction deleted, or -1. */
  findDead(view: DataView, at: number, length: number): number {
    const { deletes, space } = this;
    if (deletes.count <= deadComparedMax) {
      for (let index = 0; index < deletes.count; index += 1) {
        const ref = deletes.refs[index] as number;
        if (this.isRow(ref, view, at, length) && (space.state(ref) & 1) === 0) return ref;
      }
      return -1;
    }
    const code = this.rowCode;
    if (this.deadSet === undefined) {
      this.deadSet = new HashIndex(space.memory, space.headerBytes, code.hashRow);
      for (let index = 0; index < deletes.count; index += 1) {
        const ref = deletes.refs[index] as number;
        if ((space.state(ref) & 1) === 0) this.noteDead(ref);
      }
    }
    return code.findRow(this.deadSet, view, at);
  }

  /** Keeps what `findDead` uses in step, once it exists. */
  noteDead(ref: number): void {
    const set = this.deadSet;
    if (set === undefined) return;
    const code = this.rowCode;
    const row = (this.space.memory.slabs[ref >>> slabShift] as { view: DataView }).view;
    if (code.findRow(set, row, this.space.rowAt(ref)) < 0) set.add(set.hashOf(ref), ref);
  }
  noteAlive(ref: number): void {
    if (this.deadSet !== undefined) this.deadSet.remove(this.deadSet.hashOf(ref), ref);
  }
  /** Forgets it: what follows changes dead rows without saying so. */
  forgetDead(): void {
    this.deadSet?.forget();
    this.deadSet = undefined;
  }

  /** Forgets what a transaction did. */
  settle(): void {
    this.deletes.reset();
    this.inserts.reset();
    this.touched = -1;
    this.ownDeadCount = 0;
    this.revivedCount = 0;
    this.space.tookPages = false;
    this.forgetDead();
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

  /** Gives back what the indexes of a dropped table hold. */
  forget(): void {
    for (const index of this.indexes) index.forget();
    this.rowSet?.forget();
    this.forgetDead();
  }
}
