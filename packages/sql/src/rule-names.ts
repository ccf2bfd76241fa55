/**
 * A rule of a submodule, as a rule of the whole module. The submodule knows its tables by their own names:
 *
 *   in `chat`   SELECT * FROM secret WHERE secret.owner = :sender
 *   becomes     SELECT * FROM "chat".secret AS secret WHERE secret.owner = :sender
 */
import type { Catalog } from "./catalog.ts";
import type { TableRef } from "./ast.ts";
import type { Parsed } from "./parser.ts";

/** The text with the submodule's tables by the names that they have in the module. @param catalog names all tables */
export function withFullNames(sql: string, { statement, tokens }: Parsed, namespace: string, catalog: Catalog): string {
  if (statement.kind !== "select") return sql;
  let made = sql;
  // From the end on, so that places before an edit stay what they are.
  for (const table of statement.from
    .flatMap(({ table: first, joins }) => [first, ...joins.map((join) => join.table)])
    .toReversed()) {
    if (table.kind !== "table" || catalog.table([namespace, ...table.parts].join(".")) === undefined) continue;
    const start = tokens[table.first]?.at ?? 0;
    const end = endOfName(table, tokens);
    const name = made.slice(start, end);
    const prefix = namespace.split(".").map((part) => `"${part}".`);
    made = `${made.slice(0, start)}${prefix.join("")}${name}${aliasOf(table, name)}${made.slice(end)}`;
  }
  return made;
}

function endOfName(table: TableRef & { readonly kind: "table" }, tokens: Parsed["tokens"]): number {
  const last = tokens[table.first + table.parts.length * 2 - 2];
  return last === undefined ? 0 : last.at + last.text.length;
}

/** What the rest of the text calls it. */
function aliasOf({ alias, parts }: TableRef & { readonly kind: "table" }, name: string): string {
  if (alias !== undefined) return "";
  return ` AS ${parts.length === 1 ? name : `"${parts.join(".").replaceAll('"', '""')}"`}`;
}
