/**
 * Rows by the hash of their key: unique keys, or whole rows of a table without one.
 *
 *   directory → segment = row count, depth, then (hash, reference) pairs in open addressing
 *
 * The directory is indexed by a hash's upper bits, a pair's home within the segment follows from the lower
 * 16. A segment grows by a quarter when it is 70 % full, and past 4096 rows splits in two by one more bit, so
 * the longest step moves a few thousand pairs and a row costs 11 to 15 bytes at any size. Hashes are kept
 * beside references: probing and growing touch no row but the one found. Finding is generated per key:
 * `generateFind` in `key-code.ts`. How a segment is laid out and probed: `hash-layout.ts`.
 */
import { freePlaceOf, type HashKey, Head, headWords, homeOf, placeOf } from "./hash-layout.ts";
import { type Memory, type Slab, slabMask, slabShift } from "../storage/memory.ts";

const capacityMin = 6;
/** Rows at which a segment splits rather than grows. */
const splitCount = 4096;
const depthMax = 22;

function makeSegment(capacity: number, depth: number): Int32Array {
  const segment = new Int32Array(headWords + 2 * capacity);
  segment[Head.depth] = depth;
  return segment;
}

const capacityFor = (count: number): number => Math.max(capacityMin, Math.ceil(count / 0.55));

export class HashIndex {
  private readonly memory: Memory;
  private readonly headerBytes: number;
  private readonly hashRow: HashKey;
  // What generated finders read, and where the last one that found something ended.
  readonly slabs: readonly Slab[];
  directory: Int32Array[];
  depth = 0;
  foundIn: Int32Array;
  foundAt = 0;
  count = 0;

  constructor(memory: Memory, headerBytes: number, hashRow: HashKey) {
    this.memory = memory;
    this.slabs = memory.slabs;
    this.headerBytes = headerBytes;
    this.hashRow = hashRow;
    const segment = makeSegment(capacityMin, 0);
    this.directory = [segment];
    this.foundIn = segment;
    memory.account(segment.byteLength);
  }

  /** Adds a row whose key is not there yet. */
  add(hash: number, ref: number): void {
    let slot = (hash >>> 1) >>> (31 - this.depth);
    let segment = this.directory[slot] as Int32Array;
    const count = segment[Head.count] as number;
    const capacity = (segment.length - headWords) >>> 1;
    if ((count + 1) * 10 > capacity * 7) {
      this.makeRoom(slot, segment);
      slot = (hash >>> 1) >>> (31 - this.depth);
      segment = this.directory[slot] as Int32Array;
    }
    place(segment, hash, ref);
    segment[Head.count] = (segment[Head.count] as number) + 1;
    this.count += 1;
  }

  /** Removes a row, which must be there. */
  remove(hash: number, ref: number): void {
    const segment = this.directory[(hash >>> 1) >>> (31 - this.depth)] as Int32Array;
    const length = segment.length;
    const capacity = (length - headWords) >>> 1;
    let hole = placeIn(segment, hash, ref);
    // A pair behind the hole moves into it if a search would find it there, so that no tombstones are left.
    let next = hole;
    for (;;) {
      next += 2;
      if (next === length) next = headWords;
      if (segment[next + 1] === 0) break;
      const home = homeOf(segment[next] as number, length);
      const isReachable = hole <= next ? home <= hole || home > next : home <= hole && home > next;
      if (!isReachable) continue;
      segment[hole] = segment[next] as number;
      segment[hole + 1] = segment[next + 1] as number;
      hole = next;
    }
    segment[hole] = 0;
    segment[hole + 1] = 0;
    const count = (segment[Head.count] as number) - 1;
    segment[Head.count] = count;
    this.count -= 1;
    if (count * 3 < capacity && capacity > 32)
      this.resize((hash >>> 1) >>> (31 - this.depth), segment, capacityFor(count));
  }

  /** Replaces a row by another of the same key. */
  replace(hash: number, ref: number, by: number): void {
    const segment = this.directory[(hash >>> 1) >>> (31 - this.depth)] as Int32Array;
    segment[placeIn(segment, hash, ref) + 1] = by | 0;
  }

  /** The same for the row that a generated finder gave last. */
  replaceFound(ref: number, by: number): void {
    if (this.foundIn[this.foundAt + 1] !== (ref | 0)) throw new RangeError("the row found is no longer where it was");
    this.foundIn[this.foundAt + 1] = by | 0;
  }

  /** The hash of a row's key. */
  hashOf(ref: number): number {
    const slab = this.memory.slabs[ref >>> slabShift] as { view: DataView };
    return this.hashRow(slab.view, ((ref & slabMask) << 3) + this.headerBytes);
  }

  /** Prepares an empty index for many rows, so that loading them splits nothing. */
  reserve(count: number): void {
    const depth = Math.max(0, Math.min(depthMax, Math.ceil(Math.log2(Math.max(1, count / (splitCount * 0.75))))));
    const capacity = capacityFor(Math.ceil((count / 2 ** depth) * 1.05));
    this.dispose();
    this.depth = depth;
    this.directory = Array.from({ length: 2 ** depth }, () => makeSegment(capacity, depth));
    for (const segment of this.directory) this.memory.account(segment.byteLength);
  }

  /** Frees the memory of the index. */
  dispose(): void {
    for (const segment of new Set(this.directory)) this.memory.account(-segment.byteLength);
    this.directory = [];
    this.count = 0;
  }

  private makeRoom(slot: number, segment: Int32Array): void {
    const count = segment[Head.count] as number;
    const depth = segment[Head.depth] as number;
    // Hashes alike in all bits would double the directory without end; such rows share a long segment.
    const isLopsided = depth === this.depth && this.directory.length * 256 > this.count;
    if (count < splitCount || depth >= depthMax || isLopsided) {
      this.resize(slot, segment, Math.max(capacityMin + 2, Math.ceil(((segment.length - headWords) >>> 1) * 1.25)));
      return;
    }
    if (depth === this.depth) {
      const doubled: Int32Array[] = [];
      for (const each of this.directory) doubled.push(each, each);
      this.directory = doubled;
      this.depth += 1;
      this.split(slot * 2, segment, depth + 1);
    } else this.split(slot, segment, depth + 1);
  }

  private split(slot: number, segment: Int32Array, depth: number): void {
    const bit = 32 - depth;
    let ones = 0;
    for (let at = headWords; at < segment.length; at += 2) {
      if (segment[at + 1] !== 0) ones += ((segment[at] as number) >>> bit) & 1;
    }
    const low = makeSegment(capacityFor((segment[Head.count] as number) - ones + 1), depth);
    const high = makeSegment(capacityFor(ones + 1), depth);
    for (let at = headWords; at < segment.length; at += 2) {
      const ref = segment[at + 1] as number;
      if (ref === 0) continue;
      const hash = segment[at] as number;
      const target = ((hash >>> bit) & 1) === 0 ? low : high;
      place(target, hash, ref);
      target[Head.count] = (target[Head.count] as number) + 1;
    }
    this.replaceInDirectory(slot, segment, depth - 1, low, high);
    this.memory.account(low.byteLength + high.byteLength - segment.byteLength);
  }

  /** Points the directory's slots of a segment at its two halves. */
  private replaceInDirectory(
    slot: number,
    segment: Int32Array,
    depth: number,
    low: Int32Array,
    high: Int32Array,
  ): void {
    const width = 2 ** (this.depth - depth);
    const first = slot - (slot % width);
    for (let index = 0; index < width; index += 1) {
      if (this.directory[first + index] !== segment) throw new RangeError("a segment is not where its depth says");
      this.directory[first + index] = index < width / 2 ? low : high;
    }
  }

  private resize(slot: number, segment: Int32Array, capacity: number): void {
    const resized = makeSegment(capacity, segment[Head.depth] as number);
    resized[Head.count] = segment[Head.count] as number;
    for (let at = headWords; at < segment.length; at += 2) {
      const ref = segment[at + 1] as number;
      if (ref === 0) continue;
      place(resized, segment[at] as number, ref);
    }
    this.replaceInDirectory(slot, segment, segment[Head.depth] as number, resized, resized);
    this.memory.account(resized.byteLength - segment.byteLength);
  }
}

function place(segment: Int32Array, hash: number, ref: number): void {
  const at = freePlaceOf(segment, hash);
  segment[at] = hash;
  segment[at + 1] = ref | 0;
}

/** Where the pair of a row stands that must be there. */
function placeIn(segment: Int32Array, hash: number, ref: number): number {
  const at = placeOf(segment, hash, ref);
  if (at < 0) throw new RangeError("an index lacks a row that the table has");
  return at;
}
