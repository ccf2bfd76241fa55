// Goal: issue 9, row "protocols". Several messages in a frame of v3 are carried out in their order, each with a number, a time
// and an end of its own; and what answers them comes together, in order.
// Method: frames with a call that refuses, one that does not end, a subscription with many rows and one that cannot be
// read among the others; hosts that end at every turn of the event loop.
import { v2 } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { expect, test } from "vitest";
import { ClientV2 } from "./client-v2.ts";
import { endingsProgram } from "./endings-guest.ts";
import { turn, until } from "./endings-request.ts";
import { Hosts } from "./hosts.ts";
import { LocalClient, makeCaller, openLocal, sql } from "./local.ts";

const call = (requestId: number, reducer: string, value = requestId): v2.CallReducer => {
  const out = new ByteWriter();
  out.u32(value);
  return { kind: "CallReducer", requestId, reducer, args: out.toBytes() };
};
const calls = (count: number, from = 1): readonly v2.CallReducer[] =>
  Array.from({ length: count }, (_, index) => call(from + index, "put"));

const outcomesOf = (client: ClientV2): readonly (readonly [number | undefined, string])[] =>
  client.messages.slice(1).map((message) => {
    if (message.kind === "ReducerResult") return [message.requestId, message.outcome.kind];
    return ["requestId" in message ? message.requestId : undefined, message.kind];
  });

async function open(options: Parameters<typeof openLocal>[0] = {}) {
  const link = await openLocal(options);
  const program = endingsProgram(1, 0);
  expect((await link.request({ kind: "publish", program, hostType: "wasm", breakClients: false })).status).toBe(200);
  const client = new ClientV2(link, "v3.bsatn");
  await until("the greeting", () => client.messages.length === 1);
  return { link, client };
}

test("the answers to a frame come in its order, in few payloads", async () => {
  const { link, client } = await open();
  client.say(...calls(500), call(501, "refuse"), ...calls(500, 502));
  await until("the answers", () => client.answeredCount === 1001);
  expect(outcomesOf(client)).toEqual(
    Array.from({ length: 1001 }, (_, index) => [index + 1, index === 500 ? "Err" : "Ok"]),
  );
  // A turn ends in the middle of so many: it has a payload of its own.
  expect(client.payloadCount).toBeLessThan(200);
  const before = client.payloadCount;
  client.say(...calls(3, 2000));
  await until("the answers", () => client.answeredCount === 1004);
  expect(client.payloadCount).toBe(before + 1);
  await link.stop(100);
});

test("a frame of one message is like one of version 2, and others hear of each call by itself", async () => {
  const { link, client } = await open();
  const others = (["v2.bsatn", "v3.bsatn"] as const).map((protocol) => new ClientV2(link, protocol));
  for (const other of others)
    other.say({ kind: "Subscribe", requestId: 1, querySetId: 1, queries: ["SELECT * FROM thing"] });
  const old = new LocalClient(link, makeCaller(5));
  old.say({ kind: "Subscribe", queries: ["SELECT * FROM thing"], requestId: 1 });
  await until("the sets", () => others.every(({ answeredCount }) => answeredCount === 1) && old.answeredCount === 1);
  client.say(...calls(4));
  client.say(call(5, "put"));
  await until("the updates", () => others.every(({ messages }) => messages.length === 7) && old.messages.length === 7);
  expect(outcomesOf(client)).toEqual([1, 2, 3, 4, 5].map((id) => [id, "Ok"]));
  await link.stop(100);
});

test("a call that does not end is ended alone: those before and behind it are done", async () => {
  const { link, client } = await open({ limits: { reducerTimeoutMs: 250 } });
  client.say(...calls(3), call(4, "spin"), ...calls(3, 5));
  client.say(call(8, "put"));
  await until("the answers", () => client.answeredCount === 8);
  expect(outcomesOf(client)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((id) => [id, id === 4 ? "InternalError" : "Ok"]));
  expect(await sql(link, "SELECT * FROM thing")).toHaveLength(7);
  await link.stop(100);
});

test("answers in parts and in slices stay in their place", async () => {
  const { link, client } = await open();
  const many = 20_000;
  for (let from = 0; from < many; from += 1000) {
    client.say(...calls(1000, from + 1));
    await until("the rows", () => client.answeredCount === from + 1000);
  }
  client.messages.length = 1;
  const all = ["SELECT * FROM thing"];
  client.say(
    call(many + 1, "put"),
    { kind: "OneOffQuery", requestId: many + 2, query: all[0] ?? "" },
    call(many + 3, "put"),
    { kind: "Subscribe", requestId: many + 4, querySetId: 1, queries: all },
    call(many + 5, "put"),
    { kind: "Unsubscribe", requestId: many + 6, querySetId: 1, sendDroppedRows: true },
    call(many + 7, "refuse"),
  );
  await until("the answers", () => client.answeredCount === many + 7);
  expect(outcomesOf(client)).toEqual([
    [many + 1, "Ok"],
    [many + 2, "OneOffQueryResult"],
    [many + 3, "Ok"],
    [many + 4, "SubscribeApplied"],
    [many + 5, "Ok"],
    [many + 6, "UnsubscribeApplied"],
    [many + 7, "Err"],
  ]);
  const rows = client.messages.flatMap((message) => {
    if (message.kind === "SubscribeApplied" || message.kind === "UnsubscribeApplied") return message.tables ?? [];
    return message.kind === "OneOffQueryResult" && message.result.kind === "ok" ? message.result.tables : [];
  });
  expect(rows.map((table) => table.rows.count)).toEqual([many + 1, many + 2, many + 3]);
  await link.stop(100);
});

test("what cannot be read ends the connection behind what was before it", async () => {
  const { link, client } = await open();
  const out = new ByteWriter();
  const other = new ClientV2(link, "v3.bsatn");
  await until("the greeting", () => other.messages.length === 1);
  for (const message of calls(3)) v2.encodeClientMessage(out, message);
  out.u8(0xfa);
  for (const message of calls(3, 4)) v2.encodeClientMessage(out, message);
  client.sayBytes(out.toBytes());
  await until("the end", () => client.closed !== undefined);
  expect(client.closed).toMatch(/client message does not decode/);
  // What was before it is answered before the connection ends.
  expect(outcomesOf(client)).toEqual([
    [1, "Ok"],
    [2, "Ok"],
    [3, "Ok"],
  ]);
  other.say(call(9, "put"));
  await until("the answer", () => other.answeredCount === 1);
  expect(await sql(link, "SELECT * FROM thing")).toHaveLength(4);
  await link.stop(100);
});

test.each([{ isHeld: true }, { isHeld: false }])(
  "frameMessagesMax: a frame of more ends its connection alone (held by a front: $isHeld)",
  async ({ isHeld }) => {
    const hosts = new Hosts();
    const link = isHeld ? await hosts.open() : await openLocal();
    const program = endingsProgram(1, 0);
    expect((await link.request({ kind: "publish", program, hostType: "wasm", breakClients: false })).status).toBe(200);
    const [client, other] = [new ClientV2(link, "v3.bsatn"), new ClientV2(link, "v3.bsatn")];
    await until("the greetings", () => client.messages.length + other.messages.length === 2);
    client.say(...calls(16_385));
    await until("the end", () => client.closed !== undefined);
    expect(client.closed).toMatch(/^too many requests/);
    other.say(...calls(16_384));
    await until("the answers", () => other.answeredCount === 16_384);
    expect(await sql(link, "SELECT * FROM thing")).toHaveLength(16_384);
    expect(await sql(link, "SELECT * FROM st_client")).toHaveLength(2); // the other, and who asks
    await link.stop(100);
  },
);

test("each call of a frame is done once and answered once, whenever its host ends", async () => {
  const seen = new Set<boolean>();
  for (let turns = 0; turns < 14; turns += 1) {
    const hosts = new Hosts();
    const link = await hosts.open();
    const program = endingsProgram(1, 0);
    expect((await link.request({ kind: "publish", program, hostType: "wasm", breakClients: false })).status).toBe(200);
    const client = new ClientV2(link, "v3.bsatn");
    await until("the greeting", () => client.messages.length === 1);
    client.say(...calls(20), call(21, "refuse"), ...calls(20, 22));
    client.say(...calls(5, 42));
    for (let left = turns; left > 0; left--) await turn();
    seen.add(client.answeredCount > 0);
    hosts.end();
    await until("the answers", () => client.answeredCount === 46);
    // What is in the log is answered before what is run again: a call that was refused may come later.
    const byId = outcomesOf(client).toSorted(([a = 0], [b = 0]) => a - b);
    expect(byId, `after ${turns} turns`).toEqual(
      Array.from({ length: 46 }, (_, index) => [index + 1, index === 20 ? "Err" : "Ok"]),
    );
    expect(await sql(link, "SELECT * FROM thing")).toHaveLength(45);
    await link.stop(100);
  }
  expect(seen).toEqual(new Set([true, false]));
});
