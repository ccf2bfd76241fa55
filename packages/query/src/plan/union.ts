/**
 * `a = 5 OR b = 6` by indexes: a branch for each term, if every term leads to an index.
 *
 * A row that fulfils several terms is given once, by the branch of the first term that holds for it. So no set of rows
 * already given is needed, and the order depends on plan, values and table alone. Branches over one index do not
 * overlap, so at most the table's rows are read for each index.
 */
import type { Table } from "@lightcone/engine";
import { choosePath, knownFrom, type IndexPath, type KeyPart, type UnionPath } from "./access-path.ts";
import { merged, narrow, type Interval, type Intervals } from "./bounds.ts";
import { bytesText } from "../code/bytes.ts";
import type { PreparedUnion } from "./prepared.ts";

/** The branches over one key, or one prefix, of an index. */
interface Group {
  readonly path: IndexPath;
  readonly terms: number[];
  /** Of each term. */
  readonly intervals: Interval[];
}

/**
 * The cheapest union that gives a table's rows; undefined when every disjunction has a term that no index serves.
 *
 * @param within the intervals that the conditions outside the disjunctions leave
 */
export function chooseUnion(
  table: Table,
  unions: readonly PreparedUnion[],
  values: readonly Uint8Array[],
  within: Intervals,
): UnionPath | undefined {
  let best: UnionPath | undefined;
  for (const union of unions) {
    const path = unionOf(table, union, values, within);
    if (path !== undefined && (best === undefined || path.cost < best.cost)) best = path;
  }
  return best;
}

function unionOf(
  table: Table,
  union: PreparedUnion,
  values: readonly Uint8Array[],
  within: Intervals,
): UnionPath | undefined {
  const groups = new Map<string, Group>();
  for (const [term, bounds] of union.terms.entries()) {
    const intervals = narrow(bounds, values, within);
    if (intervals === undefined) continue;
    const path = choosePath(table, knownFrom(intervals), intervals);
    if (path.kind === "scan") return undefined;
    const key = keyOf(path);
    const group = groups.get(key) ?? { path, terms: [], intervals: [] };
    groups.set(key, group);
    group.terms.push(term);
    if (path.kind === "range") group.intervals.push({ from: path.from, to: path.to, isPoint: false });
  }
  const branches: IndexPath[] = [];
  const branchOf = new Int32Array(union.terms.length).fill(-1);
  const add = (path: IndexPath, terms: readonly number[]): void => {
    for (const term of terms) branchOf[term] = branches.length;
    branches.push(path);
  };
  const costs = new Map<number, number>();
  for (const { path, terms, intervals } of groups.values()) {
    costs.set(path.index.id, (costs.get(path.index.id) ?? 0) + path.cost * Math.max(1, intervals.length));
    if (path.kind === "point") add(path, terms);
    else {
      const type = columnType(table, path.index.def.columns[path.prefix.length] ?? -1);
      for (const { interval, of } of merged(intervals, type)) {
        const covered = of.map((position) => terms[position] ?? -1);
        add({ ...path, from: interval.from, to: interval.to }, covered);
      }
    }
  }
  let cost = 0;
  for (const each of costs.values()) cost += Math.min(each, table.rowCount);
  return { kind: "union", branches, firstTerm: union.firstTerm(), branchOf, cost };
}

function columnType(table: Table, column: number) {
  const def = table.def.columns[column];
  if (def === undefined) throw new TypeError(`no column ${column}`);
  return def.type;
}

/** Equal for paths that give the same rows, or differ only in the interval of one column. */
function keyOf(path: IndexPath): string {
  const parts = path.kind === "point" ? path.key : path.prefix;
  return `${path.kind} ${path.index.id} ${parts.map(partText).join("|")}`;
}

function partText(part: KeyPart): string {
  return part.kind === "value" ? `${part.bytes.length}:${bytesText(part.bytes)}` : `${part.source}.${part.column}`;
}
