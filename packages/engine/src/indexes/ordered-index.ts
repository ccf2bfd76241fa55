/**
 * Rows in key order: a B-tree of three levels.
 *
 *   root: branches, and the first entry of each │ branch: up to 64 leaves │ leaf: up to 64 entries
 *
 * An entry is a row's reference and a prefix of its key (`KeyCode.prefixRow`). Order is by key, then by reference, so
 * every row has one place and is found again among any number of equal keys. A separator is the first entry below
 * it, whose row is always there, so no key is stored twice.
 *
 * Changing costs one search for a leaf. Within it entries stand as they came, and are sorted for whoever reads them
 * next: many changes between two reads are then sorted once. See `tree-branch.ts`, and `tree-order.ts` for the order.
 * A row costs 15 to 20 bytes.
 *
 * Positions are good until the next `add`, `remove` or `move`.
 */
import type { KeyCode } from "./key-code.ts";
import type { Memory } from "../storage/memory.ts";
import { Branch, type ByteAccount, branchMax, leafStart } from "./tree-branch.ts";
import { EntryOrder } from "./tree-order.ts";
import { sortByPrefix } from "./tree-sort.ts";

/** What bulk loading fills. */
const leafFill = 56;
const branchFill = 56;

/** A place between entries. */
export interface TreePosition {
  branch: number;
  leaf: number;
  entry: number;
}

export class OrderedIndex {
  private readonly account: ByteAccount;
  private readonly code: KeyCode;
  private readonly order: EntryOrder;
  private branches: Branch[] = [];
  /** Each branch's first entry. */
  private prefixes: Float64Array = new Float64Array(4);
  private refs: Uint32Array = new Uint32Array(4);
  count = 0;
  /** The leaf where the last descent ended. */
  private branchIndex = 0;
  private leaf = 0;

  /** @param account who counts its bytes */
  constructor(memory: Memory, headerBytes: number, code: KeyCode, account: ByteAccount = memory) {
    this.account = account;
    this.code = code;
    this.order = new EntryOrder(memory, headerBytes, code);
  }

  add(ref: number): void {
    this.insert(this.order.seekRow(ref), ref);
  }

  /** Removes a row, which must be there and still have its bytes. */
  remove(ref: number): void {
    this.order.seekRow(ref);
    this.removeAt(this.find(ref));
  }

  /** Replaces a row by another, whose key may differ. Both must still have their bytes. */
  move(ref: number, by: number): void {
    const { order } = this;
    order.seekRow(ref);
    const at = this.find(ref);
    const { branchIndex, leaf } = this;
    const source = this.branches[branchIndex] as Branch;
    const prefix = order.seekRow(by);
    const target = this.descend();
    if (source === target && leaf === this.leaf && at !== leafStart(leaf)) source.replaceAt(leaf, at, prefix, by);
    else if (source.isSparse(leaf) || target.isFull(this.leaf) || leaf === 0 || this.leaf === 0) {
      this.branchIndex = branchIndex;
      this.leaf = leaf;
      this.removeAt(at);
      this.insert(prefix, by);
    } else {
      // No leaf is made or dropped, and each branch keeps its first entry.
      source.removeAt(leaf, at);
      target.add(this.leaf, prefix, by);
    }
  }

  /** Finds the first entry whose key is not below (or, `after`, is above) the key of `columns` columns at `view[at …]`. */
  seek(position: TreePosition, columns: number, view: DataView, at: number, after: boolean): void {
    this.order.seekBound(columns, view, at, after);
    this.seekPlace(position);
  }

  /** The same for the key of a whole row at `view[at …]`. */
  seekRow(position: TreePosition, view: DataView, at: number): void {
    this.order.seekKeyOf(view, at);
    this.seekPlace(position);
  }

  seekFirst(position: TreePosition): void {
    position.branch = 0;
    position.leaf = 0;
    position.entry = 0;
  }

  seekEnd(position: TreePosition): void {
    position.branch = this.branches.length;
    position.leaf = 0;
    position.entry = 0;
  }

  /** The entry at `position`, stepping over it; -1 at `end`. */
  step(position: TreePosition, end: TreePosition): number {
    for (;;) {
      const branch = this.branches[position.branch];
      if (branch === undefined || position.branch > end.branch) return -1;
      if (position.branch === end.branch) {
        if (position.leaf > end.leaf) return -1;
        if (position.leaf === end.leaf && position.entry >= end.entry) return -1;
      }
      if (position.entry < (branch.counts[position.leaf] as number)) {
        if (position.entry === 0) branch.sort(position.leaf);
        const ref = branch.refs[leafStart(position.leaf) + position.entry] as number;
        position.entry += 1;
        return ref;
      }
      position.entry = 0;
      position.leaf += 1;
      if (position.leaf < branch.leafCount) continue;
      position.leaf = 0;
      position.branch += 1;
    }
  }

  /** Fills an empty index from rows in any order. */
  load(refs: Uint32Array): void {
    const { order } = this;
    const prefixes = new Float64Array(refs.length);
    refs.forEach((ref, index) => {
      prefixes[index] = order.seekRow(ref);
    });
    const sorted = sortByPrefix(prefixes, refs, (a, b) => order.compareRows(a, b), this.code.exactBelow);
    let branch: Branch | undefined;
    for (let from = 0; from < refs.length; from += leafFill) {
      const to = Math.min(from + leafFill, refs.length);
      if (branch === undefined || branch.leafCount === branchFill) {
        const leavesLeft = Math.ceil((refs.length - from) / leafFill);
        branch = new Branch(this.account, order, Math.min(branchFill, leavesLeft));
        this.addBranch(this.branches.length, branch);
      }
      branch.append(sorted.prefixes.subarray(from, to), sorted.refs.subarray(from, to));
      this.updateSeparator(this.branches.length - 1);
    }
    this.count = refs.length;
  }

  /** Frees the memory of the index. */
  dispose(): void {
    for (const branch of this.branches) branch.dispose();
    this.branches = [];
    this.count = 0;
  }

  /** Goes to the leaf where the place sought is, in an index that is not empty. */
  private descend(): Branch {
    const { order, branches } = this;
    // Whatever the first branch or leaf begins with, a search cannot end before it; another may begin with the row.
    const ref = order.ref + 1;
    this.branchIndex = order.search(this.prefixes, this.refs, 1, branches.length, ref) - 1;
    const branch = branches[this.branchIndex] as Branch;
    this.leaf = order.search(branch.prefixes, branch.refs, 1, branch.leafCount, ref) - 1;
    return branch;
  }

  /** Sets `position` to the first entry that does not stand before the place sought. */
  private seekPlace(position: TreePosition): void {
    if (this.count === 0) return this.seekFirst(position);
    const branch = this.descend();
    branch.sort(this.leaf);
    const start = leafStart(this.leaf);
    const end = start + (branch.counts[this.leaf] as number);
    position.branch = this.branchIndex;
    position.leaf = this.leaf;
    position.entry = this.order.search(branch.prefixes, branch.refs, start, end, this.order.ref) - start;
  }

  /** Goes to the row sought; gives its position in the branch. */
  private find(ref: number): number {
    const at = this.count === 0 ? -1 : this.descend().positionOf(this.leaf, ref);
    if (at < 0) throw new RangeError("an index lacks a row that the table has");
    return at;
  }

  /** Inserts an entry, whose place is the one sought. */
  private insert(prefix: number, ref: number): void {
    if (this.count === 0) this.addFirstBranch();
    for (;;) {
      const branch = this.descend();
      const { branchIndex, leaf } = this;
      if (!branch.isFull(leaf)) {
        branch.add(leaf, prefix, ref);
        if (leaf === 0) this.updateSeparator(branchIndex);
        this.count += 1;
        return;
      }
      if (branch.leafCount === branchMax) this.splitBranch(branchIndex, branch.isAfterLast(leaf, prefix));
      else branch.makeRoom(leaf, prefix);
      this.updateSeparator(branchIndex);
    }
  }

  /** Removes the entry that `find` gave. */
  private removeAt(at: number): void {
    const { branchIndex, leaf } = this;
    const branch = this.branches[branchIndex] as Branch;
    branch.removeAt(leaf, at);
    this.count -= 1;
    if (branch.isSparse(leaf)) {
      branch.mergeSparse(leaf);
      if (branch.leafCount * 4 < branchMax && this.mergeBranch(branchIndex)) return;
    }
    if (leaf === 0) this.updateSeparator(branchIndex);
  }

  private addFirstBranch(): void {
    const branch = new Branch(this.account, this.order, 1);
    branch.insertLeaf(0);
    this.addBranch(0, branch);
  }

  private addBranch(at: number, branch: Branch): void {
    const count = this.branches.length;
    if (count === this.refs.length) {
      const { prefixes, refs } = this;
      this.prefixes = new Float64Array(2 * count);
      this.refs = new Uint32Array(2 * count);
      this.prefixes.set(prefixes);
      this.refs.set(refs);
    }
    this.branches.splice(at, 0, branch);
    this.prefixes.copyWithin(at + 1, at, count);
    this.refs.copyWithin(at + 1, at, count);
    this.updateSeparator(at);
  }

  private dropBranch(at: number): void {
    (this.branches[at] as Branch).dispose();
    this.branches.splice(at, 1);
    this.prefixes.copyWithin(at, at + 1);
    this.refs.copyWithin(at, at + 1);
  }

  private updateSeparator(branchIndex: number): void {
    const branch = this.branches[branchIndex] as Branch;
    this.prefixes[branchIndex] = branch.prefixes[0] as number;
    this.refs[branchIndex] = branch.refs[0] as number;
  }

  /** Splits a full branch; `isLast` when it grows at its end. */
  private splitBranch(branchIndex: number, isLast: boolean): void {
    const kept = isLast ? branchMax - 1 : branchMax >>> 1;
    const right = new Branch(this.account, this.order, branchMax - kept);
    (this.branches[branchIndex] as Branch).moveLeavesTo(kept, right);
    this.addBranch(branchIndex + 1, right);
  }

  /** Joins a sparse branch with a neighbour, or drops an empty one; whether it did. */
  private mergeBranch(branchIndex: number): boolean {
    const { leafCount } = this.branches[branchIndex] as Branch;
    if (leafCount === 0) {
      this.dropBranch(branchIndex);
      return true;
    }
    const left = branchIndex > 0 ? branchIndex - 1 : branchIndex;
    const first = this.branches[left] as Branch;
    const second = this.branches[left + 1];
    if (second === undefined || (first.leafCount + second.leafCount) * 4 > branchMax * 3) return false;
    second.moveLeavesTo(0, first);
    this.dropBranch(left + 1);
    this.updateSeparator(left);
    return true;
  }
}
