/**
 * Row-level rules: which rows of a public table callers see.
 *
 *   export const own = spacetime.rls((ctx) => ctx.from.note.where((note) => note.owner.eq(ctx.sender)));
 *
 * The function runs once, when the module is described, and gives a query, as a view may. It is not run for rows: only what
 * a query says can be kept up to date for every caller, so `note.owner` is a column and `ctx.sender` stands for whoever asks.
 */
import type { Tables } from "./handles.ts";
import { isQuery, Literal, type From, type Query } from "./query.ts";
import type { Wrong } from "./type-builder.ts";
import type { Identity } from "./values.ts";

declare const ruleMark: unique symbol;

/** A rule, to be exported under any name. */
export interface RuleExport {
  readonly [ruleMark]: true;
}

/** What the function of a row-level rule is given: tables to make a query of, and a word for whoever will ask. */
export interface RuleCtx<S extends Tables = Tables> {
  /** Every table, private ones included, to begin a query with. */
  readonly from: From<S>;
  /** Whoever asks. */
  readonly sender: Literal<Identity>;
}

type NotAQuery =
  Wrong<"a row-level rule gives a query: (ctx) => ctx.from.note.where((note) => note.owner.eq(ctx.sender)); it is not run for each row">;

export interface RuleMakers<S extends Tables> {
  /**
   * A row-level rule: callers see the rows of the table that its query finds. Of several rules of a table one must find a
   * row. The table is public; a table that it joins may be private.
   *
   * @example
   * export const members = spacetime.rls((ctx) =>
   *   ctx.from.message.leftSemijoin(
   *     ctx.from.member.where((member) => member.who.eq(ctx.sender)),
   *     (message, member) => message.room.eq(member.room),
   *   ),
   * );
   */
  // oxlint-disable-next-line no-explicit-any -- a query of any table; `Query` is invariant in its columns
  rls(rule: (ctx: RuleCtx<S>) => Query<any> | NotAQuery): RuleExport;
  readonly clientVisibilityFilter: {
    /** A row-level rule as SQL: `SELECT * FROM note WHERE owner = :sender`. */
    sql(text: string): RuleExport;
  };
}

const sender = new Literal<Identity>(":sender");

/** The SQL of a rule. */
export function ruleText(from: From<Tables>, rule: unknown): string {
  const given: unknown = typeof rule === "function" ? rule({ from, sender }) : undefined;
  if (isQuery(given)) return given.toSql();
  throw new TypeError(
    "rls takes a function that gives a query: rls((ctx) => ctx.from.note.where((note) => note.owner.eq(ctx.sender))); it is not run for each row",
  );
}
