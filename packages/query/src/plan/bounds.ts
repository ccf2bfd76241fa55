/**
 * The bounds that a conjunction puts on single columns, and the intervals that result for given values.
 *
 *   x > ?0 AND x >= ?1 AND x < ?2 AND y = ?3     ─ boundsOf ─▶  x: from ?0 ?1, to ?2 · y: equal ?3
 *   with 5, 7, 9, 1                              ─ narrow ───▶  x in [7, 9), y in [1, 1]
 *
 * Of several bounds the tightest decides. That an interval is empty is known before any row is read.
 */
import { makeCompare, type AlgebraicType, type Compare } from "@lightcone/sats";
import type { CompareOp, Predicate } from "@lightcone/sql";

interface Bound {
  readonly op: Exclude<CompareOp, "<>">;
  readonly param: number;
}

interface ColumnBounds {
  readonly compare: Compare;
  readonly bounds: Bound[];
}

/** By column. */
export type Bounds = ReadonlyMap<number, ColumnBounds>;

/** An end of an interval. `bytes` is BSATN of the column's type. */
export interface Limit {
  readonly bytes: Uint8Array;
  readonly isIncluded: boolean;
}

/** The values that a column may have; an undefined end is unbounded. */
export interface Interval {
  readonly from: Limit | undefined;
  readonly to: Limit | undefined;
  /** Whether it contains one value only. */
  readonly isPoint: boolean;
}

/** By column. */
export type Intervals = ReadonlyMap<number, Interval>;

export function conjuncts(predicate: Predicate): readonly Predicate[] {
  return predicate.kind === "and" ? predicate.terms : [predicate];
}

/** The bounds that `terms`, which all hold for rows of one source, put on its columns. */
export function boundsOf(terms: readonly Predicate[]): Bounds {
  const byColumn = new Map<number, ColumnBounds>();
  for (const term of terms) {
    if (term.kind !== "compare" || term.op === "<>") continue;
    const { op, left, right, type } = term;
    if (left.kind !== "column" || right.kind !== "param") continue;
    let column = byColumn.get(left.column);
    if (column === undefined) byColumn.set(left.column, (column = { compare: makeCompare(type), bounds: [] }));
    column.bounds.push({ op, param: right.param });
  }
  return byColumn;
}

/** Column → parameter, for each column that an equality fixes; the first of several. */
export function equalities(bounds: Bounds): ReadonlyMap<number, number> {
  const fixed = new Map<number, number>();
  for (const [column, { bounds: of }] of bounds) {
    const equality = of.find(({ op }) => op === "=");
    if (equality !== undefined) fixed.set(column, equality.param);
  }
  return fixed;
}

const unbounded: Interval = { from: undefined, to: undefined, isPoint: false };
const noIntervals: Intervals = new Map();

/**
 * The intervals that bounds leave for given values; undefined when no row can fulfil them.
 *
 * @param within the intervals that other conditions leave, which must hold as well
 */
export function narrow(bounds: Bounds, values: readonly Uint8Array[], within = noIntervals): Intervals | undefined {
  const intervals = new Map(within);
  for (const [column, { compare, bounds: of }] of bounds) {
    const interval = intersection(of, values, compare, within.get(column) ?? unbounded);
    if (interval === undefined) return undefined;
    intervals.set(column, interval);
  }
  return intervals;
}

function intersection(
  bounds: readonly Bound[],
  values: readonly Uint8Array[],
  compare: Compare,
  within: Interval,
): Interval | undefined {
  let { from, to } = within;
  for (const { op, param } of bounds) {
    const limit: Limit = { bytes: values[param] ?? new Uint8Array(0), isIncluded: op !== "<" && op !== ">" };
    if (op !== "<" && op !== "<=") from = tighter(from, limit, compare, 1);
    if (op !== ">" && op !== ">=") to = tighter(to, limit, compare, -1);
  }
  if (from === undefined || to === undefined) return { from, to, isPoint: false };
  const order = orderOf(from.bytes, to.bytes, compare);
  if (order > 0 || (order === 0 && !(from.isIncluded && to.isIncluded))) return undefined;
  return { from, to, isPoint: order === 0 };
}

/** The tighter of two limits on one side: the higher (`sign` 1) or the lower (-1). */
function tighter(a: Limit | undefined, b: Limit, compare: Compare, sign: number): Limit {
  if (a === undefined) return b;
  const order = sign * orderOf(b.bytes, a.bytes, compare);
  return order > 0 || (order === 0 && !b.isIncluded) ? b : a;
}

function orderOf(a: Uint8Array, b: Uint8Array, compare: Compare): number {
  return compare(viewOf(a), 0, viewOf(b), 0);
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Merges overlapping intervals of one column. Lowest first, each with the positions of those that it covers. */
export function merged(
  intervals: readonly Interval[],
  type: AlgebraicType,
): readonly { readonly interval: Interval; readonly of: readonly number[] }[] {
  const compare = makeCompare(type);
  const sorted = intervals
    .map((interval, at) => ({ interval, of: [at] }))
    .toSorted((a, b) => orderOfStarts(a.interval.from, b.interval.from, compare) || (a.of[0] ?? 0) - (b.of[0] ?? 0));
  const apart: { interval: Interval; of: number[] }[] = [];
  for (const each of sorted) {
    const last = apart[apart.length - 1];
    if (last === undefined || endsBefore(last.interval.to, each.interval.from, compare)) apart.push(each);
    else {
      last.of.push(...each.of);
      const { from, to } = last.interval;
      last.interval = { from, to: laterEnd(to, each.interval.to, compare), isPoint: false };
    }
  }
  return apart;
}

function orderOfStarts(a: Limit | undefined, b: Limit | undefined, compare: Compare): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return orderOf(a.bytes, b.bytes, compare) || Number(b.isIncluded) - Number(a.isIncluded);
}

/** Whether an interval that ends at one limit and one that starts at the other have no value in common. */
function endsBefore(to: Limit | undefined, from: Limit | undefined, compare: Compare): boolean {
  if (to === undefined || from === undefined) return false;
  const order = orderOf(to.bytes, from.bytes, compare);
  return order < 0 || (order === 0 && !(to.isIncluded && from.isIncluded));
}

function laterEnd(a: Limit | undefined, b: Limit | undefined, compare: Compare): Limit | undefined {
  if (a === undefined || b === undefined) return undefined;
  const order = orderOf(a.bytes, b.bytes, compare);
  return order > 0 || (order === 0 && a.isIncluded) ? a : b;
}
