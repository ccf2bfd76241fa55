// Goal: a description that breaks a rule is refused with that rule's problem and no other; a good one gets
//   the names, keys and visibilities that the rules give it.
// Method: one small good module, and a row per rule that breaks it in one place; the recorded modules whole.
import { describe, expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import { array, option, product, ref, result, sum, t, timestamp, type AlgebraicType } from "@lightcone/sats";
import { checkModule } from "./check-module.ts";
import { namespaceBytesMax } from "./check-module.ts";
import { moduleColumnsMax } from "./checking.ts";
import type { RawModuleDef, RawModuleDefV9 } from "./raw-module-def.ts";
import { emptyRawV10 } from "./raw-v10.ts";
import {
  boat,
  boatWith,
  btree,
  fleet,
  fleetV9,
  fleetWith,
  param,
  patrol,
  reducer,
  sequence,
  table,
  typeWith,
  unique,
} from "./testing/module-parts.ts";
import { vectorModule } from "./testing/vectors.ts";

function problemsOf(raw: RawModuleDef): readonly string[] {
  try {
    checkModule(raw);
    return [];
  } catch (error) {
    if (isLightconeError(error, "SchemaInvalid")) return error.detail.problems;
    throw error;
  }
}

const boatRow = (elements: Readonly<Record<string, AlgebraicType>>) => typeWith(0, product(elements));
const boatColumns = { id: t.u64, name: t.string, dock: t.u32 };
const view = (name: string, returns: AlgebraicType) => ({
  name,
  index: 0,
  isPublic: true,
  isAnonymous: true,
  params: [],
  returns,
});
const route = (path: string, method: "any" | "Get" = "any", handler = "hello") => ({
  handler,
  method: method === "any" ? ({ kind: "any" } as const) : ({ kind: "standard", name: method } as const),
  path,
});
const v9With = (sections: Partial<RawModuleDefV9>): RawModuleDefV9 => ({ ...fleetV9, ...sections });
const chain = (length: number): AlgebraicType[] =>
  Array.from({ length }, (_, i) => (i === length - 1 ? t.u8 : product({ next: ref(i + 1) })));
const named = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ scope: [], name: `T${i}x`, ref: i, customOrdering: true }));

test("the module that the rows below break is good, in both versions", () => {
  expect(problemsOf(fleet)).toEqual([]);
  expect(problemsOf(fleetV9)).toEqual([]);
});

describe("one rule broken", () => {
  test.each<{ rule: string; raw: RawModuleDef; problem: RegExp }>([
    // names
    {
      rule: "two tables of one name",
      raw: fleetWith({ tables: [boat, patrol, table("boat", 3)] }),
      problem: /`boat` belongs/,
    },
    {
      rule: "two columns of one canonical name",
      raw: boatRow({ ...boatColumns, shipID: t.u8, ship_id: t.u8 }),
      problem:
        /`boat`: columns `shipID` and `ship_id` are both called `ship_id` in the database: rename one|type `Boat`/,
    },
    {
      rule: "two tables of one canonical name",
      raw: fleetWith({ tables: [boat, patrol, table("raftA", 3), table("raft_a", 3)] }),
      problem: /`raft_a` belongs/,
    },
    {
      rule: "two indexes of one algorithm over the same columns",
      raw: boatWith({ indexes: [...boat.indexes, btree("again", 2)] }),
      problem: /`boat`: column `dock` is indexed twice by a btree index/,
    },
    {
      rule: "two unique constraints over the same columns",
      raw: boatWith({ constraints: [unique(0), unique(0)] }),
      problem: /`boat`: column `id` is made unique twice/,
    },
    {
      rule: "a view called like a table",
      raw: fleetWith({ views: [view("boat", array(ref(0)))] }),
      problem: /`boat` belongs/,
    },
    {
      rule: "an index called like a system index",
      raw: fleetWith({
        explicitNames: [
          { kind: "index", sourceName: "boat_id_idx_btree", canonicalName: "st_table_table_id_idx_btree" },
        ],
      }),
      problem: /`st_table_table_id_idx_btree` belongs/,
    },
    {
      rule: "a table whose explicit name is another's index",
      raw: fleetWith({ explicitNames: [{ kind: "table", sourceName: "patrol", canonicalName: "boat_id_idx_btree" }] }),
      problem: /`boat_id_idx_btree` belongs/,
    },
    {
      rule: "two reducers of one name",
      raw: fleetWith({ reducers: [...fleet.reducers, reducer("sail")] }),
      problem: /`sail` belongs/,
    },
    {
      rule: "a procedure called like a reducer",
      raw: fleetWith({ procedures: [{ name: "sail", params: [], returns: t.u8, visibility: "client" }] }),
      problem: /`sail` belongs/,
    },
    {
      rule: "a view called like a reducer",
      raw: fleetWith({ views: [view("sail", array(ref(0)))] }),
      problem: /`sail` belongs/,
    },
    {
      rule: "two types of one name",
      raw: fleetWith({ types: [...fleet.types, { scope: [], name: "boat", ref: 3, customOrdering: true }] }),
      problem: /two types are called `Boat`/,
    },
    {
      rule: "two explicit names for one table",
      raw: fleetWith({
        explicitNames: [
          { kind: "table", sourceName: "boat", canonicalName: "a" },
          { kind: "table", sourceName: "boat", canonicalName: "b" },
        ],
      }),
      problem: /two names/,
    },
    { rule: "a system name", raw: fleetWith({ tables: [boat, patrol, table("st_mine", 3)] }), problem: /st_/ },
    {
      rule: "a system name after conversion",
      raw: fleetWith({ tables: [boat, patrol, table("stMine", 3)] }),
      problem: /st_/,
    },
    { rule: "a system view name", raw: fleetWith({ views: [view("st_mine", array(ref(0)))] }), problem: /st_/ },
    { rule: "a table without a name", raw: fleetWith({ tables: [boat, patrol, table("", 3)] }), problem: /is empty/ },
    { rule: "a name that vanishes", raw: fleetWith({ tables: [boat, patrol, table("__", 3)] }), problem: /is empty/ },
    {
      rule: "a name with a space",
      raw: v9With({ reducers: [...fleetV9.reducers, { name: "set sail", params: [], lifecycle: undefined }] }),
      problem: /may hold only/,
    },
    {
      rule: "a column that starts with a digit",
      raw: boatRow({ ...boatColumns, "1st": t.u8 }),
      problem: /must start with/,
    },
    { rule: "a name that is not normal", raw: boatRow({ ...boatColumns, "e\u0301": t.u8 }), problem: /normal form/ },
    {
      rule: "a type name",
      raw: fleetWith({ types: fleet.types.with(3, { scope: [], name: "1", ref: 3, customOrdering: true }) }),
      problem: /must start with/,
    },
    { rule: "columns that get one name", raw: boatRow({ ...boatColumns, a1: t.u8, a_1: t.u8 }), problem: /`a_1`/ },
    { rule: "a system kind", raw: boatWith({ kind: "system" }), problem: /system table/ },
    {
      rule: "an index without a source name",
      raw: boatWith({ indexes: [{ ...btree("x", 0), name: undefined }] }),
      problem: /no source name/,
    },
    // row types and columns
    {
      rule: "a row type that does not exist",
      raw: fleetWith({ tables: [boat, patrol, table("raft", 99)] }),
      problem: /not a product/,
    },
    {
      rule: "a row type that is a sum",
      raw: fleetWith({ tables: [boat, patrol, table("raft", 2)] }),
      problem: /not a product/,
    },
    {
      rule: "a column without a name",
      raw: typeWith(3, { kind: "Product", elements: [{ name: undefined, type: t.u8 }] }),
      problem: /element 0 has no name/,
    },
    {
      rule: "a table of a recursive type",
      raw: { ...typeWith(3, product({ hull: option(ref(3)) })), tables: [boat, patrol, table("hull", 3)] },
      problem: /contains itself/,
    },
    {
      rule: "a type that points nowhere",
      raw: boatRow({ ...boatColumns, rig: ref(77) }),
      problem: /type 77|no type 77/,
    },
    { rule: "a type that points at itself", raw: { ...typeWith(3, ref(3)) }, problem: /points at itself/ },
    {
      rule: "types too deep",
      raw: { ...emptyRawV10, typespace: chain(80), types: named(79), tables: [table("deep", 0)] },
      problem: /deeper than/,
    },
    {
      rule: "types too large",
      raw: {
        ...emptyRawV10,
        typespace: Array.from({ length: 20 }, (_, i) =>
          i === 19 ? t.u8 : product({ left: ref(i + 1), right: ref(i + 1) }),
        ),
        types: named(19),
        tables: [table("wide", 0)],
      },
      problem: /parts/,
    },
    {
      rule: "more columns than a module may have",
      raw: {
        ...emptyRawV10,
        typespace: [{ kind: "Product", elements: Array.from({ length: 60_000 }, (_, i) => param(`c${i}`, t.u8)) }],
        types: named(1),
        tables: [table("one", 0), table("two", 0)],
      },
      problem: new RegExp(String(moduleColumnsMax)),
    },
    // keys
    {
      rule: "an index out of range",
      raw: boatWith({ indexes: [...boat.indexes, btree("x", 9)] }),
      problem: /column 9 of 4/,
    },
    {
      rule: "an index over no column",
      raw: boatWith({ indexes: [...boat.indexes, btree("x")] }),
      problem: /no column/,
    },
    {
      rule: "an index over a column twice",
      raw: boatWith({ indexes: [...boat.indexes, btree("x", 1, 1)] }),
      problem: /twice/,
    },
    {
      rule: "a constraint out of range",
      raw: boatWith({ constraints: [unique(0), unique(9)] }),
      problem: /column 9 of 4/,
    },
    {
      rule: "a constraint over a column twice",
      raw: boatWith({ constraints: [unique(0), unique(1, 1)] }),
      problem: /twice/,
    },
    {
      rule: "a unique constraint without an index",
      raw: boatWith({ constraints: [unique(0), unique(1)] }),
      problem: /`boat`: column `name` is unique, which needs an index/,
    },
    { rule: "a primary key of two columns", raw: boatWith({ primaryKey: [0, 1] }), problem: /2 columns/ },
    { rule: "a primary key that is not unique", raw: boatWith({ primaryKey: [2] }), problem: /not unique/ },
    { rule: "a primary key out of range", raw: boatWith({ primaryKey: [9] }), problem: /column 9/ },
    {
      rule: "a direct index over text",
      raw: boatWith({
        indexes: [...boat.indexes, { name: "d", accessor: "d", algorithm: { kind: "direct", column: 1 } }],
      }),
      problem: /direct index/,
    },
    // sequences
    {
      rule: "a sequence over text",
      raw: boatWith({ sequences: [sequence(1)] }),
      problem: /`boat`: column `name` is to count up by itself, which only an integer can; it is String/,
    },
    {
      rule: "two sequences of one column",
      raw: boatWith({ sequences: [sequence(0), sequence(0, { name: "other" })] }),
      problem: /two sequences/,
    },
    { rule: "a sequence out of range", raw: boatWith({ sequences: [sequence(9)] }), problem: /column 9/ },
    {
      rule: "a sequence that starts below its minimum",
      raw: boatWith({ sequences: [sequence(0, { start: 1n, min: 2n })] }),
      problem: /must not fall/,
    },
    {
      rule: "a sequence that starts above its maximum",
      raw: boatWith({ sequences: [sequence(0, { start: 9n, max: 2n })] }),
      problem: /must not fall/,
    },
    {
      rule: "a sequence with its ends swapped",
      raw: boatWith({ sequences: [sequence(0, { min: 9n, max: 2n })] }),
      problem: /must not fall/,
    },
    {
      rule: "a sequence that stands still",
      raw: boatWith({ sequences: [sequence(0, { increment: 0n })] }),
      problem: /increment is zero/,
    },
    // defaults
    {
      rule: "a default that is too short",
      raw: boatWith({ defaults: [{ column: 2, value: Uint8Array.of(1) }] }),
      problem: /default is no U32/,
    },
    {
      rule: "a default that is too long",
      raw: boatWith({ defaults: [{ column: 2, value: new Uint8Array(5) }] }),
      problem: /default is no U32/,
    },
    {
      rule: "a default out of range",
      raw: boatWith({ defaults: [{ column: 9, value: new Uint8Array(4) }] }),
      problem: /column 9/,
    },
    {
      rule: "two defaults of one column",
      raw: boatWith({ defaults: [2, 2].map((column) => ({ column, value: new Uint8Array(4) })) }),
      problem: /two defaults/,
    },
    {
      rule: "a default of a key",
      raw: boatWith({ defaults: [{ column: 0, value: new Uint8Array(8) }] }),
      problem: /cannot be unique/,
    },
    {
      rule: "a V9 default of no table",
      raw: v9With({ miscExports: [{ kind: "columnDefault", table: "raft", column: 0, value: new Uint8Array(0) }] }),
      problem: /table `raft`/,
    },
    // schedules
    {
      rule: "a schedule of no table",
      raw: fleetWith({
        schedules: [...fleet.schedules, { name: undefined, table: "raft", atColumn: 0, functionName: "watch" }],
      }),
      problem: /table `raft`/,
    },
    {
      rule: "a schedule of no function",
      raw: fleetWith({ schedules: [{ name: undefined, table: "patrol", atColumn: 1, functionName: "none" }] }),
      problem: /no reducer or procedure/,
    },
    {
      rule: "a schedule of a function with other parameters",
      raw: fleetWith({ schedules: [{ name: undefined, table: "patrol", atColumn: 1, functionName: "sail" }] }),
      problem: /must take the table's row/,
    },
    {
      rule: "a schedule at a column that is no time",
      raw: fleetWith({ schedules: [{ name: undefined, table: "patrol", atColumn: 0, functionName: "watch" }] }),
      problem: /no ScheduleAt/,
    },
    {
      rule: "a schedule at a column out of range",
      raw: fleetWith({ schedules: [{ name: undefined, table: "patrol", atColumn: 7, functionName: "watch" }] }),
      problem: /column 7/,
    },
    {
      rule: "a scheduled table without a key",
      raw: fleetWith({ tables: [boat, { ...patrol, primaryKey: [] }] }),
      problem: /primary key of type U64/,
    },
    {
      rule: "a scheduled table with a narrow key",
      raw: typeWith(1, product({ id: t.u32, at: fleetAt() })),
      problem: /primary key of type U64/,
    },
    {
      rule: "two schedules of one table",
      raw: fleetWith({ schedules: [...fleet.schedules, ...fleet.schedules] }),
      problem: /2 schedules/,
    },
    // lifecycle
    {
      rule: "two reducers for one event",
      raw: fleetWith({
        lifecycles: [...fleet.lifecycles, { lifecycle: "init", functionName: "again" }],
        reducers: [...fleet.reducers, reducer("again")],
      }),
      problem: /both named/,
    },
    {
      rule: "two events for one reducer",
      raw: fleetWith({ lifecycles: [...fleet.lifecycles, { lifecycle: "connect", functionName: "start" }] }),
      problem: /2 lifecycle events/,
    },
    {
      rule: "an event for no reducer",
      raw: fleetWith({ lifecycles: [{ lifecycle: "connect", functionName: "none" }] }),
      problem: /reducer `none`/,
    },
    {
      rule: "a lifecycle reducer with a parameter",
      raw: fleetWith({ lifecycles: [{ lifecycle: "init", functionName: "sail" }] }),
      problem: /no parameters/,
    },
    {
      rule: "a lifecycle reducer in a submodule",
      raw: { ...emptyRawV10, submodules: [{ namespace: "sub", module: fleet }] },
      problem: /submodule/,
    },
    // functions and types
    {
      rule: "a life-cycle reducer that gives something",
      raw: fleetWith({
        reducers: [...fleet.reducers, { ...reducer("r"), ok: t.u8 }],
        lifecycles: [{ lifecycle: "disconnect", functionName: "r" }],
      }),
      problem: /called by the database on disconnect, so it returns nothing/,
    },
    {
      rule: "a reducer whose result is no type",
      raw: fleetWith({ reducers: [...fleet.reducers, { ...reducer("r"), ok: { kind: "Ref", index: 99 } }] }),
      problem: /reducer `r`, its result/,
    },
    {
      rule: "a reducer with another error",
      raw: fleetWith({ reducers: [...fleet.reducers, { ...reducer("r"), err: t.u8 }] }),
      problem: /must have a String as its error/,
    },
    {
      rule: "a parameter without a name",
      raw: fleetWith({ reducers: [...fleet.reducers, reducer("r", [{ name: undefined, type: t.u8 }])] }),
      problem: /parameter 0 has no name/,
    },
    {
      rule: "two parameters of one name",
      raw: fleetWith({ reducers: [...fleet.reducers, reducer("r", [param("a", t.u8), param("a", t.u8)])] }),
      problem: /two parameters/,
    },
    {
      rule: "a product without a name in a parameter",
      raw: fleetWith({ reducers: [...fleet.reducers, reducer("r", [param("a", product({ x: t.u8 }))])] }),
      problem: /named type/,
    },
    {
      rule: "a product without a name in a column",
      raw: boatRow({ ...boatColumns, hull: option(product({ x: t.u8 })) }),
      problem: /named type/,
    },
    {
      rule: "a sum without a name in a result",
      raw: fleetWith({
        procedures: [{ name: "p", params: [], returns: array(sum({ a: t.u8 })), visibility: "client" }],
      }),
      problem: /named type/,
    },
    {
      rule: "a reference to a type without a name",
      raw: { ...fleet, types: fleet.types.filter((type) => type.name !== "Rig") },
      problem: /type 2 must be a named type/,
    },
    { rule: "a variant without a name", raw: typeWith(2, sum([t.u8])), problem: /variant 0 has no name/ },
    {
      rule: "two variants of one name",
      raw: typeWith(2, { kind: "Sum", variants: [param("A", t.u8), param("a", t.u8)] }),
      problem: /two variants/,
    },
    {
      rule: "members that are not in order",
      raw: fleetWith({ types: fleet.types.with(0, { scope: [], name: "Boat", ref: 0, customOrdering: false }) }),
      problem: /sorted by name/,
    },
    {
      rule: "a type definition of nothing",
      raw: fleetWith({ types: [...fleet.types, { scope: [], name: "None", ref: 99, customOrdering: true }] }),
      problem: /type 99 of 4/,
    },
    // views
    {
      rule: "a view that returns a number",
      raw: fleetWith({ views: [view("v", t.u8)] }),
      problem: /Option, an Array or a query/,
    },
    {
      rule: "a view that returns a sum",
      raw: fleetWith({ views: [view("v", array(ref(2)))] }),
      problem: /Option, an Array or a query/,
    },
    {
      rule: "a key of no view",
      raw: fleetWith({ viewPrimaryKeys: [{ view: "none", columns: ["id"] }] }),
      problem: /view `none`/,
    },
    {
      rule: "a view key that is no column",
      raw: fleetWith({ views: [view("v", array(ref(0)))], viewPrimaryKeys: [{ view: "v", columns: ["x"] }] }),
      problem: /`x` is no column/,
    },
    {
      rule: "a view key of two columns",
      raw: fleetWith({ views: [view("v", array(ref(0)))], viewPrimaryKeys: [{ view: "v", columns: ["id", "name"] }] }),
      problem: /2 columns/,
    },
    {
      rule: "two keys of a view",
      raw: fleetWith({
        views: [view("v", array(ref(0)))],
        viewPrimaryKeys: [
          { view: "v", columns: ["id"] },
          { view: "v", columns: ["name"] },
        ],
      }),
      problem: /2 primary keys/,
    },
    // HTTP
    {
      rule: "a path without a slash",
      raw: fleetWith({ httpHandlers: ["hello"], httpRoutes: [route("hi")] }),
      problem: /a path is empty/,
    },
    {
      rule: "a path with a capital",
      raw: fleetWith({ httpHandlers: ["hello"], httpRoutes: [route("/Hi")] }),
      problem: /a path is empty/,
    },
    {
      rule: "routes that overlap",
      raw: fleetWith({ httpHandlers: ["hello"], httpRoutes: [route("/hi", "Get"), route("/hi")] }),
      problem: /overlaps/,
    },
    {
      rule: "a route twice",
      raw: fleetWith({ httpHandlers: ["hello"], httpRoutes: [route("/hi", "Get"), route("/hi", "Get")] }),
      problem: /overlaps/,
    },
    { rule: "a route to no handler", raw: fleetWith({ httpRoutes: [route("/hi")] }), problem: /no handler `hello`/ },
    {
      rule: "two handlers of one name",
      raw: fleetWith({ httpHandlers: ["hello", "Hello"] }),
      problem: /`hello` belongs/,
    },
    // submodules
    {
      rule: "two submodules of one name",
      raw: { ...emptyRawV10, submodules: ["a", "a"].map((namespace) => ({ namespace, module: emptyRawV10 })) },
      problem: /two submodules/,
    },
    {
      rule: "a namespace that is too long",
      raw: { ...emptyRawV10, submodules: [{ namespace: "a".repeat(namespaceBytesMax + 1), module: emptyRawV10 }] },
      problem: new RegExp(`${namespaceBytesMax} bytes`),
    },
    {
      rule: "a namespace that is no name",
      raw: { ...emptyRawV10, submodules: [{ namespace: "a.b", module: emptyRawV10 }] },
      problem: /may hold only/,
    },
  ])("$rule", ({ raw, problem }) => {
    expect(problemsOf(raw).join("\n")).toMatch(problem);
  });
});

function fleetAt(): AlgebraicType {
  const type = fleet.typespace[1];
  return (type?.kind === "Product" ? type.elements[1]?.type : undefined) ?? t.u8;
}

test("all problems are told at once", () => {
  const raw = fleetWith({
    tables: [{ ...boat, kind: "system", primaryKey: [2] }, patrol, table("st_x", 9)],
    reducers: [...fleet.reducers, { ...reducer("1"), ok: t.u8 }],
  });
  expect(problemsOf(raw).length).toBeGreaterThanOrEqual(5);
});

test("the number of problems told is bounded", () => {
  const tables = Array.from({ length: 5000 }, (_, i) => table(`t${i}x`, 99));
  expect(problemsOf({ ...emptyRawV10, tables })).toHaveLength(101);
});

describe("what checking makes of a module", () => {
  test("V10 names, keys and visibilities, as recorded of shelf-2.10", () => {
    const def = checkModule(vectorModule("shelf-2.10"));
    const [volumes, dusting] = def.tables;
    expect(volumes).toMatchObject({
      name: "volumes",
      accessor: "bookItem",
      primaryKey: 0,
      indexes: [
        { name: "volumes_code_idx_direct", sourceName: "bookItem_code_idx_direct", accessor: "code", unique: true },
        { name: "shelf_lookup", sourceName: "bookItem_shelf_row2_idx_hash", accessor: "byShelf", unique: false },
        { name: "volumes_isbn_no_idx_hash", algorithm: "hash", columns: [3] },
      ],
      constraints: [{ name: "volumes_code_key", columns: [0] }],
    });
    expect(volumes?.columns.map(({ name, accessor }) => [name, accessor])).toContainEqual(["isbn_no", "isbnNo"]);
    expect(volumes?.columns.map(({ name }) => name)).toContain("row_2");
    expect(volumes?.columns[4]?.type).toEqual(sum({ soft: product({}), hardBack: product({}) }));
    expect(volumes?.columns[5]?.type).toEqual(result(t.u32, t.string));
    expect(dusting?.schedule).toEqual({ name: "dusting_sched", atColumn: 0, idColumn: 1, functionName: "dust" });
    expect(def.procedures).toMatchObject([{ name: "dust", visibility: "private" }]);
    expect(def.reducers).toMatchObject([{ id: 0, name: "put_away", accessor: "store", visibility: "client" }]);
    expect(def.reducers[0]?.params.elements.map(({ name }) => name)).toEqual(["coverKind", "_slotNo"]);
    expect(def.views).toMatchObject([
      { name: "FirstBook", accessor: "first_book", shape: "array", primaryKey: 0 },
      { name: "top_row", shape: "query", primaryKey: 0 },
    ]);
    expect(def.httpRoutes).toMatchObject([
      { handler: "hello", path: "/hi", method: { name: "Get" } },
      { handler: "hello", path: "/any-thing", method: { kind: "any" } },
    ]);
  });

  test("row 33: names that are made up differ, whatever they would be spelled like", () => {
    const row = product({ a: t.u32, aB: t.u32, bC: t.u32, c: t.u32 });
    const indexes = [btree("first", 1, 3), btree("second", 0, 2)];
    const raw: RawModuleDef = {
      ...emptyRawV10,
      typespace: [row],
      types: [{ scope: [], name: "Row", ref: 0, customOrdering: true }],
      tables: [
        { ...table("one", 0), indexes, constraints: [unique(1, 3), unique(0, 2)], sequences: [sequence(1)] },
        // Chosen names are kept, also when they come after those that are made up.
        table("one_a_b_seq", 0),
      ],
    };
    const [one, chosen] = checkModule(raw).tables;
    expect(one?.indexes.map(({ name }) => name)).toEqual(["one_a_b_c_idx_btree", "one_a_b_c_idx_btree_2"]);
    expect(one?.constraints.map(({ name }) => name)).toEqual(["one_a_b_c_key", "one_a_b_c_key_2"]);
    expect([one?.sequences[0]?.name, chosen?.name]).toEqual(["one_a_b_seq_2", "one_a_b_seq"]);
  });

  test("V10 lifecycle and scheduled reducers are private, as recorded of harbor-2.10", () => {
    const { reducers } = checkModule(vectorModule("harbor-2.10"));
    const hidden = reducers.filter((each) => each.visibility === "private").map((each) => each.name);
    expect(hidden).toEqual(["farewell", "greet", "open_harbor", "run_patrol"]);
    expect(reducers.map((each) => each.id)).toEqual(reducers.keys().toArray());
  });

  test("V9 keeps names, and its scheduled reducers stay callable", () => {
    const def = checkModule(vectorModule("harbor-1.12"));
    expect(def.reducers.find((each) => each.name === "run_patrol")?.visibility).toBe("client");
    expect(def.reducers.find((each) => each.name === "open_harbor")).toMatchObject({
      lifecycle: "init",
      visibility: "client",
    });
    const boats = def.tables.find((each) => each.name === "boat");
    expect(boats?.columns[4]?.type).toMatchObject({
      variants: [{ name: "Bare" }, { name: "Motor" }, { name: "Sail" }],
    });
    expect(boats?.columns[12]?.defaultValue).toEqual(Uint8Array.of(7, 0, 0, 0));
    expect(boats?.indexes.map((index) => index.sourceName)).toEqual([
      "boat_id_idx_btree",
      "boat_name_idx_btree",
      "boat_dock_slot_idx_btree",
    ]);
    expect(boats?.sequences).toEqual([
      { name: "boat_id_seq", column: 0, start: 1n, min: 1n, max: 2n ** 127n - 1n, increment: 1n },
    ]);
  });

  test("the policy None keeps names, parameters keep theirs under any", () => {
    const columns = { playerID: t.u64, lastSeen: timestamp };
    const raw = {
      ...emptyRawV10,
      typespace: [product(columns)],
      types: [{ scope: ["geo"], name: "playerRow", ref: 0, customOrdering: true }],
      tables: [table("playerRow", 0)],
      reducers: [reducer("moveTo", [param("toX", t.i32)])],
    };
    const snake = checkModule(raw);
    expect(snake.tables[0]).toMatchObject({
      name: "player_row",
      columns: [{ name: "player_id" }, { name: "last_seen" }],
    });
    expect(snake.types).toMatchObject([{ scope: ["Geo"], name: "PlayerRow" }]);
    expect(snake.reducers[0]).toMatchObject({ name: "move_to", params: { elements: [{ name: "toX" }] } });
    const none = checkModule({ ...raw, casePolicy: "none" });
    expect(none.tables[0]).toMatchObject({ name: "playerRow", columns: [{ name: "playerID" }, { name: "lastSeen" }] });
    expect(none.types).toMatchObject([{ scope: ["geo"], name: "playerRow" }]);
    expect(none.reducers[0]).toMatchObject({ name: "moveTo" });
  });

  test("a recursive type may exist, a column of it may not", () => {
    const raw = typeWith(3, product({ parts: array(ref(3)) }));
    expect(problemsOf(raw)).toEqual([]);
    expect(
      problemsOf({ ...raw, reducers: [...fleet.reducers, reducer("build", [param("hull", ref(3))])] }),
    ).toHaveLength(1);
  });
});
