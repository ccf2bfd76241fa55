// Goal: no text makes the compiler throw anything but a LightconeError, or run out of stack or time.
// Method: random text, random token soups and mutated vectors through both dialects; deep and long texts.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import { LightconeError } from "@lightcone/base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileStatement, compileSubscription, describePlan } from "./index.ts";
import { catalogOf } from "./testing/vector-catalog.ts";

const cases = caseCount(2000);

const catalog = catalogOf(
  [
    {
      name: "a",
      access: "public",
      columns: [
        ["x", "U32"],
        ["s", "String"],
        ["b", "Bool"],
        ["i", "Identity"],
        ["f", "F64"],
      ],
      indexes: [["x"]],
    },
    {
      name: "b",
      access: "public",
      columns: [
        ["x", "U32"],
        ["y", "U64"],
        ["o", "Option<U32>"],
      ],
    },
  ],
  [],
  "owner",
);
const caller = { identity: new Uint8Array(32), mayWrite: true };

/** Compiles in both dialects; the code of what was thrown, if anything was. */
function compile(sql: string): string {
  let code = "ok";
  for (const run of [
    () => compileSubscription(sql, catalog).map(describePlan),
    () => describePlan(compileStatement(sql, catalog, caller)),
  ]) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof LightconeError)) throw error;
      code = error.code;
    }
  }
  return code;
}

const codes = ["ok", "SqlSyntax", "SqlRefused"];

const words =
  `SELECT FROM WHERE AND OR NOT JOIN ON AS LIMIT ALL INSERT INTO VALUES UPDATE SET DELETE SHOW COUNT IN BETWEEN
  LIKE IS NULL CASE END UNION ORDER BY GROUP CAST EXISTS INTERVAL WITH CROSS LEFT USING a b x y s f i o a.x b.y a.* * ( ) ,
  ; . = <> != < <= > >= + - / || :: 1 2.5 1e3 .5 0xFF X'0a' 'text' "x" :sender :other $1 $$q$$ E'x' true false row_limit
  user -- /* */ ' " 0x`.split(/\s+/);

test("random text", () => {
  assertProperty(
    fc.property(fc.string({ maxLength: 60, unit: "binary" }), (sql) => {
      expect(codes).toContain(compile(sql));
    }),
    cases,
  );
});

test("random tokens", () => {
  const soup = fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((list) => list.join(" "));
  assertProperty(
    fc.property(soup, (sql) => {
      expect(codes).toContain(compile(sql));
    }),
    cases,
  );
});

test("random conditions", () => {
  const atom = fc.constantFrom(
    "a.x",
    "x",
    "s",
    "b",
    "1",
    "'1'",
    "true",
    "false",
    ":sender",
    "i",
    "f",
    "0x10",
    "-1",
    "(b)",
  );
  const { expr } = fc.letrec<{ expr: string }>((tie) => ({
    expr: fc.oneof(
      { depthSize: "medium" },
      atom,
      fc
        .tuple(tie("expr"), fc.constantFrom("AND", "OR", "=", "<>", "<", ">=", "+"), tie("expr"))
        .map(([left, op, right]) => `(${left} ${op} ${right})`),
    ),
  }));
  assertProperty(
    fc.property(expr, (where) => {
      expect(codes).toContain(compile(`SELECT * FROM a WHERE ${where}`));
    }),
    cases,
  );
});

test.each([
  { what: "parentheses", sql: `SELECT * FROM a WHERE ${"(".repeat(20_000)}b${")".repeat(20_000)}`, code: "SqlRefused" },
  { what: "open parentheses", sql: `SELECT * FROM a WHERE ${"(".repeat(49_000)}`, code: "SqlRefused" },
  { what: "NOT", sql: `SELECT * FROM a WHERE ${"NOT ".repeat(12_000)}b`, code: "SqlRefused" },
  { what: "signs", sql: `SELECT * FROM a WHERE x = ${"- ".repeat(20_000)}b`, code: "SqlRefused" },
  { what: "a chain of 1,599 operators", sql: `SELECT * FROM a WHERE b${" AND b".repeat(1_599)}`, code: "ok" },
  { what: "a chain of 1,600 operators", sql: `SELECT * FROM a WHERE b${" OR b".repeat(1_600)}`, code: "SqlRefused" },
  { what: "a chain of comparisons", sql: `SELECT * FROM a WHERE b${" = b".repeat(1_500)}`, code: "ok" },
  {
    what: "150 levels of both",
    sql: `SELECT * FROM a WHERE ${"(b AND (b OR ".repeat(75)}b${"))".repeat(75)}`,
    code: "ok",
  },
  { what: "names", sql: `SELECT ${"a.".repeat(24_000)}x FROM a`, code: "SqlRefused" },
  { what: "an exponent", sql: "SELECT * FROM a WHERE x = 1e999999999999", code: "SqlRefused" },
  { what: "digits", sql: `SELECT * FROM a WHERE x = ${"9".repeat(49_000)}`, code: "SqlRefused" },
  { what: "comments", sql: "/*".repeat(24_000), code: "SqlSyntax" },
  { what: "sub-selects", sql: `SELECT * FROM ${"(SELECT * FROM ".repeat(3_000)}`, code: "SqlSyntax" },
  { what: "joins", sql: `SELECT a.* FROM a${" JOIN a".repeat(5_000)}`, code: "SqlRefused" },
])("deep or long: $what", ({ sql, code }) => {
  expect(compile(sql)).toBe(code);
});
