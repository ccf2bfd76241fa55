/**
 * Rows as their bytes, found by them: what a cache of many rows costs is their bytes and some words for each.
 *
 *   slot = chunk and mark | start | length | hash | count          one for each row, in `#slots`
 *
 * Bytes lie in chunks, as frames brought them: a long list is kept where it came, short ones are copied. A row's slot
 * stays until `remove`. What is removed leaves its bytes behind; when those are more than the rest, all move.
 */
import { RowListView } from "@lightcone/protocol";
import type { ByteReader } from "@lightcone/sats";

const words = 5;
const [startWord, lengthWord, hashWord, countWord] = [1, 2, 3, 4] as const;
/** A list of so many bytes is a chunk as it came. */
const keptBytes = 64 * 1024;
/** Short lists lie in chunks of at most so many bytes, and of no more than all rows have. */
const tailBytesMax = 1024 * 1024;
/** So many bytes may be left behind. */
const leftBytesMax = 256 * 1024;
/** So many rows of a list are looked for together: what each waits for from memory, they wait for at the same time. */
const lookedRows = 128;
const hashes = new Uint32Array(lookedRows);
/** What was read ahead. */
const found = new Uint32Array(lookedRows);

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
  /** A slot plus one and its hash, by hash; a power of two, half of it empty at least. */
  #buckets = new Uint32Array(64);
  #chunks: Chunk[] = [];
  /** The list whose rows are told next; the number of the chunk that it is in by now, if any, and where it begins there. */
  #list = new RowListView(new Uint8Array(0), 0, 0, undefined);
  #source: Chunk = chunkOf(this.#list.data);
  #sourceChunk = -1;
  #sourceAt = 0;
  /** Where short lists are copied to: the chunk's number, and how much of it is taken. */
  #tail = -1;
  #tailAt = 0;
  #bytes = 0;
  #liveBytes = 0;
  /** The bucket at which what was looked for last is missing. */
  #hole: number | undefined;

  /** @param seed of the hashes: whoever writes rows should not know where they end up */
  constructor(seed: number) {
    this.seed = seed;
  }

  /** Begins a list of rows: `slotOf` is asked for each, in order. @param areNew whether they may be */
  read(list: RowListView, areNew: boolean): DataView {
    // However many rows there are said to be, their bytes are there as well.
    if (areNew) this.#reserve(Math.min(list.count, list.data.length >> 3));
    this.#list = list;
    this.#source = chunkOf(list.data);
    this.#sourceChunk = -1;
    return this.#source.view;
  }

  /** The slot of a row of the list; one is made if there is none. Its count is 0 then. */
  slotOf(index: number): number {
    if (index % lookedRows === 0) this.#look(index);
    const [start, end] = [this.#list.startOf(index), this.#list.startOf(index + 1)];
    const hash = hashes[index % lookedRows] ?? 0;
    const known = this.#find(this.#source.view, start, end, hash);
    return known < 0 ? this.#add(start, end, hash) : known;
  }

  /** Hashes some rows, and reads what will be asked of each. */
  #look(from: number): void {
    const [list, buckets, slots] = [this.#list, this.#buckets, this.#slots];
    const count = Math.min(lookedRows, list.count - from);
    for (let at = 0, end = list.startOf(from); at < count; at += 1) {
      const start = end;
      end = list.startOf(from + at + 1);
      hashes[at] = hashOf(this.#source.view, start, end, this.seed);
    }
    // A loop for each step: the next row's read does not wait for this one's.
    const mask = buckets.length - 1;
    for (let at = 0; at < count; at += 1) found[at] = buckets[((hashes[at] ?? 0) * 2) & mask] ?? 0;
    for (let at = 0; at < count; at += 1) found[at] = slots[((found[at] ?? 0) - 1) * words + startWord] ?? 0;
  }

  /** The slot of a row; -1 when it is not here. */
  slotOfBytes(bytes: Uint8Array): number {
    const { view } = chunkOf(bytes);
    return this.#find(view, 0, bytes.length, hashOf(view, 0, bytes.length, this.seed));
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
    let hole = (this.#word(slot, hashWord) * 2) & mask;
    while (buckets[hole] !== slot + 1) hole = (hole + 2) & mask;
    // What was pushed on past the hole moves back into it.
    for (let at = (hole + 2) & mask; buckets[at] !== 0; at = (at + 2) & mask) {
      const hash = buckets[at + 1] ?? 0;
      if (((at - hash * 2) & mask) < ((at - hole) & mask)) continue;
      buckets[hole] = buckets[at] ?? 0;
      buckets[hole + 1] = hash;
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
      const { bytes } = this.#chunkOf(slot);
      // For a few bytes, a view of them would cost more than they do.
      if (length > 64) to.set(bytes.subarray(start, start + length), next);
      else for (let at = 0; at < length; at += 1) to[next + at] = bytes[start + at] ?? 0;
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
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    for (let at = (hash * 2) & mask; ; at = (at + 2) & mask) {
      const slot = (buckets[at] ?? 0) - 1;
      if (slot < 0) {
        this.#hole = at;
        return -1;
      }
      if (buckets[at + 1] === hash && this.#isSame(slot, view, start, end)) return slot;
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
    if (at >= this.#slots.length || (this.size + 1) * 4 > this.#buckets.length) {
      this.#reserve(1);
      this.#hole = undefined;
    }
    const slots = this.#slots;
    if (this.#sourceChunk < 0) this.#keepSource();
    slots[at] = this.#sourceChunk * 2;
    slots[at + startWord] = this.#sourceAt + start;
    slots[at + lengthWord] = end - start;
    slots[at + hashWord] = hash;
    slots[at + countWord] = 0;
    this.#liveBytes += end - start;
    this.size += 1;
    this.#enter(slot, hash, this.#hole);
    return slot;
  }

  /** Keeps the list's bytes. */
  #keepSource(): void {
    const { length } = this.#source.bytes;
    this.#sourceAt = 0;
    if (length >= keptBytes) {
      this.#sourceChunk = this.#chunks.push(this.#source) - 1;
      this.#bytes += length;
      return;
    }
    if (this.#tail < 0 || this.#tailAt + length > (this.#chunks[this.#tail]?.bytes.length ?? 0)) {
      const room = Math.max(length, Math.min(tailBytesMax, 1024 + this.#liveBytes));
      this.#tail = this.#chunks.push(chunkOf(new Uint8Array(room))) - 1;
      this.#bytes += room;
      this.#tailAt = 0;
    }
    this.#sourceChunk = this.#tail;
    this.#sourceAt = this.#tailAt;
    this.#chunks[this.#tail]?.bytes.set(this.#source.bytes, this.#tailAt);
    this.#tailAt += length;
  }

  #enter(slot: number, hash: number, from = hash * 2): void {
    const buckets = this.#buckets;
    const mask = buckets.length - 1;
    let at = from & mask;
    while (buckets[at] !== 0) at = (at + 2) & mask;
    buckets[at] = slot + 1;
    buckets[at + 1] = hash;
  }

  /** Makes room for so many rows more. */
  #reserve(count: number): void {
    const room = Math.max(0, count - this.#free.length) + this.end;
    if (room * words > this.#slots.length) {
      const more = new Uint32Array(Math.max(room, (this.end * 3) >> 1) * words);
      more.set(this.#slots);
      this.#slots = more;
    }
    const before = this.#buckets;
    if ((this.size + count) * 4 <= before.length) return;
    this.#buckets = new Uint32Array(2 ** Math.ceil(Math.log2((this.size + count) * 4)));
    for (let at = 0; at < before.length; at += 2)
      if (before[at] !== 0) this.#enter((before[at] ?? 0) - 1, before[at + 1] ?? 0);
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
