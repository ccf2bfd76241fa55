/** Pairs of a row and a query with a number each, in the order in which they were first met. Used again and again. */
import type { RowRef } from "@lightcone/base";

/** Longer arrays are not kept for the next use. */
const keptLengthMax = 65_536;

export class PairTable {
  count = 0;
  private rows = new Uint32Array(16);
  private queries = new Int32Array(16);
  private values = new Int32Array(16);
  /** Open addressing: a pair's position + 1. */
  private slots = new Int32Array(32);

  /** The position of a pair, which is added with the number 0 if it is new. */
  find(row: number, query: number): number {
    const mask = this.slots.length - 1;
    let at = hashOf(row, query) & mask;
    for (let slot = this.slots[at] ?? 0; slot !== 0; slot = this.slots[at] ?? 0) {
      if (this.rows[slot - 1] === row && this.queries[slot - 1] === query) return slot - 1;
      at = (at + 1) & mask;
    }
    const pair = this.count;
    if (pair === this.rows.length) {
      this.resize(pair * 2);
      return this.find(row, query);
    }
    this.rows[pair] = row;
    this.queries[pair] = query;
    this.values[pair] = 0;
    this.slots[at] = pair + 1;
    this.count = pair + 1;
    return pair;
  }

  row(pair: number): RowRef {
    return (this.rows[pair] ?? 0) as RowRef; // filled from row references
  }

  query(pair: number): number {
    return this.queries[pair] ?? 0;
  }

  value(pair: number): number {
    return this.values[pair] ?? 0;
  }

  set(pair: number, value: number): void {
    this.values[pair] = value;
  }

  clear(): void {
    if (this.count === 0) return;
    this.count = 0;
    if (this.rows.length > keptLengthMax) this.resize(16);
    else this.slots.fill(0);
  }

  private resize(length: number): void {
    const { rows, queries, values, count } = this;
    const kept = Math.min(count, length);
    this.rows = new Uint32Array(length);
    this.rows.set(rows.subarray(0, kept));
    this.queries = new Int32Array(length);
    this.queries.set(queries.subarray(0, kept));
    this.values = new Int32Array(length);
    this.values.set(values.subarray(0, kept));
    this.slots = new Int32Array(length * 2);
    const mask = this.slots.length - 1;
    for (let pair = 0; pair < kept; pair += 1) {
      let at = hashOf(this.rows[pair] ?? 0, this.queries[pair] ?? 0) & mask;
      while (this.slots[at] !== 0) at = (at + 1) & mask;
      this.slots[at] = pair + 1;
    }
  }
}

function hashOf(row: number, query: number): number {
  const hash = Math.imul(row, 0x9e37_79b1) ^ Math.imul(query + 1, 0x85eb_ca6b);
  return hash ^ (hash >>> 15);
}
