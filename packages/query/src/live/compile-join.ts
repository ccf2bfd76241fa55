/** Makes the operators of a join: each source that is under rules gets a join for every rule. */
import { assert } from "@lightcone/base";
import {
  joinGroups,
  withSources,
  type JoinNode,
  type Node,
  type OuterNode,
  type Predicate,
  type SourceNode,
} from "@lightcone/sql";
import type { ArgLayout } from "../code/args.ts";
import { isNever, sourcesOf } from "../code/predicate-code.ts";
import { conjuncts } from "../plan/bounds.ts";
import { DeltaJoin, type OperatorContext } from "./delta-join.ts";
import type { ParameterRow } from "./operator.ts";
import type { LiveRule, Qualifier } from "./qualifier.ts";
import { Qualify } from "./qualify.ts";
import type { Relation } from "./relation.ts";
import { SwitchedRule } from "./switched-rule.ts";

/** A join of tables, some of them under rules. */
export type TableJoin = Pick<JoinNode, "inputs" | "edges" | "residual">;

/** What a join's operators are made for. */
export interface JoinSite {
  readonly context: OperatorContext;
  readonly layout: ArgLayout;
  /** Of the template, kept up to date by it. */
  readonly queries: readonly ParameterRow[];
  relationOf(table: SourceNode["table"]): Relation;
}

const always: Predicate = { kind: "constant", value: true };

/** @param returned the source whose rows are the result; undefined if it is always empty */
export function compileJoin(site: JoinSite, join: TableJoin, returned: number): DeltaJoin | undefined {
  const { inputs, edges, residual } = join;
  const sources = inputs.map((input) => tableOf(input));
  const filters = sources.map(({ filter }, position) => withSources(filter, () => position));
  if ([...filters, residual].some(isNever)) return undefined;
  const relations = sources.map(({ table }) => site.relationOf(table));
  const qualifiers = inputs.map((input, position) => qualifierOf(site, input, relations[position] as Relation)); // one each
  const { context, layout, queries } = site;
  return new DeltaJoin(
    context,
    { relations, edges, filters, residual, layout, returned: [returned], qualifiers },
    queries,
  );
}

/** The table of a join's input. */
export function tableOf(input: Node): SourceNode | OuterNode {
  const source = input.kind === "qualify" ? input.input : input;
  assert(source.kind === "source" || source.kind === "outer", "a live join reads tables");
  return source;
}

function qualifierOf(site: JoinSite, input: Node, relation: Relation): Qualifier | undefined {
  if (input.kind !== "qualify") return undefined;
  const { condition } = input;
  assert(condition.kind === "or", "rules are a disjunction");
  const rules = condition.terms.flatMap((term) => {
    assert(term.kind === "holds" || term.kind === "exists", "a rule is a condition, or a join");
    const rule: TableJoin =
      term.kind === "exists"
        ? term.inner
        : { inputs: [{ ...tableOf(input), filter: term.predicate }], edges: [], residual: always };
    return ruleOf(site, rule, relation) ?? [];
  });
  return new Qualify(relation, site.context, rules, site.queries);
}

/** @returns undefined for a rule that shows nothing */
function ruleOf(site: JoinSite, rule: TableJoin, relation: Relation): LiveRule | undefined {
  if (isNever(rule.residual)) return undefined;
  // What is compared belongs together, though no equality leads from one to the other.
  const compared = conjuncts(rule.residual).map((term) => [...sourcesOf(term)]);
  const [own = [0], ...others] = joinGroups(rule.inputs.length, rule.edges, compared);
  const body = compileJoin(site, partOf(rule, own), 0);
  if (body === undefined || others.length === 0) return body;
  const switches = others.map((group) => compileJoin(site, partOf(rule, group), 0));
  const made = switches.filter((each) => each !== undefined);
  return made.length < switches.length ? undefined : new SwitchedRule(site.context, relation, body, made, site.queries);
}

/** The part of a join that some of its sources are, which nothing connects to the others. */
function partOf({ inputs, edges, residual }: TableJoin, group: readonly number[]): TableJoin {
  const isOf = (source: number): boolean => group.includes(source);
  const at = (source: number): number => group.indexOf(source);
  const terms = conjuncts(residual).filter((term) => [...sourcesOf(term)].every(isOf));
  return {
    inputs: inputs.filter((_, source) => isOf(source)),
    edges: edges
      .filter(({ left }) => isOf(left.source))
      .map(({ left, right, ...edge }) => ({
        ...edge,
        left: { ...left, source: at(left.source) },
        right: { ...right, source: at(right.source) },
      })),
    residual: terms.length === 0 ? always : withSources({ kind: "and", terms }, at),
  };
}
