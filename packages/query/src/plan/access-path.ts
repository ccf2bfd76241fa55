/**
 * How to reach a source's rows: by a point of an index, by a range, by several of these, or by walking the table.
 *
 * A path may give too many rows: the source's filter is still applied to each. Costs are estimates of how many rows a
 * path gives, good enough to order joins: a unique index gives one.
 */
import type { Index, Table } from "@lightcone/engine";
import type { ColumnRef } from "@lightcone/sql";
import type { Interval, Intervals, Limit } from "./bounds.ts";
import type { FirstTerm } from "../code/predicate-code.ts";

/** Where a key column's bytes come from. */
export type KeyPart =
  | { readonly kind: "value"; readonly bytes: Uint8Array }
  | ({ readonly kind: "column" } & ColumnRef);

/** Column → the bytes that it must have. */
export type Known = ReadonlyMap<number, KeyPart>;

interface ScanPath {
  readonly kind: "scan";
  readonly cost: number;
}

/** All columns of the index, in its order. */
interface PointPath {
  readonly kind: "point";
  readonly index: Index;
  readonly key: readonly KeyPart[];
  readonly cost: number;
}

/** Leading columns of an ordered index, and limits on the next. */
interface RangePath {
  readonly kind: "range";
  readonly index: Index;
  readonly prefix: readonly KeyPart[];
  readonly from: Limit | undefined;
  readonly to: Limit | undefined;
  readonly cost: number;
}

export type IndexPath = PointPath | RangePath;

/** The rows of a disjunction: each branch gives the rows that belong to it and to no earlier branch. */
export interface UnionPath {
  readonly kind: "union";
  readonly branches: readonly IndexPath[];
  /** The position of the first of the disjunction's terms that holds for a row; -1 if none does. */
  readonly firstTerm: FirstTerm;
  /** Position of a term → the branch that gives its rows; -1 if the term cannot have any. */
  readonly branchOf: Int32Array;
  readonly cost: number;
}

export type AccessPath = ScanPath | IndexPath | UnionPath;

const open: Interval = { from: undefined, to: undefined, isPoint: false };

/** The columns whose interval is a single value. */
export function knownFrom(intervals: Intervals): Map<number, KeyPart> {
  const known = new Map<number, KeyPart>();
  for (const [column, { from, isPoint }] of intervals) {
    if (isPoint && from !== undefined) known.set(column, { kind: "value", bytes: from.bytes });
  }
  return known;
}

/** The cheapest access path by one of a table's indexes; a scan if no index helps. */
export function choosePath(table: Table, known: Known, intervals: Intervals): ScanPath | IndexPath {
  const rowCount = table.rowCount;
  let best: ScanPath | IndexPath = { kind: "scan", cost: rowCount };
  for (const index of table.indexes) {
    const path = pathOf(index, rowCount, known, intervals);
    if (path !== undefined && (path.cost < best.cost || best.kind === "scan")) best = path;
  }
  return best;
}

function pathOf(index: Index, rowCount: number, known: Known, intervals: Intervals): IndexPath | undefined {
  const key: KeyPart[] = [];
  for (const column of index.def.columns) {
    const part = known.get(column);
    if (part === undefined) break;
    key.push(part);
  }
  const { columns } = index.def;
  if (key.length === columns.length) {
    return { kind: "point", index, key, cost: index.unique ? 1 : Math.max(1, Math.sqrt(rowCount)) };
  }
  if (!index.ranged) return undefined;
  const { from, to } = intervals.get(columns[key.length] ?? -1) ?? open;
  if (key.length === 0 && from === undefined && to === undefined) return undefined;
  const share = 2 ** -(2 * key.length + (from === undefined ? 0 : 1) + (to === undefined ? 0 : 1));
  return { kind: "range", index, prefix: key, from, to, cost: Math.max(1, rowCount * share) };
}
