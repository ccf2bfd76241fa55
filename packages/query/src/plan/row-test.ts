/** Whether a row by itself says that it is in a query's result, and the test of that. */
import type { SelectPlan } from "@lightcone/sql";
import { makeArgs } from "../code/args.ts";
import { prepare } from "./prepared.ts";

/** @param at where the row begins */
export type RowTest = (view: DataView, at: number) => boolean;

/**
 * The test by which rows of a plan's only table are in its result; undefined where that depends on other rows, as with
 * joins and rules.
 *
 * @param values the parameters', each BSATN of its type
 */
export function rowTestOf(plan: SelectPlan, values: readonly Uint8Array[]): RowTest | undefined {
  const { sources, rules, projection, limit } = plan;
  if (sources.length !== 1 || plan.isRuled || rules[0] !== undefined) return undefined;
  if (projection.kind !== "rows" || limit !== undefined) return undefined;
  const { isEmpty, layout, sources: prepared, terms } = prepare(plan);
  if (isEmpty) return () => false;
  if (terms.length > 0) return undefined;
  const filter = prepared[0]?.filter;
  if (filter === undefined) return () => true;
  const { numbers, views } = makeArgs(layout, values);
  return (view, at) => filter(view, at, numbers, views);
}
