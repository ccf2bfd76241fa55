/**
 * Finds rows that the open transaction deleted by their bytes, so that inserting one of them again revives it.
 *
 * A few are compared one by one; more are hashed, once somebody asks. Rows that were deleted, revived and deleted again
 * stand in the list twice, which does no harm.
 */
import { HashIndex } from "../indexes/hash-index.ts";
import { slabShift } from "../storage/memory.ts";
import type { RefList } from "./ref-list.ts";
import type { RowOwner } from "./row-owner.ts";

/** Up to here deleted rows are compared one by one. */
const comparedMax = 8;

export class Tombstones {
  private readonly table: RowOwner;
  private readonly deletes: RefList;
  /** By row bytes; made when `find` first needs it, and kept in step by `add` and `remove`. */
  hash: HashIndex | undefined;

  constructor(table: RowOwner, deletes: RefList) {
    this.table = table;
    this.deletes = deletes;
  }

  /** The deleted row with these bytes, or -1. */
  find(view: DataView, at: number, length: number): number {
    const { deletes, table } = this;
    const { space } = table;
    if (deletes.count <= comparedMax) {
      for (let index = 0; index < deletes.count; index += 1) {
        const ref = deletes.refs[index] as number;
        if (table.isRow(ref, view, at, length) && (space.state(ref) & 1) === 0) return ref;
      }
      return -1;
    }
    const code = table.rowCode;
    if (this.hash === undefined) {
      this.hash = new HashIndex(space.memory, space.headerBytes, code.hashRow);
      for (let index = 0; index < deletes.count; index += 1) {
        const ref = deletes.refs[index] as number;
        if ((space.state(ref) & 1) === 0) this.add(ref);
      }
    }
    return code.findRow(this.hash, view, at);
  }

  /** Notes a row that was deleted. */
  add(ref: number): void {
    const { hash } = this;
    if (hash === undefined) return;
    const { rowCode, space } = this.table;
    const row = (space.memory.slabs[ref >>> slabShift] as { view: DataView }).view;
    if (rowCode.findRow(hash, row, space.rowAt(ref)) < 0) hash.add(hash.hashOf(ref), ref);
  }

  /** Notes a row that was revived. */
  remove(ref: number): void {
    if (this.hash !== undefined) this.hash.remove(this.hash.hashOf(ref), ref);
  }

  /** Drops the hash. To be called before deleted rows change without `add` or `remove`. */
  reset(): void {
    this.hash?.dispose();
    this.hash = undefined;
  }
}
