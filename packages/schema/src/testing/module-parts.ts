/** Small descriptions to break in tests: one table `boat (id, name, dock)` with what a real module gives it. */
import { option, product, ref, scheduleAt, t, type Member } from "@lightcone/sats";
import { emptyRawV10 } from "../raw-v10.ts";
import type {
  RawIndexDef,
  RawModuleDefV10,
  RawModuleDefV9,
  RawReducerV10,
  RawSequenceDef,
  RawTableV10,
} from "../raw-module-def.ts";

export const btree = (name: string, ...columns: readonly number[]): RawIndexDef => ({
  name,
  accessor: name,
  algorithm: { kind: "btree", columns },
});
export const unique = (...columns: readonly number[]) => ({ name: undefined, columns });
export const sequence = (column: number, rest: Partial<RawSequenceDef> = {}): RawSequenceDef => ({
  name: undefined,
  column,
  start: undefined,
  min: undefined,
  max: undefined,
  increment: 1n,
  ...rest,
});

export const table = (name: string, typeRef: number, rest: Partial<RawTableV10> = {}): RawTableV10 => ({
  name,
  typeRef,
  primaryKey: [],
  indexes: [],
  constraints: [],
  sequences: [],
  kind: "user",
  access: "public",
  defaults: [],
  isEvent: false,
  ...rest,
});

export const reducer = (name: string, params: readonly Member[] = []): RawReducerV10 => ({
  name,
  params,
  visibility: "client",
  ok: product({}),
  err: t.string,
});

export const param = (name: string, type: Member["type"]): Member => ({ name, type });

export const boat = table("boat", 0, {
  primaryKey: [0],
  indexes: [btree("boat_id_idx_btree", 0), btree("boat_dock_idx_btree", 2)],
  constraints: [unique(0)],
  sequences: [sequence(0)],
});
export const patrol = table("patrol", 1, {
  primaryKey: [0],
  indexes: [btree("patrol_id_idx_btree", 0)],
  constraints: [unique(0)],
});

/** Type 0 is a boat, 1 a patrol, 2 an enum, 3 a part that nothing holds yet. */
export const fleet: RawModuleDefV10 = {
  ...emptyRawV10,
  typespace: [
    product({ id: t.u64, name: t.string, dock: t.u32, rig: option(ref(2)) }),
    product({ id: t.u64, at: scheduleAt }),
    { kind: "Sum", variants: [param("Bare", product({})), param("Sail", product({}))] },
    product({ hull: t.u8 }),
  ],
  types: ["Boat", "Patrol", "Rig", "Hull"].map((name, i) => ({ scope: [], name, ref: i, customOrdering: true })),
  tables: [boat, patrol],
  reducers: [reducer("sail", [param("boat", t.u64)]), reducer("start"), reducer("watch", [param("job", ref(1))])],
  schedules: [{ name: undefined, table: "patrol", atColumn: 1, functionName: "watch" }],
  lifecycles: [{ lifecycle: "init", functionName: "start" }],
};

/** The same with some sections replaced. */
export const fleetWith = (sections: Partial<RawModuleDefV10>): RawModuleDefV10 => ({ ...fleet, ...sections });

/** The same with the table `boat` changed. */
export const boatWith = (change: Partial<RawTableV10>): RawModuleDefV10 =>
  fleetWith({ tables: [{ ...boat, ...change }, patrol] });

/** The same with the type of that number replaced. */
export const typeWith = (index: number, type: RawModuleDefV10["typespace"][number]): RawModuleDefV10 =>
  fleetWith({ typespace: fleet.typespace.with(index, type) });

/** The fleet as a V9 description. */
export const fleetV9: RawModuleDefV9 = {
  version: 9,
  typespace: fleet.typespace,
  types: fleet.types,
  tables: [
    { ...boat, schedule: undefined },
    { ...patrol, schedule: { name: undefined, functionName: "watch", atColumn: 1 } },
  ],
  reducers: fleet.reducers.map(({ name, params }) => ({
    name,
    params,
    lifecycle: name === "start" ? "init" : undefined,
  })),
  miscExports: [],
  rowLevelRules: [],
};
