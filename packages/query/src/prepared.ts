/** A plan with its conditions compiled: what every evaluator starts from. Good for any parameter values. */
import type { SelectPlan } from "@lightcone/sql";
import { layOutArgs, type ArgLayout } from "./args.ts";
import { conjuncts, equalities, ranges, type Range } from "./conjuncts.ts";
import {
  compileRowFilter,
  compileTupleFilter,
  edgePredicate,
  isAlways,
  type RowFilter,
  type TupleFilter,
} from "./predicate-code.ts";

interface PreparedSource {
  /** Undefined when every row passes. */
  readonly filter: RowFilter | undefined;
  /** Column → parameter. */
  readonly equal: ReadonlyMap<number, number>;
  readonly bounded: ReadonlyMap<number, Readonly<Range>>;
}

/** A condition over several sources: applied as soon as the last of them has a row. */
export interface PreparedTerm {
  readonly sources: ReadonlySet<number>;
  readonly holds: TupleFilter;
}

export interface Prepared {
  readonly plan: SelectPlan;
  readonly layout: ArgLayout;
  readonly sources: readonly PreparedSource[];
  readonly terms: readonly PreparedTerm[];
}

export function prepare(plan: SelectPlan): Prepared {
  const layout = layOutArgs(plan.params);
  const sources = plan.filters.map((filter, i) => ({
    filter: compileRowFilter(plan, i, filter, layout),
    equal: equalities(filter),
    bounded: ranges(filter),
  }));
  const terms: PreparedTerm[] = plan.joins.map((edge) => ({
    sources: new Set([edge.left.source, edge.right.source]),
    holds: compileTupleFilter(plan, edgePredicate(edge), layout),
  }));
  for (const term of conjuncts(plan.residual)) {
    if (isAlways(term)) continue;
    terms.push({ sources: new Set(sourcesOf(term)), holds: compileTupleFilter(plan, term, layout) });
  }
  return { plan, layout, sources, terms };
}

function sourcesOf(predicate: SelectPlan["residual"]): readonly number[] {
  switch (predicate.kind) {
    case "constant":
      return [0];
    case "and":
    case "or":
      return predicate.terms.flatMap(sourcesOf);
    case "truth":
      return [...sourcesOf(predicate.left), ...sourcesOf(predicate.right)];
    case "compare":
      return [predicate.left, predicate.right].flatMap((side) => (side.kind === "column" ? [side.source] : []));
  }
}
