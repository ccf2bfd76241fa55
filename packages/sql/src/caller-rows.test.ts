// Goal: of a view whose rows are each caller's own, a statement means the caller's rows, and nobody can name whose they are.
// Method: statements over a table with such a column, their plans' parameters, columns and refusals.
import { asTableId } from "@lightcone/base";
import { identity, toHex, t } from "@lightcone/sats";
import type { TableDef, TableSchema } from "@lightcone/schema";
import { describe, expect, test } from "vitest";
import { bindParams, compileStatement, compileSubscription, type Catalog, type SelectPlan } from "./index.ts";
import { catalogOf } from "./testing/vector-catalog.ts";

const tables = catalogOf(
  [
    {
      name: "mine",
      access: "public",
      columns: [
        ["id", "U64"],
        ["text", "String"],
      ],
    },
    { name: "team", access: "public", columns: [["id", "U64"]], indexes: [["id"]] },
  ],
  [],
  "owner",
);
const plain = tables.table("mine")?.def as TableDef; // it is there
const whose = { name: "whose", accessor: "whose", type: identity, defaultValue: undefined };
const mine: TableSchema = {
  id: asTableId(5000),
  def: { ...plain, columns: [...plain.columns, whose], callerColumn: 2 },
  indexIds: [],
};
const catalog: Catalog = {
  table: (name) => (name === "mine" ? undefined : tables.table(name)),
  view: (name) => (name === "mine" ? mine : undefined),
  readable: () => [mine],
};
const caller = new Uint8Array(32).fill(7);
const planned = (sql: string): SelectPlan => {
  const plan = compileStatement(sql, catalog, { identity: caller, mayWrite: true });
  return plan.kind === "select" ? plan : expect.fail("no SELECT");
};

describe("row 9: rows of views are each caller's own", () => {
  test.each([
    ["SELECT * FROM mine", ["id", "text"]],
    ["SELECT text FROM mine WHERE id = 3", ["text"]],
    ["SELECT COUNT(*) AS n FROM mine", ["n"]],
    ["SELECT mine.* FROM mine JOIN team ON mine.id = team.id", ["id", "text"]],
    ["SELECT team.* FROM team JOIN mine ON mine.id = team.id WHERE mine.text = 'a' OR team.id = 1", ["id"]],
  ])("%s", (sql, columns) => {
    const plan = planned(sql);
    expect(plan.columns.elements.map(({ name }) => name)).toEqual(columns);
    expect(bindParams(plan, caller).map((value) => toHex(value))).toContain(toHex(caller));
    const source = plan.sources.findIndex(({ table }) => table === mine);
    expect(
      JSON.stringify(plan.filters[source], (_, value: unknown) => (typeof value === "bigint" ? "" : value)),
    ).toMatch(/"op":"=","left":\{"kind":"column","source":\d,"column":2\}/);
  });

  test("callers share a template, and `SELECT * FROM *` has the condition as well", () => {
    expect(planned("SELECT * FROM mine").key).toBe(compileSubscription("SELECT * FROM *", catalog)[0]?.key);
  });

  test.each(["SELECT whose FROM mine", "SELECT * FROM mine WHERE whose = :sender", `SELECT "whose" FROM mine`])(
    "refused: %s",
    (sql) => expect(() => planned(sql)).toThrow("`whose` is not in scope"),
  );

  test("the type of a column that is not there is not guessed", () => {
    expect(planned("SELECT * FROM team").params).toEqual([]);
    expect(t.u64).toEqual(plain.columns[0]?.type);
  });
});
