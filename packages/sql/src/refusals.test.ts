// Goal: what is refused is named, with its place and what to write instead; a word is a name wherever the grammar
// does not need it; an INSERT's values go to the columns that it names.
// Method: a row per piece of SQL, its name in the message and its offset; every word that the grammar knows in every
// place of a name; plans of INSERTs as bytes.
import { isLightconeError, type ErrorDetail } from "@lightcone/base";
import { toHex } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { compileStatement, compileSubscription, type Plan } from "./index.ts";
import { catalogOf } from "./testing/vector-catalog.ts";
import * as words from "./words.ts";

const owner = { identity: new Uint8Array(32), mayWrite: true };
const known = [
  ...new Set(
    [
      ...words.notAnAlias,
      ...words.valueWords,
      ...words.functionWords,
      ...words.otherStatements,
      ...words.printedUpper,
      ...words.clauseSeconds,
      ...words.keptFor.keys(),
      ..."CASE INTERVAL NOT TRUE FALSE NULL COUNT UNNEST DATE TIME TIMESTAMP KEY VALUE TYPE INDEX POSITION LEVEL".split(
        " ",
      ),
    ].map((word) => word.toLowerCase()),
  ),
];
const catalog = catalogOf(
  [
    {
      name: "a",
      access: "public",
      columns: [
        ["x", "U32"],
        ["s", "String"],
        ["b", "Bool"],
      ],
      indexes: [["x"]],
    },
    {
      name: "kinds",
      access: "public",
      columns: [
        ["f", "F64"],
        ["at", "Timestamp"],
        ["who", "Identity"],
        ["conn", "ConnectionId"],
        ["uid", "Uuid"],
        ["raw", "Array<U8>"],
        ["maybe", "Option<U32>"],
        ["span", "TimeDuration"],
        ["next", "ScheduleAt"],
        ["list", "Array<U32>"],
        ["small", "I8"],
        ["wide", "U256"],
        ["flag", "Bool"],
        ["name", "String"],
      ],
    },
    { name: "c", access: "public", columns: [["x", "U32"]] },
    { name: "words", access: "public", columns: ["plain", ...known].map((word) => [word, "U32"] as const) },
    ...known.map((name) => ({ name, access: "public" as const, columns: [["x", "U32"] as const] })),
  ],
  [],
  "owner",
);
const statement = (sql: string): Plan => compileStatement(sql, catalog, owner);

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly detail: Partial<ErrorDetail<"SqlRefused">>;
}

function failure(run: () => unknown): Failure | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    return error as Failure; // of SQL: `SqlRefused`, or `SqlSyntax`, which has a place too
  }
}

describe("row 25: what is refused is named, with its place and what to write instead", () => {
  /** `^` stands before the piece. */
  test.each<readonly [sql: string, name: string, advice: RegExp]>([
    ["SELECT * FROM a ^ORDER BY x", "ORDER BY", /sort them where they are read/],
    ["SELECT * FROM a WHERE x = 1 ^ORDER BY x LIMIT 3", "ORDER BY", /no order/],
    ["select * from a\n  where x = 1\n  ^order by x", "ORDER BY", /no order/],
    ["SELECT x FROM a ^GROUP BY x", "GROUP BY", /COUNT/],
    ["SELECT x FROM a ^GROUP BY x HAVING x > 1", "GROUP BY", /COUNT/],
    ["SELECT x FROM a ^HAVING x > 1", "HAVING", /COUNT/],
    ["SELECT ^DISTINCT x FROM a", "DISTINCT", /repeated/],
    ["SELECT * FROM a LIMIT 1 ^OFFSET 2", "OFFSET", /no order/],
    ["SELECT * FROM a ^LIMIT 1, 2", "OFFSET", /no order/],
    ["SELECT * FROM a ^LIMIT '1'", "LIMIT", /whole number/],
    ["SELECT * FROM a ^FETCH FIRST 1 ROW ONLY", "FETCH", /LIMIT/],
    ["SELECT * FROM a ^FOR UPDATE", "FOR UPDATE", /transaction/],
    ["SELECT * FROM a ^UNION SELECT * FROM a", "UNION", /each SELECT/],
    ["SELECT * FROM a ^EXCEPT SELECT * FROM a", "EXCEPT", /each SELECT/],
    ["SELECT * FROM a ^MINUS SELECT * FROM a", "MINUS", /each SELECT/],
    ["^WITH y AS (SELECT * FROM a) SELECT * FROM y", "WITH", /the table/],
    ["SELECT * FROM ^(SELECT * FROM a) y", "sub-select", /the table/],
    ["SELECT * FROM ^range(1, 2)", "function", /a table/],
    ["SELECT a.* FROM a ^LEFT OUTER JOIN c ON a.x = c.x", "LEFT OUTER JOIN", /have a match/],
    ["SELECT a.* FROM a ^ANTI JOIN c ON a.x = c.x", "ANTI JOIN", /have a match/],
    ["SELECT a.* FROM a JOIN c ^USING (x)", "USING", /ON a.x = b.x/],
    ["SELECT a.* FROM a JOIN c ON ^a.x > c.x", "ON", /one equality/],
    ["SELECT a.* FROM a JOIN c ON ^a.x = c.x AND a.x = 1", "ON", /into WHERE/],
    ["SELECT * FROM a WHERE ^NOT b", "NOT", /turn the comparison round/],
    ["SELECT * FROM a WHERE x ^IN (1, 2)", "IN", /OR/],
    ["SELECT * FROM a WHERE x ^NOT IN (1, 2)", "NOT IN", /AND/],
    ["SELECT * FROM a WHERE b AND x ^BETWEEN 1 AND 2", "BETWEEN", />=/],
    ["SELECT * FROM a WHERE s ^LIKE 'a%'", "LIKE", /compared whole/],
    ["SELECT * FROM a WHERE x ^IS NULL", "IS", /no NULL/],
    ["SELECT * FROM a WHERE x = ^NULL", "NULL", /no NULL/],
    ["SELECT * FROM a WHERE ^floor(x) = 1", "FLOOR", /beforehand/],
    ["SELECT * FROM a WHERE ^lower(s) = 'a'", "LOWER", /beforehand/],
    ["SELECT * FROM a WHERE ^CASE WHEN b THEN b END", "CASE", /beforehand/],
    ["SELECT * FROM a WHERE ^CAST(x AS TEXT) = '1'", "CAST", /beforehand/],
    ["SELECT * FROM a WHERE ^EXISTS (SELECT * FROM c)", "EXISTS", /JOIN/],
    ["SELECT * FROM a WHERE x = ^(SELECT x FROM c)", "sub-select", /JOIN/],
    ["SELECT * FROM a WHERE x = ^:owner", "parameter", /:sender/],
    ["SELECT * FROM a WHERE s = ^E'a'", "string", /''/],
    ["SELECT ^SUM(x) FROM a", "SUM", /COUNT/],
    ["SELECT x, ^1 FROM a", "literal", /column/],
    ["SELECT x ^+ 1 FROM a", "+", /column/],
    ["INSERT INTO a (x, s, b) ^SELECT * FROM a", "SELECT", /VALUES/],
    ["INSERT INTO a (x, s, b) VALUES (1, 'a', true) ^RETURNING x", "RETURNING", /SELECT/],
    ["INSERT INTO a (x, s, b) VALUES (1, 'a', true) ^ON CONFLICT DO NOTHING", "ON CONFLICT", /reducer/],
    ["INSERT INTO a (x, s, b) VALUES (1 ^+ 1, 'a', true)", "+", /beforehand/],
    ["INSERT INTO a (x, s, b) VALUES (^NULL, 'a', true)", "NULL", /no NULL/],
    ["UPDATE a SET x = ^s", "column", /beforehand/],
    ["UPDATE ^a AS y SET x = 1", "alias", /by the table/],
    ["UPDATE a ^JOIN c ON a.x = c.x SET x = 1", "JOIN", /SELECT/],
    ["UPDATE a SET x = 1 ^FROM c", "FROM", /SELECT/],
    ["UPDATE a SET x = 1 ^ORDER BY x", "ORDER BY", /no order/],
    ["DELETE FROM ^a y WHERE y.x = 1", "alias", /by the table/],
    ["DELETE FROM a ^USING c WHERE a.x = c.x", "USING", /SELECT/],
    ["DELETE ^a FROM a", "table before FROM", /DELETE FROM t/],
    ["^CREATE TABLE z (x INT)", "CREATE", /module/],
    ["^TRUNCATE TABLE a", "TRUNCATE", /DELETE FROM/],
    ["^BEGIN", "BEGIN", /reducer/],
    ["SHOW ^TABLES", "SHOW TABLES", /describe/],
  ])("%s", (marked, name, advice) => {
    const at = marked.indexOf("^");
    const sql = marked.replace("^", "");
    const refused = failure(() => statement(sql));
    const line = sql.slice(0, at).split("\n").length;
    const column = at - sql.lastIndexOf("\n", at - 1);
    expect(refused?.detail).toMatchObject({ what: name, at, line, column });
    expect(refused?.detail.advice).toMatch(advice);
    expect(refused?.message).toContain(`(${name} at line ${line}, column ${column}: `);
  });

  test.each<readonly [sql: string, said: string]>([
    ["SELECT * FROM a LIMIT 5", "(LIMIT at line 1, column 17: a subscription has all rows of its condition"],
    ["SELECT * FROM a ORDER BY x", "(ORDER BY at line 1, column 17: rows come in no order"],
    ["DELETE FROM a", "(DELETE at line 1, column 1: a subscription is a SELECT)"],
  ])("in a subscription: %s", (sql, said) => {
    expect(failure(() => compileSubscription(sql, catalog))?.message).toContain(said);
  });

  test.each<readonly [sql: string, said: string]>([
    ["SELECT * FROM a,\n c", "Implicit joins are not supported (line 2, column 2: write a JOIN b ON a.x = b.y)"],
    ["SELECT COUNT(*) FROM a", "must have column aliases (line 1, column 8: write COUNT(*) AS n)"],
    ["SELECT a.* FROM a JOIN c ON a.x = c.x WHERE s = 'a'", "(line 1, column 45: write t.s)"],
  ])("with a place alone: %s", (sql, said) => expect(failure(() => statement(sql))?.message).toContain(said));

  // Whatever word begins a clause, a join or a statement that is refused: the message has it, and where it is.
  test.each(
    [
      ...[...words.selectClauses, ...words.queryClauses, ...words.setOperators].map(
        (word) => `SELECT * FROM a ^${word}`,
      ),
      ...[...words.otherJoins].map((word) => `SELECT a.* FROM a ^${word}`),
      ...[...words.otherStatements].map((word) => `^${word}`),
    ].map((start) => {
      const word = start.slice(start.indexOf("^") + 1);
      const follower = [...(words.keptFor.get(word) ?? ["x"])][0] ?? "";
      const rest =
        word === "WINDOW" ? "w AS (x)" : words.otherJoins.has(word) ? "JOIN c ON a.x = c.x" : `${follower} 1`;
      return [`${start} ${rest}`.replace("( 1", "(1)"), word] as const;
    }),
  )("every refused word: %s", (marked, word) => {
    const at = marked.indexOf("^");
    const refused = failure(() => statement(marked.replace("^", "")));
    expect(refused?.detail).toMatchObject({ at, line: 1, column: at + 1 });
    expect(refused?.message).toContain(`(${word}`);
  });
});

describe("row 25: a word is a name wherever the grammar does not need it", () => {
  /** Keywords as columns and qualifiers: a value always stands for itself. */
  const values = [...words.valueWords].map((word) => word.toLowerCase());
  const constants = ["true", "false", "null"];
  /** Never an alias without AS: what comes behind a table. */
  const kept = [...words.notAnAlias]
    .filter((word) => !words.keptFor.has(word) && !["WINDOW", "QUALIFY"].includes(word))
    .map((word) => word.toLowerCase());
  const names = known.filter((word) => !values.includes(word) && !constants.includes(word));

  test.each(names)("%s", (word) => {
    for (const sql of [
      `SELECT * FROM words WHERE ${word} = 1`,
      `SELECT * FROM words WHERE 1 < ${word} AND ${word} <> 2 OR (3 >= ${word})`,
      `SELECT words.${word} FROM words WHERE words.${word} = words.plain`,
      `SELECT ${word} FROM words`,
      `SELECT ${word}, plain FROM words`,
      `SELECT plain AS ${word} FROM words`,
      `SELECT * FROM ${word}`,
      `SELECT ${word}.* FROM ${word}`,
      `SELECT y.x FROM ${word} AS y WHERE y.x = 1`,
      `SELECT * FROM a AS ${word} WHERE ${word}.x = 1`,
      `UPDATE words SET ${word} = 1 WHERE ${word} = 2`,
      `DELETE FROM ${word} WHERE x = 1`,
      `INSERT INTO ${word} (x) VALUES (1)`,
      ...(kept.includes(word)
        ? []
        : [
            `SELECT ${word}.x FROM a ${word} WHERE ${word}.x = 1`,
            `SELECT x ${word} FROM a`,
            `SELECT * FROM a ${word}`,
          ]),
    ]) {
      expect(
        failure(() => statement(sql)),
        sql,
      ).toBeUndefined();
    }
  });

  test.each(values)("%s is a keyword, and is told how to be a name", (word) => {
    const clue = `${word.toUpperCase()} at line 1, column 27: a column of that name is written "${word}"`;
    expect(failure(() => statement(`SELECT * FROM words WHERE ${word} = 1`))?.message).toContain(clue);
    expect(failure(() => statement(`SELECT ${word} FROM words`))?.message).toContain(`is written "${word}"`);
    const qualified = failure(() => statement(`SELECT * FROM ${word} WHERE ${word}.x = 1`));
    expect(qualified?.code).toBe("SqlSyntax");
    expect(qualified?.message).toContain(`${word} is a keyword; a table of that name is written "${word}".x`);
    expect(failure(() => statement(`SELECT * FROM words WHERE "${word}" = 1 AND words.${word} = 2`))).toBeUndefined();
  });

  test("names in other quotes are told how they are quoted", () => {
    expect(failure(() => statement("SELECT * FROM `a`"))?.message).toContain('names are quoted with "…"');
    expect(failure(() => statement("SELECT * FROM [a]"))?.message).toContain('names are quoted with "…"');
  });
});

describe("row 31: an INSERT's values go to the columns that it names", () => {
  const rows = (sql: string): string[] => {
    const plan = statement(sql);
    return plan.kind === "insert" ? plan.rows.map((row) => toHex(row)) : [];
  };

  test("in any order", () => {
    const expected = ["07000000010000006101"];
    for (const sql of [
      "INSERT INTO a (x, s, b) VALUES (7, 'a', true)",
      "INSERT INTO a (b, s, x) VALUES (true, 'a', 7)",
      "INSERT INTO a (s, x, b) VALUES ('a', 7, true)",
    ]) {
      expect(rows(sql)).toEqual(expected);
    }
  });

  test.each([
    ["INSERT INTO a (x, s, y) VALUES (7, 'a', true)", "no_field", "`a` does not have a field `y`"],
    ["INSERT INTO a (x, s, b, y) VALUES (1, 'a', true, 2)", "no_field", "field `y`"],
    ["INSERT INTO a (x, s, x) VALUES (7, 'a', 8)", "duplicate_name", "Duplicate name `x`"],
    ["INSERT INTO a (x, s, b, x) VALUES (7, 'a', true, 8)", "duplicate_name", "Duplicate name `x`"],
    ["INSERT INTO a (s) VALUES ('a')", "insert_fields", "every column needs a value; missing: x, b)"],
    ["INSERT INTO a VALUES (7, 'a')", "insert_fields", "(x, s, b) VALUES (…): 3 values are expected, and 2 are given)"],
    ["INSERT INTO a VALUES (7, 'a', true, 1)", "insert_fields", "3 values are expected, and 4 are given)"],
    [
      "INSERT INTO a (b, s, x) VALUES (true, 'a', 7), (true, 'a')",
      "insert_values",
      "`a` which has 3 fields (line 1, column 48: a value for each of b, s, x)",
    ],
    ["INSERT INTO a (b, s, x) VALUES (7, 'a', true)", "type_mismatch", "Bool != U32 (inferred)"],
  ])("%s: %s", (sql, category, said) => {
    const refused = failure(() => rows(sql));
    expect(refused?.detail.category).toBe(category);
    expect(refused?.message).toContain(said);
  });
});

describe("a name that is not there is told which there are", () => {
  test.each<readonly [sql: string, said: string]>([
    [
      "SELECT * FROM a WHERE y = 1",
      "`y` is not in scope (line 1, column 23: `a` has x, s, b; a text stands in single quotes, 'y')",
    ],
    ['SELECT * FROM a WHERE s = "it\'s"', "column 27: `a` has x, s, b; a text stands in single quotes, 'it''s')"],
    ["SELECT * FROM a WHERE a.y = 1", "`y` is not in scope (line 1, column 23: `a` has x, s, b)"],
    ["SELECT * FROM a WHERE q.x = 1", "`q` is not in scope (line 1, column 23: the statement is of a)"],
    ["SELECT a.* FROM a JOIN c ON a.x = q.x", "the statement is of a and c)"],
  ])("%s", (sql, said) => {
    expect(failure(() => statement(sql))?.message).toContain(said);
    expect(failure(() => compileSubscription(sql, catalog))?.message).toContain(said);
  });

  test.each<readonly [sql: string, said: string]>([
    ["SELECT y FROM a", "`a` has x, s, b; a text"],
    ["UPDATE a SET y = 1", "field `y` (line 1, column 14: `a` has x, s, b)"],
    ["DELETE FROM a WHERE y = 1", "`a` has x, s, b"],
    ["INSERT INTO a (x, y) VALUES (1, 2)", "field `y` (line 1, column 19: `a` has x, s, b)"],
  ])("%s", (sql, said) => expect(failure(() => statement(sql))?.message).toContain(said));
});

describe("a literal that is of another type is refused with what to write instead", () => {
  const none = /compares no values of this type/;
  const byReducer = /writes no values of this type: call a reducer/;
  test.each<readonly [condition: string, advice: RegExp]>([
    ["f = 'x'", /a number, such as 0\.5/],
    ["at > '2025-02-10'", /'2025-02-10T15:45:30Z'/],
    ["at > 1700000000", /a time with its offset/],
    ["who = 0x01", /64 hexadecimal digits, or :sender/],
    ["conn = 0", /32 hexadecimal digits/],
    ["uid = '123'", /hyphens of a UUID/],
    ["raw = 0xABC", /two hexadecimal digits a byte/],
    ["maybe = 5", none],
    ["maybe = maybe", none],
    ["span = 5", none],
    ["next = '1'", none],
    ["list = 5", none],
    ["small = 128", /from -128 to 127, in decimal/],
    ["wide = -1", /a whole number that a U256 holds/],
    ["flag = 1", /TRUE or FALSE/],
    ["small = true", /from -128 to 127/],
  ])("WHERE %s", (condition, advice) => {
    for (const sql of [`SELECT * FROM kinds WHERE ${condition}`, `DELETE FROM kinds WHERE ${condition}`])
      expect(failure(() => statement(sql))?.detail.advice, sql).toMatch(advice);
  });

  test.each<readonly [assignment: string, advice: RegExp]>([
    ["at = '2025-02-10T15:45:30Z'", byReducer],
    ["at = 1700000000000000", byReducer],
    ["maybe = 5", byReducer],
    ["maybe = 'x'", byReducer],
    ["span = 5", byReducer],
    ["next = true", byReducer],
    ["list = 0xABC", byReducer],
    ["who = '0x01'", /0x and 64 hexadecimal digits$/],
    ["uid = '01890a5d-ac96-774b-bcce-b302099a8057'", /0x and 32 hexadecimal digits$/],
    ["conn = 1", /32 hexadecimal digits/],
    ["raw = 'ab'", /two hexadecimal digits/],
    ["small = '1'", /from -128 to 127/],
    ["flag = 'true'", /TRUE or FALSE/],
    ["name = true", /'…'/],
  ])("UPDATE kinds SET %s", (assignment, advice) => {
    expect(failure(() => statement(`UPDATE kinds SET ${assignment}`))?.detail.advice).toMatch(advice);
  });

  test("what each form says to write is taken", () => {
    const digits = (count: number): string => `0x${"ab".repeat(count / 2)}`;
    const identity = digits(64);
    for (const condition of [
      "f = 0.5",
      "at > '2025-02-10T15:45:30Z'",
      `who = ${identity} OR who = :sender`,
      `conn = ${digits(32)}`,
      `uid = ${digits(32)} OR uid = '01890a5d-ac96-774b-bcce-b302099a8057'`,
      "raw = 0xABCD",
      "small = -128 AND wide = 5 AND flag = TRUE AND name = 'it''s'",
    ])
      expect(
        failure(() => statement(`SELECT * FROM kinds WHERE ${condition}`)),
        condition,
      ).toBeUndefined();
    for (const assignment of [`who = ${identity}`, `uid = ${digits(32)}`, `conn = ${digits(32)}`, "raw = 0xAB"])
      expect(
        failure(() => statement(`UPDATE kinds SET ${assignment}`)),
        assignment,
      ).toBeUndefined();
  });
});
