// Goal: a database lets go of its host when it is at nothing, and only then; what it says of its schedule is so.
// Method: a database in this process, asked to end in each state that it can be in.
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import { defaultDatabaseLimits } from "@lightcone/database";
import { expect, test } from "vitest";
import { call, LocalClient, makeCaller, openLocal, publish, sql } from "./local.ts";

const clockwork = "modules/clockwork.ts";
const { parkDueMsMin } = defaultDatabaseLimits;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const settled = async (): Promise<void> => {
  for (let round = 0; round < 50; round += 1) await turn();
};

async function open() {
  const [fileSystem, clock] = [memoryFileSystem(), manualClock()];
  const database = await openLocal({ fileSystem, clock });
  expect((await publish(database, clockwork)).status).toBe(200);
  await settled();
  return { fileSystem, clock, database };
}

const at = (micros: number): string => `{"__timestamp_micros_since_unix_epoch__": ${micros}}`;

test("a database without schedules says where it ends, and goes on from there", async () => {
  const { fileSystem, clock, database } = await open();
  const rest = await database.park();
  expect(rest).toMatchObject({ nextDueMicros: undefined });
  const again = await openLocal({ fileSystem, clock });
  expect(again.releasedOffset).toBe(rest?.offset);
  // Nothing has changed since: the second time costs no snapshot.
  const files = (): Promise<readonly string[]> => fileSystem.list("/data/snapshots");
  const before = await files();
  expect(await again.park()).toEqual(rest);
  expect(await files()).toEqual(before);
});

test.each([
  { dueInMs: parkDueMsMin - 1, parks: false },
  { dueInMs: parkDueMsMin + 1, parks: true },
])("parkDueMsMin: a row that is due in $dueInMs ms: parks $parks", async ({ dueInMs, parks }) => {
  const { clock, database } = await open();
  const dueMicros = clock.nowMicros() + dueInMs * 1000;
  expect((await call(database, "once", `["later", ${at(dueMicros)}]`)).status).toBe(200);
  await settled();
  expect(await database.park()).toEqual(parks ? expect.objectContaining({ nextDueMicros: dueMicros }) : undefined);
  if (!parks) await database.stop(100);
});

test("the first of several rows is named, and it runs in the next host when its time has come", async () => {
  const { fileSystem, clock, database } = await open();
  const now = clock.nowMicros();
  await call(database, "once", `["third", ${at(now + 300e6)}]`);
  await call(database, "once", `["first", ${at(now + 100e6)}]`);
  await call(database, "every", `["second", {"__time_duration_micros__": 200000000}]`);
  await settled();
  expect(await database.park()).toMatchObject({ nextDueMicros: now + 100e6 });
  clock.advance(101_000);
  const again = await openLocal({ fileSystem, clock });
  await settled();
  expect(await sql(again, "SELECT name FROM ran")).toEqual([["first"]]);
  await settled(); // who asked has gone by then
  expect(await again.park()).toMatchObject({ nextDueMicros: now + 200e6 });
  // Who is woken late, again and again, does not leave out its repeated rows for that.
  clock.advance(149_000);
  const late = await openLocal({ fileSystem, clock });
  await settled();
  expect(await sql(late, "SELECT name FROM ran")).toEqual([["first"], ["second"]]);
  await settled();
  expect(await late.park()).toMatchObject({ nextDueMicros: now + 300e6 });
});

test("it does not end with a call in its queue, and what is asked meanwhile is answered", async () => {
  const { database } = await open();
  const client = new LocalClient(database, makeCaller(2));
  const parked = database.park(); // its connect is in the queue
  expect(await parked).toBeUndefined();
  expect((await client.next()).kind).toBe("IdentityToken");
  await settled();
  expect(await database.park()).toBeDefined();
});

test("row 12: a host at rest gives back what sequences had reserved, and who follows them hears of it", async () => {
  const [fileSystem, clock] = [memoryFileSystem(), manualClock()];
  const database = await openLocal({ fileSystem, clock });
  expect((await publish(database, "modules/counters.ts")).status).toBe(200);
  const client = new LocalClient(database, makeCaller(2));
  expect((await client.next()).kind).toBe("IdentityToken");
  client.say({ kind: "SubscribeMulti", queries: ["SELECT * FROM st_sequence"], requestId: 1, queryId: 1 });
  expect((await client.next()).kind).toBe("SubscribeMultiApplied");
  expect((await call(database, "add", '["x"]')).status).toBe(200);
  expect(await client.next()).toMatchObject({ kind: "TransactionUpdateLight" }); // the reservations
  await settled();
  const rest = await database.park();
  expect(rest).toBeDefined();
  expect(client.messages).toMatchObject([{ kind: "TransactionUpdateLight", tables: [{ tableName: "st_sequence" }] }]);
  const again = await openLocal({ fileSystem, clock });
  expect(again.releasedOffset).toBe(rest?.offset);
  expect((await call(again, "add", '["y"]')).status).toBe(200);
  for (const name of ["tiny", "small", "wide"])
    expect((await sql(again, `SELECT id FROM ${name}`)).map(([id]) => Number(id))).toEqual([1, 2]);
  await again.stop(100);
});
