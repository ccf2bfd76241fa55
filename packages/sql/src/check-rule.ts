/** What a row-level rule may say: a subscription's SELECT, of rows of a public table (docs/sql.md). */
import type { Catalog } from "./catalog.ts";
import { moved } from "./condition.ts";
import { admit } from "./dialect.ts";
import type { Parsed } from "./parser.ts";
import { refuse } from "./refuse.ts";
import type { Rule } from "./rules.ts";
import { checkSelect } from "./select.ts";

/** Checks a rule's statement. @param catalog names all tables, private ones included */
export function checkRule(sql: string, parsed: Parsed, catalog: Catalog): Rule {
  admit(parsed, "subscription");
  if (parsed.statement.kind !== "select") return refuse("unsupported", "Unsupported: Non-SELECT queries");
  const { sourcesAsWritten: sources, conditions, projection } = checkSelect(parsed.statement, catalog);
  if (projection.kind !== "rows") {
    return refuse(
      "return_type",
      "Column projections are not supported in subscriptions; Subscriptions must return a table type",
    );
  }
  const shown = sources[projection.source];
  if (shown === undefined) return refuse("from_required", "a rule is of a table");
  const { name, access, kind } = shown.table.def;
  if (kind === "system")
    refuse("rls_system", `Cannot define RLS rule on system table: ${name}. Rules are for the module's own tables.`);
  if (access === "private") {
    refuse(
      "rls_private",
      `Cannot define RLS rule on private table: ${name}. Please make table public if you wish to restrict access using RLS.`,
    );
  }
  const others = sources.filter((source) => source !== shown);
  const event = others.find(({ table }) => table.def.isEvent);
  if (event !== undefined) {
    refuse("rls_event", `Event tables cannot be used as the lookup table in row-level rules: ${event.table.def.name}`);
  }
  const order = [shown, ...others];
  const positionOf = (source: number): number => order.indexOf(sources[source] ?? shown);
  return { sql, sources: order, conditions: conditions.map((condition) => moved(condition, positionOf)) };
}
