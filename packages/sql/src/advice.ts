/** Advice for pieces of SQL that no dialect has: what to write instead, by the piece's name in messages. */

const sort = "rows come in no order; sort them where they are read";
const group = "rows are not grouped; count with COUNT(*), and group the rest where it is read";
const apart = "run each SELECT by itself";
const matches = "JOIN … ON a.x = b.y gives the rows that have a match; read the others by another query";
const byReducer = "each statement is a transaction; several steps belong into a reducer";
const byModule = "tables are the module's: change it there and publish";
const likes = "texts are compared whole, with =, <>, <, <=, > and >=";
const nulls = "there is no NULL; a column always has a value";

const texts: Readonly<Record<string, string>> = {
  "ORDER BY": sort,
  ORDER: sort,
  "SORT BY": sort,
  "CLUSTER BY": sort,
  "DISTRIBUTE BY": sort,
  "GROUP BY": group,
  GROUP: group,
  HAVING: group,
  OVER: group,
  WINDOW: group,
  DISTINCT: "rows come as often as they are there; drop the repeated ones where they are read",
  OFFSET: "rows come in no order, so none are the first; narrow them with WHERE",
  FETCH: "write LIMIT n",
  FOR: "each statement is a transaction by itself",
  "FOR UPDATE": "each statement is a transaction by itself",
  INTO: "write INSERT INTO t (…) VALUES (…)",
  UNION: apart,
  EXCEPT: apart,
  INTERSECT: apart,
  MINUS: apart,
  WITH: "name the table itself",
  "sub-select": "name the table itself, or JOIN it",
  function: "name a table",
  EXISTS: "JOIN the other table",
  JOIN: "SELECT what is to be changed first",
  USING: "SELECT what is to be changed first",
  alias: "name the columns by the table, or unqualified",
  FROM: "SELECT what is to be changed first",
  "table before FROM": "write DELETE FROM t",
  RETURNING: "read the rows with a SELECT",
  "ON CONFLICT": "a reducer can look before it inserts",
  "ON DUPLICATE": "a reducer can look before it inserts",
  NOT: "turn the comparison round: <> for =, >= for <",
  IN: "write x = 1 OR x = 2",
  "NOT IN": "write x <> 1 AND x <> 2",
  BETWEEN: "write x >= 1 AND x <= 9",
  "NOT BETWEEN": "write x < 1 OR x > 9",
  LIKE: likes,
  ILIKE: likes,
  "NOT LIKE": likes,
  "NOT ILIKE": likes,
  IS: nulls,
  NULL: nulls,
  parameter: "the only parameter is :sender",
  string: "write '…', with '' for a quote in it",
  sign: "a sign stands directly before a number",
  CREATE: byModule,
  ALTER: byModule,
  DROP: byModule,
  TRUNCATE: "write DELETE FROM t",
  MERGE: "a reducer can look before it inserts",
  REPLACE: "a reducer can look before it inserts",
  BEGIN: byReducer,
  START: byReducer,
  COMMIT: byReducer,
  ROLLBACK: byReducer,
  SAVEPOINT: byReducer,
  CALL: "call a reducer with `lightcone call`",
  DESCRIBE: "see `lightcone describe`",
  "SHOW TABLES": "see `lightcone describe`",
  "SHOW COLUMNS": "see `lightcone describe`",
};

/** What to write instead of the piece called `name`; undefined if there is no advice. */
export function adviceFor(name: string): string | undefined {
  if (name.endsWith(" JOIN")) return matches;
  return Object.hasOwn(texts, name) ? texts[name] : undefined;
}
