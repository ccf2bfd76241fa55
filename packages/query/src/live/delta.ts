/**
 * What a turn changes of an operator's result: tuples with weights, each of a query.
 *
 * A Z-set: a tuple that stands in it several times counts as often as its weights come to. Equal tuples are equal
 * references, which is exact within a turn, since a row that is deleted and put back is no change at all.
 */
const keptCountMax = 65_536;

export class Delta {
  /** References in a tuple. */
  readonly width: number;
  count = 0;
  /** `width` for each tuple. */
  refs: Uint32Array;
  weights = new Int32Array(16);
  /** Of each tuple, the position of its query among its template's. */
  queries = new Int32Array(16);

  constructor(width: number) {
    this.width = width;
    this.refs = new Uint32Array(16 * width);
  }

  /** Adds a tuple of the rows that `sources` have in `rows`. */
  add(rows: ArrayLike<number>, sources: readonly number[], weight: number, query: number): void {
    const { count, width } = this;
    if (count === this.weights.length) this.grow();
    for (let i = 0; i < width; i += 1) this.refs[count * width + i] = rows[sources[i] ?? 0] ?? 0;
    this.weights[count] = weight;
    this.queries[count] = query;
    this.count = count + 1;
  }

  clear(): void {
    this.count = 0;
    if (this.weights.length <= keptCountMax) return;
    this.refs = new Uint32Array(16 * this.width);
    this.weights = new Int32Array(16);
    this.queries = new Int32Array(16);
  }

  private grow(): void {
    const { refs, weights, queries } = this;
    this.refs = new Uint32Array(refs.length * 2);
    this.refs.set(refs);
    this.weights = new Int32Array(weights.length * 2);
    this.weights.set(weights);
    this.queries = new Int32Array(queries.length * 2);
    this.queries.set(queries);
  }
}
