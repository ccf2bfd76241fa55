/**
 * Conditions between the type check and the plan: they are brought to normal form, then split into filters of one
 * source, equalities that join two, and the rest; last, constants are moved to the parameter list.
 *
 * Equal conditions that are spelled differently should give the same template, so `and` and `or` are flat and their
 * terms are sorted by their text. That helps sharing and never changes the meaning. Values are totally ordered
 * (docs/semantics/order-and-equality.md), so a negated comparison is the opposite comparison.
 */
import type { AlgebraicType } from "@lightcone/sats";
import { formatType } from "@lightcone/sats";
import type { CompareOp } from "./ast.ts";
import type { ColumnRef, JoinEdge, Param, ParamSource, Predicate } from "./plan.ts";

export type Term = ({ readonly kind: "column" } & ColumnRef) | { readonly kind: "value"; readonly from: ParamSource };

export type Condition =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "and" | "or"; readonly terms: readonly Condition[] }
  | {
      readonly kind: "compare";
      readonly op: CompareOp;
      readonly left: Term;
      readonly right: Term;
      readonly type: AlgebraicType;
    }
  | { readonly kind: "truth"; readonly op: CompareOp; readonly left: Condition; readonly right: Condition };

const opposite: Readonly<Record<CompareOp, CompareOp>> = {
  "=": "<>",
  "<>": "=",
  "<": ">=",
  ">=": "<",
  ">": "<=",
  "<=": ">",
};

/** The operator that means the same with its sides swapped. */
const mirrored: Readonly<Record<CompareOp, CompareOp>> = {
  "=": "=",
  "<>": "<>",
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
};

export const always: Condition = { kind: "constant", value: true };

function negate(condition: Condition): Condition {
  switch (condition.kind) {
    case "constant":
      return { kind: "constant", value: !condition.value };
    case "and":
      return join("or", condition.terms.map(negate));
    case "or":
      return join("and", condition.terms.map(negate));
    case "compare":
      return compare(opposite[condition.op], condition.left, condition.right, condition.type);
    case "truth":
      return { ...condition, op: opposite[condition.op] };
  }
}

/** All or any of `terms`, flat, constants folded. */
export function join(kind: "and" | "or", terms: readonly Condition[]): Condition {
  const flat: Condition[] = [];
  for (const term of terms) {
    if (term.kind === "constant") {
      if (term.value === (kind === "or")) return term;
    } else if (term.kind === kind) {
      for (const inner of term.terms) flat.push(inner);
    } else flat.push(term);
  }
  const only = flat[0];
  if (only === undefined) return { kind: "constant", value: kind === "and" };
  return flat.length === 1 ? only : { kind, terms: flat };
}

/** Two terms of one type compared. A column ends on the left if there is one. */
export function compare(op: CompareOp, left: Term, right: Term, type: AlgebraicType): Condition {
  if (left.kind === "value" && right.kind === "column") {
    return { kind: "compare", op: mirrored[op], left: right, right: left, type };
  }
  if (left.kind === "column" && right.kind === "column") {
    const order = left.source - right.source || left.column - right.column;
    if (order === 0) return { kind: "constant", value: op === "=" || op === "<=" || op === ">=" };
    if (order > 0) return { kind: "compare", op: mirrored[op], left: right, right: left, type };
  }
  if (op === "<>" && type.kind === "Bool" && right.kind === "value" && right.from.kind === "constant") {
    // A flag has two values, so `<> true` is `= false`: one template for both.
    const bytes = Uint8Array.of(right.from.bytes[0] === 1 ? 0 : 1);
    return { kind: "compare", op: "=", left, right: { kind: "value", from: { kind: "constant", bytes } }, type };
  }
  return { kind: "compare", op, left, right, type };
}

function truthHolds(op: CompareOp, left: boolean, right: boolean): boolean {
  switch (op) {
    case "=":
      return left === right;
    case "<>":
      return left !== right;
    case "<":
      return !left && right;
    case "<=":
      return !left || right;
    case ">":
      return left && !right;
    case ">=":
      return left || !right;
  }
}

/** Compares two conditions as booleans. If one side is constant, the other side, its opposite, or a constant remains. */
export function compareTruth(op: CompareOp, left: Condition, right: Condition): Condition {
  if (left.kind === "constant") {
    return right.kind === "constant"
      ? { kind: "constant", value: truthHolds(op, left.value, right.value) }
      : compareTruth(mirrored[op], right, left);
  }
  if (right.kind === "constant") {
    const whenTrue = truthHolds(op, true, right.value);
    const whenFalse = truthHolds(op, false, right.value);
    if (whenTrue === whenFalse) return { kind: "constant", value: whenTrue };
    return whenTrue ? left : negate(left);
  }
  return { kind: "truth", op, left, right };
}

/** A condition with other positions for the sources that its columns are of. */
export function moved(condition: Condition, positionOf: (source: number) => number): Condition {
  const term = (each: Term): Term => (each.kind === "column" ? { ...each, source: positionOf(each.source) } : each);
  switch (condition.kind) {
    case "constant":
      return condition;
    case "and":
    case "or":
      return { kind: condition.kind, terms: condition.terms.map((each) => moved(each, positionOf)) };
    case "truth":
      return { ...condition, left: moved(condition.left, positionOf), right: moved(condition.right, positionOf) };
    case "compare":
      return compare(condition.op, term(condition.left), term(condition.right), condition.type);
  }
}

// --- splitting

const noSource = -1;
const severalSources = -2;

/** The one source that a condition reads; below zero when it reads none or several. */
function onlySource(condition: Condition): number {
  switch (condition.kind) {
    case "constant":
      return noSource;
    case "and":
    case "or":
      return condition.terms.reduce((source, term) => together(source, onlySource(term)), noSource);
    case "truth":
      return together(onlySource(condition.left), onlySource(condition.right));
    case "compare":
      return together(sourceOf(condition.left), sourceOf(condition.right));
  }
}

function sourceOf(term: Term): number {
  return term.kind === "column" ? term.source : noSource;
}

function together(a: number, b: number): number {
  if (a === b || b === noSource) return a;
  return a === noSource ? b : severalSources;
}

/** How many sources a statement may have: to order so many takes some milliseconds. */
export const sourceCountMax = 256;

export interface Split {
  /** By source. */
  readonly filters: readonly Condition[];
  readonly joins: readonly JoinEdge[];
  readonly residual: Condition;
}

/**
 * Splits conditions that must all hold into filters of one source, equalities that join two, and the rest.
 * They are passed as a list, not as one `and`, because an `and` with a term that never holds would lose its joins.
 */
export function split(conditions: readonly Condition[], sourceCount: number): Split {
  const filters: Condition[][] = Array.from({ length: sourceCount }, () => []);
  const joins = new Map<string, JoinEdge>();
  const residual: Condition[] = [];
  for (const term of conditions.flatMap((condition) => (condition.kind === "and" ? condition.terms : [condition]))) {
    const source = onlySource(term);
    if (source !== severalSources) filters[Math.max(0, source)]?.push(term);
    else if (
      term.kind === "compare" &&
      term.op === "=" &&
      term.left.kind === "column" &&
      term.right.kind === "column"
    ) {
      const edge = { left: columnRef(term.left), right: columnRef(term.right), type: term.type };
      joins.set(edgeText(edge), joins.get(edgeText(edge)) ?? edge);
    } else residual.push(term);
  }
  return {
    filters: filters.map((terms) => join("and", terms)),
    joins: [...joins.values()],
    residual: join("and", residual),
  };
}

function columnRef({ source, column }: ColumnRef): ColumnRef {
  return { source, column };
}

export function edgeText({ left, right }: JoinEdge): string {
  return `${left.source}.${left.column}=${right.source}.${right.column}`;
}

// --- lifting parameters

/** A predicate with the text that names its template. */
interface Keyed {
  readonly key: string;
  readonly build: (params: Param[]) => Predicate;
}

/**
 * Moves the values of `condition` into `params` and gives the predicate and its key. The order of terms,
 * and so of parameters, is that of their keys.
 */
export function liftParams(
  condition: Condition,
  params: Param[],
): { readonly predicate: Predicate; readonly key: string } {
  const { key, build } = keyed(condition);
  return { key, predicate: build(params) };
}

function keyed(condition: Condition): Keyed {
  switch (condition.kind) {
    case "constant":
      return { key: condition.value ? "true" : "false", build: () => condition };
    case "and":
    case "or": {
      const terms = condition.terms.map(keyed).toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
      return {
        key: `${condition.kind}(${terms.map((term) => term.key).join(",")})`,
        build: (params) => ({ kind: condition.kind, terms: terms.map((term) => term.build(params)) }),
      };
    }
    case "truth": {
      const left = keyed(condition.left);
      const right = keyed(condition.right);
      return {
        key: `(${left.key})${condition.op}(${right.key})`,
        build: (params) => ({ kind: "truth", op: condition.op, left: left.build(params), right: right.build(params) }),
      };
    }
    case "compare": {
      const { op, left, right, type } = condition;
      return {
        key: `${termKey(left, type)}${op}${termKey(right, type)}`,
        build: (params) => ({
          kind: "compare",
          op,
          left: lift(left, type, params),
          right: lift(right, type, params),
          type,
        }),
      };
    }
  }
}

function termKey(term: Term, type: AlgebraicType): string {
  return term.kind === "column" ? `${term.source}.${term.column}` : `?${formatType(type)}`;
}

function lift(term: Term, type: AlgebraicType, params: Param[]) {
  if (term.kind === "column") return term;
  params.push({ type, from: term.from });
  return { kind: "param", param: params.length - 1 } as const;
}
