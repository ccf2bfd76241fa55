// Goal: a subscription that a commit costs too much is given up, and costs nobody else anything: the call is committed,
// others are told, and who held it knows that its rows may not be right any more.
// Method: a real server with a small `liveVisitsMax`. One who speaks frames and a client of ours hold a join whose rows meet
// more partners than that; a third holds the table. Then rows are held against the tables.
import { fileURLToPath } from "node:url";
import { connect } from "lightcone/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import type * as shelf from "../crash/modules/shelf.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const liveVisitsMax = 10;
const joined = "SELECT item.* FROM item JOIN mark ON item.shelf = mark.shelf";

let served: Served;
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { liveVisitsMax } });
  const entry = fileURLToPath(new URL("../crash/modules/shelf.ts", import.meta.url));
  await served.create("shelf", (await bundleModule(entry)).code);
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

  const text = `liveVisitsMax: ${liveVisitsMax + 1} is over ${liveVisitsMax}`;
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
