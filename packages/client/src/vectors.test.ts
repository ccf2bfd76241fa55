// Goal: the client understands what recorded servers say.
// Method: a module with the vectors' tables; the vectors' frames, in an order in which they make sense. Ids in
// them are fixed, so the client is brought to use the same.
import { expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { schema, t, table } from "@lightcone/module";
import { fromHex, product, t as types } from "@lightcone/sats";
import { connect } from "./connect.ts";
import { FakeWorld, settled } from "./testing/fake-world.ts";
import { schemaText, type SchemaParts } from "./testing/schema-text.ts";

const spacetime = schema({
  person: table({ public: true }, { id: t.u32().primaryKey(), name: t.string() }),
  point: table({ public: true }, { x: t.i32(), y: t.i32() }),
});
const module = {
  default: spacetime,
  rename: spacetime.reducer({ id: t.u32(), name: t.string() }, () => {}),
  noop: spacetime.reducer(() => {}),
};

const recorded: SchemaParts = {
  tables: [
    { accessor: "person", row: product({ id: types.u32, name: types.string }), key: 0 },
    { accessor: "point", row: product({ x: types.i32, y: types.i32 }) },
  ],
  reducers: [{ accessor: "rename", params: product({ id: types.u32, name: types.string }) }, { accessor: "noop" }],
};

interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly frame_hex?: string;
}
const url = new URL("../../../conformance/vectors/websocket.json", import.meta.url);
const vectors: readonly Vector[] = JSON.parse(readFileSync(url, "utf8"));

function frame(name: string): Uint8Array {
  const vector = vectors.find((one) => one.name === `v1.server.${name}`);
  if (vector === undefined) throw new Error(`there is no vector ${name}`);
  return fromHex(vector.frame_hex ?? vector.hex);
}

async function open() {
  const fake = new FakeWorld(schemaText(recorded), 1);
  const db = connect<typeof module>({ uri: "http://server", database: "town", platform: fake.platform });
  fake.socket.receive(frame("identity_token"));
  await settled();
  const outcomes = new Map<number, string>();
  const call = async (id: number, made: Promise<void>): Promise<void> => {
    outcomes.set(
      id,
      await made.then(
        () => "done",
        (error: Error) => error.message,
      ),
    );
  };
  for (let id = 1; id <= 40; id += 1)
    void call(id, id === 11 ? db.reducers.noop() : db.reducers.rename({ id: 1, name: "Alicia" }));
  await settled();
  db.subscribe("SELECT * FROM person", "SELECT * FROM point"); // becomes number 41
  return { fake, db, outcomes };
}

test("rows and answers, as recorded", async () => {
  const { fake, db, outcomes } = await open();
  const { person, point } = db.tables;
  expect(db.identity?.toHexString()).toBe("c200a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e");
  expect(db.connectionId?.toHexString()).toBe("0102030405060708090a0b0c0d0e0f10");

  fake.socket.receive(frame("subscribe_multi_applied"));
  expect(person.rows()).toEqual([
    { id: 1, name: "Alice" },
    { id: 2, name: "Bo" },
  ]);
  const points = point.size;
  expect(points).toBeGreaterThan(0);

  const updates: unknown[] = [];
  person.onUpdate((before, after) => updates.push([before.name, after.name]));
  fake.socket.receive(frame("transaction_update_committed"));
  await settled();
  expect(updates).toEqual([["Alice", "Alicia"]]);
  expect(outcomes.get(7)).toBe("done");

  fake.socket.receive(frame("transaction_update_committed_no_rows"));
  await settled();
  expect(outcomes.get(11)).toBe("done");
});

test.each([
  { name: "transaction_update_failed", text: /^name is taken$/ },
  { name: "transaction_update_out_of_energy", text: /than one call may/ },
])("$name rejects the call", async ({ name, text }) => {
  const { fake, outcomes } = await open();
  fake.socket.receive(frame(name));
  await settled();
  expect(outcomes.get(7)).toMatch(text);
});

test("a refused subscription, and all subscriptions ended", async () => {
  const { fake, db } = await open();
  const another = db.subscribe("SELECT * FROM nope"); // becomes number 42
  fake.socket.receive(frame("subscribe_multi_applied_empty"));
  await another.applied;
  fake.socket.receive(frame("subscription_error_global"));
  expect(db.state).toBe("waiting");
});
