/**
 * Rows as their bytes, found by them: what a cache of many rows costs is their bytes and some words for each.
 *
 *   slot = chunk and mark | start | length | hash | count          one for each row, in `#slots`
 *
 * Bytes lie in chunks, as frames brought them: a long list is kept where it came, rows of short ones are copied. A row's slot
 * stays until `remove`. What is removed leaves its bytes behind; when those are more than the rest, all move.
 */
import type { ByteReader } from "@lightcone/sats";

const words = 5;
const [startWord, lengthWord, hashWord, countWord] = [1, 2, 3, 4] as const;
/** A list of so many bytes is a chunk as it came. */
const keptBytes = 64 * 1024;
/** So many bytes may be left behind. */
const leftBytesMax = 256 * 1024;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

const chunkOf = (bytes: Uint8Array): Chunk => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
});

export class RowStore {
  readonly seed: number;
  /** Slots up to here have been used. */
  end = 0;
  /** Rows there are. */
  size = 0;
  #slots = new Uint32Array(16 * words);
  readonly #free: number[] = [];
  /** Slots plus one, by hash; a power of two, half of it empty at least. */
  #buckets = new Uint32Array(32);
  #chunks: Chunk[] = [];
  /** The list whose rows are told next, and its chunk's number if it is one. */
  #source: Chunk = chunkOf(new Uint8Array(0));
  #sourceChunk = -1;
  /** Where rows of short lists are copied to: the chunk's number, and how much of it is taken. */
  #tail = -1;
  #tailAt = 0;
  #bytes = 0;
  #liveBytes = 0;

  /** @param seed of the hashes: whoever writes rows should not know where they end up */
  constructor(seed: number) {
    this.seed = seed;
  }

  /** Begins a list of rows: `slotOf` is given places in it. */
  read(data: Uint8Array): DataView {
    this.#source = chunkOf(data);
    this.#sourceChunk = -1;
    return this.#source.view;
  }

  /** The slot of a row of the list; one is made if there is none. Its count is 0 then. */
  slotOf(start: number, end: number): number {
    const { view } = this.#source;
    const hash = hashOf(view, start, end, this.seed);
    const known = this.#find(view, start, end, hash);
    return known < 0 ? this.#add(start, end, hash) : known;
  }

  /** The slot in which another store's row is here; -1 when it is not. The stores must have the same seed. */
  slotLike(other: RowStore, slot: number): number {
    const start = other.#word(slot, startWord);
    const end = start + other.#word(slot, lengthWord);
    return this.#find(other.#chunkOf(slot).view, start, end, other.#word(slot, hashWord));
  }

  /** Sets a reader to a row. */
  aim(input: ByteReader, slot: number): void {
    const { bytes, view } = this.#chunkOf(slot);
    const start = this.#word(slot, startWord);
    input.set(bytes, view, start, start + this.#word(slot, lengthWord));
  }

  #chunkOf(slot: number): Chunk {
    // Every slot that is in use has one.
    return this.#chunks[this.#word(slot, 0) >>> 1] ?? this.#source;
  }

  count(slot: number): number {
    return this.#word(slot, countWord) | 0;
  }
  setCount(slot: number, count: number): void {
    this.#slots[slot * words + countWord] = count;
  }

  /** Marks a slot. @returns whether it was not */
  mark(slot: number): boolean {
    const word = this.#word(slot, 0);
    this.#slots[slot * words] = word | 1;
    return (word & 1) === 0;
  }
  unmark(slot: number): void {
    this.#slots[slot * words] = this.#word(slot, 0) & ~1;
  }

  /** Lets go of a row, whose count is 0. */
  remove(slot: number): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let hole = this.#word(slot, hashWord) & mask;
    while (buckets[hole] !== slot + 1) hole = (hole + 1) & mask;
    // What was pushed on past the hole moves back into it.
    for (let at = (hole + 1) & mask; buckets[at] !== 0; at = (at + 1) & mask) {
      const home = this.#word((buckets[at] ?? 0) - 1, hashWord) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      buckets[hole] = buckets[at] ?? 0;
      hole = at;
    }
    buckets[hole] = 0;
    this.#free.push(slot);
    this.#liveBytes -= this.#word(slot, lengthWord);
    this.size -= 1;
  }

  /** Moves all rows together, if too much lies between them. Slots stay. */
  tidy(): void {
    if (this.#bytes <= 2 * this.#liveBytes + leftBytesMax) return;
    const to = new Uint8Array(this.#liveBytes);
    let next = 0;
    for (let slot = 0; slot < this.end; slot += 1) {
      if (this.count(slot) <= 0) continue;
      const [start, length] = [this.#word(slot, startWord), this.#word(slot, lengthWord)];
      to.set(this.#chunkOf(slot).bytes.subarray(start, start + length), next);
      this.#slots[slot * words] = this.#word(slot, 0) & 1;
      this.#slots[slot * words + startWord] = next;
      next += length;
    }
    this.#chunks = [chunkOf(to)];
    this.#bytes = next;
    this.#tail = -1;
  }

  #word(slot: number, word: number): number {
    return this.#slots[slot * words + word] ?? 0;
  }

  #find(view: DataView, start: number, end: number, hash: number): number {
    const mask = this.#buckets.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = (this.#buckets[at] ?? 0) - 1;
      if (slot < 0) return -1;
      if (this.#word(slot, hashWord) === hash && this.#isSame(slot, view, start, end)) return slot;
    }
  }

  #isSame(slot: number, view: DataView, start: number, end: number): boolean {
    if (this.#word(slot, lengthWord) !== end - start) return false;
    const known = this.#chunkOf(slot).view;
    let from = this.#word(slot, startWord);
    let at = start;
    for (; at + 4 <= end; at += 4, from += 4) if (known.getInt32(from) !== view.getInt32(at)) return false;
    for (; at < end; at += 1, from += 1) if (known.getUint8(from) !== view.getUint8(at)) return false;
    return true;
  }

  #add(start: number, end: number, hash: number): number {
    const slot = this.#free.pop() ?? this.end++;
    const at = slot * words;
    if (at >= this.#slots.length) {
      const more = new Uint32Array(Math.ceil((slot * 3) / 2) * words);
      more.set(this.#slots);
      this.#slots = more;
    }
    const slots = this.#slots;
    this.#keep(slot, start, end);
    slots[at + lengthWord] = end - start;
    slots[at + hashWord] = hash;
    slots[at + countWord] = 0;
    this.#liveBytes += end - start;
    this.size += 1;
    if (this.size * 2 > this.#buckets.length) this.#grow();
    this.#enter(slot, hash);
    return slot;
  }

  /** Writes where the row's bytes are from now on. */
  #keep(slot: number, start: number, end: number): void {
    const { bytes } = this.#source;
    let [chunk, from] = [this.#sourceChunk, start];
    if (chunk < 0 && bytes.length >= keptBytes) {
      chunk = this.#chunks.push(this.#source) - 1;
      this.#bytes += bytes.length;
      this.#sourceChunk = chunk;
    } else if (chunk < 0) {
      const length = end - start;
      if (this.#tail < 0 || this.#tailAt + length > (this.#chunks[this.#tail]?.bytes.length ?? 0)) {
        const room = Math.max(length, Math.min(keptBytes, 1024 + this.#liveBytes));
        this.#tail = this.#chunks.push(chunkOf(new Uint8Array(room))) - 1;
        this.#bytes += room;
        this.#tailAt = 0;
      }
      chunk = this.#tail;
      from = this.#tailAt;
      this.#chunks[chunk]?.bytes.set(bytes.subarray(start, end), from);
      this.#tailAt += length;
    }
    this.#slots[slot * words] = chunk * 2;
    this.#slots[slot * words + startWord] = from;
  }

  #enter(slot: number, hash: number): void {
    const mask = this.#buckets.length - 1;
    let at = hash & mask;
    while (this.#buckets[at] !== 0) at = (at + 1) & mask;
    this.#buckets[at] = slot + 1;
  }

  #grow(): void {
    const before = this.#buckets;
    this.#buckets = new Uint32Array(before.length * 2);
    for (const entry of before) if (entry !== 0) this.#enter(entry - 1, this.#word(entry - 1, hashWord));
  }
}

/** Four bytes at a time. */
function hashOf(view: DataView, start: number, end: number, seed: number): number {
  let hash = seed ^ (end - start);
  let at = start;
  for (; at + 4 <= end; at += 4) hash = mix(hash ^ view.getUint32(at, true));
  for (; at < end; at += 1) hash = mix(hash ^ view.getUint8(at));
  return hash >>> 0;
}

function mix(word: number): number {
  const mixed = Math.imul(word, 0x9e37_79b1);
  return mixed ^ (mixed >>> 15);
}
