/**
 * A run of neighbouring leaves of an ordered index, in one buffer.
 *
 *   entry = prefix f64, reference u32             in two arrays, at the same position
 *   directory | leaf 0 | leaf 1 | …               64 positions each
 *
 * Leaves stand in order, and each has at least one entry: the lowest stands first, the others as they came. So an
 * entry is added behind the last and taken out by the last, and nothing is moved; who reads a leaf in order sorts it
 * then, unless it is sorted still. The directory has each leaf's first entry, so that a search touches no leaf but
 * the one that it ends in. The buffer grows by a few leaves at a time.
 */
import type { EntryOrder } from "./tree-order.ts";

export const leafMax = 64;
/** Leaves in a branch; the directory is as long as a leaf. */
export const branchMax = 64;
/** By how many leaves a buffer grows, once it is past the first few. */
const leavesStep = 4;
const entryBytes = 12;
/** Bytes of the objects around a buffer, about. */
const objectBytes = 800;
/** A full leaf gives entries to a neighbour that has room for so many more. */
const roomMin = 8;
/** Two leaves become one when together they have no more. */
const mergedMax = 58;
/** Leaves with fewer look for a neighbour to join. */
const sparseMax = 36;

/** Counts the bytes that indexes hold beside the rows: a store's memory, or whoever keeps an index of its own. */
export interface ByteAccount {
  /** Adds to the bytes in use, or takes away. */
  account(bytes: number): void;
}

/** Where a leaf's entries begin. */
export function leafStart(leaf: number): number {
  return (leaf + 1) * leafMax;
}

/** Where leaves are sorted. */
const sortedPrefixes = new Float64Array(leafMax);
const sortedRefs = new Uint32Array(leafMax);

export class Branch {
  private readonly account: ByteAccount;
  private readonly order: EntryOrder;
  prefixes: Float64Array = new Float64Array(0);
  refs: Uint32Array = new Uint32Array(0);
  readonly counts: Uint8Array = new Uint8Array(branchMax);
  /** By leaf: 1 when it is known to be sorted. */
  private readonly sorted: Uint8Array = new Uint8Array(branchMax);
  leafCount = 0;

  constructor(account: ByteAccount, order: EntryOrder, leafCapacity: number) {
    this.account = account;
    this.order = order;
    account.account(objectBytes);
    this.setCapacity(leafCapacity);
  }

  /** Adds an entry to a leaf that has room. */
  add(leaf: number, prefix: number, ref: number): void {
    const { prefixes, refs } = this;
    const count = this.counts[leaf] as number;
    const start = leafStart(leaf);
    const at = start + count;
    prefixes[at] = prefix;
    refs[at] = ref;
    this.counts[leaf] = count + 1;
    if (count === 0 || !(prefix > (prefixes[at - 1] as number))) this.sorted[leaf] = count === 0 ? 1 : 0;
    // The leaf is the very first, or a search would not have come here.
    if (count === 0 || (prefix <= (prefixes[leaf] as number) && this.isBelow(at, start))) this.setFirst(leaf, at);
  }

  /** Where a reference stands in its leaf; -1 when it does not. */
  positionOf(leaf: number, ref: number): number {
    const { refs } = this;
    let at = leafStart(leaf);
    for (const end = at + (this.counts[leaf] as number); at < end; at += 1) if (refs[at] === ref) return at;
    return -1;
  }

  removeAt(leaf: number, at: number): void {
    const { prefixes, refs } = this;
    const start = leafStart(leaf);
    const count = (this.counts[leaf] as number) - 1;
    const last = start + count;
    this.counts[leaf] = count;
    if (at === last) return;
    prefixes[at] = prefixes[last] as number;
    refs[at] = refs[last] as number;
    this.sorted[leaf] = 0;
    if (at !== start) return;
    let lowest = start;
    for (let other = start + 1; other < last; other += 1) if (this.isBelow(other, lowest)) lowest = other;
    this.setFirst(leaf, lowest);
  }

  /** Puts an entry that belongs in the leaf, and not first, in the place of another. */
  replaceAt(leaf: number, at: number, prefix: number, ref: number): void {
    this.prefixes[at] = prefix;
    this.refs[at] = ref;
    this.sorted[leaf] = 0;
  }

  /**
   * Sorts a leaf, as whoever reads it in order must. No change of the table surrounds that, so it must not end
   * half-way: the leaf is sorted elsewhere and then put back by two calls, between which nothing can end it.
   */
  sort(leaf: number): void {
    if (this.sorted[leaf] !== 0) return;
    const { prefixes, refs, order } = this;
    const start = leafStart(leaf);
    const count = this.counts[leaf] as number;
    for (let next = 0; next < count; next += 1) {
      const prefix = prefixes[start + next] as number;
      const ref = refs[start + next] as number;
      let to = next;
      for (; to > 0; to -= 1) {
        const before = sortedPrefixes[to - 1] as number;
        if (before < prefix) break;
        if (before === prefix && order.isTieBelow(prefix, sortedRefs[to - 1] as number, ref)) break;
        sortedPrefixes[to] = before;
        sortedRefs[to] = sortedRefs[to - 1] as number;
      }
      sortedPrefixes[to] = prefix;
      sortedRefs[to] = ref;
    }
    prefixes.set(sortedPrefixes, start);
    refs.set(sortedRefs, start);
    this.sorted[leaf] = 1;
  }

  /** Makes room in a full leaf, into which `prefix` is to go, in a branch that is not full. */
  makeRoom(leaf: number, prefix: number): void {
    const { counts } = this;
    const left = leaf > 0 ? leafMax - (counts[leaf - 1] as number) : 0;
    const right = leaf + 1 < this.leafCount ? leafMax - (counts[leaf + 1] as number) : 0;
    if (left >= roomMin && left >= right) this.shiftLeft(leaf, left >>> 1);
    else if (right >= roomMin) this.shiftRight(leaf, right >>> 1);
    else {
      const isLast = this.isAfterLast(leaf, prefix);
      this.insertLeaf(leaf + 1);
      // Rows that arrive in order leave full leaves behind.
      this.shiftRight(leaf, isLast ? 1 : leafMax >>> 1);
    }
  }

  /** Whether a prefix is behind all of the leaf, which is the last. */
  isAfterLast(leaf: number, prefix: number): boolean {
    if (leaf !== this.leafCount - 1) return false;
    this.sort(leaf);
    return prefix >= (this.prefixes[leafStart(leaf) + (this.counts[leaf] as number) - 1] as number);
  }

  isFull(leaf: number): boolean {
    return this.counts[leaf] === leafMax;
  }

  isSparse(leaf: number): boolean {
    return (this.counts[leaf] as number) <= sparseMax;
  }

  /** Joins a sparse leaf with a neighbour, or drops an empty one. */
  mergeSparse(leaf: number): void {
    const { counts } = this;
    const count = counts[leaf] as number;
    if (count === 0) this.removeLeaf(leaf);
    else if (leaf > 0 && (counts[leaf - 1] as number) + count <= mergedMax) this.mergeIntoLeft(leaf);
    else if (leaf + 1 < this.leafCount && (counts[leaf + 1] as number) + count <= mergedMax)
      this.mergeIntoLeft(leaf + 1);
  }

  /** Moves the leaves from `leaf` on to the end of another branch, which may hold them. */
  moveLeavesTo(leaf: number, target: Branch): void {
    const from = target.leafCount;
    const to = from + this.leafCount - leaf;
    if (to > target.leafCapacity) target.setCapacity(roundUp(to));
    const start = leafStart(leaf);
    const end = leafStart(this.leafCount);
    target.prefixes.set(this.prefixes.subarray(start, end), leafStart(from));
    target.refs.set(this.refs.subarray(start, end), leafStart(from));
    target.counts.set(this.counts.subarray(leaf, this.leafCount), from);
    target.sorted.set(this.sorted.subarray(leaf, this.leafCount), from);
    for (let index = from; index < to; index += 1) target.setFirst(index, leafStart(index));
    target.leafCount = to;
    this.leafCount = leaf;
    this.shrink();
  }

  /** Adds a leaf of sorted entries at the end. */
  append(prefixes: Float64Array, refs: Uint32Array): void {
    const leaf = this.leafCount;
    this.insertLeaf(leaf);
    this.prefixes.set(prefixes, leafStart(leaf));
    this.refs.set(refs, leafStart(leaf));
    this.counts[leaf] = refs.length;
    this.setFirst(leaf, leafStart(leaf));
  }

  /** Frees the memory of the branch. */
  dispose(): void {
    this.setCapacity(-1);
    this.account.account(-objectBytes);
  }

  /** Makes place for a leaf at `leaf`, which is then empty. */
  insertLeaf(leaf: number): void {
    const { leafCount } = this;
    if (leafCount === this.leafCapacity)
      this.setCapacity(leafCount < leavesStep ? 2 * leafCount : roundUp(leafCount + 1));
    this.moveLeaves(leaf, leaf + 1);
    this.counts[leaf] = 0;
    this.sorted[leaf] = 1;
    this.leafCount = leafCount + 1;
  }

  private removeLeaf(leaf: number): void {
    this.moveLeaves(leaf + 1, leaf);
    this.leafCount -= 1;
    this.shrink();
  }

  private moveLeaves(from: number, to: number): void {
    const { prefixes, refs, counts, sorted, leafCount } = this;
    if (from === leafCount) return;
    for (const entries of [prefixes, refs]) {
      entries.copyWithin(leafStart(to), leafStart(from), leafStart(leafCount));
      entries.copyWithin(to, from, leafCount);
    }
    for (const each of [counts, sorted]) each.copyWithin(to, from, leafCount);
  }

  /** Moves all of a leaf to the end of the one before it. */
  private mergeIntoLeft(leaf: number): void {
    this.shiftLeft(leaf, this.counts[leaf] as number);
    this.removeLeaf(leaf);
  }

  /** Moves a leaf's last entries to the front of the next. */
  private shiftRight(leaf: number, moved: number): void {
    this.sort(leaf);
    this.sort(leaf + 1);
    const { counts } = this;
    const kept = (counts[leaf] as number) - moved;
    const from = leafStart(leaf) + kept;
    const to = leafStart(leaf + 1);
    const count = counts[leaf + 1] as number;
    for (const entries of [this.prefixes, this.refs]) {
      entries.copyWithin(to + moved, to, to + count);
      entries.copyWithin(to, from, from + moved);
    }
    counts[leaf] = kept;
    counts[leaf + 1] = count + moved;
    this.setFirst(leaf + 1, to);
  }

  /** Moves a leaf's first entries to the end of the one before it. */
  private shiftLeft(leaf: number, moved: number): void {
    this.sort(leaf - 1);
    this.sort(leaf);
    const { counts } = this;
    const from = leafStart(leaf);
    const end = from + (counts[leaf] as number);
    const count = counts[leaf - 1] as number;
    for (const entries of [this.prefixes, this.refs]) {
      entries.copyWithin(leafStart(leaf - 1) + count, from, from + moved);
      entries.copyWithin(from, from + moved, end);
    }
    counts[leaf - 1] = count + moved;
    counts[leaf] = end - from - moved;
    this.setFirst(leaf, from);
  }

  /** Exchanges the entry at `at` with the leaf's first, and notes it in the directory. */
  private setFirst(leaf: number, at: number): void {
    const { prefixes, refs } = this;
    const start = leafStart(leaf);
    const prefix = prefixes[at] as number;
    const ref = refs[at] as number;
    if (at !== start) {
      prefixes[at] = prefixes[start] as number;
      refs[at] = refs[start] as number;
      prefixes[start] = prefix;
      refs[start] = ref;
    }
    prefixes[leaf] = prefix;
    refs[leaf] = ref;
  }

  private isBelow(at: number, other: number): boolean {
    const prefix = this.prefixes[at] as number;
    const otherPrefix = this.prefixes[other] as number;
    if (prefix !== otherPrefix) return prefix < otherPrefix;
    return this.order.isTieBelow(prefix, this.refs[at] as number, this.refs[other] as number);
  }

  private get leafCapacity(): number {
    return this.refs.length / leafMax - 1;
  }

  /** Shrinks the buffer when far fewer leaves are left. */
  private shrink(): void {
    if (this.leafCapacity - this.leafCount > leavesStep + 2) this.setCapacity(roundUp(this.leafCount + 1));
  }

  private setCapacity(leafCapacity: number): void {
    const length = leafStart(leafCapacity);
    const used = Math.min(length, leafStart(this.leafCount));
    const buffer = new ArrayBuffer(length * entryBytes);
    const prefixes = new Float64Array(buffer, 0, length);
    const refs = new Uint32Array(buffer, length * 8, length);
    prefixes.set(this.prefixes.subarray(0, used));
    refs.set(this.refs.subarray(0, used));
    this.account.account((length - this.refs.length) * entryBytes);
    this.prefixes = prefixes;
    this.refs = refs;
  }
}

function roundUp(leafCount: number): number {
  return Math.min(branchMax, Math.ceil(leafCount / leavesStep) * leavesStep);
}
