/**
 * Indexes the queries of a template by the values of the parameters that an equality compares with a column. Of ten
 * thousand queries `WHERE id = ?`, a row finds the one or two whose value has the same hash. Their conditions are
 * still tested, unless the values themselves are kept here and are all that the queries ask.
 *
 *   slots, by hash          first entry + 1, negative for the first of several | hash | key, 8 bytes     open addressing
 *   entries, by position    next + 1 | previous + 1 | hash | key          of all queries of one hash, a list
 *
 * A row that finds a query with a short key touches a slot, one with a longer key an entry besides, and none of the query's
 * objects: with a hundred thousand queries each of them is a miss of the cache.
 */
import { assert } from "@lightcone/base";
import { makeFixedKey, makeKeyHash, type FixedKey, type HashSeed, type KeyHash } from "@lightcone/engine";
import type { AlgebraicType } from "@lightcone/sats";
import { concat } from "../code/bytes.ts";
import type { Delta } from "./delta.ts";
import type { ParameterRow } from "./operator.ts";

const noQueries: readonly ParameterRow[] = [];
const slotWords = 4;
/** Where a slot has its key, in words, and how long that may be. */
const slotKeyAt = 2;
const slotKeyBytesMax = 8;
const headWords = 3;
/** Longer keys are not kept. */
const keyBytesMax = 64;

export class ParameterIndex {
  private readonly params: readonly number[];
  private readonly key: KeyHash;
  private readonly fixed: FixedKey | undefined;
  private readonly queries: readonly ParameterRow[];
  /** How many different hashes the queries have: the more, the fewer queries a row finds. */
  bucketCount = 0;
  private slots = new Int32Array(16 * slotWords);
  private slotView = new DataView(this.slots.buffer);
  /** Whether slots have the keys. */
  private readonly isShort: boolean;
  private readonly entryWords: number;
  private entries: Int32Array;
  private view: DataView;
  private readonly found: ParameterRow[] = [];

  private constructor(
    params: readonly number[],
    key: KeyHash,
    fixed: FixedKey | undefined,
    queries: readonly ParameterRow[],
  ) {
    this.params = params;
    this.key = key;
    this.fixed = fixed !== undefined && fixed.bytes <= keyBytesMax ? fixed : undefined;
    this.isShort = this.fixed !== undefined && this.fixed.bytes <= slotKeyBytesMax;
    this.queries = queries;
    this.entryWords = headWords + Math.ceil((this.fixed?.bytes ?? 0) / 4);
    this.entries = new Int32Array(16 * this.entryWords);
    this.view = new DataView(this.entries.buffer);
  }

  /**
   * An index for rows of columns of `types`; undefined if no equality helps.
   *
   * @param equal column → the parameter that it must equal
   * @param queries of the template, by position
   */
  static over(
    types: readonly AlgebraicType[],
    equal: ReadonlyMap<number, number>,
    seed: HashSeed,
    queries: readonly ParameterRow[],
  ): ParameterIndex | undefined {
    if (equal.size === 0) return undefined;
    const columns = [...equal.keys()];
    const key = makeKeyHash(types, columns, seed);
    return new ParameterIndex([...equal.values()], key, makeFixedKey(types, columns), queries);
  }

  /** Whether `addMatches` can be asked. */
  get isExact(): boolean {
    return this.fixed !== undefined;
  }

  /** The queries that a row can concern. The list is good until the next call. */
  find(view: DataView, at: number): readonly ParameterRow[] {
    let entry = Math.abs(this.slots[this.slotOf(this.key.hashRow(view, at))] ?? 0);
    if (entry === 0) return noQueries;
    const { found, entries, entryWords, queries } = this;
    let count = 0;
    for (; entry !== 0; entry = entries[(entry - 1) * entryWords] ?? 0) {
      const query = queries[entry - 1] as ParameterRow; // entries are of queries that are there
      if (count < found.length) found[count] = query;
      else found.push(query);
      count += 1;
    }
    while (found.length > count) found.pop();
    return found;
  }

  /** Adds a row for each query whose values it has. @returns how many were looked at */
  addMatches(view: DataView, at: number, row: number, weight: number, out: Delta): number {
    const { fixed, entries, entryWords } = this;
    const slot = this.slotOf(this.key.hashRow(view, at));
    const first = this.slots[slot] ?? 0;
    if (first > 0 && this.isShort) {
      if (fixed?.isOfRow(view, at, this.slotView, (slot + slotKeyAt) * 4) === true) out.addRow(row, weight, first - 1);
      return 1;
    }
    let looked = 0;
    for (let entry = Math.abs(first); entry !== 0; entry = entries[(entry - 1) * entryWords] ?? 0) {
      looked += 1;
      const keyAt = ((entry - 1) * entryWords + headWords) * 4;
      if (fixed?.isOfRow(view, at, this.view, keyAt) === true) out.addRow(row, weight, entry - 1);
    }
    return looked;
  }

  /** Whether two rows have the same values, and so the same queries. */
  isSame(a: DataView, aAt: number, b: DataView, bAt: number): boolean {
    return this.fixed?.equalRows(a, aAt, b, bAt) === true;
  }

  add({ position, values }: ParameterRow): void {
    const key = this.keyOf(values);
    const hash = this.key.hashKey(new DataView(key.buffer, key.byteOffset, key.byteLength), 0);
    this.makeRoom(position);
    const { entries, entryWords } = this;
    const entry = position * entryWords;
    const slot = this.slotOf(hash);
    const head = Math.abs(this.slots[slot] ?? 0);
    entries[entry] = head;
    entries[entry + 1] = 0;
    entries[entry + 2] = hash;
    if (this.fixed !== undefined) new Uint8Array(entries.buffer, (entry + headWords) * 4, key.length).set(key);
    if (head !== 0) entries[(head - 1) * entryWords + 1] = position + 1;
    this.point(slot, position + 1);
    if (head === 0) this.bucketCount += 1;
    if (this.bucketCount * slotWords * 2 > this.slots.length) this.resize(this.slots.length * 2);
  }

  drop({ position }: ParameterRow): void {
    const { entries, entryWords } = this;
    const entry = position * entryWords;
    const next = entries[entry] ?? 0;
    const previous = entries[entry + 1] ?? 0;
    if (next !== 0) entries[(next - 1) * entryWords + 1] = previous;
    if (previous !== 0) {
      entries[(previous - 1) * entryWords] = next;
      return;
    }
    const slot = this.slotOf(entries[entry + 2] ?? 0);
    assert(Math.abs(this.slots[slot] ?? 0) === position + 1, "the first of its hash stands in the slot");
    if (next === 0) this.free(slot);
    else this.point(slot, next);
  }

  /** Makes an entry the one that a slot leads to. */
  private point(slot: number, first: number): void {
    const { slots, entries, entryWords } = this;
    const entry = (first - 1) * entryWords;
    slots[slot] = entries[entry] === 0 ? first : -first;
    slots[slot + 1] = entries[entry + 2] ?? 0;
    if (!this.isShort) return;
    for (let word = headWords; word < entryWords; word += 1)
      slots[slot + slotKeyAt + word - headWords] = entries[entry + word] ?? 0;
  }

  /** The slot of a hash, or the free one where it goes. */
  private slotOf(hash: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = Math.imul(hash, slotWords) & mask;
    while (slots[slot] !== 0 && slots[slot + 1] !== hash) slot = (slot + slotWords) & mask;
    return slot;
  }

  /** Frees a slot, and moves those behind it to where they are found without it. */
  private free(slot: number): void {
    const { slots } = this;
    const mask = slots.length - 1;
    this.bucketCount -= 1;
    let hole = slot;
    for (let at = (slot + slotWords) & mask; slots[at] !== 0; at = (at + slotWords) & mask) {
      const home = Math.imul(slots[at + 1] ?? 0, slotWords) & mask;
      // One whose home is behind the hole stays.
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots.copyWithin(hole, at, at + slotWords);
      hole = at;
    }
    slots[hole] = 0;
  }

  private resize(length: number): void {
    const old = this.slots;
    this.slots = new Int32Array(length);
    this.slotView = new DataView(this.slots.buffer);
    for (let at = 0; at < old.length; at += slotWords) {
      if (old[at] !== 0) this.slots.set(old.subarray(at, at + slotWords), this.slotOf(old[at + 1] ?? 0));
    }
  }

  private makeRoom(position: number): void {
    const { entries, entryWords } = this;
    if ((position + 1) * entryWords <= entries.length) return;
    this.entries = new Int32Array(Math.max(entries.length * 2, (position + 1) * entryWords));
    this.entries.set(entries);
    this.view = new DataView(this.entries.buffer);
  }

  private keyOf(values: readonly Uint8Array[]): Uint8Array {
    return concat(this.params.map((param) => values[param] ?? new Uint8Array(0)));
  }
}
