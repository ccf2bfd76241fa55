// Goal: SELECT with joins, projection, COUNT and LIMIT, and the writing statements, do what docs/sql.md says.
// Method: statements run against a small store; rows decoded and compared as sorted lists.
import { isLightconeError } from "@lightcone/base";
import { ByteReader, t, valueCodec } from "@lightcone/sats";
import { compileStatement, type Plan } from "@lightcone/sql";
import { beforeEach, describe, expect, test } from "vitest";
import { execute, variableValue, writes, type Stats } from "../index.ts";
import { Fixture } from "../testing/fixture.ts";

const caller = { identity: new Uint8Array(32), mayWrite: true };
let fixture: Fixture;

beforeEach(() => {
  fixture = new Fixture(
    {
      name: "user",
      columns: { id: t.u64, team: t.u32, name: t.string },
      indexes: [{ columns: [0], unique: true }, { columns: [1] }],
    },
    { name: "team", columns: { id: t.u32, title: t.string, lead: t.u64 } },
    { name: "log", columns: { at: t.i64, who: t.u64 }, indexes: [{ columns: [0, 1] }] },
  );
  run(`INSERT INTO team (id, title, lead) VALUES (1, 'red', 10), (2, 'blue', 12), (3, 'none', 99)`);
  run(`INSERT INTO user (id, team, name) VALUES (10, 1, 'ann'), (11, 1, 'bob'), (12, 2, 'cy'), (13, 9, 'dee')`);
  run(`INSERT INTO log (at, who) VALUES (-5, 10), (0, 10), (7, 12), (7, 13)`);
});

function compile(sql: string): Plan {
  return compileStatement(sql, fixture.catalog, caller);
}

/** Runs a statement as its own transaction. */
function run(sql: string): { readonly rows: readonly unknown[]; readonly stats: Stats } {
  const plan = compile(sql);
  const rows: unknown[] = [];
  const codec = plan.kind === "select" || plan.kind === "show" ? valueCodec(plan.columns) : undefined;
  if (writes(plan)) fixture.store.begin();
  try {
    const stats = execute(fixture.store, plan, caller.identity, (bytes, at, length) => {
      const row = codec?.read(new ByteReader(bytes.slice(at, at + length)));
      rows.push(Object.values(row as object).map((value) => (typeof value === "bigint" ? Number(value) : value)));
    });
    if (writes(plan)) fixture.commit();
    return { rows: rows.toSorted((a, b) => (String(a) < String(b) ? -1 : 1)), stats };
  } catch (error) {
    if (writes(plan)) fixture.store.rollback();
    throw error;
  }
}

describe("SELECT", () => {
  test.each([
    [
      "SELECT * FROM team WHERE id < 3",
      [
        [1, "red", 10],
        [2, "blue", 12],
      ],
    ],
    ["SELECT name FROM user WHERE team = 1", [["ann"], ["bob"]]],
    ["SELECT name, id FROM user WHERE id = 12", [["cy", 12]]],
    ["SELECT id FROM user WHERE id > 10 AND id <= 12", [[11], [12]]],
    ["SELECT who FROM log WHERE at = 7 AND who > 12", [[13]]],
    ["SELECT who FROM log WHERE at < 0", [[10]]],
    ["SELECT id FROM user WHERE team = 1 OR name = 'dee'", [[10], [11], [13]]],
    ["SELECT COUNT(*) AS n FROM user", [[4]]],
    ["SELECT COUNT(*) AS n FROM user WHERE team = 1", [[2]]],
    ["SELECT COUNT(*) AS n FROM user WHERE team = 77", [[0]]],
    ["SELECT COUNT(*) AS n FROM user u CROSS JOIN team t", [[12]]],
    ["SELECT COUNT(*) AS n FROM user LIMIT 0", []],
    [
      "SELECT u.name, t.title FROM user u JOIN team t ON u.team = t.id",
      [
        ["ann", "red"],
        ["bob", "red"],
        ["cy", "blue"],
      ],
    ],
    ["SELECT t.* FROM user u JOIN team t ON u.team = t.id WHERE u.id = 11", [[1, "red", 10]]],
    [
      "SELECT u.name, l.name AS leader FROM user u JOIN team t ON u.team = t.id JOIN user l ON t.lead = l.id",
      [
        ["ann", "ann"],
        ["bob", "ann"],
        ["cy", "cy"],
      ],
    ],
    [
      "SELECT u.name FROM user u JOIN team t JOIN log g WHERE u.team = t.id AND g.who = u.id AND g.at >= 0",
      [["ann"], ["cy"]],
    ],
    ["SELECT u.id FROM user u JOIN team t ON u.team = t.id WHERE u.name > t.title OR t.lead = u.id", [[10], [12]]],
    ["SELECT a.id, b.id AS other FROM user a JOIN user b ON a.team = b.team WHERE a.id < b.id", [[10, 11]]],
    ["SELECT u.id FROM user u JOIN user v ON u.id = u.id WHERE u.id = 10 AND v.id = 11", [[10]]],
    ["SELECT id FROM user WHERE id = 10 AND id = 11", []],
    ["SELECT id FROM user WHERE false", []],
    ["SELECT id FROM user WHERE (team = 1) = (name = 'ann')", [[10], [12], [13]]],
  ])("%s", (sql, rows) => expect(run(sql).rows).toEqual(rows));

  test("LIMIT takes that many rows of any", () => expect(run("SELECT * FROM user LIMIT 3").rows.length).toBe(3));
});

describe("writes", () => {
  test("INSERT ignores a row that is there, and counts the others", () => {
    expect(run(`INSERT INTO team (id, title, lead) VALUES (1, 'red', 10), (4, 'x', 1)`).stats.rowsInserted).toBe(1);
  });

  test("a unique violation aborts the statement", () => {
    let error: unknown;
    try {
      run(`INSERT INTO user (id, team, name) VALUES (50, 1, 'new'), (10, 1, 'other')`);
    } catch (thrown) {
      error = thrown;
    }
    expect(isLightconeError(error, "SqlRefused") && error.detail.category).toBe("not_unique");
    expect(run("SELECT id FROM user WHERE id = 50").rows).toEqual([]);
  });

  test("UPDATE counts matched rows; rows that become identical merge", () => {
    expect(run(`UPDATE user SET team = 7 WHERE team = 1`).stats.rowsUpdated).toBe(2);
    expect(run(`SELECT id FROM user WHERE team = 7`).rows).toEqual([[10], [11]]);
    expect(run(`UPDATE log SET at = 1, who = 1`).stats.rowsUpdated).toBe(4);
    expect(run(`SELECT * FROM log`).rows).toEqual([[1, 1]]);
  });

  test("UPDATE keeps the columns it does not name, whatever their length", () => {
    run(`UPDATE team SET title = 'a longer title than before' WHERE id = 2`);
    expect(run(`SELECT * FROM team WHERE id = 2`).rows).toEqual([[2, "a longer title than before", 12]]);
  });

  test("DELETE", () => {
    expect(run(`DELETE FROM user WHERE id > 10`).stats.rowsDeleted).toBe(3);
    expect(run(`SELECT COUNT(*) AS n FROM user`).rows).toEqual([[1]]);
  });

  test("SET and SHOW", () => {
    expect(run("SHOW row_limit").rows).toEqual([]);
    run("SET row_limit = 10");
    expect(run("SHOW row_limit").rows).toEqual([[{ tag: "U64", value: 10n }]]);
    expect(variableValue(fixture.store, "row_limit")).toBe(10n);
    expect(run("SET row_limit = 10").stats).toMatchObject({ rowsInserted: 0, rowsUpdated: 0 });
    expect(run("SET row_limit = 11").stats).toMatchObject({ rowsInserted: 0, rowsUpdated: 1 });
    expect(variableValue(fixture.store, "row_limit")).toBe(11n);
    run("DELETE FROM st_var WHERE name = 'row_limit'");
    expect(variableValue(fixture.store, "row_limit")).toBe(undefined);
  });
});
