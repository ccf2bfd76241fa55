// Goal: a table without columns works as any other: it has its one row, or none.
// Method: a module with such a table; its row is added twice, told to a client, counted, taken away and added again, and
// is there after a start from the log and from a snapshot.
import { memoryFileSystem } from "@lightcone/commitlog/testing";
import { expect, test } from "vitest";
import { call, LocalClient, makeCaller, openLocal, publish, sql } from "./local.ts";

const open = (fileSystem: ReturnType<typeof memoryFileSystem>) => openLocal({ fileSystem });
type Opened = Awaited<ReturnType<typeof open>>;

const done = async (database: Opened, functionName: string): Promise<void> =>
  expect((await call(database, functionName, "[]")).status, functionName).toBe(200);
const flags = (database: Opened): Promise<readonly unknown[]> => sql(database, "SELECT * FROM flag");

/** What the next message says of the flag: rows added, rows taken away. */
async function told(client: LocalClient): Promise<readonly unknown[]> {
  const message = await client.next();
  if (message.kind !== "SubscribeMultiApplied" && message.kind !== "TransactionUpdateLight") return [message.kind];
  const { tables } = message;
  return tables.flatMap(({ updates }) => updates.map(({ inserts, deletes }) => [inserts.count, deletes.count]));
}

test("row 6: a table without columns has its one row, or none", async () => {
  const fileSystem = memoryFileSystem();
  const database = await open(fileSystem);
  expect((await publish(database, "./modules/nothing.ts")).status).toBe(200);
  const client = new LocalClient(database, makeCaller(9));
  await client.next();
  client.say({ kind: "SubscribeMulti", queries: ["SELECT * FROM flag"], requestId: 1, queryId: 1 });
  expect(await told(client)).toEqual([]);
  await done(database, "raise");
  expect(await told(client)).toEqual([[1, 0]]);
  await done(database, "raise");
  await done(database, "count");
  expect(await sql(database, "SELECT id FROM other")).toEqual([[11]]);
  expect(await flags(database)).toEqual([[]]);
  expect(await sql(database, "SELECT COUNT(*) AS n FROM flag")).toEqual([[1]]);
  await done(database, "lower");
  expect(await told(client)).toEqual([[0, 1]]);
  expect(await flags(database)).toEqual([]);
  await done(database, "raise");
  expect(await told(client)).toEqual([[1, 0]]);
  const late = new LocalClient(database, makeCaller(8));
  await late.next();
  late.say({ kind: "SubscribeMulti", queries: ["SELECT * FROM flag"], requestId: 1, queryId: 1 });
  expect(await told(late)).toEqual([[1, 0]]);

  fileSystem.endProcess();
  const fromLog = await open(fileSystem);
  expect(await flags(fromLog)).toEqual([[]]);
  await fromLog.snapshot();
  await fromLog.stop(1000);
  const fromSnapshot = await open(fileSystem);
  expect(await flags(fromSnapshot)).toEqual([[]]);
  await done(fromSnapshot, "raise");
  expect(await sql(fromSnapshot, "SELECT COUNT(*) AS n FROM flag")).toEqual([[1]]);
  await fromSnapshot.stop(1000);
});
