/** A list of row references that grows. */
import type { RowRefs } from "../api-tables.ts";

export class RefList implements RowRefs {
  refs: Uint32Array = new Uint32Array(8);
  count = 0;

  push(ref: number): void {
    if (this.count === this.refs.length) this.grow();
    this.refs[this.count] = ref;
    this.count += 1;
  }

  private grow(): void {
    const refs = new Uint32Array(this.refs.length * 2);
    refs.set(this.refs);
    this.refs = refs;
  }

  /** Empties the list, and frees what an unusually long transaction needed. */
  reset(): void {
    if (this.refs.length > 65_536) this.refs = new Uint32Array(8);
    this.count = 0;
  }
}
