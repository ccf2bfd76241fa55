// Goal: clients of several fronts go on where a host ended, each from the offset that its own front had told.
// Method: two connections to one host; the log is then opened by the next with an entry for each front, at the offset of
// each: who had been told less hears the rest once, who had been told all hears nothing again, and both hear what is new.
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import type { FrontResume } from "@lightcone/database";
import type { ClientMessage } from "@lightcone/protocol";
import { expect, test } from "vitest";
import { call, LocalClient, makeCaller, openLocal, publish, sql } from "./local.ts";

const subscribe: ClientMessage = {
  kind: "SubscribeMulti",
  queries: ["SELECT * FROM wide"],
  requestId: 1,
  queryId: 1,
};

/** A front's entry, with one client that has a subscription and waits for nothing. */
function entryOf(front: string, releasedOffset: number, client: LocalClient): FrontResume {
  const info = {
    caller: client.caller,
    token: "token",
    protocol: "v1.bsatn",
    compression: "none",
    light: false,
    confirmed: true,
  } as const;
  const connection = { info, sink: client, subscribed: client.subscribed, pending: [], received: 1 };
  return {
    front,
    releasedOffset,
    connections: [connection],
    visits: [],
    requestCount: 0,
    condemned: [],
    ends: [],
    isCareful: false,
  };
}

test("each front's clients go on from what that front had told them", async () => {
  const fileSystem = memoryFileSystem();
  const clock = manualClock();
  const first = await openLocal({ fileSystem, clock });
  expect((await publish(first, "modules/counters.ts")).status).toBe(200);
  const behind = new LocalClient(first, makeCaller(1));
  const ahead = new LocalClient(first, makeCaller(2));
  for (const client of [behind, ahead]) {
    client.say(subscribe);
    await client.until(({ answeredCount }) => answeredCount === 1);
  }
  const toldOffset = first.releasedOffset;
  await call(first, "add", '["while one front is cut off"]');
  await ahead.until(({ messages }) => messages.some(({ kind }) => kind === "TransactionUpdateLight"));
  const endOffset = first.releasedOffset;
  expect(endOffset).toBeGreaterThan(toldOffset);
  // The first host is gone from here on, and what it had told the front that lags never came.
  fileSystem.endProcess();
  for (const client of [behind, ahead]) client.messages.length = 0;

  // The entries' order is not that of their offsets.
  const resume = [entryOf("two", endOffset, ahead), entryOf("one", toldOffset, behind)];
  const next = await openLocal({ fileSystem, clock, resume });
  expect(next.resumed.length).toBe(2);
  expect(next.releasedOffset).toBeGreaterThanOrEqual(endOffset);
  await behind.until(({ messages }) => messages.length > 0);
  const updates = (client: LocalClient): number =>
    client.messages.filter(({ kind }) => kind === "TransactionUpdateLight").length;
  expect(updates(behind), "told of the call that its front had not told of").toBe(1);
  expect(updates(ahead), "told of nothing twice").toBe(0);
  await call(next, "add", '["after both went on"]');
  for (const client of [behind, ahead]) await client.until((each) => updates(each) === (each === behind ? 2 : 1));
  // Neither was taken for one that has left.
  expect(await sql(next, "SELECT * FROM st_client")).toHaveLength(3);
  await next.stop(100);
});
