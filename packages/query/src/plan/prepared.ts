/** A plan with its conditions compiled, for any parameter values: every evaluator starts from it. */
import type { Predicate, RulePlan, SelectPlan } from "@lightcone/sql";
import { layOutArgs, type ArgLayout } from "../code/args.ts";
import { boundsOf, conjuncts, equalities, type Bounds } from "./bounds.ts";
import {
  compileFirstTerm,
  compileRowFilter,
  compileTupleFilter,
  edgePredicate,
  isAlways,
  isNever,
  sourcesOf,
  sourceTypes,
  type FirstTerm,
  type RowFilter,
  type SourceTypes,
  type TupleFilter,
} from "../code/predicate-code.ts";

interface PreparedSource {
  /** Undefined when every row passes. */
  readonly filter: RowFilter | undefined;
  /** Of which one must hold for a row to be seen. Undefined when all rows are. */
  readonly rules: readonly PreparedRule[] | undefined;
  readonly bounds: Bounds;
  /** Column → parameter. */
  readonly equal: ReadonlyMap<number, number>;
  readonly unions: readonly PreparedUnion[];
}

/** A disjunction that must hold for a source's rows. */
export interface PreparedUnion {
  /** The bounds of each term, together with the other conditions on the source. */
  readonly terms: readonly Bounds[];
  /** Compiled when it is first needed: most plans never do. */
  readonly firstTerm: () => FirstTerm;
}

/** A condition over several sources. It is tested as soon as all of them have a row. */
export interface PreparedTerm {
  readonly sources: ReadonlySet<number>;
  readonly holds: TupleFilter;
}

/** A rule with its conditions compiled; source 0 is the row that is asked about. */
export interface PreparedRule {
  readonly plan: RulePlan;
  readonly layout: ArgLayout;
  readonly sources: readonly PreparedSource[];
  readonly terms: readonly PreparedTerm[];
  /** Whether the result is empty, whatever the tables and the values. */
  readonly isEmpty: boolean;
}

export interface Prepared extends PreparedRule {
  readonly plan: SelectPlan;
}

export function prepare(plan: SelectPlan): Prepared {
  return { ...prepareRule(plan, layOutArgs(plan.params)), plan };
}

function prepareRule(plan: RulePlan, layout: ArgLayout): PreparedRule {
  const types = sourceTypes(plan);
  const sources = plan.filters.map((filter, i) => {
    const bounds = boundsOf(conjuncts(filter));
    return {
      filter: compileRowFilter(types, i, filter, layout),
      rules: plan.rules[i]?.map((rule) => prepareRule(rule, layout)),
      bounds,
      equal: equalities(bounds),
      unions: unionsOf(types, i, filter, layout),
    };
  });
  const isEmpty = [...plan.filters, plan.residual].some(isNever);
  const terms: PreparedTerm[] = plan.joins.map((edge) => ({
    sources: new Set([edge.left.source, edge.right.source]),
    holds: compileTupleFilter(types, edgePredicate(edge), layout),
  }));
  for (const term of conjuncts(plan.residual)) {
    if (isAlways(term)) continue;
    terms.push({ sources: sourcesOf(term), holds: compileTupleFilter(types, term, layout) });
  }
  return { plan, layout, sources, terms, isEmpty };
}

/** The disjunctions among a filter's conditions whose every term bounds a column. */
function unionsOf(types: SourceTypes, source: number, filter: Predicate, layout: ArgLayout): readonly PreparedUnion[] {
  return conjuncts(filter).flatMap((disjunction) => {
    if (disjunction.kind !== "or") return [];
    const { terms } = disjunction;
    const bounds = terms.map((term) => boundsOf(conjuncts(term)));
    if (bounds.some(({ size }) => size === 0)) return [];
    let made: FirstTerm | undefined;
    return {
      terms: bounds,
      firstTerm: () => (made ??= compileFirstTerm(types, source, terms, layout)),
    };
  });
}
