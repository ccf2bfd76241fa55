// Goal: a plan carries out exactly what changed, or names every change that it cannot carry out.
// Method: one small module against the same with one thing changed; a row per change; recorded texts.
import { describe, expect, test } from "vitest";
import { option, product, ref, t } from "@lightcone/sats";
import { checkModule } from "./check-module.ts";
import type { ModuleDef } from "./module-def.ts";
import { planMigration } from "./migration.ts";
import type { MigrationFacts, MigrationStep } from "./planning.ts";
import { emptyRawV10 } from "./raw-v10.ts";
import type { RawModuleDefV10 } from "./raw-module-def.ts";
import {
  boat,
  boatWith,
  btree,
  fleet,
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

const facts = (rowCount: number, dropsData = false): MigrationFacts => ({ rowCount: () => rowCount, dropsData });
const plan = (from: RawModuleDefV10, to: RawModuleDefV10, given = facts(2)) =>
  planMigration(checkModule(from), checkModule(to), given);
const short = (step: MigrationStep): string => {
  const parts = Object.entries(step)
    .filter(([key]) => !["rowCount", "was"].includes(key))
    .map(([, part]: [string, unknown]) =>
      Array.isArray(part)
        ? part.length
        : typeof part === "object" && part !== null && "name" in part
          ? part.name
          : part,
    );
  return parts.join(" ");
};
describe("row 9: names that are exchanged", () => {
  const one = (
    columns: readonly (readonly [name: string, was?: string])[],
    tables: readonly (readonly [string, string?])[],
  ) => {
    const def = checkModule({
      ...emptyRawV10,
      typespace: [product(Object.fromEntries(columns.map(([name]) => [name, t.u32])))],
      types: [{ scope: [], name: "Row", ref: 0, customOrdering: true }],
      tables: tables.map(([name]) => table(name, 0)),
    });
    return {
      ...def,
      tables: def.tables.map((each, at) => ({
        ...each,
        was: tables[at]?.[1],
        columns: each.columns.map((column, place) => ({ ...column, was: columns[place]?.[1] })),
      })),
    };
  };
  const xy = [["x"], ["y"]] as const;
  const planned = (from: ModuleDef, to: ModuleDef) => {
    const made = planMigration(from, to, facts(2));
    if (made.kind === "refused") return made.reason;
    return [
      ...made.steps.flatMap((step) =>
        step.kind === "renameColumn"
          ? [`${step.was} to ${step.column}`]
          : step.kind === "renameTable"
            ? [`${step.was} to ${step.table}`]
            : [step.kind],
      ),
      ...(made.breaks.some(({ misleads }) => misleads) ? ["disconnects"] : []),
    ];
  };
  const swapped = [
    ["x", "y"],
    ["y", "x"],
  ] as const;
  test.each([
    ["two columns", one(xy, [["p"]]), one(swapped, [["p"]]), ["reorderColumns", "x to y", "y to x", "disconnects"]],
    ["done already", one(swapped, [["p"]]), one(swapped, [["p"]]), []],
    ["done already, and said no more", one(swapped, [["p"]]), one(xy, [["p"]]), []],
    [
      "two tables",
      one(xy, [["p"], ["q"]]),
      one(xy, [
        ["p", "q"],
        ["q", "p"],
      ]),
      ["p to q", "q to p", "disconnects"],
    ],
    [
      "a name that another leaves",
      one(xy, [["p"]]),
      one(
        [
          ["y", "x"],
          ["z", "y"],
        ],
        [["p"]],
      ),
      ["x to y", "y to z", "disconnects"],
    ],
    [
      "the same, the other way round",
      one([["x"], ["y"]], [["p"]]),
      one(
        [
          ["z", "y"],
          ["y", "x"],
        ],
        [["p"]],
      ),
      ["reorderColumns", "x to y", "y to z", "disconnects"],
    ],
    ["a name that nobody leaves", one(xy, [["p"]]), one([["x", "y"], ["y"]], [["p"]]), []],
  ] as const)("%s", (_, from, to, expected) => {
    const made = planned(from, to);
    expect(typeof made === "string" ? made : made.toSorted()).toEqual([...expected].toSorted());
  });
});

const view = {
  name: "all",
  index: 0,
  isPublic: true,
  isAnonymous: true,
  params: [],
  returns: { kind: "Array", element: ref(0) },
} as const;

test("every recorded module against itself needs nothing", () => {
  for (const id of ["noop-1x", "chat-1.12", "harbor-1.12", "harbor-2.10", "shelf-2.10"]) {
    const def = checkModule(vectorModule(id));
    expect(planMigration(def, def, facts(2))).toEqual({
      kind: "auto",
      steps: [],
      tables: [],
      breaks: [],
      losses: [],
      migrate: undefined,
    });
  }
});

describe("carried out", () => {
  test.each<{ change: string; from?: RawModuleDefV10; to: RawModuleDefV10; steps: string[]; breaks?: string[] }>([
    { change: "a table more", to: fleetWith({ tables: [boat, patrol, table("raft", 3)] }), steps: ["addTable raft"] },
    {
      change: "a reducer more, one changed",
      to: fleetWith({ reducers: [...fleet.reducers.slice(1), reducer("sail"), reducer("more")] }),
      steps: [],
      breaks: ["reducer sail"],
    },
    {
      change: "a reducer less",
      to: fleetWith({ reducers: fleet.reducers.slice(1) }),
      steps: [],
      breaks: ["reducer sail"],
    },
    {
      change: "a table private",
      to: boatWith({ access: "private" }),
      steps: ["setAccess boat private"],
      breaks: ["table boat"],
    },
    { change: "a table public", from: boatWith({ access: "private" }), to: fleet, steps: ["setAccess boat public"] },
    {
      change: "an index more",
      to: boatWith({ indexes: [...boat.indexes, btree("n", 1)] }),
      steps: ["addIndex boat boat_name_idx_btree"],
    },
    {
      change: "an index less",
      to: boatWith({ indexes: boat.indexes.slice(0, 1) }),
      steps: ["removeIndex boat boat_dock_idx_btree"],
      breaks: ["table boat"],
    },
    {
      change: "an index replaced",
      to: boatWith({ indexes: [...boat.indexes.slice(0, 1), btree("n", 1)] }),
      steps: ["removeIndex boat boat_dock_idx_btree", "addIndex boat boat_name_idx_btree"],
      breaks: ["table boat"],
    },
    {
      change: "a procedure more",
      to: fleetWith({ procedures: [{ name: "p", params: [], returns: t.u8, visibility: "client" }] }),
      steps: [],
    },
    { change: "a view more", to: fleetWith({ views: [view] }), steps: ["addView all"] },
    {
      change: "a view less",
      from: fleetWith({ views: [view] }),
      to: fleet,
      steps: ["removeView all"],
      breaks: ["view all"],
    },
    {
      change: "rules",
      to: fleetWith({ rowLevelRules: ["SELECT * FROM boat"] }),
      steps: ["setRowLevelRules 1"],
      breaks: ["row-level rules"],
    },
    {
      change: "another name in the code",
      to: boatWith({ name: "Boat" }),
      steps: ["setAccessors boat"],
      breaks: ["table boat"],
    },
    {
      change: "a default of an old column",
      to: boatWith({ defaults: [{ column: 2, value: new Uint8Array(4) }] }),
      steps: [],
    },
  ])("$change", ({ from = fleet, to, steps, breaks = [] }) => {
    const made = plan(from, to);
    expect(made.kind === "auto" ? made.steps.map(short) : made).toEqual(steps);
    expect(made.kind === "auto" ? made.breaks.map(({ subject }) => subject) : made).toEqual(breaks);
  });
});

describe("columns, keys and the rest", () => {
  const columns = { id: t.u64, name: t.string, dock: t.u32 };
  const bare = typeWith(0, product(columns));
  const raft = fleetWith({ tables: [boat, patrol, table("raft", 3)] });
  test.each<{ change: string; from?: RawModuleDefV10; to: RawModuleDefV10; steps: string[]; rows?: number }>([
    { change: "an empty table less", from: raft, to: fleet, steps: ["removeTable raft"], rows: 0 },
    {
      change: "a column more, with a default",
      from: bare,
      to: {
        ...typeWith(0, product({ ...columns, more: t.u8 })),
        tables: [{ ...boat, defaults: [{ column: 3, value: Uint8Array.of(7) }] }, patrol],
      },
      steps: ["addColumns boat 1"],
    },
    {
      change: "an optional column more: rows have none",
      from: bare,
      to: typeWith(0, product({ ...columns, more: option(t.u8) })),
      steps: ["addColumns boat 1"],
    },
    {
      change: "a wider column",
      from: bare,
      to: typeWith(0, product({ ...columns, dock: t.u64 })),
      steps: ["changeColumn boat dock"],
    },
    {
      change: "a column made optional",
      from: bare,
      to: typeWith(0, product({ ...columns, name: option(t.string) })),
      steps: ["changeColumn boat name"],
    },
    {
      change: "a variant more",
      to: typeWith(2, {
        kind: "Sum",
        variants: [param("Bare", product({})), param("Sail", product({})), param("Oar", t.u8)],
      }),
      steps: ["changeColumn boat rig"],
    },
    {
      change: "a column's place",
      from: bare,
      to: boatAt(
        0,
        { ...boat, indexes: [btree("i", 0), btree("d", 1)] },
        product({ id: t.u64, dock: t.u32, name: t.string }),
      ),
      steps: ["reorderColumns boat 3", "setAccessors boat"],
    },
    { change: "no primary key", to: boatWith({ primaryKey: [] }), steps: ["setPrimaryKey boat "] },
    {
      change: "a constraint more",
      to: boatWith({ indexes: [...boat.indexes, btree("n", 1)], constraints: [unique(0), unique(1)] }),
      steps: ["addIndex boat boat_name_idx_btree", "addConstraint boat boat_name_key"],
    },
    {
      change: "a constraint less",
      from: boatWith({ indexes: [...boat.indexes, btree("n", 1)], constraints: [unique(0), unique(1)] }),
      to: fleet,
      steps: ["removeIndex boat boat_name_idx_btree", "removeConstraint boat boat_name_key"],
    },
    {
      change: "a sequence more",
      from: boatWith({ sequences: [] }),
      to: fleet,
      steps: ["addSequence boat boat_id_seq"],
    },
    { change: "a sequence less", to: boatWith({ sequences: [] }), steps: ["removeSequence boat boat_id_seq"] },
    {
      change: "a sequence changed",
      to: boatWith({ sequences: [sequence(0, { increment: 2n })] }),
      steps: ["removeSequence boat boat_id_seq", "addSequence boat boat_id_seq"],
    },
    { change: "no schedule", to: fleetWith({ schedules: [] }), steps: ["removeSchedule patrol patrol_sched"] },
    { change: "an empty table of events", to: boatWith({ isEvent: true }), steps: ["setEvent boat true"], rows: 0 },
    {
      change: "any column of an empty table",
      from: bare,
      to: typeWith(0, product({ ...columns, name: t.bool })),
      steps: ["changeColumn boat name"],
      rows: 0,
    },
    {
      change: "an index's accessor",
      to: boatWith({ indexes: boat.indexes.map((index) => ({ ...index, accessor: "x" })) }),
      steps: ["setAccessors boat"],
    },
  ])("$change", ({ from = fleet, to, steps, rows = 2 }) => {
    const made = plan(from, to, facts(rows));
    expect(made.kind === "auto" ? made.steps.map(short) : made).toEqual(steps);
  });

  test("what is lost is agreed to first, and named", () => {
    const less = plan(typeWith(0, product({ ...columns, more: t.u8 })), bare, facts(2, true));
    expect(less.kind === "auto" ? less.losses : less).toEqual(["column more of table boat, with the values of 2 rows"]);
    const gone = plan(raft, fleet, facts(1, true));
    expect(gone.kind === "auto" ? gone.losses : gone).toEqual(["table raft, with 1 row"]);
  });
});

describe("refused", () => {
  const columns = { id: t.u64, name: t.string, dock: t.u32 };
  const raft = fleetWith({ tables: [boat, patrol, table("raft", 3)] });
  const bare = typeWith(0, product(columns));
  test.each<{ change: string; from?: RawModuleDefV10; to: RawModuleDefV10; words: string }>([
    { change: "a table less", from: raft, to: fleet, words: "Removing the table raft" },
    {
      change: "a column more",
      from: bare,
      to: typeWith(0, product({ ...columns, more: t.u8 })),
      words: "Adding a column more to table boat",
    },
    {
      change: "a column less",
      from: typeWith(0, product({ ...columns, more: t.u8 })),
      to: bare,
      words: "Removing a column more from table boat requires",
    },
    {
      change: "a column's type",
      from: bare,
      to: typeWith(0, product({ ...columns, dock: t.u8 })),
      words: "Changing the type of column dock in table boat from U32 to U8 requires",
    },
    {
      change: "every variant's name",
      to: typeWith(2, { kind: "Sum", variants: [param("Dry", product({})), param("Oar", product({}))] }),
      words: ", with a renamed variant, requires",
    },
    { change: "an event table of a table with rows", to: boatWith({ isEvent: true }), words: "event table" },
  ])("$change", ({ from = fleet, to, words }) => {
    const made = plan(from, to);
    expect(made.kind === "refused" ? made.reason : made).toContain(words);
  });

  test("in the recorded words, one after the other", () => {
    const gauge = (row: RawModuleDefV10["typespace"][number]): RawModuleDefV10 => ({
      ...emptyRawV10,
      typespace: [row],
      types: [{ scope: [], name: "Gauge", ref: 0, customOrdering: true }],
      tables: [table("gauge", 0)],
    });
    const made = plan(
      gauge(product({ id: t.u32, level: t.i32, working: t.bool })),
      gauge(product({ id: t.u32, level: t.i16 })),
    );
    expect(made).toEqual({
      kind: "refused",
      isLossAlone: false,
      reason:
        "Errors occurred:\nChanging the type of column level in table gauge from I32 to I16 requires a manual migration\n\n" +
        "Removing a column working from table gauge requires a manual migration\n\n",
    });
  });

  test("from V9 to V10 only names change their spelling: rows are kept", () => {
    const made = planMigration(
      checkModule(vectorModule("harbor-1.12")),
      checkModule(vectorModule("harbor-2.10")),
      facts(2),
    );
    expect(made.kind === "auto" ? made.tables.map(({ kind }) => kind) : made).toEqual(["alter", "create"]);
  });
});

function boatAt(index: number, changed: typeof boat, row: RawModuleDefV10["typespace"][number]): RawModuleDefV10 {
  return { ...typeWith(index, row), tables: [changed, patrol] };
}
