/**
 * A SELECT as a tree of operators: what live queries are compiled from, and what the oracle of their tests evaluates.
 *
 *   SELECT a.* FROM a JOIN b ON a.k = b.k WHERE b.x = 5
 *
 *   project rows of 0 ─▶ join 0.k = 1.k ─┬▶ source a
 *                                        └▶ source b where 0.x = ?0
 *
 * A node yields a bag of **tuples**. A join's tuple has one row of each input; every other node that makes rows yields
 * tuples of one row. A `ColumnRef` inside a node names a row of its input's tuple (`source`) and a column of that row;
 * in a source's own filter the only row is 0.
 */
import type { TableSchema } from "@lightcone/schema";
import type { ColumnRef, JoinEdge, Operand, Predicate, Projection, RulePlan, SelectPlan, Visibility } from "./plan.ts";

/** The rows of a relation that fulfil a condition. */
export interface SourceNode {
  readonly kind: "source";
  readonly table: TableSchema;
  readonly filter: Predicate;
}

/** Tuples of one row of each input, where all edges and the residual condition hold. Inputs yield tuples of one row. */
export interface JoinNode {
  readonly kind: "join";
  readonly inputs: readonly Node[];
  readonly edges: readonly JoinEdge[];
  readonly residual: Predicate;
}

/** A condition that may ask whether there are rows elsewhere. */
export type Qualification =
  | { readonly kind: "holds"; readonly predicate: Predicate }
  | { readonly kind: "and" | "or"; readonly terms: readonly Qualification[] }
  | { readonly kind: "not"; readonly term: Qualification }
  /** Whether `inner` has a tuple; one of its inputs is the outer row. */
  | { readonly kind: "exists"; readonly inner: JoinNode };

/** The row that a condition around is asked about, if it fulfils a condition of its own. */
export interface OuterNode {
  readonly kind: "outer";
  readonly table: TableSchema;
  readonly filter: Predicate;
}

/** The input's tuples for which a condition holds, each as often as before. */
export interface QualifyNode {
  readonly kind: "qualify";
  readonly input: Node;
  readonly condition: Qualification;
}

/** One row for each tuple: one of its rows as it is, or one made of some columns. */
export interface ProjectNode {
  readonly kind: "project";
  readonly input: Node;
  readonly projection: Exclude<Projection, { readonly kind: "count" }>;
}

/** Each different tuple once. */
export interface DistinctNode {
  readonly kind: "distinct";
  readonly input: Node;
}

/** All tuples of all inputs: UNION ALL. */
export interface UnionNode {
  readonly kind: "union";
  readonly inputs: readonly Node[];
}

export type Aggregate =
  | { readonly kind: "count" }
  | { readonly kind: "count-distinct" | "min" | "max"; readonly of: ColumnRef }
  /** Of integers. */
  | { readonly kind: "sum"; readonly of: ColumnRef };

/**
 * A row for each group: its keys, then its aggregates. Without keys there is one group, also of no tuples; `min` and
 * `max` of nothing are absent.
 */
export interface GroupNode {
  readonly kind: "group";
  readonly input: Node;
  readonly keys: readonly ColumnRef[];
  readonly aggregates: readonly Aggregate[];
}

export interface OrderTerm {
  readonly column: ColumnRef;
  readonly isDescending: boolean;
}

/** The first tuples in an order. Tuples that tie are in the order of all their columns. */
export interface TopNode {
  readonly kind: "top";
  readonly input: Node;
  readonly order: readonly OrderTerm[];
  readonly offset: bigint;
  readonly limit: bigint;
}

export type Node =
  | SourceNode
  | OuterNode
  | JoinNode
  | QualifyNode
  | ProjectNode
  | DistinctNode
  | UnionNode
  | GroupNode
  | TopNode;

/** The operators that a checked SELECT stands for. */
export function nodeOf(plan: SelectPlan): Node {
  const join = joinOf(plan, "source");
  const [only] = join.inputs;
  const isJoin = join.inputs.length > 1 || only === undefined || !isAlways(join.residual);
  return limited(projected(isJoin ? join : only, plan.projection), plan.limit);
}

/** @param first what the first source is */
function joinOf({ sources, filters, joins, residual, rules }: RulePlan, first: "source" | "outer"): JoinNode {
  const inputs = sources.map(({ table }, position): Node => {
    const filter = withSources(filters[position] ?? { kind: "constant", value: true }, () => 0);
    const kind = position === 0 ? first : "source";
    return seen({ kind, table, filter }, rules[position]);
  });
  return { kind: "join", inputs, edges: joins, residual };
}

/** The rows that fulfil one of the rules. */
function seen(input: SourceNode | OuterNode, rules: Visibility): Node {
  if (rules === undefined) return input;
  const terms = rules.map((rule): Qualification => {
    const [filter] = rule.filters;
    return rule.sources.length === 1 && filter !== undefined
      ? { kind: "holds", predicate: filter }
      : { kind: "exists", inner: joinOf(rule, "outer") };
  });
  return { kind: "qualify", input, condition: { kind: "or", terms } };
}

function projected(input: Node, projection: Projection): Node {
  if (projection.kind === "count") return { kind: "group", input, keys: [], aggregates: [{ kind: "count" }] };
  const isWhole = projection.kind === "rows" && input.kind !== "join";
  return isWhole ? input : { kind: "project", input, projection };
}

function limited(input: Node, limit: bigint | undefined): Node {
  return limit === undefined ? input : { kind: "top", input, order: [], offset: 0n, limit };
}

function isAlways(predicate: Predicate): boolean {
  return predicate.kind === "constant" && predicate.value;
}

/** A condition with other positions for the sources that its columns are of. */
export function withSources(predicate: Predicate, positionOf: (source: number) => number): Predicate {
  const moved = (operand: Operand): Operand =>
    operand.kind === "column" ? { ...operand, source: positionOf(operand.source) } : operand;
  switch (predicate.kind) {
    case "constant":
      return predicate;
    case "and":
    case "or":
      return { kind: predicate.kind, terms: predicate.terms.map((term) => withSources(term, positionOf)) };
    case "truth": {
      const { left, right } = predicate;
      return { ...predicate, left: withSources(left, positionOf), right: withSources(right, positionOf) };
    }
    case "compare":
      return { ...predicate, left: moved(predicate.left), right: moved(predicate.right) };
  }
}
