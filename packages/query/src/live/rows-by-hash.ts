/** A hash multimap of rows by their key, filled in one go and reused: a turn keeps a relation's deleted rows in it. */
import type { RowRef } from "@lightcone/base";
import type { RowRefs } from "@lightcone/engine";

/** Longer arrays are not kept for the next use. */
const keptLengthMax = 4096;

export class RowsByHash {
  /** The hash's lower bits → the first entry + 1. */
  private heads = new Int32Array(8);
  private nexts = new Int32Array(8);
  private hashes = new Int32Array(8);
  private refs = new Uint32Array(8);

  fill({ refs, count }: RowRefs, hashOf: (ref: RowRef) => number): void {
    this.resize(count);
    const { heads, nexts, hashes } = this;
    heads.fill(0);
    // From the end, so that rows with the same hash are found in the order of the list.
    for (let entry = count - 1; entry >= 0; entry -= 1) {
      const ref = refs[entry] ?? 0;
      const hash = hashOf(ref as RowRef); // below `count`
      const bucket = hash & (heads.length - 1);
      this.refs[entry] = ref;
      hashes[entry] = hash;
      nexts[entry] = heads[bucket] ?? 0;
      heads[bucket] = entry + 1;
    }
  }

  /** The first entry with that hash, or -1; `next` gives the others. */
  first(hash: number): number {
    return this.from(this.heads[hash & (this.heads.length - 1)] ?? 0, hash);
  }

  next(entry: number): number {
    return this.from(this.nexts[entry] ?? 0, this.hashes[entry] ?? 0);
  }

  row(entry: number): RowRef {
    return (this.refs[entry] ?? 0) as RowRef; // filled from row references
  }

  private from(link: number, hash: number): number {
    let entry = link - 1;
    while (entry >= 0 && this.hashes[entry] !== hash) entry = (this.nexts[entry] ?? 0) - 1;
    return entry;
  }

  private resize(count: number): void {
    let length = this.heads.length;
    if (length > keptLengthMax) length = 8;
    while (length < count) length *= 2;
    if (length === this.heads.length) return;
    this.heads = new Int32Array(length);
    this.nexts = new Int32Array(length);
    this.hashes = new Int32Array(length);
    this.refs = new Uint32Array(length);
  }
}
