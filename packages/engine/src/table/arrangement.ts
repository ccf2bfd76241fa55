/**
 * An arrangement: an ordered index beside the table's own. Whoever opened it keeps it up to date.
 *
 * It may be made in slices between transactions: then a commit's changes count of the rows that have been walked past.
 * Its bytes are not in the account of the store: when the store is full must depend on the commits alone, not on readers.
 */
import type { RowRef } from "@lightcone/base";
import type { Arrangement, ArrangementCursor, RowChanges } from "../api-tables.ts";
import { type KeyCode, makeKeyCode } from "../indexes/key-code.ts";
import { OrderedIndex, type TreePosition } from "../indexes/ordered-index.ts";
import { type Slab, slabShift } from "../storage/memory.ts";
import { RefWalk } from "../storage/ref-walk.ts";
import type { RowSpace } from "../storage/row-space.ts";
import type { RowOwner } from "./row-owner.ts";

const noneReplaced = { kept: new Set<number>(), moved: new Set<number>() } as const;

export class TableArrangement implements Arrangement {
  readonly columns: readonly number[];
  bytes = 0;
  private readonly tree: OrderedIndex;
  private readonly space: RowSpace;
  private readonly code: KeyCode;
  /** Over the rows that are still to be arranged; undefined when all are. */
  private walk: RefWalk | undefined;

  /** Arranges the rows that the table has now, or with `inSlices` as it is stepped. */
  constructor(table: RowOwner, columns: readonly number[], inSlices: boolean) {
    const { memory, headerBytes } = table.space;
    this.space = table.space;
    this.code = makeKeyCode(table.columnTypes, columns, table.seed, headerBytes);
    this.columns = columns;
    this.tree = new OrderedIndex(memory, headerBytes, this.code, this);
    if (inSlices) this.walk = new RefWalk(table.space);
    else this.tree.load(table.allRefs());
  }

  get isWhole(): boolean {
    return this.walk === undefined;
  }

  step(rowsMax: number): void {
    this.walk?.step(rowsMax, this.add);
    if (this.walk?.isWhole === true) this.walk = undefined;
  }

  private readonly add = (ref: number): void => this.tree.add(ref);

  /** Counts bytes of the tree: see `ByteAccount`. */
  account(bytes: number): void {
    this.bytes += bytes;
  }

  get rowCount(): number {
    return this.tree.count;
  }

  advance(changes: RowChanges): void {
    const { deletes, inserts } = changes;
    const { kept, moved } = this.replaced(changes);
    const { walk } = this;
    if (walk !== undefined) return this.advanceBehind(walk, changes, kept, moved);
    // What is taken out is found by its bytes: rows that were replaced in place have the old ones back meanwhile.
    for (const at of moved) this.exchange(deletes.refs[at] as number, inserts.refs[at] as number);
    for (let at = 0; at < deletes.count; at += 1)
      if (!kept.has(at)) this.tree.remove((moved.has(at) ? inserts : deletes).refs[at] as number);
    for (const at of moved) this.exchange(deletes.refs[at] as number, inserts.refs[at] as number);
    for (let at = 0; at < inserts.count; at += 1) if (!kept.has(at)) this.tree.add(inserts.refs[at] as number);
  }

  /** The same of an arrangement in the making: of rows that the walk has not reached nothing is there. */
  private advanceBehind(
    walk: RefWalk,
    { deletes, inserts }: RowChanges,
    kept: ReadonlySet<number>,
    moved: ReadonlySet<number>,
  ): void {
    // A row that was replaced in place keeps its reference, which is the new one's.
    const moves = [...moved].filter((at) => walk.isPassed(inserts.refs[at] as number)); // below `count`, as all here
    for (const at of moves) this.exchange(deletes.refs[at] as number, inserts.refs[at] as number);
    for (const at of moves) this.tree.remove(inserts.refs[at] as number);
    for (let at = 0; at < deletes.count; at += 1) {
      const ref = deletes.refs[at] as number;
      if (!kept.has(at) && !moved.has(at) && walk.isPassed(ref)) this.tree.remove(ref);
    }
    for (const at of moves) this.exchange(deletes.refs[at] as number, inserts.refs[at] as number);
    for (let at = 0; at < inserts.count; at += 1) {
      const ref = inserts.refs[at] as number;
      if (!kept.has(at) && walk.isPassed(ref)) this.tree.add(ref);
    }
  }

  /** The rows that were replaced in place, by position: those that keep their place here, and those that do not. */
  private replaced({ deletes, inserts, images }: RowChanges): {
    kept: ReadonlySet<number>;
    moved: ReadonlySet<number>;
  } {
    if (images.count === 0) return noneReplaced;
    const kept = new Set<number>();
    const moved = new Set<number>();
    for (let i = 0; i < images.count; i += 1) {
      const at = images.refs[i] as number; // below `count`, as all below
      const isKept = this.haveSameKeys(deletes.refs[at] as number, inserts.refs[at] as number);
      (isKept ? kept : moved).add(at);
    }
    return { kept, moved };
  }

  private haveSameKeys(a: number, b: number): boolean {
    const { slabs } = this.space.memory;
    const aView = (slabs[a >>> slabShift] as Slab).view;
    const bView = (slabs[b >>> slabShift] as Slab).view;
    return this.code.compareRows(aView, this.space.rowAt(a), bView, this.space.rowAt(b)) === 0;
  }

  /** Exchanges the bytes of two rows of one length. */
  private exchange(a: number, b: number): void {
    const { space } = this;
    const { slabs } = space.memory;
    const length = space.rowBytes(a);
    const aBytes = (slabs[a >>> slabShift] as Slab).bytes.subarray(space.rowAt(a), space.rowAt(a) + length);
    const bBytes = (slabs[b >>> slabShift] as Slab).bytes.subarray(space.rowAt(b), space.rowAt(b) + length);
    const kept = aBytes.slice();
    aBytes.set(bBytes);
    bBytes.set(kept);
  }

  openCursor(): ArrangementCursor {
    return new TreeCursor(this.tree);
  }

  close(): void {
    this.tree.dispose();
  }
}

class TreeCursor implements ArrangementCursor {
  private readonly tree: OrderedIndex;
  private readonly position: TreePosition = { branch: 0, leaf: 0, entry: 0 };
  private readonly end: TreePosition = { branch: 0, leaf: 0, entry: 0 };

  constructor(tree: OrderedIndex) {
    this.tree = tree;
  }

  seek(view: DataView, at: number, columns: number): void {
    this.tree.seek(this.position, columns, view, at, false);
    this.tree.seek(this.end, columns, view, at, true);
  }

  next(): RowRef | -1 {
    return this.tree.step(this.position, this.end) as RowRef | -1; // the tree's references are unbranded
  }
}
