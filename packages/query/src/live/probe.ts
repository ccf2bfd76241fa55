/** From a row of one side of a join to the rows of the other: by an index of the table, or by a side index. */
import { asRowRef, defined, type RowRef } from "@lightcone/base";
import { makeKeyHash, type HashSeed, type Index, type IndexCursor, type Table } from "@lightcone/engine";
import type { AlgebraicType } from "@lightcone/sats";
import type { JoinEdge, SelectPlan } from "@lightcone/sql";
import { columnPlace, type ColumnPlace } from "../code/column-place.ts";
import { columnTypes } from "../code/predicate-code.ts";
import type { HashRow, SideIndex } from "./side-index.ts";

/** Gives candidates: whoever asks still compares the pair. */
export interface Probe {
  seek(view: DataView, at: number): void;
  next(): RowRef | -1;
}

/** A join edge seen from one side. */
export interface SideEdge {
  readonly own: number;
  readonly other: number;
}

export function edgesOf(plan: SelectPlan, side: 0 | 1): readonly SideEdge[] {
  return plan.joins.map(({ left, right }: JoinEdge) => {
    const [own, other] = left.source === side ? [left, right] : [right, left];
    return { own: own.column, other: other.column };
  });
}

/** The hash of the joined column: equal on both sides for equal values. */
export function joinHash(plan: SelectPlan, side: 0 | 1, seed: HashSeed): HashRow {
  return makeKeyHash(columnTypes(plan, side), [hashedEdge(edgesOf(plan, side)).own], seed).hashRow;
}

/** The edge that hashes go by: the same one from both sides. */
export function hashedEdge(edges: readonly SideEdge[]): SideEdge {
  return defined(edges[0], "a join edge");
}

/** An index of `table` whose leading columns are joined ones, the more of them the better. */
export function indexFor(
  table: Table,
  edges: readonly SideEdge[],
): { readonly index: Index; readonly edges: readonly SideEdge[] } | undefined {
  let best: { readonly index: Index; readonly edges: readonly SideEdge[] } | undefined;
  for (const index of table.indexes) {
    const used: SideEdge[] = [];
    for (const column of index.def.columns) {
      const edge = edges.find((each) => each.own === column);
      if (edge === undefined) break;
      used.push(edge);
    }
    const isWhole = used.length === index.def.columns.length;
    if (used.length === 0 || (!isWhole && !index.ranged)) continue;
    if (best === undefined || used.length > best.edges.length || (isWhole && index.unique))
      best = { index, edges: used };
  }
  return best;
}

/** Probes an index of the table with columns of the other side's row. */
export class IndexProbe implements Probe {
  private readonly cursor: IndexCursor;
  private readonly isPoint: boolean;
  private readonly places: readonly ColumnPlace[];

  constructor(index: Index, edges: readonly SideEdge[], otherTypes: readonly AlgebraicType[]) {
    this.cursor = index.openCursor();
    this.isPoint = edges.length === index.def.columns.length;
    this.places = edges.map((edge) => columnPlace(otherTypes, edge.other));
  }

  seek(view: DataView, at: number): void {
    const only = this.places[0];
    if (this.isPoint && this.places.length === 1 && only !== undefined) {
      const start = only.start(view, at);
      this.cursor.seekPoint(view, start, only.end(view, at) - start); // in place: no copy
      return;
    }
    const key = this.key(view, at);
    if (this.isPoint) this.cursor.seekPoint(new DataView(key.buffer), 0, key.length);
    else this.cursor.seekRange(key, this.places.length, unbounded, unbounded);
  }

  next(): RowRef | -1 {
    return this.cursor.next();
  }

  private key(view: DataView, at: number): Uint8Array<ArrayBuffer> {
    const bytes: number[] = [];
    for (const { start, end } of this.places) {
      const stop = end(view, at);
      for (let i = start(view, at); i < stop; i += 1) bytes.push(view.getUint8(i));
    }
    return Uint8Array.from(bytes);
  }
}

const unbounded = { kind: "unbounded" } as const;

/** Probes a side index with the hash of the other side's row. */
export class SideProbe implements Probe {
  private readonly index: SideIndex;
  private readonly otherHash: HashRow;
  private entry = -1;

  constructor(index: SideIndex, otherHash: HashRow) {
    this.index = index;
    this.otherHash = otherHash;
  }

  seek(view: DataView, at: number): void {
    this.entry = this.index.first(this.otherHash(view, at));
  }

  next(): RowRef | -1 {
    if (this.entry < 0) return -1;
    const ref = asRowRef(this.index.ref(this.entry));
    this.entry = this.index.next(this.entry);
    return ref;
  }
}
