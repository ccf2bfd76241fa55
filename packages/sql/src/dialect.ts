/**
 * Refuses what the dialects do not have, by name. This is done before any table is looked up, so the answer is the
 * same whatever the tables are.
 */
import { adviceFor } from "./advice.ts";
import type { Expr, Refused, SelectStatement, Span, Statement, TableRef } from "./ast.ts";
import { failSyntax } from "./lexer.ts";
import type { Parsed } from "./parser.ts";
import { printSpan } from "./print.ts";
import { refuse } from "./refuse.ts";
import { valueWords } from "./words.ts";

export type Dialect = "subscription" | "query";
export type NamedTable = TableRef & { readonly kind: "table" };

/** Refuses a statement whose form the dialect does not have. Names and types are not checked. */
export function admit(parsed: Parsed, dialect: Dialect): void {
  new Admission(parsed, dialect).statement(parsed.statement);
}

/** An expression without its parentheses. */
export function ungrouped(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === "group") inner = inner.inner;
  return inner;
}

const comparedAlone = "conditions compare columns and literals; compute what they are compared with beforehand";
const storedAlone = "only literals are stored; compute them beforehand, or in a reducer";

class Admission {
  private readonly parsed: Parsed;
  private readonly dialect: Dialect;

  constructor(parsed: Parsed, dialect: Dialect) {
    this.parsed = parsed;
    this.dialect = dialect;
  }

  statement(statement: Statement): void {
    if (this.dialect === "subscription" && statement.kind !== "select") {
      const { value: what, at } = this.parsed.tokens[statement.first] ?? {};
      refuse("unsupported", "Unsupported: Non-SELECT queries", at, { what, advice: "a subscription is a SELECT" });
    }
    switch (statement.kind) {
      case "select":
        return this.select(statement);
      case "insert":
        if (statement.refused !== undefined) this.unsupported("Unsupported", statement, statement.refused);
        if (statement.rows === undefined) {
          const source = { first: statement.source, last: statement.last };
          const { value, at = 0 } = this.parsed.tokens[statement.source] ?? {};
          const advice = "write VALUES (…); copying rows belongs into a reducer";
          this.unsupported("Unsupported INSERT expression", source, { name: value ?? "", at }, advice);
        }
        for (const { values } of statement.rows)
          for (const value of values) this.plainLiteral("Unsupported INSERT value", value);
        return;
      case "update":
        if (statement.refused !== undefined) this.unsupported("Unsupported", statement, statement.refused);
        for (const { value } of statement.assignments) this.assignedLiteral(value);
        if (statement.where !== undefined) this.condition(statement.where, false);
        return;
      case "delete": {
        if (statement.refused !== undefined) this.unsupported("Unsupported", statement, statement.refused);
        const [table, second] = statement.tables;
        if (second !== undefined) {
          const at = this.parsed.tokens[second.first]?.at;
          refuse("multi_delete", "Multi-table DELETE is not supported", at, { advice: "write one DELETE for each" });
        }
        if (table !== undefined && (table.kind !== "table" || table.alias !== undefined)) {
          const at = this.parsed.tokens[table.first]?.at;
          const what = table.kind === "table" ? "alias" : table.kind === "all" ? "*" : table.name;
          const text = `Unsupported table expression in DELETE: ${this.tableText(table)}`;
          refuse("unsupported", text, at, { what, advice: adviceFor(what) });
        }
        if (statement.where !== undefined) this.condition(statement.where, false);
        return;
      }
      case "set":
        return this.assignedLiteral(statement.value);
      case "show":
        return;
      case "other":
        return this.unsupported("Unsupported", statement, statement);
    }
  }

  private select(select: SelectStatement): void {
    const isSubscription = this.dialect === "subscription";
    const { refused, limit } = select;
    if (refused?.level === "set-operation") this.unsupported("Unsupported set operation", select, refused);
    if (refused?.level === "query") this.unsupported("Unsupported", select, refused);
    if (isSubscription && limit !== undefined) {
      const advice = "a subscription has all rows of its condition; narrow it with WHERE";
      this.unsupported("Unsupported", select, { name: "LIMIT", at: limit.at }, advice);
    }
    if (refused !== undefined) this.unsupported(isSubscription ? "Unsupported SELECT" : "Unsupported", select, refused);
    if (limit !== undefined && limit.count !== "all") {
      const { count } = limit;
      const isNumber =
        count.kind === "literal" && count.literal.kind === "number" && /^[0-9.]/.test(count.literal.text);
      const piece = { name: "LIMIT", at: limit.at };
      if (!isNumber) this.unsupported("Unsupported", select, piece, "it takes a whole number without sign or quotes");
    }
    this.items(select);
    const [from, second] = select.from;
    if (from === undefined) refuse("from_required", "A FROM clause is required");
    if (second !== undefined) {
      const at = this.parsed.tokens[second.table.first]?.at;
      refuse("implicit_join", "Implicit joins are not supported", at, { advice: "write a JOIN b ON a.x = b.y" });
    }
    const isJoin = from.joins.length > 0;
    this.table(from.table);
    for (const join of from.joins) {
      if (join.refused !== undefined) this.refuseJoin(join.refused);
      this.table(join.table);
      if (join.on !== undefined) this.joinCondition(join.on);
    }
    if (isJoin) for (const item of select.items) if (item.kind === "expr") this.qualified(item.expr);
    if (select.where !== undefined) this.condition(select.where, isJoin);
  }

  private items({ items }: SelectStatement): void {
    const only = items.length === 1 ? items[0] : undefined;
    if (only !== undefined) {
      if (only.kind === "star" || only.expr.kind === "column") return;
      if (only.expr.kind === "call") {
        const { at } = only.expr;
        if (only.expr.name !== "COUNT" || !only.expr.isStar)
          this.unsupported("Unsupported aggregate function", only.expr, only.expr, "the only one is COUNT(*)");
        if (only.alias === undefined)
          refuse("agg_alias", "Aggregate expressions must have column aliases", at, { advice: "write COUNT(*) AS n" });
        return;
      }
    }
    for (const item of items) {
      if (item.kind === "star")
        refuse("mixed_wildcard", "Mixed wildcard projections are not supported", item.at, {
          advice: "name the columns, or write * or t.* alone",
        });
      if (item.expr.kind === "column") continue;
      const advice = "an item is a column, or COUNT(*) alone";
      this.unsupported("Unsupported projection expression", item.expr, this.pieceOf(item.expr), advice);
    }
  }

  private table(table: TableRef): void {
    if (table.kind === "other") {
      const { name: what, at } = table;
      const text = `Unsupported FROM expression: ${this.tableText(table)}`;
      refuse("unsupported", text, at, { what, advice: adviceFor(what) });
    }
    if (table.kind === "all")
      failSyntax("Expected identifier, found: *", this.parsed.text, this.parsed.tokens[table.first]?.at ?? 0);
  }

  private joinCondition(on: Expr): void {
    const equality = ungrouped(on);
    const isEquality = equality.kind === "compare" && equality.op === "=";
    const sides = isEquality ? [ungrouped(equality.left), ungrouped(equality.right)] : [];
    if (!isEquality || sides.some((side) => side.kind !== "column"))
      this.refuseJoin({ name: "ON", at: this.parsed.tokens[on.first]?.at ?? 0 });
    for (const side of sides) this.qualified(side);
  }

  private refuseJoin({ name, at }: Refused): never {
    const advice =
      name === "ON"
        ? "it takes one equality, a.x = b.y; the rest goes into WHERE"
        : name === "USING"
          ? "write ON a.x = b.x"
          : adviceFor(name);
    return refuse("join_type", "Non-inner joins are not supported", at, { what: name, advice });
  }

  private qualified(expr: Expr): void {
    if (expr.kind === "column" && expr.parts.length === 1) {
      const advice = `write t.${expr.parts[0]}`;
      refuse("unqualified", "Names must be qualified when using joins", expr.at, { advice });
    }
  }

  /** Loops down the left side, since a chain of AND and OR nests only there: no recursion, however long it is. */
  private condition(condition: Expr, isJoin: boolean): void {
    let expr = ungrouped(condition);
    while (expr.kind === "logic" || expr.kind === "compare") {
      this.condition(expr.right, isJoin);
      expr = ungrouped(expr.left);
    }
    switch (expr.kind) {
      case "column":
        if (isJoin) this.qualified(expr);
        return;
      case "literal":
      case "sender":
        return;
      case "odd-literal":
        return this.unsupported("Unsupported literal expression", expr, expr);
      case "arithmetic":
        return refuse("unsupported", `Unsupported binary operator: ${expr.op}`, expr.at, { advice: comparedAlone });
      default:
        return this.unsupported("Unsupported expression", expr, this.pieceOf(expr), comparedAlone);
    }
  }

  private assignedLiteral(value: Expr): void {
    this.plainLiteral("Unsupported column/variable assignment expression", value);
  }

  private plainLiteral(text: string, value: Expr): void {
    if (value.kind === "odd-literal" || value.kind === "sender")
      this.unsupported("Unsupported literal expression", value, this.pieceOf(value), storedAlone);
    if (value.kind !== "literal") this.unsupported(text, value, this.pieceOf(value), storedAlone);
  }

  /** The name, in messages, of an expression that is not allowed where it stands. */
  private pieceOf(expr: Expr): Refused {
    switch (expr.kind) {
      case "odd-literal":
      case "other":
      case "call":
        return expr;
      case "arithmetic":
        return { name: expr.op, at: expr.at };
      default:
        return { name: expr.kind === "sender" ? ":sender" : expr.kind, at: this.parsed.tokens[expr.first]?.at ?? 0 };
    }
  }

  private tableText(table: TableRef): string {
    const text = printSpan(
      this.parsed.tokens,
      table.kind === "table" ? { ...table, last: this.nameEnd(table) } : table,
    );
    return table.kind !== "all" && table.alias !== undefined ? `${text} AS ${table.alias}` : text;
  }

  /** A table with its alias, in one spelling for messages. */
  private nameEnd(table: NamedTable): number {
    return table.first + 2 * table.parts.length - 1;
  }

  /** @param advice for pieces that have none of their own */
  private unsupported(text: string, span: Span, { name, at }: Refused, advice?: string): never {
    const about = { what: name, advice: adviceFor(name) ?? keywordAdvice(name) ?? advice };
    return refuse("unsupported", `${text}: ${printSpan(this.parsed.tokens, span)}`, at, about);
  }
}

function keywordAdvice(name: string): string | undefined {
  return valueWords.has(name) ? `a column of that name is written "${name.toLowerCase()}"` : undefined;
}
