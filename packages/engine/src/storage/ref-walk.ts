/**
 * A walk over a table's rows that goes on while commits change them.
 *
 * It goes by rising references, which is an order that no commit changes: a row keeps its reference. At any moment the rows
 * that it has passed are those before its position. So whoever adds the rows that it gives, and of each commit the changes of
 * rows that it has passed, has exactly those rows: at the end, all. Step only between transactions.
 */
import { Meta, metaWords, pageShift, type Slab, slabMask, slabShift } from "./memory.ts";
import type { RowSpace } from "./row-space.ts";

export class RefWalk {
  private readonly space: RowSpace;
  /** The first page of the span that it is in; -1 before the first. */
  private head = -1;
  /** All rows before it have been passed. */
  private position = 0;
  private isOver = false;

  constructor(space: RowSpace) {
    this.space = space;
  }

  /** Whether the row at `ref` has been given, or would have been if it had been there. */
  isPassed(ref: number): boolean {
    return this.isOver || ref < this.position;
  }

  get isWhole(): boolean {
    return this.isOver;
  }

  /** Gives the next rows, up to `slotsMax` slots on. */
  step(slotsMax: number, give: (ref: number) => void): void {
    const { space } = this;
    // The span that it was in may be gone since, or be another.
    if (this.head >= 0 && !this.isThere(this.head)) this.head = -1;
    for (let left = slotsMax; left > 0 && !this.isOver;) {
      if (this.head < 0 && !this.enterNext()) return;
      const meta = space.memory.slabOf(this.head).meta;
      const at = (this.head & 255) * metaWords;
      const slotBytes = meta[at + Meta.slotBytes] as number;
      const units = slotBytes >>> 3;
      const start = startOf(this.head);
      const used = (meta[at + Meta.fresh] as number) / slotBytes;
      // Of a span that has come in the place of another, slots need not begin at the position.
      let slot = Math.max(0, Math.ceil((this.position - start) / units));
      for (; slot < used && left > 0; slot += 1, left -= 1) {
        const ref = start + slot * units;
        const slab = space.memory.slabs[ref >>> slabShift] as Slab;
        if (((slab.bytes[(ref & slabMask) << 3] as number) & 1) !== 0) give(ref);
      }
      this.position = Math.max(this.position, start + slot * units);
      if (slot >= used) this.enterNext();
    }
  }

  /** Goes to the next span by reference. @returns false when there is none: then all has been passed */
  private enterNext(): boolean {
    const { spans, spanCount } = this.space;
    const after = this.head >= 0 ? this.head : Math.floor(this.position / 2 ** pageShift) - 1;
    let next = -1;
    for (let i = 0; i < spanCount; i += 1) {
      const head = spans[i] as number; // below the count
      if (head > after && (next < 0 || head < next)) next = head;
    }
    if (this.head < 0) next = this.within() ?? next;
    this.head = next;
    this.isOver = next < 0;
    if (next >= 0) this.position = Math.max(this.position, startOf(next));
    return next >= 0;
  }

  /** The span that the position is within. */
  private within(): number | undefined {
    const { spans, spanCount, memory } = this.space;
    const page = Math.floor(this.position / 2 ** pageShift);
    for (let i = 0; i < spanCount; i += 1) {
      const head = spans[i] as number; // below the count
      const pages = memory.slabOf(head).meta[(head & 255) * metaWords + Meta.pages] as number;
      if (head <= page && page < head + pages) return head;
    }
    return undefined;
  }

  private isThere(head: number): boolean {
    const { spans, spanCount } = this.space;
    for (let i = 0; i < spanCount; i += 1) if (spans[i] === head) return true;
    return false;
  }
}

function startOf(head: number): number {
  return head * 2 ** pageShift;
}
