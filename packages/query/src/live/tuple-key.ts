/** The key of a lookup, made from a tuple's rows: their columns back to back. A single column is not copied. */
import type { ColumnPlace } from "../code/column-place.ts";

/** A column of one of the tuple's rows. */
export interface KeyColumn {
  readonly source: number;
  readonly place: ColumnPlace;
}

export class TupleKey {
  /** Where the last key is: `view[at … at + length)`. */
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;
  length = 0;
  private readonly columns: readonly KeyColumn[];
  private scratch = new Uint8Array(64);

  constructor(columns: readonly KeyColumn[]) {
    this.columns = columns;
  }

  /** @param views with `ats`, where each source's row begins */
  read(views: readonly DataView[], ats: readonly number[]): void {
    const [only] = this.columns;
    if (this.columns.length !== 1 || only === undefined) return this.join(views, ats);
    const view = views[only.source] as DataView; // the tuple has a row of the source
    const at = ats[only.source] ?? 0;
    this.view = view;
    this.at = only.place.start(view, at);
    this.length = only.place.end(view, at) - this.at;
  }

  private join(views: readonly DataView[], ats: readonly number[]): void {
    let length = 0;
    for (const { source, place } of this.columns) {
      const view = views[source] as DataView; // the tuple has a row of the source
      const at = ats[source] ?? 0;
      const start = place.start(view, at);
      const end = place.end(view, at);
      if (length + end - start > this.scratch.length) this.grow(length + end - start);
      this.scratch.set(new Uint8Array(view.buffer, view.byteOffset + start, end - start), length);
      length += end - start;
    }
    if (this.view.buffer !== this.scratch.buffer) this.view = new DataView(this.scratch.buffer);
    this.at = 0;
    this.length = length;
  }

  private grow(length: number): void {
    const scratch = new Uint8Array(length * 2);
    scratch.set(this.scratch);
    this.scratch = scratch;
  }
}
