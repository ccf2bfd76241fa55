/**
 * Finds the queries that a row may concern by the values of its columns: of ten thousand queries
 * `WHERE id = ?`, the one or two whose parameter has the row's hash. Candidates still go through their filter.
 */
import { makeKeyHash, type HashSeed, type KeyHash } from "@lightcone/engine";
import type { AlgebraicType } from "@lightcone/sats";
import { concat } from "../code/bytes.ts";
import type { LiveQuery } from "./live-query.ts";

export class Router<S> {
  private readonly params: readonly number[];
  private readonly code: KeyHash;
  private readonly buckets = new Map<number, LiveQuery<S>[]>();

  private constructor(params: readonly number[], code: KeyHash) {
    this.params = params;
    this.code = code;
  }

  /** A router over the columns of `equal`; undefined if there are none. */
  static over<S>(
    types: readonly AlgebraicType[],
    equal: ReadonlyMap<number, number>,
    seed: HashSeed,
  ): Router<S> | undefined {
    if (equal.size === 0) return undefined;
    return new Router([...equal.values()], makeKeyHash(types, [...equal.keys()], seed));
  }

  /** Different hashes among the queries: how far a row narrows them down. */
  get bucketCount(): number {
    return this.buckets.size;
  }

  /** The queries that a row may concern. Not to be kept. */
  find(view: DataView, at: number): readonly LiveQuery<S>[] | undefined {
    return this.buckets.get(this.code.hashRow(view, at));
  }

  add(query: LiveQuery<S>): void {
    const hash = this.hashOf(query);
    const bucket = this.buckets.get(hash);
    if (bucket === undefined) this.buckets.set(hash, [query]);
    else bucket.push(query);
  }

  remove(query: LiveQuery<S>): void {
    const hash = this.hashOf(query);
    const bucket = this.buckets.get(hash);
    if (bucket === undefined) return;
    const at = bucket.indexOf(query);
    const last = bucket.pop();
    if (last !== undefined && at < bucket.length) bucket[at] = last;
    if (bucket.length === 0) this.buckets.delete(hash);
  }

  private hashOf(query: LiveQuery<S>): number {
    const bytes = concat(this.params.map((param) => query.values[param] ?? new Uint8Array(0)));
    return this.code.hashKey(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
  }
}
