// Goal: row 13: every change that breaks a client of the version before is told by its name, and no other; and whether
// a client that stays connected would be misunderstood.
// Method: what clients know (parameters, results, functions, columns, tables, types inside them) × what can become of it
// (same, added, removed, reordered, renamed, retyped, private): two descriptions each, and the list between them.
import { array, option, product, ref, t, type AlgebraicType, type Member } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { checkModule } from "./check-module.ts";
import { clientBreaks } from "./client-breaks.ts";
import type { RawHttpRoute, RawModuleDefV10 } from "./raw-module-def.ts";
import { emptyRawV10 } from "./raw-v10.ts";
import { btree, param, reducer, table } from "./testing/module-parts.ts";

/** What is told, `!` before what disconnects. */
const told = (from: RawModuleDefV10, to: RawModuleDefV10): string[] =>
  clientBreaks(checkModule(from), checkModule(to)).map(
    ({ subject, change, misleads }) => `${misleads ? "!" : ""}${subject}: ${change}`,
  );

const named = (name: string, at: number) => ({ scope: [], name, ref: at, customOrdering: true });
const withReducer = (params: readonly Member[]): RawModuleDefV10 => ({
  ...emptyRawV10,
  reducers: [reducer("pay", params)],
});
const withProcedure = (params: readonly Member[], returns: AlgebraicType = t.u8): RawModuleDefV10 => ({
  ...emptyRawV10,
  procedures: [{ name: "pay", params, returns, visibility: "client" }],
});
const withTable = (columns: Readonly<Record<string, AlgebraicType>>, rest: Parameters<typeof table>[2] = {}) => ({
  ...emptyRawV10,
  typespace: [product(columns)],
  types: [named("Boat", 0)],
  tables: [table("boat", 0, rest)],
});

const route = (path: string, method: RawHttpRoute["method"]): RawHttpRoute => ({ handler: "serve", method, path });
const any = (path: string) => route(path, { kind: "any" });
const get = (path: string) => route(path, { kind: "standard", name: "Get" });
const post = (path: string) => route(path, { kind: "standard", name: "Post" });
const withRoutes = (...httpRoutes: readonly RawHttpRoute[]): RawModuleDefV10 => ({
  ...emptyRawV10,
  httpHandlers: ["serve"],
  httpRoutes,
});
const from = param("from", t.u32);
const to = param("to", t.u32);
const amount = param("amount", t.u64);

const members: readonly (readonly [
  what: string,
  was: readonly Member[],
  is: readonly Member[],
  told: readonly string[],
])[] = [
  ["same", [from, to, amount], [from, to, amount], []],
  ["added behind", [from, to], [from, to, amount], ["amount: U64 added"]],
  ["added before", [from, to], [amount, from, to], ["amount: U64 added"]],
  ["an option added", [from], [from, param("note", option(t.string))], ["note: Option<String> added"]],
  ["removed", [from, to, amount], [from, amount], ["to removed"]],
  ["all removed", [from], [], ["from removed"]],
  ["reordered, of one type", [from, to], [to, from], ["s reordered: to, from, not from, to"]],
  ["reordered, of two types", [from, amount], [amount, from], ["s reordered: amount, from, not from, amount"]],
  ["renamed", [from, to], [from, param("target", t.u32)], ["to renamed to target"]],
  ["retyped", [from, amount], [from, param("amount", t.i64)], ["amount is I64, not U64"]],
  ["renamed and retyped", [from], [param("source", t.string)], ["from removed", "source: String added"]],
  [
    "renamed and reordered",
    [from, to, amount],
    [to, from, param("sum", t.u64)],
    ["amount renamed to sum", "s reordered: to, from, sum, not from, to, amount"],
  ],
];
const told13 = (word: string, changes: readonly string[]): string[] =>
  changes.map((change) => (change.startsWith("s ") ? `${word}${change}` : `${word} ${change}`));

describe("row 13: parameters", () => {
  test.each(members)("of a reducer: %s", (_, was, is, changes) => {
    const expected = told13("parameter", changes).map((change) => `!reducer pay: ${change}`);
    expect(told(withReducer(was), withReducer(is))).toEqual(expected);
  });

  test.each(members)("of a procedure: %s", (_, was, is, changes) => {
    const expected = told13("parameter", changes).map((change) => `!procedure pay: ${change}`);
    expect(told(withProcedure(was), withProcedure(is))).toEqual(expected);
  });
});

describe("row 13: columns of a table", () => {
  const columns = (of: readonly Member[]) => Object.fromEntries(of.map(({ name, type }) => [name ?? "", type]));
  test.each(members.filter(([what]) => what !== "all removed"))("%s", (_, was, is, changes) => {
    const expected = told13("column", changes).map((change) => `!table boat: ${change}`);
    expect(told(withTable(columns(was)), withTable(columns(is)))).toEqual(expected);
    // Nobody but the owner knew it.
    expect(told(withTable(columns(was), { access: "private" }), withTable(columns(is), { access: "private" }))).toEqual(
      [],
    );
  });
});

describe("row 13: types within", () => {
  const enumOf = (...names: readonly string[]): AlgebraicType => ({
    kind: "Sum",
    variants: names.map((name) => param(name, product({}))),
  });
  const carrying = (type: AlgebraicType): AlgebraicType => ({
    kind: "Sum",
    variants: [param("a", type), param("b", t.u8)],
  });
  test.each<readonly [what: string, was: AlgebraicType, is: AlgebraicType]>([
    ["a variant removed", enumOf("a", "b"), enumOf("a")],
    ["variants reordered", enumOf("a", "b"), enumOf("b", "a")],
    ["a variant renamed", enumOf("a", "b"), enumOf("a", "x")],
    ["a variant retyped", carrying(t.u8), carrying(t.u16)],
    ["a field added", product({ x: t.f32 }), product({ x: t.f32, y: t.f32 })],
    ["a field removed", product({ x: t.f32, y: t.f32 }), product({ x: t.f32 })],
    ["fields reordered", product({ x: t.f32, y: t.f32 }), product({ y: t.f32, x: t.f32 })],
    ["a field renamed", product({ x: t.f32 }), product({ z: t.f32 })],
    ["a field retyped", product({ x: t.f32 }), product({ x: t.f64 })],
    ["an option of it", t.u8, option(t.u8)],
    ["an array of it", t.u8, array(t.u8)],
  ])("%s: parameter, result and column", (_, was, is) => {
    forEachWrap(was, is, (from, to, back) => {
      expect(told(from, to)).toEqual([
        expect.stringMatching(/^!reducer pay: parameter it is .*, not /),
        expect.stringMatching(/^!procedure ask: returns .*, not /),
        expect.stringMatching(/^!table boat: column it is .*, not /),
      ]);
      expect(told(from, back)).toEqual([]);
    });
  });

  test("a variant added: what clients send means the same, and they stay; what they get may be new to them", () => {
    forEachWrap(enumOf("a", "b"), enumOf("a", "b", "c"), (from, to) => {
      expect(told(from, to)).toEqual([
        expect.stringMatching(/^procedure ask: returns .*, not /),
        expect.stringMatching(/^table boat: column it is .*, not /),
      ]);
    });
  });

  /** Versions of one module with two types in all places, by themselves, in options and in arrays. */
  function forEachWrap(
    was: AlgebraicType,
    is: AlgebraicType,
    check: (from: RawModuleDefV10, to: RawModuleDefV10, again: RawModuleDefV10) => void,
  ): void {
    for (const wrap of [(type: AlgebraicType) => type, option, array]) {
      const version = (type: AlgebraicType): RawModuleDefV10 => {
        const isNamed = type.kind === "Product" || (type.kind === "Sum" && type.variants[0]?.name !== "some");
        const used = wrap(isNamed ? ref(1) : type);
        return {
          ...emptyRawV10,
          typespace: [product({ it: used }), type],
          types: ["Boat", ...(isNamed ? ["Inner"] : [])].map((name, at) => named(name, at)),
          tables: [table("boat", 0)],
          reducers: [reducer("pay", [param("it", used)])],
          procedures: [{ name: "ask", params: [], returns: used, visibility: "client" }],
        };
      };
      check(version(was), version(is), version(was));
    }
  }
});

describe("row 13: functions, tables and the rest", () => {
  const both = (...names: readonly string[]): RawModuleDefV10 => ({
    ...emptyRawV10,
    reducers: names.map((name) => reducer(name)),
  });
  const boat = { id: t.u64, dock: t.u32 };
  const byDock = { indexes: [btree("boat_dock_idx_btree", 1)] };
  const keyed = {
    primaryKey: [0],
    indexes: [btree("boat_id_idx_btree", 0)],
    constraints: [{ name: undefined, columns: [0] }],
  };
  const view = (name: string, isPublic = true): RawModuleDefV10 => ({
    ...withTable(boat),
    views: [
      {
        name,
        index: 0,
        isPublic,
        isAnonymous: true,
        params: [],
        returns: { kind: "Array", element: { kind: "Ref", index: 0 } },
      },
    ],
  });
  const hidden = (def: RawModuleDefV10): RawModuleDefV10 => ({
    ...def,
    reducers: def.reducers.map((each) => ({ ...each, visibility: "private" })),
    procedures: def.procedures.map((each) => ({ ...each, visibility: "private" })),
  });

  test.each<readonly [what: string, was: RawModuleDefV10, is: RawModuleDefV10, told: readonly string[]]>([
    ["same", both("a", "b"), both("a", "b"), []],
    ["a reducer added", both("a"), both("a", "b"), []],
    ["a reducer removed", both("a", "b"), both("a"), ["reducer b: removed"]],
    ["reducers reordered", both("a", "b"), both("b", "a"), []],
    ["a reducer renamed", both("a", "b"), both("a", "c"), ["reducer b: removed"]],
    ["a reducer private", both("a"), hidden(both("a")), ["reducer a: no longer for clients to call"]],
    ["a private reducer removed", hidden(both("a")), emptyRawV10, []],
    ["a private reducer's parameters", hidden(withReducer([from])), hidden(withReducer([to])), []],
    ["a reducer for clients now", hidden(both("a")), both("a"), []],
    ["a reducer that became a procedure", withReducer([]), withProcedure([]), ["reducer pay: removed"]],
    ["a procedure removed", withProcedure([]), emptyRawV10, ["procedure pay: removed"]],
    [
      "a procedure private",
      withProcedure([]),
      hidden(withProcedure([])),
      ["procedure pay: no longer for clients to call"],
    ],
    [
      "a procedure's result",
      withProcedure([], t.u8),
      withProcedure([], t.u16),
      ["!procedure pay: returns U16, not U8"],
    ],
    [
      "a reducer's result, where there was none",
      { ...emptyRawV10, reducers: [reducer("pay")] },
      { ...emptyRawV10, reducers: [{ ...reducer("pay"), ok: t.u16 }] },
      ["!reducer pay: returns U16, not ()"],
    ],
    ["a table added", emptyRawV10, withTable(boat), []],
    ["a table removed", withTable(boat), emptyRawV10, ["table boat: removed"]],
    ["a private table removed", withTable(boat, { access: "private" }), emptyRawV10, []],
    [
      "a table private",
      withTable(boat),
      withTable(boat, { access: "private" }),
      ["table boat: private, so nobody but the owner may subscribe to it"],
    ],
    ["a table public", withTable(boat, { access: "private" }), withTable(boat), []],
    ["an event table", withTable(boat), withTable(boat, { isEvent: true }), ["!table boat: an event table"]],
    [
      "no primary key",
      withTable(boat, keyed),
      withTable(boat, { ...keyed, primaryKey: [] }),
      ["!table boat: has primary key none, not id"],
    ],
    [
      "a primary key",
      withTable(boat, { ...keyed, primaryKey: [] }),
      withTable(boat, keyed),
      ["!table boat: has primary key id, not none"],
    ],
    ["an index added", withTable(boat), withTable(boat, byDock), []],
    [
      "an index removed",
      withTable(boat, byDock),
      withTable(boat),
      ["table boat: no index on column dock: subscriptions that join by it may be refused"],
    ],
    [
      "an index in another's place",
      withTable(boat, byDock),
      withTable(boat, { indexes: [btree("boat_dock_id_idx_btree", 1, 0)] }),
      [],
    ],
    [
      "a table by another name in the code",
      withTable(boat),
      { ...withTable(boat), tables: [table("Boat", 0)] },
      ["table boat: called Boat in the module, not boat"],
    ],
    ["a route added", withRoutes(), withRoutes(get("/a")), []],
    ["a route removed", withRoutes(get("/a"), get("")), withRoutes(get("/a")), ["route GET /route: removed"]],
    ["a route by another method", withRoutes(get("/a")), withRoutes(post("/a")), ["route GET /route/a: removed"]],
    ["a route by any method", withRoutes(get("/a")), withRoutes(any("/a")), []],
    [
      "a route by fewer methods",
      withRoutes(any("/a")),
      withRoutes(get("/a"), post("/a")),
      ["route ANY /route/a: served for GET, POST alone"],
    ],
    ["all routes of a path removed", withRoutes(any("/a")), withRoutes(get("/b")), ["route ANY /route/a: removed"]],
    ["a view added", withTable(boat), view("all"), []],
    ["a view removed", view("all"), withTable(boat), ["!view all: removed"]],
    ["a view private", view("all"), view("all", false), ["!view all: changed"]],
    [
      "a rule",
      withTable(boat),
      { ...withTable(boat), rowLevelRules: ["SELECT * FROM boat"] },
      ["!row-level rules: changed: other rows may be seen"],
    ],
  ])("%s", (_, was, is, expected) => {
    expect(told(was, is)).toEqual(expected);
  });
});
