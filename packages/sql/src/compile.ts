/** Compiles SQL text to a checked plan: the entry point of the package. */
import { LightconeError } from "@lightcone/base";
import { toHexReversed } from "@lightcone/sats";
import { isWrittenByDatabase, type TableSchema } from "@lightcone/schema";
import type { Caller, Catalog } from "./catalog.ts";
import { checkRule } from "./check-rule.ts";
import { admit } from "./dialect.ts";
import { parse, type Parsed } from "./parser.ts";
import type { Plan, SelectPlan } from "./plan.ts";
import { abbreviate, placed, refuse } from "./refuse.ts";
import { withFullNames } from "./rule-names.ts";
import type { Rule } from "./rules.ts";
import { planRows, planSelect } from "./select.ts";
import { Scope } from "./scope.ts";
import { checkSubscription } from "./subscription-rules.ts";
import { planDelete, planInsert, planSet, planShow, planUpdate } from "./write.ts";

/** UTF-8 bytes that a statement may have. */
export const sqlBytesMax = 50_000;

function parseBounded(sql: string): Parsed {
  if (sql.length > sqlBytesMax || new TextEncoder().encode(sql).length > sqlBytesMax) {
    refuse("too_long", `SQL query exceeds maximum allowed length: "${abbreviate(sql)}"`);
  }
  return parse(sql);
}

/**
 * Compiles a subscription: one plan, or one per readable table for `SELECT * FROM *`.
 *
 * Also what a one-off query over WebSocket takes, with a catalog that lacks `readable`.
 *
 * @throws {LightconeError} `SqlSyntax` with a position, or `SqlRefused` with a category
 */
export function compileSubscription(sql: string, catalog: Catalog): SelectPlan[] {
  return placed(sql, () => subscriptionPlans(sql, catalog));
}

function subscriptionPlans(sql: string, catalog: Catalog): SelectPlan[] {
  const parsed = parseBounded(sql);
  const all = isSelectAll(parsed) ? catalog.readable?.() : undefined;
  if (all !== undefined) return Array.from(all, (table) => wholeTable(table, catalog));
  admit(parsed, "subscription");
  if (parsed.statement.kind !== "select") return refuse("unsupported", "Unsupported: Non-SELECT queries");
  const facts = planSelect(parsed.statement, catalog);
  checkSubscription(facts);
  return [facts.plan];
}

function isSelectAll({ statement }: Parsed): boolean {
  if (statement.kind !== "select" || statement.items.length !== 1 || statement.from.length !== 1) return false;
  const item = statement.items[0];
  const from = statement.from[0];
  return (
    item?.kind === "star" &&
    item.qualifier === undefined &&
    from?.table.kind === "all" &&
    from.joins.length === 0 &&
    statement.where === undefined &&
    statement.limit === undefined &&
    statement.refused === undefined
  );
}

/** The plan of all rows of a table that the caller may see. */
function wholeTable(table: TableSchema, { rules }: Catalog): SelectPlan {
  return planRows(table, table.def.name, undefined, new Scope({ table: () => undefined }), { rules });
}

/**
 * Compiles a row-level rule.
 *
 * @param catalog names all tables, private ones included; it has no rules
 * @throws {LightconeError} `SqlSyntax` with a position, or `SqlRefused` with a category
 */
export function compileRule(sql: string, catalog: Catalog): Rule {
  return placed(sql, () => checkRule(sql, parseBounded(sql), catalog));
}

/**
 * A rule of a submodule as a rule of the whole module: with its tables by the names that they have there.
 *
 * @throws {LightconeError} `SqlSyntax` with a position
 */
export function ruleOfSubmodule(sql: string, namespace: string, catalog: Catalog): string {
  return withFullNames(sql, parseBounded(sql), namespace, catalog);
}

/**
 * Compiles a statement of the query dialect.
 *
 * @throws {LightconeError} `SqlSyntax` with a position, `SqlRefused` with a category, or `SystemTable`
 */
export function compileStatement(sql: string, catalog: Catalog, caller: Caller): Plan {
  return placed(sql, () => statementPlan(sql, catalog, caller));
}

function statementPlan(sql: string, catalog: Catalog, caller: Caller): Plan {
  const parsed = parseBounded(sql);
  admit(parsed, "query");
  const plan = planOf(parsed, catalog);
  const writes = plan.kind !== "select" && plan.kind !== "show";
  if (writes && !caller.mayWrite) {
    refuse("not_authorized", `Caller ${toHexReversed(caller.identity)} is not authorized to run SQL DML statements`);
  }
  const table = writtenTable(plan);
  if (table !== undefined && isWrittenByDatabase(table.id))
    throw new LightconeError("SystemTable", { table: table.def.name });
  return plan;
}

/** The table that a plan writes; undefined for SET. */
function writtenTable(plan: Plan): TableSchema | undefined {
  if (plan.kind === "insert") return plan.table;
  return plan.kind === "update" || plan.kind === "delete" ? plan.match.sources[0]?.table : undefined;
}

function planOf({ statement }: Parsed, catalog: Catalog): Plan {
  switch (statement.kind) {
    case "select":
      return planSelect(statement, catalog).plan;
    case "insert":
      return planInsert(statement, catalog);
    case "update":
      return planUpdate(statement, catalog);
    case "delete":
      return planDelete(statement, catalog);
    case "set":
      return planSet(statement);
    case "show":
      return planShow(statement);
    case "other":
      return refuse("unsupported", "Unsupported");
  }
}
