/** What a subscription requires of a well-typed plan (docs/sql.md). */
import type { ColumnRef, Predicate, SelectPlan } from "./plan.ts";
import { refuse } from "./refuse.ts";
import type { SelectFacts } from "./select.ts";

/** Refuses a plan that cannot be kept up to date row by row. */
export function checkSubscription({ plan, sourcesAsWritten, crossJoinCount }: SelectFacts): void {
  if (plan.projection.kind !== "rows") {
    refuse(
      "return_type",
      "Column projections are not supported in subscriptions; Subscriptions must return a table type",
    );
  }
  if (plan.sources.length > 2)
    refuse("too_many_tables", `Invalid number of tables in subscription: ${plan.sources.length}`);
  if (plan.sources.length < 2) return;
  if (sourcesAsWritten[1]?.table.def.isEvent === true) {
    refuse("event_lookup", "Event tables cannot be used as the lookup table in subscription joins");
  }
  const isIndexed = plan.joins.some(({ left, right }) => hasIndex(plan, left) || hasIndex(plan, right));
  if (crossJoinCount > 0 || !isIndexed) refuse("no_join_index", "Subscriptions require indexes on join columns");
}

/**
 * Whether an index finds a source's rows by one column: the columns before it in the index are fixed by
 * equalities, and none comes after unless the index is ordered.
 */
function hasIndex(plan: SelectPlan, { source, column }: ColumnRef): boolean {
  const table = plan.sources[source]?.table.def;
  const filter = plan.filters[source];
  if (table === undefined || filter === undefined) return false;
  const fixed = fixedColumns(filter);
  return table.indexes.some((index) => {
    const at = index.columns.indexOf(column);
    if (at < 0 || !index.columns.slice(0, at).every((before) => fixed.has(before))) return false;
    return index.algorithm === "btree" || at === index.columns.length - 1;
  });
}

function fixedColumns(filter: Predicate): ReadonlySet<number> {
  const fixed = new Set<number>();
  for (const term of filter.kind === "and" ? filter.terms : [filter]) {
    if (term.kind === "compare" && term.op === "=" && term.left.kind === "column" && term.right.kind === "param") {
      fixed.add(term.left.column);
    }
  }
  return fixed;
}
