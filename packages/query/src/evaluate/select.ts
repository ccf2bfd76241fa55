/** Runs a SELECT and gives its rows as bytes: projection, COUNT and LIMIT on top of `evaluate`. */
import type { RowRef } from "@lightcone/base";
import { RefList, type RowSource } from "@lightcone/engine";
import { evaluate, pathTo, tableOf } from "./evaluate.ts";
import type { Prepared } from "../plan/prepared.ts";
import { emitCount, limitOf, projected, type EmitBytes } from "./projection.ts";

/** Runs a SELECT at once. Rows come in no order. */
export function select(store: RowSource, prepared: Prepared, values: readonly Uint8Array[], emit: EmitBytes): void {
  const { plan } = prepared;
  let left = limitOf(plan);
  if (left === 0) return;
  if (plan.projection.kind === "count") {
    emitCount(count(store, prepared, values), emit);
    return;
  }
  const emitRow = projectedRefs(store, prepared, emit);
  evaluate(store, prepared, values, (refs) => {
    emitRow(refs);
    left -= 1;
    return left > 0;
  });
}

/** How many rows a SELECT may visit to be run at once. */
export interface VisitBounds {
  readonly visitMax: number;
  /** For one that walks a whole table; at most `visitMax`. */
  readonly scanMax: number;
  /** Whether the rows visited by an index are counted exactly. If not, a small table's row count is taken for them. */
  readonly isCounted: boolean;
}

/**
 * Runs a SELECT at once if it visits few rows.
 *
 * @returns about how many rows it visited; -1, with nothing emitted, when they are more than the bounds allow
 */
export function selectWithin(
  store: RowSource,
  prepared: Prepared,
  values: readonly Uint8Array[],
  bounds: VisitBounds,
  emit: EmitBytes,
): number {
  const { plan } = prepared;
  const { visitMax } = bounds;
  const isCount = plan.projection.kind === "count";
  let left = isCount ? Infinity : limitOf(plan);
  const work = workOf(store, prepared, values, bounds, left);
  if (work === "much") return tooMuch;
  if (work !== "unknown") {
    select(store, prepared, values, emit);
    return work;
  }
  const found = new RefList();
  const visited = evaluate(
    store,
    prepared,
    values,
    (refs) => {
      for (const ref of refs) found.push(ref);
      left -= 1;
      return left > 0;
    },
    visitMax,
  );
  if (visited > visitMax) return tooMuch;
  const width = plan.sources.length;
  if (isCount) {
    emitCount(found.count / width, emit);
    return visited;
  }
  const emitRow = projectedRefs(store, prepared, emit);
  for (let at = 0; at < found.count; at += width) emitRow(found.refs.subarray(at, at + width));
  return visited;
}

const tooMuch = -1;

/** How many rows a plan visits, as far as can be told without running it; "much" when over the bounds. */
function workOf(
  store: RowSource,
  prepared: Prepared,
  values: readonly Uint8Array[],
  { visitMax, scanMax, isCounted }: VisitBounds,
  limit: number,
): number | "much" | "unknown" {
  const { plan, sources } = prepared;
  if (limitOf(plan) === 0 || isCountOfAll(prepared)) return 1;
  if (sources.length > 1) {
    // Whichever source comes first is walked whole.
    const isMuch = (source: number): boolean =>
      tableOf(store, plan, source).rowCount > visitMax && pathTo(store, prepared, values, source)?.kind === "scan";
    return limit > visitMax && sources.every((_, source) => isMuch(source)) ? "much" : "unknown";
  }
  const { rowCount } = tableOf(store, plan, 0);
  const path = pathTo(store, prepared, values, 0);
  if (path === undefined) return 0;
  const isMuch = path.kind === "scan" && limit > visitMax && rowCount > scanMax;
  // What rules look at is known when they have, and they may lead to few rows of a large table.
  if (sources[0]?.rules !== undefined) return "unknown";
  if (path.kind === "point" && path.index.unique) return 1;
  if (isCounted && path.kind !== "scan") return "unknown";
  if (rowCount <= (path.kind === "scan" ? scanMax : visitMax)) {
    return sources[0]?.filter === undefined ? Math.min(rowCount, limit) : rowCount;
  }
  return isMuch ? "much" : "unknown";
}

function isCountOfAll({ plan, sources }: Prepared): boolean {
  const [only] = sources;
  return plan.projection.kind === "count" && sources.length === 1 && (only?.filter ?? only?.rules) === undefined;
}

/** How many rows the result has, LIMIT aside. */
export function count(store: RowSource, prepared: Prepared, values: readonly Uint8Array[]): number {
  if (isCountOfAll(prepared)) return tableOf(store, prepared.plan, 0).rowCount;
  let total = 0;
  evaluate(store, prepared, values, () => {
    total += 1;
    return true;
  });
  return total;
}

/** Emits the row that the sources' rows make, given by their references. */
function projectedRefs(store: RowSource, { plan }: Prepared, emit: EmitBytes): (refs: Uint32Array) => void {
  let present: Uint32Array;
  const emitRow = projected(
    store,
    plan,
    (source) => {
      store.resolve(present[source] as RowRef); // `evaluate` sets every source
      return store.row;
    },
    emit,
  );
  return (refs) => {
    present = refs;
    emitRow();
  };
}
