/**
 * How many rows a plan looks at, for callers with a row limit: all of a table that must be
 * walked, and otherwise what the evaluation visits, counted by running it no further than the limit.
 */
import { LightconeError } from "@lightcone/base";
import type { Store } from "@lightcone/engine";
import { evaluate, pathTo, tableOf } from "./evaluate.ts";
import type { Prepared } from "../plan/prepared.ts";

/** Rows that running the plan visits; some number above `max` when it is more than that. */
export function visitedRows(store: Store, prepared: Prepared, values: readonly Uint8Array[], max: number): number {
  const { plan, sources } = prepared;
  const isCount = plan.projection.kind === "count";
  const limit = plan.limit === undefined || isCount ? Infinity : Number(plan.limit);
  if (sources.length === 1 && pathTo(store, prepared, values, 0)?.kind === "scan") {
    const { rowCount } = tableOf(store, plan, 0);
    return sources[0]?.filter === undefined ? Math.min(rowCount, limit) : rowCount;
  }
  let left = limit;
  return evaluate(store, prepared, values, () => (left -= 1) > 0, max);
}

/** @throws {LightconeError} `SqlRefused` when a plan looks at more rows than its caller is allowed */
export function checkRowLimit(store: Store, prepared: Prepared, values: readonly Uint8Array[], max: number): void {
  const rows = visitedRows(store, prepared, values, max);
  if (rows <= max) return;
  const text = `Estimated cardinality (${rows} rows) exceeds limit (${max} rows)`;
  throw new LightconeError("SqlRefused", { category: "row_limit", text });
}
