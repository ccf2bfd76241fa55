/**
 * The hash table of a join that runs in steps: copies of one side's rows, or of its distinct keys with their counts.
 *
 *   entry = hash i32 | next entry + 1 | count | chunk | at | length      next: in the same bucket
 *
 * No insert takes long: entries and bytes are allocated in chunks, and the buckets once, for the greatest possible
 * number of rows. Memory that is not touched yet costs nothing.
 */
import { equalBytes, type RowView } from "@lightcone/engine";

const entryWords = 6;
const entriesShift = 13;
const entriesPerChunk = 1 << entriesShift;
const bytesPerChunk = 1 << 18;
const bucketsMax = 1 << 25;

const Word = { hash: 0, next: 1, count: 2, chunk: 3, at: 4, length: 5 } as const;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

const noEntry = -1;

export class JoinTable {
  private readonly buckets: Int32Array;
  private readonly mask: number;
  private readonly entries: Int32Array[] = [];
  private readonly chunks: Chunk[] = [];
  private room = 0;
  /** Entries there are. */
  count = 0;

  /** @param rowCount how many rows there can be */
  constructor(rowCount: number) {
    let length = 16;
    while (length < rowCount && length < bucketsMax) length *= 2;
    this.buckets = new Int32Array(length);
    this.mask = length - 1;
  }

  /** Adds a copy of `bytes[at … at + length)`. */
  add(hash: number, bytes: Uint8Array, at: number, length: number): void {
    const entry = this.count;
    this.count += 1;
    if ((entry & (entriesPerChunk - 1)) === 0) this.entries.push(new Int32Array(entriesPerChunk * entryWords));
    const bucket = hash & this.mask;
    this.set(entry, Word.hash, hash);
    this.set(entry, Word.next, this.buckets[bucket] ?? 0);
    this.set(entry, Word.count, 1);
    this.buckets[bucket] = entry + 1;
    if (length > this.room || this.chunks.length === 0) this.beginChunk(length);
    const chunk = this.chunks.length - 1;
    const to = (this.chunks[chunk]?.bytes.length ?? 0) - this.room;
    this.chunks[chunk]?.bytes.set(bytes.subarray(at, at + length), to);
    this.room -= length;
    this.set(entry, Word.chunk, chunk);
    this.set(entry, Word.at, to);
    this.set(entry, Word.length, length);
  }

  /** Adds one to the count of these bytes, which start at zero. */
  tally(hash: number, bytes: Uint8Array, view: DataView, at: number, length: number): void {
    const entry = this.find(hash, view, at, length);
    if (entry === noEntry) this.add(hash, bytes, at, length);
    else this.set(entry, Word.count, this.word(entry, Word.count) + 1);
  }

  /** The entry of those bytes, or -1. */
  find(hash: number, view: DataView, at: number, length: number): number {
    for (let entry = this.first(hash); entry !== noEntry; entry = this.next(entry)) {
      if (this.word(entry, Word.hash) !== hash || this.word(entry, Word.length) !== length) continue;
      const chunk = this.chunks[this.word(entry, Word.chunk)];
      if (chunk !== undefined && equalBytes(chunk.view, this.word(entry, Word.at), view, at, length)) return entry;
    }
    return noEntry;
  }

  /** The first entry that may have that hash, or -1; go on with `next`, and look at `hashOf`. */
  first(hash: number): number {
    return (this.buckets[hash & this.mask] ?? 0) - 1;
  }

  next(entry: number): number {
    return this.word(entry, Word.next) - 1;
  }

  hashOf(entry: number): number {
    return this.word(entry, Word.hash);
  }

  /** The count of an entry. */
  countOf(entry: number): number {
    return this.word(entry, Word.count);
  }

  /** Sets `row` to an entry's bytes. */
  resolve(entry: number, row: RowView): void {
    const chunk = this.chunks[this.word(entry, Word.chunk)];
    if (chunk === undefined) return;
    row.bytes = chunk.bytes;
    row.view = chunk.view;
    row.at = this.word(entry, Word.at);
    row.length = this.word(entry, Word.length);
  }

  private beginChunk(length: number): void {
    const bytes = new Uint8Array(Math.max(bytesPerChunk, length));
    this.chunks.push({ bytes, view: new DataView(bytes.buffer) });
    this.room = bytes.length;
  }

  private word(entry: number, word: number): number {
    return this.entries[entry >>> entriesShift]?.[(entry & (entriesPerChunk - 1)) * entryWords + word] ?? 0;
  }

  private set(entry: number, word: number, value: number): void {
    const chunk = this.entries[entry >>> entriesShift];
    if (chunk !== undefined) chunk[(entry & (entriesPerChunk - 1)) * entryWords + word] = value;
  }
}
