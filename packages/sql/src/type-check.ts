/**
 * Checks the types of expressions (docs/sql.md). Nothing is converted: both sides of a comparison have one type, and a
 * literal takes the type of the other side.
 */
import { formatType, identity, isBytes, t, typesEqual, type AlgebraicType } from "@lightcone/sats";
import type { Expr } from "./ast.ts";
import { always, compare, compareTruth, join, type Condition, type Term } from "./condition.ts";
import { ungrouped } from "./dialect.ts";
import { comparedAdvice, notComparedAdvice } from "./literal-advice.ts";
import { literalBytes } from "./literal.ts";
import { refuse } from "./refuse.ts";
import type { Scope } from "./scope.ts";
import { isComparable } from "./types.ts";

/** @throws {LightconeError} always: `SqlRefused`, saying what was found and what was wanted */
export function refuseType(found: AlgebraicType, wanted: AlgebraicType, at?: number, advice?: string): never {
  return refuse(
    "type_mismatch",
    `Unexpected type: (expected) ${formatType(found)} != ${formatType(wanted)} (inferred)`,
    at,
    { advice },
  );
}

/** @throws {LightconeError} always: `SqlRefused` */
export function refuseLiteral(text: string, type: AlgebraicType, at: number, advice = comparedAdvice(type)): never {
  return refuse(
    "bad_literal",
    `The literal expression \`${text}\` cannot be parsed as type \`${formatType(type)}\``,
    at,
    { advice },
  );
}

type Typed =
  | { readonly kind: "term"; readonly term: Term; readonly type: AlgebraicType }
  | { readonly kind: "condition"; readonly condition: Condition };

/** The condition that a WHERE clause states. */
export function checkCondition(expr: Expr | undefined, scope: Scope): Condition {
  return expr === undefined ? always : asCondition(check(expr, t.bool, scope));
}

const typeOf = (typed: Typed): AlgebraicType => (typed.kind === "term" ? typed.type : t.bool);

function asCondition(typed: Typed): Condition {
  if (typed.kind === "condition") return typed.condition;
  return compare("=", typed.term, trueTerm, t.bool);
}

const trueTerm: Term = { kind: "value", from: { kind: "constant", bytes: Uint8Array.of(1) } };

function check(grouped: Expr, wanted: AlgebraicType | undefined, scope: Scope): Typed {
  const expr = ungrouped(grouped);
  switch (expr.kind) {
    case "column": {
      const { source, column, type } = scope.column(expr.parts, expr.at);
      if (wanted !== undefined && !typesEqual(type, wanted)) refuseType(type, wanted, expr.at);
      return { kind: "term", term: { kind: "column", source, column }, type };
    }
    case "literal": {
      const { literal } = expr;
      if (literal.kind === "boolean") {
        if (wanted !== undefined && wanted.kind !== "Bool") refuseType(t.bool, wanted, expr.at, comparedAdvice(wanted));
        return { kind: "condition", condition: { kind: "constant", value: literal.value } };
      }
      if (wanted === undefined) return refuse("no_literal_type", "Cannot resolve type for literal expression", expr.at);
      const bytes = literalBytes(literal, wanted) ?? refuseLiteral(literal.text, wanted, expr.at);
      return { kind: "term", term: { kind: "value", from: { kind: "constant", bytes } }, type: wanted };
    }
    case "sender": {
      const type = wanted ?? identity;
      const asBytes = isBytes(type);
      if (!asBytes && !typesEqual(type, identity)) refuseType(identity, type, expr.at);
      return { kind: "term", term: { kind: "value", from: { kind: "sender", asBytes } }, type };
    }
    case "logic":
      if (wanted !== undefined && wanted.kind !== "Bool") refuseType(t.bool, wanted);
      return { kind: "condition", condition: checkChain(expr, scope) };
    case "compare":
      if (wanted !== undefined && wanted.kind !== "Bool") refuseType(t.bool, wanted, expr.at);
      return { kind: "condition", condition: checkCompare(expr, scope) };
    default:
      return refuse("unsupported", "Unsupported expression");
  }
}

/** The operands of a chain of one operator. The parser nests it to the left; a loop unrolls it without recursion. */
function checkChain(chain: Expr & { readonly kind: "logic" }, scope: Scope): Condition {
  const terms: Expr[] = [];
  let expr: Expr = chain;
  while (expr.kind === "logic" && expr.op === chain.op) {
    terms.push(expr.right);
    expr = ungrouped(expr.left);
  }
  terms.push(expr);
  return join(
    chain.op,
    terms.toReversed().map((term) => asCondition(check(term, t.bool, scope))),
  );
}

const isUntyped = (expr: Expr): boolean => expr.kind === "literal" || expr.kind === "sender";

function checkCompare(expr: Expr & { readonly kind: "compare" }, scope: Scope): Condition {
  const { op } = expr;
  let left: Typed;
  let right: Typed;
  if (isUntyped(ungrouped(expr.left)) && !isUntyped(ungrouped(expr.right))) {
    right = check(expr.right, undefined, scope);
    left = check(expr.left, typeOf(right), scope);
  } else {
    left = check(expr.left, undefined, scope);
    right = check(expr.right, typeOf(left), scope);
  }
  const type = typeOf(left);
  if (!isComparable(type))
    refuse("bad_operator", `Invalid binary operator \`${op}\` for type \`${formatType(type)}\``, expr.at, {
      advice: notComparedAdvice,
    });
  if (left.kind === "term" && right.kind === "term") return compare(op, left.term, right.term, type);
  return compareTruth(op, asCondition(left), asCondition(right));
}
