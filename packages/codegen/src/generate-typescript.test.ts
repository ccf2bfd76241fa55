// Goal: which files there are, what is in them, and that the same module always gives the same bytes.
// Method: a recorded module's files by name; the texts of a few; small modules for what is left out.
import { expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { checkModule, decodeModuleDef, type ModuleDef } from "@lightcone/schema";
import { fromHex } from "@lightcone/sats";
import { generatedMark } from "./dialect.ts";
import { generateTypeScript } from "./generate-typescript.ts";
import { camelKeys, objectKey } from "./names.ts";

const vectorsUrl = new URL("../../../conformance/vectors/module-def.json", import.meta.url);

function recorded(id: string): ModuleDef {
  const { vectors } = JSON.parse(readFileSync(vectorsUrl, "utf8")) as { vectors: { id: string; bsatn_hex: string }[] };
  const vector = vectors.find((each) => each.id === id);
  return checkModule(decodeModuleDef(fromHex(vector?.bsatn_hex ?? "")));
}

const head = `${generatedMark}\n/* eslint-disable */\n/* tslint:disable */\n\n`;

test("a file per table, reducer that can be called, procedure and type, and the index", () => {
  expect([...generateTypeScript(recorded("chat-1.12"), { sdk: 1 }).keys()]).toEqual([
    "message_table.ts",
    "user_table.ts",
    "send_message_reducer.ts",
    "message_type.ts",
    "user_type.ts",
    "index.ts",
  ]);
});

test("every file begins with the mark", () => {
  for (const text of generateTypeScript(recorded("harbor-2.10"), { sdk: 1 }).values())
    expect(text.startsWith(head)).toBe(true);
});

test("a row: camelCase keys, the wire's name where it differs, the key marked", () => {
  expect(generateTypeScript(recorded("harbor-2.10"), { sdk: 1 }).get("patrol_table.ts")).toBe(
    `${head}import { t as __t } from "spacetimedb";

export default __t.row({
  scheduledId: __t.u64().primaryKey().name("scheduled_id"),
  scheduledAt: __t.scheduleAt().name("scheduled_at"),
  gauge: __t.u32(),
});
`,
  );
});

test("parameters import the types they need", () => {
  expect(generateTypeScript(recorded("harbor-1.12"), { sdk: 1 }).get("dock_boat_reducer.ts")).toBe(
    `${head}import { t as __t } from "spacetimedb";
import Hull from "./hull_type";
import Rig from "./rig_type";

export default {
  name: __t.string(),
  dock: __t.u32(),
  slot: __t.u16(),
  rig: Rig,
  hull: Hull,
};
`,
  );
});

test("the index describes tables, indexes and constraints", () => {
  expect(generateTypeScript(recorded("harbor-1.12"), { sdk: 1 }).get("index.ts")).toContain(`  __table(
    {
      name: "boat",
      indexes: [
        { name: "id", algorithm: "btree", columns: ["id"] },
        { name: "name", algorithm: "btree", columns: ["name"] },
        { name: "berth", algorithm: "btree", columns: ["dock", "slot"] },
      ],
      constraints: [
        { name: "boat_id_key", constraint: "unique", columns: ["id"] },
        { name: "boat_name_key", constraint: "unique", columns: ["name"] },
      ],
    },
    BoatRow,
  ),
`);
});

test("what clients cannot reach or call, as reducers of their coming and going, is left out unless asked for", () => {
  const module = recorded("harbor-2.10");
  const few = new Set(generateTypeScript(module, { sdk: 1 }).keys());
  const all = new Set(generateTypeScript(module, { sdk: 1, includePrivate: true }).keys());
  expect([...all].filter((name) => !few.has(name))).toEqual([
    "visit_table.ts",
    "farewell_reducer.ts",
    "greet_reducer.ts",
    "run_patrol_reducer.ts",
    "visit_type.ts",
  ]);
  expect([...all]).not.toContain("open_harbor_reducer.ts");
});

test("the order of a description does not show", () => {
  const module = recorded("harbor-2.10");
  const turned: ModuleDef = {
    ...module,
    tables: module.tables.toReversed(),
    reducers: module.reducers.toReversed(),
    types: module.types.toReversed(),
    views: module.views.toReversed(),
  };
  expect([...generateTypeScript(turned, { sdk: 2 })]).toEqual([...generateTypeScript(module, { sdk: 2 })]);
});

test.each([
  { names: ["user_id", "userId"], keys: ["userId", "userId_"] },
  { names: ["a_1", "a1"], keys: ["a1", "a1_"] },
  { names: ["a1", "a_1"], keys: ["a1", "a_1"] },
  { names: ["_", "__"], keys: ["_", "__"] },
])("keys of $names", ({ names, keys }) => {
  expect(camelKeys(names)).toEqual(keys);
});

test.each([
  { name: "plain", key: "plain" },
  { name: "class", key: "class" },
  { name: "1st", key: '"1st"' },
  { name: "__proto__", key: '["__proto__"]' },
  { name: 'a"b', key: '"a\\"b"' },
])("the key $name is written $key", ({ name, key }) => {
  expect(objectKey(name)).toBe(key);
});
