// Goal: statements that differ in constants, spelling or order of terms are one template; others are not.
// Method: scripts of statements that must agree, plans as text, and the values of their parameters.
import { toHex } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { bindParams, compileStatement, compileSubscription, describePlan, type SelectPlan } from "./index.ts";
import { catalogOf } from "./testing/vector-catalog.ts";

const catalog = catalogOf(
  [
    {
      name: "user",
      access: "public",
      columns: [
        ["id", "U64"],
        ["team", "U32"],
        ["name", "String"],
        ["who", "Identity"],
        ["on", "Bool"],
      ],
      indexes: [["id"], ["team"]],
    },
    {
      name: "team",
      access: "public",
      columns: [
        ["id", "U32"],
        ["title", "String"],
      ],
      indexes: [["id"]],
    },
  ],
  [],
  "owner",
);
const plan = (sql: string): SelectPlan => {
  const only = compileSubscription(sql, catalog)[0];
  if (only === undefined) throw new Error("no plan");
  return only;
};

test("10,000 values of one statement are one template", () => {
  const keys = new Set(Array.from({ length: 10_000 }, (_, i) => plan(`SELECT * FROM user WHERE id = ${i}`).key));
  expect(keys.size).toBe(1);
});

test.each([
  [`SELECT * FROM user WHERE id = 1 AND name = 'a'`, `SELECT * FROM user u WHERE ('b' = u.name) AND (u.id = 2)`],
  [`SELECT * FROM user WHERE "on"`, `SELECT * FROM user WHERE "on" = false`],
  [`SELECT * FROM user WHERE "on" <> true`, `SELECT * FROM user WHERE ("on" = true) = false`],
  [`SELECT * FROM user WHERE 3 < team`, `SELECT * FROM user WHERE team > 9 AND true`],
  [`SELECT * FROM user`, `SELECT user.* FROM user WHERE true OR id = 3`],
  [`SELECT * FROM user WHERE who = :sender`, `SELECT * FROM user WHERE who = 0x${"00".repeat(31)}01`],
  [`SELECT u.* FROM user u JOIN team t ON u.team = t.id`, `SELECT u.* FROM team t JOIN user u ON t.id = u.team`],
  [`SELECT * FROM user WHERE (id = 1 OR id = 2) OR id = 3`, `SELECT * FROM user WHERE id = 1 OR (id = 2 OR id = 3)`],
])("%s ≡ %s", (a, b) => expect(plan(a).key).toBe(plan(b).key));

test.each([
  [`SELECT * FROM user WHERE id = 1`, `SELECT * FROM user WHERE id > 1`],
  [`SELECT * FROM user WHERE id = 1`, `SELECT * FROM user WHERE team = 1`],
  [`SELECT u.* FROM user u JOIN team t ON u.team = t.id`, `SELECT t.* FROM user u JOIN team t ON u.team = t.id`],
  [`SELECT * FROM user WHERE id = 1 AND "on"`, `SELECT * FROM user WHERE id = 1 OR "on"`],
])("%s ≢ %s", (a, b) => expect(plan(a).key).not.toBe(plan(b).key));

describe("plans", () => {
  test("a condition that never holds leaves the join in place", () => {
    expect(describePlan(plan(`SELECT u.* FROM user u JOIN team t ON u.team = t.id WHERE u."on" > true`))).toBe(
      `select u.*\n  from user as u where false\n  from team as t\n  join u.team = t.id`,
    );
  });

  test("a semijoin: filters at their source, the join apart, parameters in order", () => {
    expect(
      describePlan(
        plan(
          `SELECT t.* FROM user u JOIN team t ON u.team = t.id WHERE t.title = 'x' AND u.who = :sender AND (u.id = 1 OR t.id = 2)`,
        ),
      ),
    ).toBe(`select t.*
  from team as t where t.title = ?0
  from user as u where u.who = ?1
  join t.id = u.team
  having (t.id = ?2 or u.id = ?3)
  ?0: String
  ?1: (__identity__: U256) = :sender
  ?2: U32
  ?3: U64`);
  });

  test("parameters are BSATN of the column's type, the sender's among them", () => {
    const { key: _, ...rest } = plan(`SELECT * FROM user WHERE who = :sender AND name = 'hé' AND id = 258`);
    const sender = new Uint8Array(32).fill(7);
    expect(bindParams({ key: "", ...rest }, sender).map((bytes) => toHex(bytes))).toEqual([
      "0201000000000000",
      "0300000068c3a9",
      "07".repeat(32),
    ]);
  });

  test.each([
    [`INSERT INTO team (id, title) VALUES (7, 'ab'), (8, '')`, "insert 2 into team"],
    [
      `UPDATE team SET title = 'x' WHERE id = 1`,
      "update title of\nselect team.*\n  from team where team.id = ?0\n  ?0: U32",
    ],
    [`DELETE FROM team`, "delete\nselect team.*\n  from team"],
    [`SELECT COUNT(*) AS n FROM team LIMIT 3`, "select count limit 3\n  from team"],
    [
      `SELECT u.id, t.title AS x FROM user u CROSS JOIN team t`,
      "select u.id, t.title\n  from user as u\n  from team as t",
    ],
    [`SET row_limit = 5`, "set row_limit to 5"],
  ])("%s", (sql, text) => {
    expect(describePlan(compileStatement(sql, catalog, { identity: new Uint8Array(32), mayWrite: true }))).toBe(text);
  });
});
