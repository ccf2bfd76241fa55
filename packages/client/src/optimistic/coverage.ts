/** Which rows of a table are subscribed to: a guess writes no others, since nothing would ever take them away. */
import { RowQuery } from "../row-query.ts";
import type { TableSchema } from "../schema.ts";
import type { Query } from "../subscription.ts";

/**
 * Whether a row is one of those that queries ask for; undefined when none asks for the table's. Of a query's text only the table
 * is looked at: a row that it does not ask for is shown until the call is answered.
 */
export function coverage(
  accessor: string,
  { name, key }: TableSchema,
  queries: Iterable<Query>,
): ((row: object) => boolean) | undefined {
  const some = [...queries].filter((query) =>
    typeof query === "string" ? asksFor(query, name) : query.accessor === accessor,
  );
  if (some.length === 0) return undefined;
  return (row) => some.some((query) => !(query instanceof RowQuery) || query.pick([row], key?.name).length > 0);
}

/** `SELECT * FROM table …`, `SELECT table.* FROM …`, `SELECT t.* FROM table AS t …` */
function asksFor(text: string, name: string): boolean {
  const word = `(?:"((?:[^"]|"")*)"|([\\w$]+))`;
  const select = new RegExp(`^\\s*select\\s+(?:${word}\\s*\\.\\s*)?\\*\\s*from\\s+${word}`, "i").exec(text);
  if (select === null) return false;
  const wanted = select[1] ?? select[2] ?? select[3] ?? select[4];
  if (wanted?.toLowerCase() === name.toLowerCase()) return true;
  // Behind `FROM` and `JOIN` stand the tables: one of them goes by the alias.
  const isOfAlias = new RegExp(
    `(?:from|join)\\s+"?${escaped(name)}"?\\s+(?:as\\s+)?"?${escaped(wanted)}"?(?:[^\\w$]|$)`,
    "i",
  );
  return isOfAlias.test(text);
}

const escaped = (word = ""): string => word.replaceAll(/[^\w]/g, "\\$&");
