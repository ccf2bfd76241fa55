/**
 * An arrangement: an ordered index beside the table's own. Whoever opened it keeps it up to date.
 *
 * Its bytes are not in the account of the store: when the store is full must depend on the commits alone, not on readers.
 */
import type { RowRef } from "@lightcone/base";
import type { Arrangement, ArrangementCursor } from "../api-tables.ts";
import { type KeyCode, makeKeyCode } from "../indexes/key-code.ts";
import { OrderedIndex, type TreePosition } from "../indexes/ordered-index.ts";
import type { RowOwner } from "./row-owner.ts";

export class TableArrangement implements Arrangement {
  readonly columns: readonly number[];
  bytes = 0;
  private readonly tree: OrderedIndex;

  /** Arranges the rows that the table has now. */
  constructor(table: RowOwner, columns: readonly number[]) {
    const { memory, headerBytes } = table.space;
    const code: KeyCode = makeKeyCode(table.columnTypes, columns, table.seed, headerBytes);
    this.columns = columns;
    this.tree = new OrderedIndex(memory, headerBytes, code, this);
    this.tree.load(table.allRefs());
  }

  /** Counts bytes of the tree: see `ByteAccount`. */
  account(bytes: number): void {
    this.bytes += bytes;
  }

  get rowCount(): number {
    return this.tree.count;
  }

  add(row: RowRef): void {
    this.tree.add(row);
  }

  remove(row: RowRef): void {
    this.tree.remove(row);
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
