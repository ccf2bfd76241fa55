/**
 * Indexes the queries of a template by the values of the parameters that an equality compares with a column. Of ten
 * thousand queries `WHERE id = ?`, a row finds the one or two whose value has the same hash. Their conditions are
 * still tested.
 */
import { makeKeyHash, type HashSeed, type KeyHash } from "@lightcone/engine";
import type { AlgebraicType } from "@lightcone/sats";
import { concat } from "../code/bytes.ts";
import type { ParameterRow } from "./operator.ts";

export class ParameterIndex {
  private readonly params: readonly number[];
  private readonly key: KeyHash;
  private readonly buckets = new Map<number, ParameterRow[]>();

  private constructor(params: readonly number[], key: KeyHash) {
    this.params = params;
    this.key = key;
  }

  /**
   * An index for rows of columns of `types`; undefined if no equality helps.
   *
   * @param equal column → the parameter that it must equal
   */
  static over(
    types: readonly AlgebraicType[],
    equal: ReadonlyMap<number, number>,
    seed: HashSeed,
  ): ParameterIndex | undefined {
    if (equal.size === 0) return undefined;
    return new ParameterIndex([...equal.values()], makeKeyHash(types, [...equal.keys()], seed));
  }

  /** How many different hashes the queries have: the more, the fewer queries a row finds. */
  get bucketCount(): number {
    return this.buckets.size;
  }

  /** The queries that a row can concern. The list changes when queries come and go. */
  find(view: DataView, at: number): readonly ParameterRow[] | undefined {
    return this.buckets.get(this.key.hashRow(view, at));
  }

  add(query: ParameterRow): void {
    const hash = this.hashOf(query);
    const bucket = this.buckets.get(hash);
    if (bucket === undefined) this.buckets.set(hash, [query]);
    else bucket.push(query);
  }

  drop(query: ParameterRow): void {
    const hash = this.hashOf(query);
    const bucket = this.buckets.get(hash);
    if (bucket === undefined) return;
    const at = bucket.indexOf(query);
    const last = bucket.pop();
    if (last !== undefined && at < bucket.length) bucket[at] = last;
    if (bucket.length === 0) this.buckets.delete(hash);
  }

  private hashOf({ values }: ParameterRow): number {
    const bytes = concat(this.params.map((param) => values[param] ?? new Uint8Array(0)));
    return this.key.hashKey(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
  }
}
