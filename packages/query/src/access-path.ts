/**
 * How to reach a source's rows: by a point of an index, by a range, or by walking the table.
 *
 * A path only narrows; the source's filter is still applied to every row it gives. Costs are guesses of how
 * many rows come, good enough to order joins: an index that is unique gives one.
 */
import type { Index, Table } from "@lightcone/engine";
import type { ColumnRef } from "@lightcone/sql";
import type { Bound, Range } from "./conjuncts.ts";

/** Where a key column's bytes come from. */
export type KeyPart = { readonly kind: "param"; readonly param: number } | ({ readonly kind: "column" } & ColumnRef);

export type AccessPath =
  | { readonly kind: "scan"; readonly cost: number }
  /** All columns of the index, in its order. */
  | { readonly kind: "point"; readonly index: Index; readonly key: readonly KeyPart[]; readonly cost: number }
  /** Leading columns of an ordered index, and bounds on the next. */
  | {
      readonly kind: "range";
      readonly index: Index;
      readonly prefix: readonly KeyPart[];
      readonly from: Bound | undefined;
      readonly to: Bound | undefined;
      readonly cost: number;
    };

const noRange: Readonly<Range> = { from: undefined, to: undefined };

/** The cheapest way to a table's rows when some columns are known and some bounded. */
export function choosePath(
  table: Table,
  known: ReadonlyMap<number, KeyPart>,
  bounded: ReadonlyMap<number, Readonly<Range>>,
): AccessPath {
  const rowCount = table.rowCount;
  let best: AccessPath = { kind: "scan", cost: rowCount };
  for (const index of table.indexes) {
    const path = pathOf(index, rowCount, known, bounded);
    if (path !== undefined && (path.cost < best.cost || best.kind === "scan")) best = path;
  }
  return best;
}

function pathOf(
  index: Index,
  rowCount: number,
  known: ReadonlyMap<number, KeyPart>,
  bounded: ReadonlyMap<number, Readonly<Range>>,
): AccessPath | undefined {
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
  const { from, to } = bounded.get(columns[key.length] ?? -1) ?? noRange;
  if (key.length === 0 && from === undefined && to === undefined) return undefined;
  const share = 2 ** -(2 * key.length + (from === undefined ? 0 : 1) + (to === undefined ? 0 : 1));
  return { kind: "range", index, prefix: key, from, to, cost: Math.max(1, rowCount * share) };
}
