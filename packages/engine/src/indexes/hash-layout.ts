/**
 * How a hash index's segment is laid out, and how its pairs are probed.
 *
 *   segment = row count, depth, then pairs (hash, reference)      words; a pair without a row has the reference 0
 *
 * A pair stands at its home or behind it, at the first place that was free: linear probing, around the end. The walk is
 * written here once, as source text, because finding a key runs inside functions generated for that key's columns;
 * what the index does with a reference at hand is made from the same text.
 */
import { compileWith } from "@lightcone/sats";

/** Computes the hash of a key at `view[at …]`. */
export type HashKey = (view: DataView, at: number) => number;

/** Words before a segment's pairs. */
export const headWords = 2;
export const Head = { count: 0, depth: 1 } as const;

/** Where the pair of a hash belongs in a segment of `length` words, as an expression: its lower 16 bits, scaled. */
function homeCode(hash: string): string {
  return `${headWords} + ((((${hash} & 0xffff) * ((length - ${headWords}) >>> 1)) >>> 16) << 1)`;
}

/**
 * Statements that walk `segment` from the home of the hash `h`: `visit` runs with `place` at each pair in turn, until it
 * leaves the loop. It must leave at a pair without a row, of which there is always one.
 */
export function probeCode(visit: string): string {
  return `const length = segment.length;
let place = ${homeCode("h")};
for (;;) {
${visit}
place += 2;
if (place === length) place = ${headWords};
}`;
}

/** Where the pair of a hash belongs in a segment of `length` words. */
export const homeOf: (hash: number, length: number) => number = compileWith(
  {},
  `return function homeOf(hash, length) { return ${homeCode("hash")}; };`,
);

/** The first place for a hash's pair that is free. */
export const freePlaceOf: (segment: Int32Array, hash: number) => number = compileWith(
  {},
  `return function freePlaceOf(segment, h) {\n${probeCode("if (segment[place + 1] === 0) return place;")}\n};`,
);

/** Where the pair of a row stands; -1 when the segment lacks it. */
export const placeOf: (segment: Int32Array, hash: number, ref: number) => number = compileWith(
  {},
  `return function placeOf(segment, h, ref) {
const wanted = ref | 0;
${probeCode("const other = segment[place + 1];\nif (other === wanted) return place;\nif (other === 0) return -1;")}
};`,
);
