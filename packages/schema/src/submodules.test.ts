// Goal: issue 9, submodules: what they bring stands behind what is the module's own, depth first, under the namespace's name, with
//   types at their shifted places; bindings find each part by itself; what cannot be told apart is refused.
// Method: small descriptions nested in each other; the schema as it is served.
import { LightconeError } from "@lightcone/base";
import { product, ref, t } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { checkModule } from "./check-module.ts";
import { planMigration } from "./migration.ts";
import type { ModuleDef } from "./module-def.ts";
import { emptyRawV10 } from "./raw-v10.ts";
import type { RawModuleDefV10 } from "./raw-module-def.ts";
import { serveSchema } from "./serve-schema.ts";
import { boat, fleet, fleetWith, reducer, table } from "./testing/module-parts.ts";

const view = (name: string, index: number, isAnonymous: boolean, row: number) => ({
  name,
  index,
  isPublic: true,
  isAnonymous,
  params: [],
  returns: { kind: "Array", element: ref(row) } as const,
});
const procedure = (name: string) => ({ name, params: [], returns: ref(0), visibility: "client" as const });

const inner: RawModuleDefV10 = {
  ...emptyRawV10,
  typespace: [product({ depthOf: t.u8 })],
  types: [{ scope: [], name: "Sounding", ref: 0, customOrdering: true }],
  tables: [table("soundTaken", 0)],
  reducers: [reducer("takeSound", [{ name: "of", type: ref(0) }])],
  views: [view("deepest", 0, true, 0)],
};
/** The fleet without what only a root has, with a module inside. */
const harbor = fleetWith({
  lifecycles: [],
  procedures: [procedure("count")],
  views: [view("mine", 0, false, 0), view("all", 0, true, 0)],
  rowLevelRules: ["SELECT * FROM boat WHERE dock = 1"],
  submodules: [{ namespace: "depth", module: inner }],
});
const root: RawModuleDefV10 = {
  ...emptyRawV10,
  typespace: [product({ name: t.string })],
  types: [{ scope: [], name: "Town", ref: 0, customOrdering: true }],
  tables: [table("town", 0)],
  reducers: [reducer("found")],
  procedures: [procedure("ask")],
  views: [view("towns", 0, true, 0)],
  submodules: [
    { namespace: "north", module: harbor },
    { namespace: "South", module: harbor },
  ],
};

const names = (items: readonly { readonly name: string; readonly accessor: string }[]): readonly string[] =>
  items.map(({ name, accessor }) => (name === accessor ? name : `${name} ${accessor}`));

describe("issue 9: submodules", () => {
  const def = checkModule(root);

  test("names have the namespace, ids count through, depth first", () => {
    expect(names(def.tables)).toEqual([
      "town",
      "north.boat",
      "north.patrol",
      "north.depth.sound_taken north.depth.soundTaken",
      "South.boat",
      "South.patrol",
      "South.depth.sound_taken South.depth.soundTaken",
    ]);
    const harborReducers = (at: string) => ["sail", "start", "watch"].map((name) => `${at}.${name}`);
    expect(names(def.reducers)).toEqual([
      "found",
      ...harborReducers("north"),
      "north.depth.take_sound north.depth.takeSound",
      ...harborReducers("South"),
      "South.depth.take_sound South.depth.takeSound",
    ]);
    expect(def.reducers.map(({ id }) => id)).toEqual([...def.reducers.keys()]);
    expect(names(def.procedures)).toEqual(["ask", "north.count", "South.count"]);
    expect(def.procedures.map(({ id }) => id)).toEqual([0, 1, 2]);
    expect(def.views.map(({ name, index, isAnonymous }) => [name, isAnonymous, index])).toEqual([
      ["towns", true, 0],
      ["north.mine", false, 0],
      ["north.all", true, 1],
      ["north.depth.deepest", true, 2],
      ["South.mine", false, 1],
      ["South.all", true, 3],
      ["South.depth.deepest", true, 4],
    ]);
  });

  test("what is built over a table, and what it calls, has the namespace as well", () => {
    const [, boats, patrols] = def.tables;
    expect(boats?.indexes.map(({ name, sourceName }) => [name, sourceName])).toEqual([
      ["north.boat_id_idx_btree", "north.boat_id_idx_btree"],
      ["north.boat_dock_idx_btree", "north.boat_dock_idx_btree"],
    ]);
    expect(boats?.constraints.map(({ name }) => name)).toEqual(["north.boat_id_key"]);
    expect(boats?.sequences.map(({ name }) => name)).toEqual(["north.boat_id_seq"]);
    expect(patrols?.schedule).toMatchObject({ name: "north.patrol_sched", functionName: "north.watch" });
    expect(def.reducers.find(({ name }) => name === "north.watch")?.visibility).toBe("private");
    expect(def.rowLevelRules.map(({ namespace }) => namespace)).toEqual(["north", "South"]);
  });

  test("types follow one another, and are found where they are used", () => {
    expect(def.typespace).toHaveLength(1 + 2 * (fleet.typespace.length + 1));
    for (const { typeRef, rowType } of def.tables) {
      const row = def.typespace[typeRef ?? -1];
      expect(row?.kind === "Product" ? row.elements.map(({ name }) => name) : row).toEqual(
        rowType.elements.map(({ name }) => name),
      );
    }
    const take = def.reducers.find(({ name }) => name === "South.depth.take_sound");
    const [of] = take?.paramsByRef.elements ?? [];
    expect(of?.type.kind === "Ref" ? def.typespace[of.type.index] : of).toEqual(product({ depth_of: t.u8 }));
    expect(def.types.map(({ scope, name }) => [...scope, name].join("."))).toContain("South.depth.Sounding");
    expect(new Set(def.types.map(({ ref: place }) => place)).size).toBe(def.types.length);
  });

  test("version 10 of the schema has each part by itself, version 9 and that of clients all in one", () => {
    const served: unknown = JSON.parse(serveSchema(def, "10"));
    const part = (from: unknown, ...path: readonly string[]): unknown => {
      const { sections } = from as { readonly sections: readonly Record<string, unknown>[] };
      const section = (name: string): readonly { readonly namespace: string; readonly module: unknown }[] =>
        (sections.find((each) => name in each)?.[name] ?? []) as never;
      const [first, ...rest] = path;
      if (first === undefined) return { sections };
      return part(section("Submodules").find(({ namespace }) => namespace === first)?.module, ...rest);
    };
    // Each part is the same as the module that it is by itself.
    const alone = (raw: RawModuleDefV10): unknown => JSON.parse(serveSchema(checkModule(raw), "10"));
    expect(part(served, "north")).toEqual(alone(harbor));
    expect(part(served, "South", "depth")).toEqual(alone(inner));
    const own = alone({ ...root, submodules: [] }) as { readonly sections: readonly object[] };
    expect((served as typeof own).sections.filter((each) => !("Submodules" in each))).toEqual(own.sections);
    for (const form of ["9", "client"] as const) expect(serveSchema(def, form)).toContain('"South.depth.');
  });

  test("a plan adds and removes what they bring", () => {
    const without = checkModule({ ...root, submodules: root.submodules.slice(0, 1) });
    const facts = { rowCount: () => 0, dropsData: false };
    const steps = (from: ModuleDef, to: ModuleDef): readonly string[] => {
      const plan = planMigration(from, to, facts);
      return plan.kind === "refused"
        ? [plan.reason]
        : plan.tables.map((each) => JSON.stringify([each.kind, each.kind === "create" ? each.def.name : each.table]));
    };
    expect(steps(without, def)).toEqual(
      ["South.boat", "South.depth.sound_taken", "South.patrol"].map((name) => JSON.stringify(["create", name])),
    );
    expect(steps(def, without)).toEqual(
      ["South.boat", "South.depth.sound_taken", "South.patrol"].map((name) => JSON.stringify(["drop", name])),
    );
  });

  test.each([
    ["a table by the namespace's name", { tables: [table("north", 0)] }, /`north` belongs to a submodule and to table/],
    ["a reducer by the namespace's name", { reducers: [reducer("South")] }, /`South` belongs to a submodule/],
    ["a name with a dot", { tables: [table("north.boat", 0)] }, /names with a dot belong/],
    [
      "a fault within",
      {
        submodules: [
          { namespace: "north", module: fleetWith({ lifecycles: [], tables: [{ ...boat, primaryKey: [9] }] }) },
        ],
      },
      /submodule `north`: table `boat`/,
    ],
    [
      "a life cycle deep within",
      { submodules: [{ namespace: "a", module: { ...emptyRawV10, submodules: [{ namespace: "b", module: fleet }] } }] },
      /submodule `a`: submodule `b`: a submodule cannot have lifecycle reducers/,
    ],
    [
      "too many columns together",
      {
        submodules: Array.from({ length: 4 }, (_, i) => ({
          namespace: `s${i}`,
          module: {
            ...emptyRawV10,
            typespace: [product(Object.fromEntries(Array.from({ length: 30_000 }, (__, at) => [`c_${at}`, t.u8])))],
            types: [{ scope: [], name: "Wide", ref: 0, customOrdering: true }],
            tables: [table("wide", 0)],
          },
        })),
      },
      /submodule `s3`: table `wide`: with it .* more than 100000 columns/,
    ],
  ])("refused: %s", (_, change: Partial<RawModuleDefV10>, problem) => {
    const check = (): unknown => checkModule({ ...root, ...change });
    expect(check).toThrow(LightconeError);
    expect(check).toThrow(problem);
  });
});
