/**
 * A snapshot: the pages as they stand, so that a restored store has every row in its slot. Version 1,
 * little-endian; the numbers are u32 unless marked.
 *
 *   "LCSN" | version | offset u64 | timestamp u64 | next ids: table, index, constraint, sequence, schedule
 *   fresh page, its end | slabs: count, pages of each (0 for none)
 *   free pages: count, pages | free spans: count × (pages, count, first pages) | free slabs: count, indexes
 *   tables: count × ( id | row length i32 | rows u64 | bytes of rows u64 | size classes: count, span with room i32 each
 *                     slots freed last: count, references | spans: count × the words of `spanWords` )
 *   per table in the same order: its spans' slots, as far as they were ever used, in scan order; then its set hash u64
 *   "LCSE"
 *
 * The set hash is the sum over all rows of a hash of their bytes: the same for the same rows in any order.
 */
import type { Meta } from "../storage/memory.ts";

export const snapshotMagic = 0x4e53_434c; // "LCSN"
export const snapshotEnd = 0x4553_434c; // "LCSE"
export const snapshotVersion = 1;

/** What is kept of a span, in order. */
export const spanWords = [
  "head",
  "pages",
  "slotBytes",
  "sizeClass",
  "used",
  "free",
  "fresh",
  "previous",
  "next",
] as const satisfies readonly (keyof typeof Meta)[];

/** The two halves of a set hash, summed separately. */
export interface SetHash {
  low: number;
  high: number;
}

const lowMultiplier = 0x9e37_79b1 | 0;
const highMultiplier = 0x85eb_ca77 | 0;

/** Adds a row's bytes to a set hash. The two sums differ in start and multiplier, nothing else. */
export function addToSetHash(hash: SetHash, view: DataView, at: number, length: number): void {
  let low = length ^ 0x2545_f491;
  let high = length ^ 0x27d4_eb2f;
  let index = 0;
  for (; index + 4 <= length; index += 4) {
    const word = view.getInt32(at + index, true);
    low = Math.imul(low ^ word, lowMultiplier);
    low ^= low >>> 15;
    high = Math.imul(high ^ word, highMultiplier);
    high ^= high >>> 13;
  }
  for (; index < length; index += 1) {
    const byte = view.getUint8(at + index);
    low = Math.imul(low ^ byte, lowMultiplier);
    low ^= low >>> 15;
    high = Math.imul(high ^ byte, highMultiplier);
    high ^= high >>> 13;
  }
  hash.low = (hash.low + Math.imul(low ^ (low >>> 16), highMultiplier)) | 0;
  hash.high = (hash.high + Math.imul(high ^ (high >>> 16), lowMultiplier)) | 0;
}
