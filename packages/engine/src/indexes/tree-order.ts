/**
 * The order of an ordered index's entries, and the place in it that a search looks for.
 *
 *   the place of a row         its key, its own reference
 *   before all rows of a key   that key, 0
 *   behind them                that key, more than any reference
 *
 * Entries are compared by prefix; where prefixes tie, by the keys in the rows; where those are equal, by reference.
 * Prefixes that are exact say that equal ones are equal keys, and then no row is read.
 */
import type { Compare } from "@lightcone/sats";
import type { KeyCode } from "./key-code.ts";
import { type Memory, slabMask, slabShift } from "../storage/memory.ts";

const beyondRefs = 2 ** 32;

export class EntryOrder {
  private readonly memory: Memory;
  private readonly headerBytes: number;
  private readonly code: KeyCode;
  /** The lowest and the highest prefix that the key sought may have: they differ when it is of the first columns only. */
  private low = 0.5;
  private high = 0.5;
  private isExact = false;
  private compare: Compare;
  private view: DataView;
  private at = 0;
  /** Entries of the key sought stand before the place when their references are below. */
  ref = 0;

  constructor(memory: Memory, headerBytes: number, code: KeyCode) {
    this.memory = memory;
    this.headerBytes = headerBytes;
    this.code = code;
    this.compare = code.compareRows;
    this.view = this.viewOf(0);
  }

  /** Looks for a row's own place; gives its prefix. */
  seekRow(ref: number): number {
    const view = this.viewOf(ref);
    const at = this.rowAt(ref);
    const prefix = this.code.prefixRow(view, at);
    this.ref = ref;
    this.low = prefix;
    this.isExact = Math.abs(prefix) < this.code.exactBelow;
    if (!this.isExact) this.setKey(prefix, prefix, this.code.compareRows, view, at);
    return prefix;
  }

  /** Looks for the place before the rows with the key of a row at `view[at …]`. */
  seekKeyOf(view: DataView, at: number): void {
    const prefix = this.code.prefixRow(view, at);
    this.isExact = Math.abs(prefix) < this.code.exactBelow;
    this.setKey(prefix, prefix, this.code.compareRows, view, at);
    this.ref = 0;
  }

  /** Looks for the place before, or `after`, the rows whose first columns are at `view[at …]`. */
  seekBound(columns: number, view: DataView, at: number, after: boolean): void {
    const low = this.code.prefixKeyLow(columns)(view, at);
    const high = this.code.prefixKeyHigh(columns)(view, at);
    this.isExact = low === high && Math.abs(low) < this.code.exactBelow;
    this.setKey(low, high, this.code.compareRowKey(columns), view, at);
    this.ref = after ? beyondRefs : 0;
  }

  private setKey(low: number, high: number, compare: Compare, view: DataView, at: number): void {
    this.low = low;
    this.high = high;
    this.compare = compare;
    this.view = view;
    this.at = at;
  }

  /** Of sorted entries from `from` to `to`, the first that does not stand before the place sought. */
  search(prefixes: Float64Array, refs: Uint32Array, from: number, to: number, ref: number): number {
    if (this.isExact) return searchExact(prefixes, refs, from, to, this.low, ref);
    let floor = searchExact(prefixes, refs, from, to, this.low, 0);
    if (floor === to || (prefixes[floor] as number) > this.high) return floor;
    let ceiling = searchExact(prefixes, refs, floor, to, this.high, beyondRefs);
    while (floor < ceiling) {
      const middle = (floor + ceiling) >>> 1;
      const other = refs[middle] as number;
      const order = this.compare(this.viewOf(other), this.rowAt(other), this.view, this.at);
      if (order === 0 ? other < ref : order < 0) floor = middle + 1;
      else ceiling = middle;
    }
    return floor;
  }

  /** Whether one of two rows with this prefix is below the other. */
  isTieBelow(prefix: number, ref: number, other: number): boolean {
    return Math.abs(prefix) < this.code.exactBelow ? ref < other : this.compareRows(ref, other) < 0;
  }

  /** By key, then by reference. */
  compareRows(a: number, b: number): number {
    return this.code.compareRows(this.viewOf(a), this.rowAt(a), this.viewOf(b), this.rowAt(b)) || a - b;
  }

  private viewOf(ref: number): DataView {
    return (this.memory.slabs[ref >>> slabShift] as { view: DataView }).view;
  }

  private rowAt(ref: number): number {
    return ((ref & slabMask) << 3) + this.headerBytes;
  }
}

/** The same by prefixes and references alone. */
function searchExact(
  prefixes: Float64Array,
  refs: Uint32Array,
  from: number,
  to: number,
  prefix: number,
  ref: number,
): number {
  let floor = from;
  let ceiling = to;
  while (floor < ceiling) {
    const middle = (floor + ceiling) >>> 1;
    const other = prefixes[middle] as number;
    if (other < prefix || (other === prefix && (refs[middle] as number) < ref)) floor = middle + 1;
    else ceiling = middle;
  }
  return floor;
}
