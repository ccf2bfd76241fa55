// Goal: the official client package takes our bindings as they are: they type check, load, and describe
//   each table, reducer and procedure to it under the names that the server uses.
// Method: bindings of recorded modules in a directory of their own; an application that uses what they
//   declare, its wrong uses marked as errors; the loaded module printed.
import { describe, expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { checkModule, decodeModuleDef, emptyRawV10, type ModuleDef } from "@lightcone/schema";
import { array, fromHex, option, product, ref, sum, t, unit } from "@lightcone/sats";
import { generateTypeScript } from "./generate-typescript.ts";
import { hasOfficialClient, hasOfficialClient2, Scratch } from "./testing/official-client.ts";

const vectorsUrl = new URL("../../../conformance/vectors/module-def.json", import.meta.url);

function recorded(id: string): ModuleDef {
  const { vectors } = JSON.parse(readFileSync(vectorsUrl, "utf8")) as { vectors: { id: string; bsatn_hex: string }[] };
  const vector = vectors.find((each) => each.id === id);
  return checkModule(decodeModuleDef(fromHex(vector?.bsatn_hex ?? "")));
}

const named = (...names: readonly string[]) =>
  names.map((name, i) => ({ scope: [], name, ref: i, customOrdering: true }));
const table = (name: string, typeRef: number, primaryKey: readonly number[] = []) => ({
  name,
  typeRef,
  primaryKey,
  indexes: primaryKey.map((column) => ({
    name: `${name}_key_idx`,
    accessor: "by_key",
    algorithm: { kind: "btree", columns: [column] } as const,
  })),
  constraints: primaryKey.map((column) => ({ name: undefined, columns: [column] })),
  sequences: [],
  kind: "user" as const,
  access: "public" as const,
  defaults: [],
  isEvent: false,
});

/** Every kind of type, names that meet those of the bindings, circles, and an enum as a key. */
const awkward = checkModule({
  ...emptyRawV10,
  typespace: [
    product({
      mood: ref(1),
      event: ref(2),
      tree: array(t.u8),
      in_between: option(ref(2)),
      nothing: unit,
      last_word: t.string,
    }),
    sum({ Up: unit, Down: unit }),
    product({ a_1: t.u8, class: t.bool }),
    product({ children: array(ref(3)), other: ref(4) }),
    sum({ Leaf: unit, Branch: ref(3) }),
    product({}),
    sum({}),
    t.u64,
    product({ wide: t.i256, ratio: t.f64, all: array(option(ref(2))), alias: ref(7), never: sum({}) }),
  ],
  types: named("Event", "DbConnection", "SetMoodReducer", "Tree", "Node", "Empty", "Never", "Count", "Array"),
  tables: [table("Event", 0, [0]), table("array", 8)],
  reducers: ["set_mood", "setMoodAgain"].map((name) => ({
    name,
    params: [
      { name: "newMood", type: ref(1) },
      { name: "class", type: ref(2) },
    ],
    visibility: "client" as const,
    ok: unit,
    err: t.string,
  })),
  casePolicy: "none",
});

/** A library twice, with one inside. */
const library = {
  ...emptyRawV10,
  typespace: [product({ mood: ref(1), inRoom: t.u32 }), sum({ Up: unit, Down: unit })],
  types: named("Line", "Mood"),
  tables: [table("chatLine", 0, [1])],
  reducers: [
    {
      name: "sendLine",
      params: [{ name: "newMood", type: ref(1) }],
      visibility: "client" as const,
      ok: unit,
      err: t.string,
    },
  ],
};
const inside = { ...library, submodules: [{ namespace: "deep", module: library }] };
const club = checkModule({
  ...library,
  submodules: ["chat", "backRoom"].map((namespace) => ({ namespace, module: inside })),
});

const modules: readonly { readonly id: string; readonly module: ModuleDef }[] = [
  ...["noop-1x", "chat-1.12", "harbor-1.12", "harbor-2.10", "shelf-2.10"].map((id) => ({ id, module: recorded(id) })),
  { id: "awkward", module: awkward },
  { id: "club", module: club },
];

const application = `
import { DbConnection, query, reducers, tables, type EventContext, type SubscriptionHandle } from "./harbor-1.12/index.ts";
import type { Infer } from "spacetimedb";
import { BoatRow, Hull } from "./harbor-1.12/index.ts";

export function start(): DbConnection {
  const builder = DbConnection.builder()
    .withUri("ws://127.0.0.1:3000")
    .withModuleName("harbor")
    .onConnect((connection, identity, token) => {
      const handle: SubscriptionHandle = connection
        .subscriptionBuilder()
        .onApplied((context) => context.db.boat.count())
        .subscribe(["SELECT * FROM boat"]);
      handle.unsubscribe();
      const hex: string = identity.toHexString() + token;
      connection.reducers.setGauge({ id: 1, level: hex.length });
      // @ts-expect-error a level is a number
      connection.reducers.setGauge({ id: 1, level: "high" });
      // @ts-expect-error there is no such reducer
      connection.reducers.sink({});
    });
  const connection = builder.build();
  connection.db.boat.onInsert((_context: EventContext, row) => {
    const fee: number = row.berthFee;
    const id: bigint = row.id;
    const motto: string | undefined = row.motto;
    if (row.rig.tag === "Sail") console.log(row.rig.value.length, fee, id, motto);
    // @ts-expect-error the column is called berthFee here
    row.berth_fee;
  });
  connection.db.boat.onUpdate((_context, before, after) => console.log(before.name, after.name));
  const found: Infer<typeof BoatRow> | null = connection.db.boat.id.find(1n);
  const patrol = connection.db.patrol.scheduledId.find(1n);
  for (const boat of connection.db.boat.berth.filter([1, 2])) console.log(boat.name, found, patrol);
  for (const view of connection.db.firstDock.iter()) console.log(view.name);
  connection.reducers.onDockBoat((context, { name, hull }) => {
    const size: Infer<typeof Hull> = hull;
    console.log(context.event.callerIdentity, name, size.beam);
  });
  void connection.procedures.tide({ moon: 1, sun: 2 }).then((hull) => hull.beam.toFixed());
  console.log(query.boat, reducers.setGauge.name, tables.boat.name);
  return connection;
}
`;

describe.skipIf(!hasOfficialClient)("with the official client package", () => {
  test("bindings of every module and an application over them type check", () => {
    using scratch = new Scratch();
    for (const { id, module } of modules) {
      const files = generateTypeScript(module, { importExtension: ".ts", includePrivate: true, sdk: 1 });
      scratch.write(new Map([...files].map(([name, text]) => [`${id}/${name}`, text])));
    }
    scratch.write(new Map([["application.ts", application]]));
    expect(scratch.typeCheck()).toBe("");
  });

  test("bindings for bundlers, which want no extension, type check", () => {
    using scratch = new Scratch();
    scratch.write(generateTypeScript(recorded("chat-1.12"), { sdk: 1 }));
    expect(scratch.typeCheck()).toBe("");
  });

  test.each(modules)("$id loads in Node and says what the server says", ({ module }) => {
    using scratch = new Scratch();
    scratch.write(generateTypeScript(module, { importExtension: ".ts", includePrivate: true, sdk: 1 }));
    const printed = scratch.run(`
      import { DbConnection, tables, reducers } from "./index.ts";
      const columns = (table) => Object.entries(table.columns).map(([key, column]) => column.columnMetadata?.name ?? key);
      console.log(JSON.stringify({
        isBuilder: typeof DbConnection.builder().withUri === "function",
        tables: Object.values(tables).map((table) => [table.name, columns(table).length]),
        reducers: Object.values(reducers).map((reducer) => [reducer.name, reducer.paramsType.elements.length]),
      }));`);
    const sorted = (entries: readonly (readonly [string, number])[]) =>
      entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect(JSON.parse(printed)).toEqual({
      isBuilder: true,
      tables: sorted([...module.tables, ...module.views].map((each) => [each.name, each.columns.length])),
      reducers: sorted(
        module.reducers
          .filter((each) => each.lifecycle === undefined)
          .map((each) => [each.name, each.params.elements.length]),
      ),
    });
  });
});

const application2 = `
import { DbConnection as Club, tables as club } from "./club/index.ts";
import { DbConnection, reducers, tables, type EventContext } from "./harbor-2.10/index.ts";

export function start(): DbConnection {
  const connection = DbConnection.builder().withUri("ws://127.0.0.1:3000").withDatabaseName("harbor").build();
  connection.subscriptionBuilder().onApplied((context) => context.db.boat.count()).subscribe(tables.boat);
  connection.db.horn.onInsert((_context: EventContext, row) => console.log(row.sound.length));
  connection.db.boat.onUpdate((_context, before, after) => console.log(before.name, after.name));
  const found = connection.db.boat.id.find(1n);
  const done: Promise<void> = connection.reducers.setGauge({ id: 1, level: 2 });
  // @ts-expect-error a level is a number
  void connection.reducers.setGauge({ id: 1, level: "high" });
  void connection.procedures.tide({ moon: 1, sun: 2 }).then((hull) => hull.beam.toFixed());
  console.log(found, done, reducers.setGauge.name);
  return connection;
}

export function join(): void {
  const connection = Club.builder().withUri("ws://127.0.0.1:3000").withDatabaseName("club").build();
  connection.subscriptionBuilder().subscribe([club.chat.deep.chatLine, club.backRoom.chatLine.where((row) => row.inRoom.eq(1))]);
  connection.db["chat.deep.chatLine"].onInsert((_context, row) => console.log(row.inRoom, row.mood.tag));
  const sent: Promise<void> = connection.reducers["chat.sendLine"]({ newMood: { tag: "up" } });
  // @ts-expect-error there is no such submodule
  console.log(sent, club.front);
}
`;

describe.skipIf(!hasOfficialClient2)("row protocols: with version 2 of the official client package", () => {
  const made = modules.map(({ id, module }) => ({
    id,
    module,
    files: generateTypeScript(module, { importExtension: ".ts", includePrivate: true, sdk: 2 }),
  }));

  test("bindings of every module and an application over them type check", () => {
    using scratch = new Scratch(2);
    for (const { id, files } of made) scratch.write(new Map([...files].map(([name, text]) => [`${id}/${name}`, text])));
    scratch.write(new Map([["application.ts", application2]]));
    expect(scratch.typeCheck()).toBe("");
  });

  test.each(made)("$id loads in Node and says what the server says", ({ module, files }) => {
    using scratch = new Scratch(2);
    scratch.write(files);
    const printed = scratch.run(`
      import { DbConnection, tables, reducers } from "./index.ts";
      console.log(JSON.stringify({
        isBuilder: typeof DbConnection.builder().withUri === "function",
        tables: Object.values(tables).flatMap((table) => table.sourceName ?? []).toSorted(),
        reducers: Object.values(reducers).map((reducer) => reducer.name).toSorted(),
      }));`);
    expect(JSON.parse(printed)).toEqual({
      isBuilder: true,
      tables: [...module.tables, ...module.views].map(({ name }) => name).toSorted(),
      reducers: module.reducers
        .filter((each) => each.lifecycle === undefined)
        .map(({ name }) => name)
        .toSorted(),
    });
    const events = module.tables.filter(({ isEvent }) => isEvent);
    expect(files.get("index.ts")?.split("event: true").length).toBe(events.length + 1);
  });
});
