/**
 * What a turn changes of an operator's result: tuples of row references, each with a weight and a query.
 *
 * It is a Z-set: a tuple's weights add up if it occurs several times. Tuples are equal if their references are. Within
 * a turn that is exact, since the engine nets out a row that is deleted and inserted again.
 */
import { OverBound } from "./account.ts";

const keptCountMax = 65_536;

/** How many tuples there may be. */
export interface TupleBound {
  readonly tuplesMax: number;
}

const noBound: TupleBound = { tuplesMax: Infinity };

export class Delta {
  /** How many references a tuple has. */
  readonly width: number;
  private readonly bound: TupleBound;
  count = 0;
  /** `width` for each tuple. */
  refs: Uint32Array;
  weights = new Int32Array(16);
  /** The query of each tuple, by its position in the template. */
  queries = new Int32Array(16);

  constructor(width: number, bound: TupleBound = noBound) {
    this.width = width;
    this.bound = bound;
    this.refs = new Uint32Array(16 * width);
  }

  /** Adds the tuple `rows[source]` for each of `sources`. */
  add(rows: ArrayLike<number>, sources: readonly number[], weight: number, query: number): void {
    const { count, width } = this;
    if (count === this.weights.length) this.grow();
    for (let i = 0; i < width; i += 1) this.refs[count * width + i] = rows[sources[i] ?? 0] ?? 0;
    this.weights[count] = weight;
    this.queries[count] = query;
    this.count = count + 1;
  }

  /** Adds a tuple of one row. Only of width 1. */
  addRow(row: number, weight: number, query: number): void {
    const { count } = this;
    if (count === this.weights.length) this.grow();
    this.refs[count] = row;
    this.weights[count] = weight;
    this.queries[count] = query;
    this.count = count + 1;
  }

  /** Adds a row for the queries of all tuples from `from` on. Only of width 1. */
  addSame(from: number, row: number, weight: number): void {
    const end = this.count;
    for (let tuple = from; tuple < end; tuple += 1) this.addRow(row, weight, this.queries[tuple] ?? 0);
  }

  clear(): void {
    this.count = 0;
    if (this.weights.length <= keptCountMax) return;
    this.refs = new Uint32Array(16 * this.width);
    this.weights = new Int32Array(16);
    this.queries = new Int32Array(16);
  }

  /** @throws {OverBound} when there may not be more: it is looked at only here, so that a tuple costs nothing */
  private grow(): void {
    const { refs, weights, queries } = this;
    const { tuplesMax } = this.bound;
    if (this.count >= tuplesMax) throw new OverBound("liveDeltaRowsMax");
    const length = Math.min(weights.length * 2, tuplesMax);
    this.refs = new Uint32Array(length * this.width);
    this.refs.set(refs);
    this.weights = new Int32Array(length);
    this.weights.set(weights);
    this.queries = new Int32Array(length);
    this.queries.set(queries);
  }
}
