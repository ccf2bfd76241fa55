// Goal: each limit of a server and of a database holds, says which it is, and hurts nobody else.
// Method: one server with small limits; a test trips one limit, then a bystander's call must still be answered.
// Time and memory are tripped by `bad-input/hostile.test.ts`; pings, silence and issuers by the tests of `server`.
import { fileURLToPath } from "node:url";
import { ByteWriter } from "@lightcone/sats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const serverLimits = {
  bodyBytesMax: 10_000,
  programBytesMax: 200_000,
  frameBytesMax: 50_000,
  outboundBytesMax: 1_000_000,
  connectionsMax: 12,
  tokenCharactersMax: 1000,
  databaseNamesMax: 3,
};
const databaseLimits = {
  callArgumentsBytesMax: 20_000,
  subscriptionsPerConnectionMax: 3,
  queryRowsMax: 400,
  connectionQueueMax: 500,
  connectionBufferBytesMax: 1_000_000,
  databaseBytesMax: 40 * 1024 ** 2,
};

const hostile = fileURLToPath(new URL("../bad-input/modules/hostile.ts", import.meta.url));

let served: Served;
let bystander: RawClient;
beforeAll(async () => {
  served = await Served.open({ serverLimits, databaseLimits });
  await served.publishTypeScript("ledger", "ledger");
  bystander = await RawClient.open(served.url, "ledger", { token: served.token });
  expect((await bystander.next())?.kind).toBe("IdentityToken");
});
afterAll(async () => {
  bystander.close();
  await served.stop();
});

let bystandersCalls = 0;
/** The bystander is served as if nothing had been. */
async function bystanderIsServed(): Promise<void> {
  bystander.call("record", recordArgs(999, bystandersCalls), bystandersCalls++);
  const answer = await bystander.next();
  expect(answer).toMatchObject({ kind: "TransactionUpdate", status: { kind: "Committed" } });
}

function recordArgs(client: number, number: number): Uint8Array {
  const out = new ByteWriter();
  out.u32(client);
  out.u32(number);
  return out.toBytes();
}

async function connected(): Promise<RawClient> {
  const client = await RawClient.open(served.url, "ledger", { token: served.token });
  expect((await client.next())?.kind).toBe("IdentityToken");
  return client;
}

const record = (body: string): Promise<Response> => served.call("ledger", "record", body);

test("bodyBytesMax", async () => {
  const response = await record(`[1,${" ".repeat(serverLimits.bodyBytesMax)}2]`);
  expect(response.status).toBe(413);
  expect(await response.text()).toContain("length limit exceeded");
  await bystanderIsServed();
});

test("programBytesMax", async () => {
  const program = new Uint8Array(serverLimits.programBytesMax + 1);
  const response = await served.request("PUT", "/v1/database/too-large", program);
  expect(response.status).toBe(413);
});

test("frameBytesMax", async () => {
  const client = await connected();
  client.send(new Uint8Array(serverLimits.frameBytesMax + 1));
  await client.over;
  expect(client.closed?.code).toBe(1009);
  await bystanderIsServed();
});

test("connectionsMax", async () => {
  const open: RawClient[] = [];
  while (open.length < serverLimits.connectionsMax - 1) open.push(await connected());
  await expect(RawClient.open(served.url, "ledger")).rejects.toThrow(/503/);
  await bystanderIsServed();
  for (const client of open) client.close();
  await Promise.all(open.map((client) => client.over));
  (await connected()).close();
});

test("callArgumentsBytesMax: a call with more is refused in words, over WebSocket and HTTP, and has not run", async () => {
  const tooMany = databaseLimits.callArgumentsBytesMax + 1;
  const client = await connected();
  client.call("record", new Uint8Array(tooMany), 7);
  expect(await client.next()).toMatchObject({
    kind: "TransactionUpdate",
    status: { kind: "Failed", message: `callArgumentsBytesMax: ${tooMany} is over ${tooMany - 1}` },
  });
  client.close();
  const text = JSON.stringify("x".repeat(9_000));
  const response = await served.call("ledger", "record", `[1, 2, ${text}]`);
  expect(response.status).toBe(400); // within the bound: too many for the reducer, as before
  await bystanderIsServed();
});

test("tokenCharactersMax", async () => {
  const headers = { authorization: `Bearer ${"x".repeat(serverLimits.tokenCharactersMax + 1)}` };
  const response = await fetch(`${served.url}/v1/identity/websocket-token`, { method: "POST", headers });
  expect(response.status).toBe(401);
});

test("databaseNamesMax", async () => {
  const response = await fetch(`${served.url}/v1/database/ledger/names`, {
    method: "PUT",
    headers: { authorization: `Bearer ${served.token}`, "content-type": "application/json" },
    body: JSON.stringify(["ledger", "b", "c", "d"]),
  });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("databaseNamesMax");
});

test("subscriptionsPerConnectionMax", async () => {
  const client = await connected();
  const query = (number: number): string => `SELECT * FROM entry WHERE client = ${number}`;
  client.subscribe([query(1), query(2), query(3)], 1, 1);
  expect((await client.next())?.kind).toBe("SubscribeMultiApplied");
  client.subscribe([query(4)], 2, 2);
  expect(await client.next()).toMatchObject({
    kind: "SubscriptionError",
    message: expect.stringContaining("subscriptionsPerConnectionMax"),
  });
  // The same text again takes no more room.
  client.subscribe([query(1)], 3, 3);
  expect((await client.next())?.kind).toBe("SubscribeMultiApplied");
  // But sets are counted too, even those without a query.
  client.subscribe([], 4, 4);
  expect((await client.next())?.kind).toBe("SubscribeMultiApplied");
  client.subscribe([], 5, 5);
  expect(await client.next()).toMatchObject({
    kind: "SubscriptionError",
    message: expect.stringContaining("subscriptionsPerConnectionMax: 4 is over 3"),
  });
  // The legacy set is replaced, so the one before it takes no room.
  client.say({ kind: "UnsubscribeMulti", requestId: 6, queryId: 1 });
  expect((await client.next())?.kind).toBe("UnsubscribeMultiApplied");
  for (const requestId of [7, 8]) {
    client.say({ kind: "Subscribe", queries: [query(requestId), query(20)], requestId });
    expect((await client.next())?.kind).toBe("InitialSubscription");
  }
  client.close();
});

test("queryRowsMax", async () => {
  const client = await connected();
  for (let number = 0; number <= databaseLimits.queryRowsMax; number += 1)
    client.call("record", recordArgs(7, number), number, 1);
  client.subscribe(["SELECT * FROM entry WHERE client = 7"], 1, 1);
  expect(await client.next()).toMatchObject({
    kind: "SubscriptionError",
    message: expect.stringContaining("queryRowsMax"),
  });
  const response = await served.request("POST", "/v1/database/ledger/sql", "SELECT * FROM entry WHERE client = 7");
  expect(response.status).toBe(429);
  expect(await response.text()).toContain("queryRowsMax");
  expect(await served.sql("ledger", "SELECT COUNT(*) AS n FROM entry WHERE client = 7")).toEqual([[401]]);
  expect((await served.sql("ledger", "SELECT * FROM entry WHERE client = 7 LIMIT 400")).length).toBe(400);
  client.close();
  await bystanderIsServed();
});

test("connectionQueueMax", async () => {
  const client = await connected();
  for (let number = 0; number < 3_000; number += 1) client.call("record", recordArgs(8, number), number, 1);
  await client.over;
  expect(client.closed).toEqual({ code: 1013, reason: "too many requests" });
  await bystanderIsServed();
});

test("a client that never reads is dropped; the others do not wait for it", async () => {
  const url = `${served.url.replace("http", "ws")}/v1/database/ledger/subscribe?compression=None`;
  const silent = new WebSocket(url, "v1.bsatn.spacetimedb", { headers: { authorization: `Bearer ${served.token}` } });
  silent.on("error", () => undefined);
  const isOver = new Promise((resolve) => silent.on("close", resolve));
  await new Promise((resolve) => silent.once("open", resolve));
  const query = "SELECT * FROM entry WHERE client = 999";
  const out = new ByteWriter();
  out.u8(4);
  out.u32(1);
  out.string(query);
  out.u32(1);
  out.u32(1);
  silent.send(out.toBytes());
  silent.pause();
  let dropped = false;
  const note = "x".repeat(9000);
  for (let round = 0; round < 4000 && !dropped; round += 1) {
    const from = performance.now();
    await served.sql("ledger", `INSERT INTO entry (id, client, number, note) VALUES (0, 999, 0, '${note}')`);
    await bystanderIsServed();
    expect(performance.now() - from, "the others wait").toBeLessThan(10_000);
    // The bystander and this request: when only they are left, the silent one was dropped.
    if (round % 50 === 0) dropped = (await served.sql("ledger", "SELECT * FROM st_client")).length === 2;
  }
  expect(dropped).toBe(true);
  silent.resume();
  await isOver;
});

test("stopCallTimeoutMs: a call that loops ends as timed out, and so does the server", async () => {
  const stopping = await Served.open({ serverLimits: { stopCallTimeoutMs: 300, stopWithinMs: 9_000 } });
  const identity = await stopping.create("hostile", (await bundleModule(hostile)).code);
  const idleMs = stopping.workedMs(identity);
  const looping = stopping.call("hostile", "loop", "[]");
  while (stopping.workedMs(identity) < idleMs + 200) await new Promise((resolve) => setTimeout(resolve, 10));
  const isThere = stopping.call("hostile", "add", '["behind it"]');
  // It is there by then: its token is looked at in a turn of its own.
  for (let turn = 0; turn < 5; turn += 1) expect((await stopping.request("GET", "/v1/ping")).status).toBe(200);
  const fromMs = performance.now();
  await stopping.stop();
  expect(performance.now() - fromMs, "sooner than `stopWithinMs`").toBeLessThan(8_000);
  const ended = await looping;
  expect([ended.status, await ended.text()]).toEqual([
    402,
    "reducer `loop` was ended, since its database is to stop (stopCallTimeoutMs)",
  ]);
  // What waited in the queue is finished, not dropped.
  expect((await isThere).status).toBe(200);
});

test("databaseBytesMax", async () => {
  await served.publish("hostile", (await bundleModule(hostile)).code, "Js");
  const response = await served.call("hostile", "insert_for_ever", "[]");
  expect(response.status).toBe(507);
  expect(await response.text()).toContain(`the database holds all of the ${databaseLimits.databaseBytesMax} bytes`);
  expect(await served.sql("hostile", "SELECT * FROM item")).toEqual([]);
  expect((await served.call("hostile", "add", '["afterwards"]')).status).toBe(200);
  await bystanderIsServed();
});
