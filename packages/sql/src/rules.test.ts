// Goal: rules become conditions of a query, as few and as plain as can be; the owner's queries stay what they were.
// Method: rules over small tables; plans as their keys, and what they read.
import { isLightconeError } from "@lightcone/base";
import { describe, expect, test } from "vitest";
import { compileStatement, compileSubscription, ruleTermsMax, type SelectPlan } from "./index.ts";
import { catalogOf, type VectorTable } from "./testing/vector-catalog.ts";

const columns = [
  ["id", "U64"],
  ["owner", "Identity"],
] as const;
const table = (name: string, ...rls: readonly string[]): VectorTable => ({
  name,
  access: "public",
  columns,
  indexes: [["id"], ["owner"]],
  rls,
});

function plan(sql: string, tables: readonly VectorTable[], caller: "owner" | "client" = "client"): SelectPlan {
  const [only] = compileSubscription(sql, catalogOf(tables, [], caller));
  if (only === undefined) throw new Error("no plan");
  return only;
}

describe("row-level rules in a plan", () => {
  const own = "SELECT * FROM a WHERE owner = :sender";
  const joined = "SELECT a.* FROM a JOIN b ON a.id = b.id WHERE b.owner = :sender";

  test("a rule of its table alone is one of the query's conditions", () => {
    const ruled = plan("SELECT * FROM a WHERE id = 5", [table("a", own)]);
    expect(ruled.key).toBe(plan("SELECT * FROM a WHERE owner = :sender AND id = 6", [table("a")]).key);
    expect([ruled.isRuled, ruled.rules]).toEqual([true, [undefined]]);
  });

  test("rules of their table alone are one disjunction; one that shows all rows leaves none to hide", () => {
    const either = [own, "SELECT * FROM a WHERE id = 1"];
    const same = "SELECT * FROM a WHERE id = 2 OR owner = :sender";
    expect(plan("SELECT * FROM a", [table("a", ...either)]).key).toBe(plan(same, [table("a")]).key);
    const all = plan("SELECT * FROM a", [table("a", joined, "SELECT * FROM a"), table("b")]);
    expect([all.key, all.isRuled]).toEqual([plan("SELECT * FROM a", [table("a")]).key, false]);
  });

  test("no rule that can hold, no rows", () => {
    const none = plan("SELECT * FROM a", [table("a", "SELECT * FROM a WHERE false")]);
    expect(none.key).toBe(plan("SELECT * FROM a WHERE false", [table("a")]).key);
  });

  test("the owner's template is another one than everybody else's", () => {
    const tables = [table("a", joined), table("b")];
    expect(plan("SELECT * FROM a", tables).key).not.toBe(plan("SELECT * FROM a", tables, "owner").key);
    expect(plan("SELECT * FROM a", tables, "owner").isRuled).toBe(false);
  });

  test("each table of a query is under its own rules, those that a rule reads too, and a rule's own table is not", () => {
    const tables = [
      table("a", joined),
      table("b", "SELECT b.* FROM b JOIN c ON b.id = c.id", "SELECT x.* FROM b x JOIN b y ON x.owner = y.owner"),
      table("c", "SELECT * FROM c WHERE owner = :sender"),
    ];
    const { rules } = plan("SELECT x.* FROM a x JOIN a y ON x.id = y.id", tables);
    expect(rules.map((each) => each?.length)).toEqual([1, 1]);
    const [ofA] = rules[0] ?? [];
    expect(
      ofA?.rules.map((each) => each?.map(({ sources }) => sources.map((source) => source.table.def.name))),
    ).toEqual([
      undefined,
      [
        ["b", "c"],
        ["b", "b"],
      ],
    ]);
    const { params } = plan("SELECT * FROM a", tables);
    expect(params.every(({ from }) => from.kind === "sender")).toBe(true);
  });

  test("limit ruleTermsMax: rules that read other tables, those of rules included", () => {
    const read = (count: number): VectorTable[] => [
      table(
        "a",
        ...Array.from({ length: count }, (_, i) => `SELECT a.* FROM a JOIN b ON a.id = b.id WHERE b.id = ${i}`),
      ),
      table("b"),
    ];
    const sender = { identity: new Uint8Array(32), mayWrite: false };
    const compile = (count: number): unknown =>
      compileStatement("SELECT * FROM a", catalogOf(read(count), [], "client"), sender);
    expect(compile(ruleTermsMax)).toMatchObject({ kind: "select" });
    try {
      compile(ruleTermsMax + 1);
      expect.unreachable();
    } catch (error) {
      expect(isLightconeError(error, "LimitExceeded") && error.detail).toEqual({
        limit: "ruleTermsMax",
        value: ruleTermsMax + 1,
        max: ruleTermsMax,
      });
    }
  });
});
