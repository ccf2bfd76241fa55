// Goal: first rows that leave in slices are the rows of one offset, whole and in their place: every later change
// comes after them, and what was said before still comes before.
// Method: subscribe to more rows than a slice holds, by a walk, a range and a join, while calls change them; keep the rows that the client is told
// of, message by message, and compare with the table. The same over an unsubscription and a limit.
import { manualClock } from "@lightcone/commitlog/testing";
import type { Database } from "@lightcone/database";
import type { ServerMessage, TableUpdate } from "@lightcone/protocol";
import { ByteWriter, toHex } from "@lightcone/sats";
import { expect, test } from "vitest";
import { call, LocalClient, makeCaller, openLocal, publish, sql } from "./local.ts";

const accountCount = 20_000;

async function openBank(limits = {}): Promise<Database> {
  // Time passes with every look at it, so that turns end and others have theirs.
  let steadyMs = 0;
  const clock = Object.assign(manualClock(1_700_000_000_000_000), { steadyMs: () => (steadyMs += 0.5) });
  const database = await openLocal({ clock, limits });
  await publish(database, "../../../modules/typescript/bank/src/index.ts");
  await call(database, "open_accounts", `[${accountCount}]`);
  await call(database, "open_branch_accounts", `[${accountCount}]`);
  return database;
}

function transfer(client: LocalClient, from: number, requestId: number): void {
  const args = new ByteWriter();
  args.u32(from);
  args.u32((from + 1) % accountCount);
  args.u64(1n);
  client.call("transfer", args.toBytes(), requestId);
}

const subscribe = (client: LocalClient, query: string, queryId: number): void =>
  client.say({ kind: "SubscribeSingle", query, requestId: 1000 + queryId, queryId });

const tablesOf = (message: ServerMessage): readonly TableUpdate[] => {
  if (message.kind === "SubscribeApplied") return [message.table];
  if (message.kind === "TransactionUpdateLight") return message.tables;
  if (message.kind === "TransactionUpdate" && message.status.kind === "Committed") return message.status.tables;
  return [];
};

/** Applies what a message says to rows counted by their bytes. */
function apply(rows: Map<string, number>, message: ServerMessage): void {
  for (const { updates } of tablesOf(message)) {
    for (const { deletes, inserts } of updates) {
      for (const row of deletes) rows.set(toHex(row), (rows.get(toHex(row)) ?? 0) - 1);
      for (const row of inserts) rows.set(toHex(row), (rows.get(toHex(row)) ?? 0) + 1);
    }
  }
}

test.each([
  "SELECT * FROM account WHERE balance >= 0",
  "SELECT * FROM account WHERE id >= 0",
  "SELECT a.* FROM account a JOIN branch_account b ON a.id = b.id",
])("changes made while the rows are gathered follow them, and the client ends with the table: %s", async (query) => {
  const database = await openBank();
  const client = new LocalClient(database, makeCaller(5));
  const other = new LocalClient(database, makeCaller(6));
  await client.next();
  await other.next();
  subscribe(client, "SELECT * FROM account", 1);
  for (let round = 0; round < 200; round += 1) {
    transfer(other, (round * 7919) % accountCount, round);
    if (round % 10 === 0) transfer(client, round, round);
    if (round === 50) subscribe(client, query, 2);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // The last call's answer is the last message.
  transfer(client, 1, 9999);
  const rows = new Map<string, number>();
  const kinds: string[] = [];
  for (;;) {
    const message = await client.next();
    kinds.push(message.kind);
    // The second query's rows are the first's once more: one count each.
    apply(rows, message);
    if (message.kind === "TransactionUpdate" && message.requestId === 9999) break;
  }
  expect(kinds[0]).toBe("SubscribeApplied");
  expect(kinds.filter((kind) => kind === "SubscribeApplied")).toHaveLength(2);
  const expected = await sql(database, "SELECT * FROM account");
  const left = [...rows].filter(([, count]) => count !== 0);
  expect(left.every(([, count]) => count === 2)).toBe(true);
  expect(left.map(([row]) => row).sort()).toEqual(
    expected
      .map(([id, balance]) => {
        const out = new ByteWriter();
        out.u32(Number(id));
        out.u64(BigInt(Number(balance)));
        return toHex(out.toBytes());
      })
      .sort(),
  );
});

test("rows over the limit are refused with its name, and nothing is held", async () => {
  const database = await openBank({ queryRowsMax: 10_000 });
  const client = new LocalClient(database, makeCaller(5));
  await client.next();
  subscribe(client, "SELECT * FROM account", 1);
  const refused = await client.next();
  expect(refused).toMatchObject({
    kind: "SubscriptionError",
    queryId: 1,
    message: expect.stringMatching(/queryRowsMax/),
  });
  // The id is free again, and no change is told.
  subscribe(client, "SELECT * FROM account WHERE id = 3", 1);
  expect(await client.next()).toMatchObject({ kind: "SubscribeApplied", queryId: 1 });
});

test("a client that leaves in the middle takes its rows with it", async () => {
  const database = await openBank();
  const client = new LocalClient(database, makeCaller(5));
  await client.next();
  subscribe(client, "SELECT * FROM account", 1);
  await new Promise((resolve) => setImmediate(resolve));
  client.leave();
  await call(database, "transfer", "[1, 2, 5]");
  expect(client.messages).toEqual([]);
  await database.stop(1000);
});
