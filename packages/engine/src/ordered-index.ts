/**
 * Rows in key order: a B-tree of three levels.
 *
 *   root: branches … │ branch: up to 256 leaves │ leaf: up to 512 (prefix f64, reference u32), sorted
 *
 * Order is by key, then by reference, so every row has one place and is found again among any number of
 * equal keys. A leaf's entries hold a prefix of the key (`KeyCode.prefixRow`); comparing two of them reads
 * rows only where prefixes tie. A separator is the first prefix below it, and where that ties, the first
 * row below it is read: it is always there, so no key is stored twice.
 *
 * Three levels reach 10^9 rows with a root of some thousand branches. Leaves grow by 64 entries and merge
 * when two fit in three quarters of one, so a row costs 13 to 16 bytes.
 *
 * Positions are good until the next `add` or `remove`.
 */
import type { Compare } from "./compare-values.ts";
import type { KeyCode } from "./key-code.ts";
import { type Memory, slabMask, slabShift } from "./memory.ts";

const leafMax = 512;
const branchMax = 256;
const leafStep = 64;
/** What bulk loading fills. */
const leafLoaded = 448;
const entryBytes = 12;

class Leaf {
  prefixes: Float64Array;
  refs: Uint32Array;
  count = 0;
  constructor(capacity: number) {
    this.prefixes = new Float64Array(capacity);
    this.refs = new Uint32Array(capacity);
  }
}

class Branch {
  leaves: Leaf[] = [];
  /** Each leaf's first entry, so that a search meets no leaf but the one it ends in. */
  readonly prefixes: Float64Array = new Float64Array(branchMax + 2);
  readonly refs: Uint32Array = new Uint32Array(branchMax + 2);

  /** Notes the first entry of a leaf; an empty one has none, and is the only leaf. */
  noteFirst(leafIndex: number): void {
    const leaf = this.leaves[leafIndex] as Leaf;
    this.prefixes[leafIndex] = leaf.prefixes[0] as number;
    this.refs[leafIndex] = leaf.refs[0] as number;
  }

  /** The same for all leaves from `leafIndex` on, when some came or went. */
  noteFrom(leafIndex: number): void {
    for (let index = leafIndex; index < this.leaves.length; index += 1) this.noteFirst(index);
  }
}

/** A place between entries. */
export interface TreePosition {
  branch: number;
  leaf: number;
  entry: number;
}

export class OrderedIndex {
  private readonly memory: Memory;
  private readonly headerBytes: number;
  private readonly code: KeyCode;
  private branches: Branch[] = [];
  count = 0;
  /** Where the last descent ended. */
  private readonly found: TreePosition = { branch: 0, leaf: 0, entry: 0 };

  constructor(memory: Memory, headerBytes: number, code: KeyCode) {
    this.memory = memory;
    this.headerBytes = headerBytes;
    this.code = code;
  }

  add(ref: number): void {
    const prefix = this.prefixOf(ref);
    if (this.branches.length === 0) this.branches.push(this.newBranch());
    this.descend(prefix, ref);
    const { branch: branchIndex, leaf: leafIndex, entry } = this.found;
    const leaf = this.leafAt(branchIndex, leafIndex);
    if (leaf.count < leafMax) {
      this.insertInto(leaf, entry, prefix, ref);
      if (entry === 0) (this.branches[branchIndex] as Branch).noteFirst(leafIndex);
    } else {
      this.splitLeaf(branchIndex, leafIndex, entry, prefix, ref);
    }
    this.count += 1;
  }

  /** Takes a row out, which must be there and still have its bytes. */
  remove(ref: number): void {
    const prefix = this.prefixOf(ref);
    if (this.branches.length === 0) throw new RangeError("an index lacks a row that the table has");
    this.descend(prefix, ref);
    const { branch, leaf: leafIndex, entry } = this.found;
    const leaf = this.leafAt(branch, leafIndex);
    if (entry >= leaf.count || leaf.refs[entry] !== ref) {
      throw new RangeError("an index lacks a row that the table has");
    }
    leaf.prefixes.copyWithin(entry, entry + 1, leaf.count);
    leaf.refs.copyWithin(entry, entry + 1, leaf.count);
    leaf.count -= 1;
    this.count -= 1;
    if (entry === 0 && leaf.count > 0) (this.branches[branch] as Branch).noteFirst(leafIndex);
    if (leaf.count * 3 < leafMax) this.mergeLeaf(branch, leafIndex);
  }

  /** Puts a row of the same key in the place of the only row with that key. */
  replace(ref: number, by: number): void {
    const prefix = this.prefixOf(ref);
    this.descend(prefix, ref);
    const leaf = this.leafAt(this.found.branch, this.found.leaf);
    if (leaf.refs[this.found.entry] !== ref) throw new RangeError("an index lacks a row that the table has");
    leaf.refs[this.found.entry] = by;
    if (this.found.entry === 0) (this.branches[this.found.branch] as Branch).noteFirst(this.found.leaf);
  }

  /**
   * Finds the first entry whose key is not below (or, `after`, is above) the key of `columns` columns at `view[at …]`.
   */
  seek(position: TreePosition, columns: number, view: DataView, at: number, after: boolean): void {
    const low = this.code.prefixKeyLow(columns)(view, at);
    const high = this.code.prefixKeyHigh(columns)(view, at);
    this.seekBetween(position, low, high, this.code.compareRowKey(columns), view, at, after);
  }

  /** The same for the key of a whole row at `view[at …]`. */
  seekRow(position: TreePosition, view: DataView, at: number): void {
    const prefix = this.code.prefixRow(view, at);
    this.seekBetween(position, prefix, prefix, this.code.compareRows, view, at, false);
  }

  private seekBetween(
    position: TreePosition,
    low: number,
    high: number,
    compare: Compare,
    view: DataView,
    at: number,
    after: boolean,
  ): void {
    if (this.count === 0) return this.seekFirst(position);
    const isExact = low === high && Math.abs(low) < this.code.exactBelow;
    // Whatever the first one is, a search cannot end before it.
    let floor = 1;
    let ceiling = this.branches.length;
    while (floor < ceiling) {
      const middle = (floor + ceiling) >>> 1;
      const { prefixes, refs } = this.branches[middle] as Branch;
      if (this.isBefore(prefixes[0] as number, refs[0] as number, low, high, isExact, compare, view, at, after))
        floor = middle + 1;
      else ceiling = middle;
    }
    position.branch = floor - 1;
    const { leaves, prefixes, refs } = this.branches[position.branch] as Branch;
    floor = 1;
    ceiling = leaves.length;
    while (floor < ceiling) {
      const middle = (floor + ceiling) >>> 1;
      if (
        this.isBefore(prefixes[middle] as number, refs[middle] as number, low, high, isExact, compare, view, at, after)
      )
        floor = middle + 1;
      else ceiling = middle;
    }
    position.leaf = floor - 1;
    const leaf = leaves[position.leaf] as Leaf;
    floor = 0;
    ceiling = leaf.count;
    while (floor < ceiling) {
      const middle = (floor + ceiling) >>> 1;
      if (
        this.isBefore(
          leaf.prefixes[middle] as number,
          leaf.refs[middle] as number,
          low,
          high,
          isExact,
          compare,
          view,
          at,
          after,
        )
      )
        floor = middle + 1;
      else ceiling = middle;
    }
    position.entry = floor;
  }

  seekFirst(position: TreePosition): void {
    position.branch = 0;
    position.leaf = 0;
    position.entry = 0;
  }

  seekEnd(position: TreePosition): void {
    position.branch = Math.max(0, this.branches.length - 1);
    const leaves = this.branches[position.branch]?.leaves;
    position.leaf = Math.max(0, (leaves?.length ?? 0) - 1);
    position.entry = leaves?.[position.leaf]?.count ?? 0;
  }

  /** The entry at `position`, stepping over it; -1 at `end`. */
  step(position: TreePosition, end: TreePosition): number {
    for (;;) {
      if (position.branch > end.branch) return -1;
      if (position.branch === end.branch) {
        if (position.leaf > end.leaf) return -1;
        if (position.leaf === end.leaf && position.entry >= end.entry) return -1;
      }
      const leaves = this.branches[position.branch]?.leaves;
      if (leaves === undefined) return -1;
      const leaf = leaves[position.leaf] as Leaf;
      if (position.entry < leaf.count) {
        const ref = leaf.refs[position.entry] as number;
        position.entry += 1;
        return ref;
      }
      position.entry = 0;
      position.leaf += 1;
      if (position.leaf < leaves.length) continue;
      position.leaf = 0;
      position.branch += 1;
    }
  }

  /** Fills an empty index from rows in any order. */
  load(refs: Uint32Array): void {
    const prefixes = new Float64Array(refs.length);
    refs.forEach((ref, index) => {
      prefixes[index] = this.prefixOf(ref);
    });
    const order = sortByPrefix(prefixes, refs, (a, b) => this.compareRefs(a, b), this.code.exactBelow);
    let branch: Branch | undefined;
    for (let from = 0; from < order.refs.length; from += leafLoaded) {
      const to = Math.min(from + leafLoaded, order.refs.length);
      const leaf = this.newLeaf(to - from);
      leaf.prefixes.set(order.prefixes.subarray(from, to));
      leaf.refs.set(order.refs.subarray(from, to));
      leaf.count = to - from;
      if (branch === undefined || branch.leaves.length >= branchMax - 32) {
        branch = new Branch();
        this.branches.push(branch);
      }
      branch.leaves.push(leaf);
      branch.noteFirst(branch.leaves.length - 1);
    }
    this.count = order.refs.length;
  }

  /** Gives back what the index holds. */
  forget(): void {
    for (const branch of this.branches)
      for (const leaf of branch.leaves) this.memory.account(-leaf.prefixes.length * entryBytes);
    this.branches = [];
    this.count = 0;
  }

  private prefixOf(ref: number): number {
    const slab = this.memory.slabs[ref >>> slabShift] as { view: DataView };
    return this.code.prefixRow(slab.view, ((ref & slabMask) << 3) + this.headerBytes);
  }

  private compareRefs(a: number, b: number): number {
    const { slabs } = this.memory;
    const aView = (slabs[a >>> slabShift] as { view: DataView }).view;
    const bView = (slabs[b >>> slabShift] as { view: DataView }).view;
    const order = this.code.compareRows(
      aView,
      ((a & slabMask) << 3) + this.headerBytes,
      bView,
      ((b & slabMask) << 3) + this.headerBytes,
    );
    return order !== 0 ? order : a - b;
  }

  /** Whether an entry comes before that of the row `ref`, where prefixes may tie and keys differ. */
  private precedes(other: number, otherRef: number, prefix: number, ref: number): boolean {
    if (other !== prefix) return other < prefix;
    if (otherRef === ref) return false;
    return this.compareRefs(otherRef, ref) < 0;
  }

  private isBefore(
    prefix: number,
    ref: number,
    low: number,
    high: number,
    isExact: boolean,
    compare: Compare,
    view: DataView,
    at: number,
    after: boolean,
  ): boolean {
    if (prefix < low) return true;
    if (prefix > high) return false;
    if (isExact) return after;
    const slab = this.memory.slabs[ref >>> slabShift] as { view: DataView };
    const order = compare(slab.view, ((ref & slabMask) << 3) + this.headerBytes, view, at);
    return after ? order <= 0 : order < 0;
  }

  /** Sets `found` to the first entry that does not precede the row. */
  private descend(prefix: number, ref: number): void {
    const found = this.found;
    const { branches } = this;
    if (Math.abs(prefix) < this.code.exactBelow) {
      // Ties are settled by references: no row is read.
      const branchAt = branches.length === 1 ? 1 : firstsBefore(branches, prefix, ref + 1);
      const branch = branches[branchAt - 1] as Branch;
      const leafAt = entriesBefore(branch.prefixes, branch.refs, 1, branch.leaves.length, prefix, ref + 1);
      const leaf = branch.leaves[leafAt - 1] as Leaf;
      found.branch = branchAt - 1;
      found.leaf = leafAt - 1;
      found.entry = entriesBefore(leaf.prefixes, leaf.refs, 0, leaf.count, prefix, ref);
      return;
    }
    let floor = 1;
    let ceiling = branches.length;
    while (floor < ceiling) {
      const middle = (floor + ceiling) >>> 1;
      const { prefixes, refs } = branches[middle] as Branch;
      if (this.precedesOrIs(prefixes[0] as number, refs[0] as number, prefix, ref)) floor = middle + 1;
      else ceiling = middle;
    }
    found.branch = floor - 1;
    const branch = branches[floor - 1] as Branch;
    const { leaves, prefixes, refs } = branch;
    floor = 1;
    ceiling = leaves.length;
    while (floor < ceiling) {
      const middle = (floor + ceiling) >>> 1;
      if (this.precedesOrIs(prefixes[middle] as number, refs[middle] as number, prefix, ref)) floor = middle + 1;
      else ceiling = middle;
    }
    found.leaf = floor - 1;
    const leaf = leaves[floor - 1] as Leaf;
    floor = 0;
    ceiling = leaf.count;
    while (floor < ceiling) {
      const middle = (floor + ceiling) >>> 1;
      if (this.precedes(leaf.prefixes[middle] as number, leaf.refs[middle] as number, prefix, ref)) floor = middle + 1;
      else ceiling = middle;
    }
    found.entry = floor;
  }

  private precedesOrIs(other: number, otherRef: number, prefix: number, ref: number): boolean {
    return otherRef === ref || this.precedes(other, otherRef, prefix, ref);
  }

  private leafAt(branch: number, leaf: number): Leaf {
    return (this.branches[branch] as Branch).leaves[leaf] as Leaf;
  }

  private newLeaf(capacity: number): Leaf {
    this.memory.account(capacity * entryBytes);
    return new Leaf(capacity);
  }

  private newBranch(): Branch {
    const branch = new Branch();
    branch.leaves.push(this.newLeaf(8));
    return branch;
  }

  private insertInto(leaf: Leaf, entry: number, prefix: number, ref: number): void {
    const count = leaf.count;
    if (count === leaf.refs.length) this.growLeaf(leaf);
    if (entry < count) {
      leaf.prefixes.copyWithin(entry + 1, entry, count);
      leaf.refs.copyWithin(entry + 1, entry, count);
    }
    leaf.prefixes[entry] = prefix;
    leaf.refs[entry] = ref;
    leaf.count = count + 1;
  }

  private growLeaf(leaf: Leaf): void {
    const before = leaf.refs.length;
    this.setCapacity(leaf, before < leafStep ? before * 2 : before + leafStep);
  }

  private setCapacity(leaf: Leaf, capacity: number): void {
    const prefixes = new Float64Array(capacity);
    const refs = new Uint32Array(capacity);
    prefixes.set(leaf.prefixes.subarray(0, leaf.count));
    refs.set(leaf.refs.subarray(0, leaf.count));
    this.memory.account((capacity - leaf.refs.length) * entryBytes);
    leaf.prefixes = prefixes;
    leaf.refs = refs;
  }

  private splitLeaf(branchIndex: number, leafIndex: number, entry: number, prefix: number, ref: number): void {
    const branch = this.branches[branchIndex] as Branch;
    const leaf = branch.leaves[leafIndex] as Leaf;
    // Rows that arrive in order leave full leaves behind.
    const isLast = entry === leaf.count && leafIndex === branch.leaves.length - 1;
    const kept = isLast ? leaf.count : leaf.count >>> 1;
    const moved = leaf.count - kept;
    const right = this.newLeaf(isLast ? leafStep : Math.ceil((moved + 1) / leafStep) * leafStep);
    right.prefixes.set(leaf.prefixes.subarray(kept, leaf.count));
    right.refs.set(leaf.refs.subarray(kept, leaf.count));
    right.count = moved;
    leaf.count = kept;
    if (!isLast) this.setCapacity(leaf, Math.ceil((kept + 1) / leafStep) * leafStep);
    if (entry > kept || isLast) this.insertInto(right, entry - kept, prefix, ref);
    else this.insertInto(leaf, entry, prefix, ref);
    branch.leaves.splice(leafIndex + 1, 0, right);
    branch.noteFrom(leafIndex);
    if (branch.leaves.length > branchMax) this.splitBranch(branchIndex);
  }

  private splitBranch(branchIndex: number): void {
    const branch = this.branches[branchIndex] as Branch;
    const right = new Branch();
    const isLast = branchIndex === this.branches.length - 1;
    right.leaves = branch.leaves.splice(isLast ? branchMax - 16 : branchMax >>> 1);
    right.noteFrom(0);
    this.branches.splice(branchIndex + 1, 0, right);
  }

  /** Joins a sparse leaf with a neighbour in its branch, if both fit well into one; drops an empty one. */
  private mergeLeaf(branchIndex: number, leafIndex: number): void {
    const branch = this.branches[branchIndex] as Branch;
    const { leaves } = branch;
    const leaf = leaves[leafIndex] as Leaf;
    const left = leafIndex > 0 ? leafIndex - 1 : leafIndex;
    const first = leaves[left] as Leaf;
    const second = leaves[left + 1];
    if (second !== undefined && (first.count + second.count) * 4 <= leafMax * 3) {
      this.append(first, second);
      leaves.splice(left + 1, 1);
    } else if (leaf.count === 0 && (leaves.length > 1 || this.branches.length > 1)) {
      this.memory.account(-leaf.refs.length * entryBytes);
      leaves.splice(leafIndex, 1);
    } else if (leaf.refs.length > leafStep && leaf.refs.length - leaf.count > 2 * leafStep) {
      this.setCapacity(leaf, Math.ceil((leaf.count + 1) / leafStep) * leafStep);
    }
    branch.noteFrom(left);
    if (leaves.length === 0) this.branches.splice(branchIndex, 1);
    else if (leaves.length * 4 < branchMax) this.mergeBranch(branchIndex);
  }

  private append(first: Leaf, second: Leaf): void {
    const count = first.count + second.count;
    if (count > first.refs.length) this.setCapacity(first, Math.ceil((count + 1) / leafStep) * leafStep);
    first.prefixes.set(second.prefixes.subarray(0, second.count), first.count);
    first.refs.set(second.refs.subarray(0, second.count), first.count);
    first.count = count;
    this.memory.account(-second.refs.length * entryBytes);
  }

  private mergeBranch(branchIndex: number): void {
    const left = branchIndex > 0 ? branchIndex - 1 : branchIndex;
    const first = this.branches[left] as Branch;
    const second = this.branches[left + 1];
    if (second === undefined || (first.leaves.length + second.leaves.length) * 4 > branchMax * 3) return;
    const count = first.leaves.length;
    first.leaves.push(...second.leaves);
    first.noteFrom(count);
    this.branches.splice(left + 1, 1);
  }
}

/** Of sorted entries from `from` to `to`, where the first stands that is not below the one given. */
function entriesBefore(
  prefixes: Float64Array,
  refs: Uint32Array,
  from: number,
  to: number,
  prefix: number,
  ref: number,
): number {
  let floor = from;
  let ceiling = to;
  while (floor < ceiling) {
    const middle = (floor + ceiling) >>> 1;
    const other = prefixes[middle] as number;
    if (other < prefix || (other === prefix && (refs[middle] as number) < ref)) floor = middle + 1;
    else ceiling = middle;
  }
  return floor;
}

/** The same over the first entries of branches; the first branch counts as below. */
function firstsBefore(branches: readonly Branch[], prefix: number, ref: number): number {
  let floor = 1;
  let ceiling = branches.length;
  while (floor < ceiling) {
    const middle = (floor + ceiling) >>> 1;
    const branch = branches[middle] as Branch;
    const other = branch.prefixes[0] as number;
    if (other < prefix || (other === prefix && (branch.refs[0] as number) < ref)) floor = middle + 1;
    else ceiling = middle;
  }
  return floor;
}

/** Sorts rows by prefix, and runs of equal prefixes by `compare`. */
function sortByPrefix(
  prefixes: Float64Array,
  refs: Uint32Array,
  compare: (a: number, b: number) => number,
  exactBelow: number,
): { prefixes: Float64Array; refs: Uint32Array } {
  const sorted = radixSort(prefixes, refs);
  for (let from = 0; from < sorted.refs.length;) {
    const prefix = sorted.prefixes[from] as number;
    let to = from + 1;
    while (to < sorted.refs.length && sorted.prefixes[to] === prefix) to += 1;
    if (to - from > 1) {
      const run = sorted.refs.subarray(from, to);
      if (Math.abs(prefix) < exactBelow) run.sort();
      else run.sort(compare);
    }
    from = to;
  }
  return sorted;
}

/** Least significant digit first, 16 bits at a time, over the doubles' bits turned into rising integers. */
function radixSort(prefixes: Float64Array, refs: Uint32Array): { prefixes: Float64Array; refs: Uint32Array } {
  const count = refs.length;
  let keys = new Uint32Array(prefixes.slice().buffer);
  for (let index = 0; index < count; index += 1) {
    const high = keys[2 * index + 1] as number;
    const flip = high >>> 31 === 1 ? 0xffff_ffff : 0;
    keys[2 * index] = (keys[2 * index] as number) ^ flip;
    keys[2 * index + 1] = high ^ (flip | 0x8000_0000);
  }
  let order: Uint32Array = refs.slice();
  let otherKeys = new Uint32Array(2 * count);
  let otherOrder: Uint32Array = new Uint32Array(count);
  const starts = new Uint32Array(65_536);
  for (let digit = 0; digit < 4; digit += 1) {
    const word = digit >>> 1;
    const shift = (digit & 1) * 16;
    starts.fill(0);
    for (let index = 0; index < count; index += 1) {
      const value = ((keys[2 * index + word] as number) >>> shift) & 0xffff;
      starts[value] = (starts[value] as number) + 1;
    }
    if (starts.includes(count)) continue; // all alike in these bits
    let total = 0;
    for (let value = 0; value < 65_536; value += 1) {
      const size = starts[value] as number;
      starts[value] = total;
      total += size;
    }
    for (let index = 0; index < count; index += 1) {
      const value = ((keys[2 * index + word] as number) >>> shift) & 0xffff;
      const to = starts[value] as number;
      starts[value] = to + 1;
      otherKeys[2 * to] = keys[2 * index] as number;
      otherKeys[2 * to + 1] = keys[2 * index + 1] as number;
      otherOrder[to] = order[index] as number;
    }
    [keys, otherKeys] = [otherKeys, keys];
    [order, otherOrder] = [otherOrder, order];
  }
  for (let index = 0; index < count; index += 1) {
    const high = keys[2 * index + 1] as number;
    const flip = high >>> 31 === 1 ? 0 : 0xffff_ffff;
    keys[2 * index] = (keys[2 * index] as number) ^ flip;
    keys[2 * index + 1] = high ^ (flip | 0x8000_0000);
  }
  return { prefixes: new Float64Array(keys.buffer), refs: order };
}
