/**
 * What the dialects have not: refused by name before any name is looked up, so that a statement that uses
 * such a construct is told so whatever its tables.
 */
import type { Expr, SelectStatement, Span, Statement, TableRef } from "./ast.ts";
import { failSyntax } from "./lexer.ts";
import type { Parsed } from "./parser.ts";
import { printSpan } from "./print.ts";
import { refuse } from "./refuse.ts";

export type Dialect = "subscription" | "query";
export type NamedTable = TableRef & { readonly kind: "table" };

/** Refuses a statement whose shape the dialect lacks. Names and types are not looked at. */
export function admit(parsed: Parsed, dialect: Dialect): void {
  new Admission(parsed, dialect).statement(parsed.statement);
}

/** An expression through its parentheses. */
export function ungrouped(expr: Expr): Expr {
  let inner = expr;
  while (inner.kind === "group") inner = inner.inner;
  return inner;
}

class Admission {
  private readonly parsed: Parsed;
  private readonly dialect: Dialect;

  constructor(parsed: Parsed, dialect: Dialect) {
    this.parsed = parsed;
    this.dialect = dialect;
  }

  statement(statement: Statement): void {
    if (this.dialect === "subscription" && statement.kind !== "select")
      refuse("unsupported", "Unsupported: Non-SELECT queries");
    switch (statement.kind) {
      case "select":
        return this.select(statement);
      case "insert":
        if (statement.isRefused) this.unsupported("Unsupported", statement);
        if (statement.rows === undefined) {
          this.unsupported("Unsupported INSERT expression", { first: statement.source, last: statement.last });
        }
        for (const row of statement.rows) for (const value of row) this.plainLiteral("Unsupported INSERT value", value);
        return;
      case "update":
        if (statement.isRefused) this.unsupported("Unsupported", statement);
        for (const { value } of statement.assignments) this.assignedLiteral(value);
        if (statement.where !== undefined) this.condition(statement.where, false);
        return;
      case "delete": {
        if (statement.isRefused) this.unsupported("Unsupported", statement);
        if (statement.tables.length > 1) refuse("multi_delete", "Multi-table DELETE is not supported");
        const table = statement.tables[0];
        if (table !== undefined && (table.kind !== "table" || table.alias !== undefined)) {
          refuse("unsupported", `Unsupported table expression in DELETE: ${this.tableText(table)}`);
        }
        if (statement.where !== undefined) this.condition(statement.where, false);
        return;
      }
      case "set":
        return this.assignedLiteral(statement.value);
      case "show":
        return;
      case "other":
        return this.unsupported("Unsupported", statement);
    }
  }

  private select(select: SelectStatement): void {
    const isSubscription = this.dialect === "subscription";
    if (select.refused === "set-operation") this.unsupported("Unsupported set operation", select);
    if (select.refused === "query" || (isSubscription && select.limit !== undefined))
      this.unsupported("Unsupported", select);
    if (select.refused === "select") this.unsupported(isSubscription ? "Unsupported SELECT" : "Unsupported", select);
    if (select.limit !== undefined && select.limit !== "all") {
      const limit = select.limit;
      const isNumber =
        limit.kind === "literal" && limit.literal.kind === "number" && /^[0-9.]/.test(limit.literal.text);
      if (!isNumber) this.unsupported("Unsupported", select);
    }
    this.items(select);
    const from = select.from[0];
    if (from === undefined) refuse("from_required", "A FROM clause is required");
    if (select.from.length > 1) refuse("implicit_join", "Implicit joins are not supported");
    const isJoin = from.joins.length > 0;
    this.table(from.table);
    for (const join of from.joins) {
      if (join.kind === "other") this.refuseJoin();
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
        if (only.expr.name !== "COUNT" || !only.expr.isStar)
          this.unsupported("Unsupported aggregate function", only.expr);
        if (only.alias === undefined) refuse("agg_alias", "Aggregate expressions must have column aliases");
        return;
      }
    }
    for (const item of items) {
      if (item.kind === "star") refuse("mixed_wildcard", "Mixed wildcard projections are not supported", item.at);
      if (item.expr.kind !== "column") this.unsupported("Unsupported projection expression", item.expr);
    }
  }

  private table(table: TableRef): void {
    if (table.kind === "other") refuse("unsupported", `Unsupported FROM expression: ${this.tableText(table)}`);
    if (table.kind === "all")
      failSyntax("Expected identifier, found: *", this.parsed.text, this.parsed.tokens[table.first]?.at ?? 0);
  }

  private joinCondition(on: Expr): void {
    const equality = ungrouped(on);
    if (equality.kind !== "compare" || equality.op !== "=") this.refuseJoin();
    for (const side of [equality.left, equality.right]) {
      const column = ungrouped(side);
      if (column.kind !== "column") this.refuseJoin();
      this.qualified(column);
    }
  }

  private refuseJoin(): never {
    return refuse("join_type", "Non-inner joins are not supported");
  }

  private qualified(expr: Expr): void {
    if (expr.kind === "column" && expr.parts.length === 1) {
      refuse("unqualified", "Names must be qualified when using joins", expr.at);
    }
  }

  /** Walks the left spine in a loop: a chain of AND and OR is deep on the left alone. */
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
        return this.unsupported("Unsupported literal expression", expr);
      case "arithmetic":
        return refuse("unsupported", `Unsupported binary operator: ${expr.op}`, expr.at);
      default:
        return this.unsupported("Unsupported expression", expr);
    }
  }

  private assignedLiteral(value: Expr): void {
    this.plainLiteral("Unsupported column/variable assignment expression", value);
  }

  private plainLiteral(text: string, value: Expr): void {
    if (value.kind === "odd-literal" || value.kind === "sender")
      this.unsupported("Unsupported literal expression", value);
    if (value.kind !== "literal") this.unsupported(text, value);
  }

  private tableText(table: TableRef): string {
    const text = printSpan(
      this.parsed.tokens,
      table.kind === "table" ? { ...table, last: this.nameEnd(table) } : table,
    );
    return table.kind !== "all" && table.alias !== undefined ? `${text} AS ${table.alias}` : text;
  }

  /** A table's span has its alias; a message shows that in one spelling. */
  private nameEnd(table: NamedTable): number {
    return table.first + 2 * table.parts.length - 1;
  }

  private unsupported(text: string, span: Span): never {
    const at = this.parsed.tokens[span.first]?.at;
    return refuse("unsupported", `${text}: ${printSpan(this.parsed.tokens, span)}`, at);
  }
}
