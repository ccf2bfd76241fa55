// Goal: a TypeScript module describes itself as the same module written in Rust for 2.x does.
// Method: against the recorded description of a small one; and everything, checked and named as the database does.
import { loadJsModule } from "@lightcone/host-js";
import { checkModule, decodeModuleDef, type ModuleDef } from "@lightcone/schema";
import { expect, test } from "vitest";
import { EngineDatabase } from "../wasm/engine-database.ts";
import { bundleOf, openModule } from "./bundled.ts";
import vectors from "../../vectors/module-def.json" with { type: "json" };

test("person, as recorded", async () => {
  const program = loadJsModule(await bundleOf("modules/person.ts"), undefined, { sandbox: "vm" });
  const recorded = vectors.vectors.find(({ id }) => id === "person-v10");
  expect(decodeModuleDef(new EngineDatabase(program).instance.description)).toEqual(
    decodeModuleDef(Buffer.from(recorded?.bsatn_hex ?? "", "hex")),
  );
});

async function everything(): Promise<ModuleDef> {
  const database = await openModule("modules/everything.ts", "vm");
  return checkModule(decodeModuleDef(database.instance.description));
}

test("tables, indexes, constraints, sequences, defaults", async () => {
  const { tables } = await everything();
  expect(tables.map(({ name, accessor, access, isEvent }) => ({ name, accessor, access, isEvent }))).toEqual([
    { name: "sample", accessor: "sample", access: "public", isEvent: false },
    { name: "players", accessor: "playerRow", access: "public", isEvent: false },
    { name: "timer", accessor: "timer", access: "private", isEvent: false },
    { name: "alarm", accessor: "alarm", access: "private", isEvent: false },
    { name: "flash", accessor: "flash", access: "public", isEvent: true },
  ]);
  const players = tables[1];
  expect(players?.primaryKey).toBe(0);
  expect(
    players?.indexes.map(({ name, sourceName, accessor, algorithm, columns, unique }) => [
      name,
      sourceName,
      accessor,
      algorithm,
      columns,
      unique,
    ]),
  ).toEqual([
    ["players_id_idx_btree", "playerRow_id_idx_btree", "id", "btree", [0], true],
    ["players_name_idx_btree", "playerRow_name_idx_btree", "name", "btree", [1], true],
    ["players_level_idx_btree", "playerRow_level_idx_btree", "level", "btree", [3], false],
    ["players_seat_idx_hash", "playerRow_seat_idx_hash", "seat", "hash", [4], false],
    ["players_team_level_id_idx_btree", "playerRow_team_level_id_idx_btree", "byTeam", "btree", [2, 3, 0], false],
    ["player_slot", "playerRow_team_seat_idx_hash", "slot", "hash", [2, 4], false],
    ["players_seat_level_idx_btree", "playerRow_seat_level_idx_btree", "place", "btree", [4, 3], true],
  ]);
  expect(players?.constraints.map(({ columns }) => columns)).toEqual([[0], [1], [3, 4]]);
  expect(players?.sequences.map(({ column, increment }) => [column, increment])).toEqual([[0, 1n]]);
  expect(players?.columns[6]?.defaultValue).toEqual(new Uint8Array([7, 0, 0, 0]));
});

test("reducers, lifecycle, schedules", async () => {
  const { reducers, tables } = await everything();
  expect(reducers.map(({ name, lifecycle, visibility }) => [name, lifecycle, visibility])).toEqual([
    ["bye", "disconnect", "private"],
    ["grow", undefined, "client"],
    ["hello", "connect", "private"],
    ["hostile", undefined, "client"],
    ["init", "init", "private"],
    ["keep", undefined, "client"],
    ["loop", undefined, "client"],
    ["made", undefined, "client"],
    ["refuse", undefined, "client"],
    ["ring", undefined, "private"],
    ["run", undefined, "client"],
    ["tick", undefined, "private"],
  ]);
  expect(
    tables.map(({ schedule }) => schedule && [schedule.functionName, schedule.atColumn, schedule.idColumn]),
  ).toEqual([undefined, undefined, ["tick", 1, 0], ["ring", 0, 1], undefined]);
});

test("named types", async () => {
  const { types } = await everything();
  expect(types.map(({ name }) => name)).toEqual([
    "Sample",
    "Point",
    "Color",
    "Shape",
    "PlayerRow",
    "Timer",
    "Alarm",
    "Flash",
  ]);
});

test.each(["chat", "bank"])("%s has the names of its Rust twin", async (name) => {
  const program = loadJsModule(await bundleOf(`../../../modules/typescript/${name}/src/index.ts`), undefined, {
    sandbox: "vm",
  });
  const { tables, reducers } = new EngineDatabase(program).def;
  const expected = {
    chat: [
      ["user", "message"],
      ["identity_connected", "identity_disconnected", "init", "send_message", "set_name"],
    ],
    bank: [
      ["account", "ranked_account", "branch_account"],
      [
        "open_accounts",
        "open_branch_accounts",
        "open_ranked_accounts",
        "transfer",
        "transfer_branch",
        "transfer_ranked",
      ],
    ],
  };
  expect([tables.map((table) => table.name), reducers.map((reducer) => reducer.name)]).toEqual(
    expected[name as "chat" | "bank"],
  );
});
