/**
 * An index as declared, on top of a hash, a tree, or both.
 *
 *   unique      a hash, which answers finds; the tree is made when a range is first asked for, then kept
 *   otherwise   a tree
 *
 * Keys with floats are the exception: equal ones may differ in their bytes, so they have a tree alone.
 * Invariant: an index holds exactly the visible rows of its table.
 */
import type { IndexId, RowRef } from "@lightcone/base";
import { product, type Validator, validator } from "@lightcone/sats";
import type { IndexDef } from "@lightcone/schema";
import type { ScanBound } from "@lightcone/schema";
import type { Index, IndexCursor } from "../api-tables.ts";
import { MadeOnce } from "../indexes/made-once.ts";
import { plainSize } from "../indexes/key-shape.ts";
import { HashIndex } from "../indexes/hash-index.ts";
import { type KeyCode, makeKeyCode } from "../indexes/key-code.ts";
import { slabMask, slabShift } from "../storage/memory.ts";
import { OrderedIndex, type TreePosition } from "../indexes/ordered-index.ts";
import type { RowOwner } from "./row-owner.ts";

const checks = new MadeOnce<readonly Validator[]>();

export class TableIndex<Owner extends RowOwner = RowOwner> implements Index {
  readonly id: IndexId;
  def: IndexDef;
  readonly table: Owner;
  readonly unique: boolean;
  readonly ranged: boolean;
  readonly code: KeyCode;
  hash: HashIndex | undefined;
  tree: OrderedIndex | undefined;
  /** A tree in the making. It is there between jobs when the work that needed it was ended in the middle. */
  private begun: OrderedIndex | undefined;
  /** Whether it is a tree from the start, and not just when ranges are asked for. */
  readonly isOrdered: boolean;
  /** The length of every key, if any bytes of that length are a key; otherwise -1. */
  readonly plainBytes: number;
  private readonly checks: readonly Validator[];
  private readonly columnChecks: readonly Validator[];
  private readonly position: TreePosition = { branch: 0, leaf: 0, entry: 0 };

  constructor(table: Owner, id: IndexId, def: IndexDef) {
    this.table = table;
    this.id = id;
    this.def = def;
    this.unique = def.unique;
    this.ranged = def.algorithm !== "hash";
    this.code = makeKeyCode(table.columnTypes, def.columns, table.seed, table.space.headerBytes);
    const { columnTypes } = this.code;
    this.checks = checks.of(columnTypes, "of keys", () =>
      columnTypes.map((_, index) => validator(product(columnTypes.slice(0, index + 1)))),
    );
    this.plainBytes = plainSize(columnTypes);
    this.columnChecks = checks.of(columnTypes, "of columns", () =>
      columnTypes.map((type) => validator(product([type]))),
    );
    const { memory, headerBytes } = table.space;
    this.isOrdered = !(def.unique && this.code.hashable);
    if (!this.isOrdered) this.hash = new HashIndex(memory, headerBytes, this.code.hashRow);
    else this.tree = new OrderedIndex(memory, headerBytes, this.code);
  }

  isKey(bytes: Uint8Array, at: number, length: number, columns: number = this.def.columns.length): boolean {
    return this.isKeyIn(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at, length, columns);
  }

  isKeyIn(bytes: Uint8Array, view: DataView, at: number, length: number, columns: number): boolean {
    if (columns === this.def.columns.length && this.plainBytes >= 0) return length === this.plainBytes;
    const check = this.checks[columns - 1];
    return check === undefined ? columns === 0 && length === 0 : check(bytes, view, at, at + length) === at + length;
  }

  /** Whether the bytes are a value of one of the key's columns. */
  isColumn(column: number, bytes: Uint8Array): boolean {
    const check = this.columnChecks[column];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return check !== undefined && check(bytes, view, 0, bytes.length) === bytes.length;
  }

  find(view: DataView, at: number, _length: number): RowRef | -1 {
    const { code } = this;
    if (this.hash !== undefined) return code.findKey(this.hash, view, at) as RowRef | -1;
    const tree = this.tree as OrderedIndex;
    tree.seek(this.position, code.columnTypes.length, view, at, false);
    const ref = this.current(tree);
    if (ref < 0) return -1;
    const order = code.compareRowKey(code.columnTypes.length)(this.viewOf(ref), this.table.space.rowAt(ref), view, at);
    return order === 0 ? (ref as RowRef) : -1;
  }

  /** The row with the key of the row at `view[at …]`, or -1. */
  findByRow(view: DataView, at: number): number {
    const { code } = this;
    if (this.hash !== undefined) return code.findRow(this.hash, view, at);
    const tree = this.tree as OrderedIndex;
    tree.seekRow(this.position, view, at);
    const ref = this.current(tree);
    return ref >= 0 && code.compareRows(this.viewOf(ref), this.table.space.rowAt(ref), view, at) === 0 ? ref : -1;
  }

  private current(tree: OrderedIndex): number {
    const end = { branch: 0, leaf: 0, entry: 0 };
    tree.seekEnd(end);
    return tree.step(this.position, end);
  }

  private viewOf(ref: number): DataView {
    return (this.table.space.memory.slabs[ref >>> slabShift] as { view: DataView }).view;
  }

  add(ref: number): void {
    if (this.hash !== undefined) this.hash.add(this.hash.hashOf(ref), ref);
    if (this.tree !== undefined) this.tree.add(ref);
  }

  remove(ref: number): void {
    if (this.hash !== undefined) this.hash.remove(this.hash.hashOf(ref), ref);
    if (this.tree !== undefined) this.tree.remove(ref);
  }

  /** Replaces the row that `findByRow` has just found by one of the same key. */
  replaceFound(ref: number, by: number): void {
    if (this.hash !== undefined) this.hash.replaceFound(ref, by);
    if (this.tree !== undefined) this.tree.move(ref, by);
  }

  /** Replaces a row by another, whose key may differ. Both must still have their bytes. */
  move(ref: number, by: number): void {
    const { hash } = this;
    if (hash !== undefined) {
      if (this.sameKey(ref, by)) hash.replace(hash.hashOf(by), ref, by);
      else {
        hash.remove(hash.hashOf(ref), ref);
        hash.add(hash.hashOf(by), by);
      }
    }
    if (this.tree !== undefined) this.tree.move(ref, by);
  }

  /** Whether a row has the same key as the row at `view[at …]`. */
  hasKeyOf(ref: number, view: DataView, at: number): boolean {
    const row = this.viewOf(ref);
    const rowAt = ((ref & slabMask) << 3) + this.table.space.headerBytes;
    return this.code.hashable
      ? this.code.equalRows(row, rowAt, view, at)
      : this.code.compareRows(row, rowAt, view, at) === 0;
  }

  /** Whether two rows have the same key. */
  sameKey(ref: number, other: number): boolean {
    return this.hasKeyOf(ref, this.viewOf(other), this.table.space.rowAt(other));
  }

  /** The tree, made now from the table's rows if ranges were never asked for. */
  ordered(): OrderedIndex {
    if (this.tree !== undefined) return this.tree;
    const { space } = this.table;
    this.begun?.dispose();
    const tree = new OrderedIndex(space.memory, space.headerBytes, this.code);
    this.begun = tree;
    tree.load(this.table.allRefs());
    this.tree = tree;
    this.begun = undefined;
    return tree;
  }

  /** Makes the tree that ended work had begun to make. @returns whether there was one */
  finish(): boolean {
    if (this.begun === undefined) return false;
    if (this.tree === undefined) this.ordered();
    this.begun = undefined;
    return true;
  }

  /** Fills an empty index. */
  load(refs: Uint32Array): void {
    if (this.tree !== undefined) this.tree.load(refs);
    const { hash } = this;
    if (hash === undefined) return;
    hash.reserve(refs.length);
    for (let index = 0; index < refs.length; index += 1) {
      const ref = refs[index] as number;
      hash.add(hash.hashOf(ref), ref);
    }
  }

  /** A row whose key another row of the table has too; undefined when all keys differ. */
  findDuplicate(): number | undefined {
    const { space } = this.table;
    const tree = new OrderedIndex(space.memory, space.headerBytes, this.code);
    tree.load(this.table.allRefs());
    const end = { branch: 0, leaf: 0, entry: 0 };
    const position = { branch: 0, leaf: 0, entry: 0 };
    tree.seekEnd(end);
    let before = -1;
    let duplicate: number | undefined;
    for (let ref = tree.step(position, end); ref >= 0 && duplicate === undefined; ref = tree.step(position, end)) {
      if (before >= 0 && this.hasKeyOf(before, this.viewOf(ref), space.rowAt(ref))) duplicate = ref;
      before = ref;
    }
    tree.dispose();
    return duplicate;
  }

  dispose(): void {
    this.hash?.dispose();
    this.tree?.dispose();
    if (this.begun !== this.tree) this.begun?.dispose();
  }

  openCursor(): TableIndexCursor {
    return new TableIndexCursor(this);
  }
}

/** Most cursors look up whole keys, which stand somewhere. */
const noKey = new DataView(new ArrayBuffer(0));

export class TableIndexCursor implements IndexCursor {
  private readonly index: TableIndex;
  private readonly position: TreePosition = { branch: 0, leaf: 0, entry: 0 };
  private readonly end: TreePosition = { branch: 0, leaf: 0, entry: 0 };
  private tree: OrderedIndex | undefined;
  private only: RowRef | -1 = -1;
  /** A prefix and a bound, back to back. */
  private key: DataView = noKey;

  constructor(index: TableIndex) {
    this.index = index;
  }

  seekPoint(view: DataView, at: number, length: number): void {
    this.tree = undefined;
    if (this.index.unique) {
      this.only = this.index.find(view, at, length);
      return;
    }
    const tree = this.index.ordered();
    const columns = this.index.def.columns.length;
    tree.seek(this.position, columns, view, at, false);
    tree.seek(this.end, columns, view, at, true);
    this.tree = tree;
  }

  seekRange(prefix: Uint8Array, prefixColumns: number, from: ScanBound, to: ScanBound): void {
    const tree = this.index.ordered();
    this.seekBound(tree, this.position, prefix, prefixColumns, from, false);
    this.seekBound(tree, this.end, prefix, prefixColumns, to, true);
    this.tree = tree;
  }

  private seekBound(
    tree: OrderedIndex,
    position: TreePosition,
    prefix: Uint8Array,
    prefixColumns: number,
    bound: ScanBound,
    isEnd: boolean,
  ): void {
    if (bound.kind === "unbounded") {
      if (prefixColumns > 0) tree.seek(position, prefixColumns, this.joined(prefix, undefined), 0, isEnd);
      else if (isEnd) tree.seekEnd(position);
      else tree.seekFirst(position);
      return;
    }
    // An end that includes its key, and a start that excludes it, lie behind all rows that have it.
    const after = isEnd === (bound.kind === "included");
    tree.seek(position, prefixColumns + 1, this.joined(prefixColumns > 0 ? prefix : undefined, bound.bytes), 0, after);
  }

  private joined(prefix: Uint8Array | undefined, bound: Uint8Array | undefined): DataView {
    const prefixLength = prefix?.length ?? 0;
    const length = prefixLength + (bound?.length ?? 0);
    if (length > this.key.byteLength) this.key = new DataView(new ArrayBuffer(Math.max(64, length * 2)));
    const bytes = new Uint8Array(this.key.buffer);
    if (prefix !== undefined) bytes.set(prefix);
    if (bound !== undefined) bytes.set(bound, prefixLength);
    return this.key;
  }

  next(): RowRef | -1 {
    if (this.tree !== undefined) return this.tree.step(this.position, this.end) as RowRef | -1;
    const only = this.only;
    this.only = -1;
    return only;
  }
}
