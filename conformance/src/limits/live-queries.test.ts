// Goal: a subscription that costs a commit too much, or takes too much room, ends, and costs nobody else anything: the call is
// committed, others are told, and who held it knows which limit it met, and whether its rows may not be right any more.
// Method: a real server with small limits. Some speak frames, some are clients of ours; one holds the tables. Then rows are held
// against the tables.
import { fileURLToPath } from "node:url";
import type { ServerMessage } from "@lightcone/protocol";
import { connect } from "lightcone/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import type * as shelf from "../crash/modules/shelf.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const liveVisitsMax = 10;
const liveDeltaRowsMax = 40;
/** Some 12,000 arranged rows, or 500 queries. */
const liveQueryBytesMax = 200_000;
/** 750 queries. */
const liveStateBytesMax = 300_000;
const joined = "SELECT item.* FROM item JOIN mark ON item.shelf = mark.shelf";

let served: Served;
beforeAll(async () => {
  served = await Served.open({
    databaseLimits: { liveVisitsMax, liveDeltaRowsMax, liveQueryBytesMax, liveStateBytesMax },
  });
  const entry = fileURLToPath(new URL("../crash/modules/shelf.ts", import.meta.url));
  const { code } = await bundleModule(entry);
  for (const name of ["shelf", "rows", "room"]) await served.create(name, code);
});
afterAll(() => served.stop());

async function put(id: number, of: number): Promise<void> {
  expect((await served.call("shelf", "put", JSON.stringify([id, of, `item ${id}`]))).status).toBe(200);
}

test("issue 9: liveVisitsMax", async () => {
  const uri = served.url;
  const all = connect<typeof shelf>({ uri, database: "shelf" });
  await all.subscribe("SELECT * FROM item").applied;
  let returns = 0;
  const joining = connect<typeof shelf>({
    uri,
    database: "shelf",
    onState: (state) => (returns += state === "connecting" ? 1 : 0),
    onError: () => undefined,
  });
  await joining.subscribe("SELECT * FROM mark").applied;
  await joining.subscribe(joined).applied;
  const first = returns;
  const raw = await RawClient.open(uri, "shelf");
  expect((await raw.next())?.kind).toBe("IdentityToken");
  raw.say({ kind: "SubscribeSingle", query: joined, requestId: 1, queryId: 1 });
  expect((await raw.next())?.kind).toBe("SubscribeApplied");

  for (let mark = 0; mark <= liveVisitsMax; mark += 1)
    expect((await served.call("shelf", "note", JSON.stringify([mark === 0 ? 2 : 1, `mark ${mark}`]))).status).toBe(200);
  await put(1, 2);
  expect((await raw.next())?.kind).toBe("TransactionUpdateLight");
  expect((await served.call("shelf", "note", JSON.stringify([1, "one too many"]))).status).toBe(200);
  await put(2, 1);

  const clause = "item JOIN mark ON item.shelf = mark.shelf";
  const text = `liveVisitsMax: ${liveVisitsMax + 1} is over ${liveVisitsMax}, by ${clause}`;
  expect(await raw.next()).toMatchObject({ kind: "SubscriptionError", queryId: 1, message: text });
  await raw.over;
  expect(raw.closed).toEqual({ code: 1011, reason: text });
  // Our client has come again by itself: it has what it held besides, kept up to date, and no row of the join.
  await expect.poll(() => returns).toBeGreaterThan(first);
  expect((await served.call("shelf", "note", JSON.stringify([3, "later"]))).status).toBe(200);
  await expect.poll(() => joining.tables.mark.rows()).toHaveLength(liveVisitsMax + 3);
  expect(joining.tables.item.rows()).toEqual([]);
  await put(3, 2);
  await expect
    .poll(() =>
      all.tables.item
        .rows()
        .map(({ id }) => id)
        .sort(),
    )
    .toEqual([1, 2, 3]);
  expect((await served.sql("shelf", "SELECT id FROM item")).map(([id]) => Number(id)).sort()).toEqual([1, 2, 3]);
  all.close();
  joining.close();
});

const perStatement = 3000;

/** Inserts rows, as many by one statement as there is room for: a commit each. */
async function marks(database: string, from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at += perStatement) {
    const values = Array.from({ length: Math.min(perStatement, from + count - at) }, (_, n) => `(1,'m${at + n}')`);
    await served.sql(database, `INSERT INTO mark (shelf, text) VALUES ${values.join(",")}`);
  }
}

test("issue 9: liveDeltaRowsMax", async () => {
  const all = connect<typeof shelf>({ uri: served.url, database: "rows" });
  await all.subscribe("SELECT * FROM mark").applied;
  const raws = await Promise.all([0, 1, 2, 3].map(() => RawClient.open(served.url, "rows")));
  for (const [n, raw] of raws.entries()) {
    expect((await raw.next())?.kind).toBe("IdentityToken");
    raw.say({ kind: "SubscribeSingle", query: `SELECT * FROM mark WHERE shelf < ${n + 5}`, requestId: 1, queryId: 7 });
    expect((await raw.next())?.kind).toBe("SubscribeApplied");
  }
  await marks("rows", 0, 13);
  for (const raw of raws) expect((await raw.next())?.kind).toMatch(/^TransactionUpdate/);
  await marks("rows", 13, 14);
  const text = `liveDeltaRowsMax: ${liveDeltaRowsMax + 1} is over ${liveDeltaRowsMax}, by mark`;
  for (const raw of raws) {
    expect(await raw.next()).toMatchObject({ kind: "SubscriptionError", queryId: 7, message: text });
    await raw.over;
    expect(raw.closed).toEqual({ code: 1011, reason: text });
  }
  await expect.poll(() => all.tables.mark.rows()).toHaveLength(27);
  expect(await served.sql("rows", "SELECT shelf FROM mark")).toHaveLength(27);
  all.close();
});

test("issue 9: liveQueryBytesMax and liveStateBytesMax", async () => {
  const all = connect<typeof shelf>({ uri: served.url, database: "room" });
  await all.subscribe("SELECT * FROM mark").applied;
  const raw = await RawClient.open(served.url, "room", { query: "&light=true" });
  expect((await raw.next())?.kind).toBe("IdentityToken");
  const say = (queryId: number, query: string): void =>
    raw.say({ kind: "SubscribeSingle", query, requestId: queryId, queryId });
  const rowCount = (message: ServerMessage | undefined, side: "inserts" | "deletes"): number =>
    message?.kind !== "TransactionUpdateLight"
      ? -1
      : message.tables.flatMap(({ updates }) => updates).reduce((sum, each) => sum + [...each[side]].length, 0);
  const joinedMarks = "SELECT mark.* FROM mark JOIN item ON mark.shelf = item.shelf";
  const advice = "mark JOIN item ON mark.shelf = item.shelf; an index on mark (shelf) would do instead";
  // The order of rows is made in slices; what it says next waits, and what others do meanwhile is followed.
  await marks("room", 0, 6000);
  expect((await served.call("room", "put", JSON.stringify([1, 2, "item"]))).status).toBe(200);
  say(1, joinedMarks);
  say(9, "SELECT * FROM item WHERE id = 100");
  const calls = Promise.all([0, 1, 2].map((n) => served.call("room", "note", JSON.stringify([2, `meanwhile ${n}`]))));
  const applied = await raw.next();
  expect(applied).toMatchObject({ kind: "SubscribeApplied", queryId: 1 });
  let rows =
    applied?.kind === "SubscribeApplied" ? [...applied.table.updates.flatMap((each) => [...each.inserts])].length : -1;
  for (const { status } of await calls) expect(status).toBe(200);
  let isAnswered = false;
  while (rows < 3 || !isAnswered) {
    const message = await raw.next();
    if (message === undefined) throw new Error("the connection is over");
    if (message?.kind === "SubscribeApplied") isAnswered = true;
    else rows += rowCount(message, "inserts");
  }

  expect((await served.call("room", "note", JSON.stringify([2, "second"]))).status).toBe(200);
  expect(rowCount(await raw.next(), "inserts")).toBe(1);

  // A commit lets the order of rows grow too large: the rows go back, and the connection stays.
  await marks("room", 6000, 14_000);
  expect(rowCount(await raw.next(), "deletes")).toBe(4);
  const ended = await raw.next();
  expect(ended).toMatchObject({ kind: "SubscriptionError", queryId: 1 });
  expect(ended?.kind === "SubscriptionError" && ended.message).toMatch(/^liveQueryBytesMax: \d+ is over 200000, by /);
  expect(ended?.kind === "SubscriptionError" && ended.message.endsWith(advice)).toBe(true);
  say(2, joinedMarks);
  expect(await raw.next()).toMatchObject({
    kind: "SubscriptionError",
    queryId: 2,
    message: `liveQueryBytesMax: ${20_004 * 16} is over ${liveQueryBytesMax}, by ${advice}`,
  });

  // Many queries: as many as there is room for, and of one message all or none.
  const queries = (column: string): string[] =>
    Array.from({ length: 400 }, (_, n) => `SELECT * FROM item WHERE ${column} = ${n}`);
  raw.say({ kind: "SubscribeMulti", queries: queries("id"), requestId: 3, queryId: 3 });
  expect((await raw.next())?.kind).toBe("SubscribeMultiApplied");
  raw.say({ kind: "SubscribeMulti", queries: queries("shelf"), requestId: 4, queryId: 4 });
  const refused = await raw.next();
  expect(refused).toMatchObject({ kind: "SubscriptionError", queryId: 4 });
  expect(refused?.kind === "SubscriptionError" && refused.message).toMatch(
    /^liveStateBytesMax: \d+ is over 300000, by item$/,
  );
  expect((await served.call("room", "put", JSON.stringify([7, 7, "seventh"]))).status).toBe(200);
  expect(rowCount(await raw.next(), "inserts")).toBe(1);
  await expect.poll(() => all.tables.mark.rows()).toHaveLength(20_004);
  expect(await served.sql("room", "SELECT shelf FROM mark")).toHaveLength(20_004);
  all.close();
  raw.close();
});
