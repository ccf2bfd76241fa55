/** A set of row references, filled in one go and used again: what a turn keeps of a relation's inserted rows. */
import type { RowRefs } from "@lightcone/engine";

/** Up to so many rows are searched one by one. */
const scannedMax = 8;
/** A longer table is not kept for the next use. */
const keptLengthMax = 16_384;

export class RowSet {
  private rows: RowRefs = { refs: new Uint32Array(0), count: 0 };
  /** Open addressing; no row has the reference 0. */
  private table = new Uint32Array(0);

  /** The list must not change while the set is in use. */
  fill(rows: RowRefs): void {
    const { refs, count } = rows;
    this.rows = rows;
    if (count <= scannedMax) return;
    this.resize(count * 2);
    const { table } = this;
    for (let i = 0; i < count; i += 1) {
      const ref = refs[i] ?? 0;
      let at = this.home(ref);
      while (table[at] !== 0) at = (at + 1) & (table.length - 1);
      table[at] = ref;
    }
  }

  has(ref: number): boolean {
    const { refs, count } = this.rows;
    if (count <= scannedMax) {
      for (let i = 0; i < count; i += 1) if (refs[i] === ref) return true;
      return false;
    }
    const { table } = this;
    for (let at = this.home(ref); table[at] !== 0; at = (at + 1) & (table.length - 1))
      if (table[at] === ref) return true;
    return false;
  }

  private home(ref: number): number {
    return (Math.imul(ref, 0x9e37_79b1) >>> 7) & (this.table.length - 1);
  }

  private resize(lengthMin: number): void {
    let length = this.table.length > keptLengthMax ? 32 : Math.max(32, this.table.length);
    while (length < lengthMin) length *= 2;
    if (length === this.table.length) this.table.fill(0);
    else this.table = new Uint32Array(length);
  }
}
