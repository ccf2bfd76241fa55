// Goal: row 1. After the host of a database ended, everyone who was there goes on: calls are answered, and rows come as
// if nothing had been, whatever form the subscription has and whoever holds it.
// Method: a server in a process of its own, its host killed again and again while others write. After each kill a last
// row is written; who has that row must hold exactly what its queries return when they are asked afresh.
import { testSeed } from "@lightcone/base/testing";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ByteWriter } from "@lightcone/sats";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { GeneratedBindings, hasOfficialClient } from "../official-client/chat-client.ts";
import { Served } from "../served.ts";
import {
  holdsWhatIs,
  JsonSubscriber,
  LaterSubscriber,
  openOfficial,
  openOurs,
  WireSubscriber,
  type OfficialBindings,
  type Subscriber,
} from "./subscribers.ts";

const killCount = Number(process.env["LIGHTCONE_CRASHES"] ?? 5);
/** A rest takes longer than a kill. */
const restCount = Math.ceil(killCount / 3);
const seed = testSeed(1);
const all = "SELECT * FROM item";
const first = "SELECT * FROM item WHERE shelf = 1";
const marks = "SELECT * FROM mark";
const joined = "SELECT item.* FROM item JOIN mark ON item.shelf = mark.shelf";

let served: Served;
let generated: GeneratedBindings;
beforeAll(async () => {
  const entry = fileURLToPath(new URL("./modules/shelf.ts", import.meta.url));
  const program = new TextEncoder().encode((await bundleModule(entry)).code);
  served = await Served.open({ serverLimits: { parkAfterMs: 300, parkWakeTimesMin: 0 } });
  await served.publish("shelf", program, "Js");
  if (hasOfficialClient) generated = await GeneratedBindings.of(program, "Js");
});
afterAll(async () => {
  await served.stop();
  await generated?.remove();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, holds: () => boolean): Promise<void> {
  const from = performance.now();
  while (!holds()) {
    if (performance.now() - from > 30_000) throw new Error(`waited too long: ${what}`);
    await sleep(5);
  }
}

function putArgs(id: number, shelf: number, text: string): Uint8Array {
  const out = new ByteWriter();
  out.u32(id);
  out.u32(shelf);
  out.string(text);
  return out.toBytes();
}

function noteArgs(shelf: number, text: string): Uint8Array {
  const out = new ByteWriter();
  out.u32(shelf);
  out.string(text);
  return out.toBytes();
}

/** Everyone, in every form: some hold several sets, which overlap, and some have let one go again. */
async function everyone(): Promise<readonly Subscriber[]> {
  const legacy = await WireSubscriber.open(served, "legacy");
  await legacy.subscribe("legacy", [marks]);
  await legacy.subscribe("legacy", [all, joined]);
  const single = await WireSubscriber.open(served, "single");
  await single.subscribe("single", [first], 1);
  await single.subscribe("single", [marks], 2);
  const multi = await WireSubscriber.open(served, "multi");
  await multi.subscribe("multi", [first, joined], 1);
  await multi.subscribe("multi", [all], 2);
  await multi.ask((requestId) => ({ kind: "UnsubscribeMulti", requestId, queryId: 1 }));
  multi.queries = [all];
  const mixed = await WireSubscriber.open(served, "legacy, single and multi to one text");
  await mixed.subscribe("legacy", [first]);
  await mixed.subscribe("multi", [first], 1);
  await mixed.subscribe("single", [first], 2);
  mixed.queries = [first, first, first];
  const light = await WireSubscriber.open(served, "light", "&light=true");
  await light.subscribe("multi", [all, marks], 1);
  return [
    legacy,
    single,
    multi,
    mixed,
    light,
    await JsonSubscriber.open(served, "legacy", [all]),
    await JsonSubscriber.open(served, "single", [first]),
    await JsonSubscriber.open(served, "multi", [all, marks]),
    await openOurs(served, [all, marks]),
    ...(hasOfficialClient
      ? [await openOfficial(generated.bindings as unknown as OfficialBindings, served, [all, marks])]
      : []),
  ];
}

/** Waits until the database rests without a process. */
async function resting(): Promise<void> {
  await until("the database rests", () => served.awake.length === 0);
}

describe.each([
  { how: "after a host ended", row: 1, what: "kills", count: killCount, ends: async () => served.killHost() },
  { how: "after a database rested", row: 17, what: "rests", count: restCount, ends: resting },
  {
    how: "after a host ended that had been woken",
    row: 17,
    what: "rests, and kills at waking",
    count: restCount,
    ends: async () => {
      await resting();
      void served.sql("shelf", first).catch(() => undefined);
      await sleep(60);
      served.killHost();
    },
  },
])("$how", ({ row, what, count: endCount, ends }) => {
  test(`row ${row}: all forms and clients, ${endCount} ${what}`, { timeout: 60_000 + endCount * 20_000 }, async () => {
    const writer = await WireSubscriber.open(served, "writer");
    for (let id = 1; id <= 20; id++) await writer.call("put", putArgs(id, id % 3, "at first"));
    for (let shelf = 0; shelf < 2; shelf++) await writer.call("note", noteArgs(shelf, "at first"));
    const later = [
      await LaterSubscriber.open(served, "v2", [[all, joined], [marks]]),
      await LaterSubscriber.open(served, "v3", [[first, marks], [all]]),
    ];
    const subscribers: readonly Subscriber[] = [...(await everyone()), ...later];
    const kill = fc.record({ afterMs: fc.nat(60), puts: fc.integer({ min: 5, max: 80 }) });
    let marker = 0;
    for (const { afterMs, puts } of fc.sample(kill, { numRuns: endCount, seed })) {
      const calls: Promise<void>[] = [];
      for (let count = 0; count < puts; count++) {
        calls.push(writer.call("put", putArgs(1 + (count % 30), count % 3, `before end ${marker}`)));
        if (count % 7 === 0) calls.push(writer.call("take", Uint8Array.of(1 + (count % 30), 0, 0, 0)));
        if (count % 11 === 0) calls.push(writer.call("note", noteArgs(count % 3, `before end ${marker}`)));
      }
      // Of a frame of calls some may have been made when the host ends, and some not.
      for (const client of later) {
        const text = `frame ${marker} of ${client.name}`;
        for (let count = 0; count < 4; count++)
          client.call(
            { reducer: "put", args: putArgs(100 + count, count % 3, text) },
            { reducer: "refuse", args: noteArgs(count, text) },
            { reducer: "note", args: noteArgs(count, text) },
          );
      }
      await sleep(afterMs);
      await ends();
      await Promise.all(calls);
      for (const { name, unanswered } of later)
        await until(`${name}'s calls are answered (seed ${seed})`, () => unanswered.size === 0);
      const text = `marker ${++marker}`;
      await writer.call("put", putArgs(1000, 1, text));
      await writer.call("note", noteArgs(1, text));
      expect(writer.isClosed, `the writer was closed: ${writer.whyClosed}`).toBe(false);
      for (const subscriber of subscribers) {
        await until(
          `${subscriber.name} hears of ${text} (seed ${seed})`,
          () => subscriber.isClosed || [...subscriber.rows.keys()].some((row) => row.includes(text)),
        );
        expect(subscriber.isClosed, `${subscriber.name} was closed`).toBe(false);
      }
      // The marker's note is the last commit of all.
      const last = subscribers.filter(({ queries }) => queries.includes(marks));
      await until("the last note", () =>
        last.every(({ rows }) => [...rows.keys()].some((row) => row.startsWith("mark") && row.includes(text))),
      );
      for (const subscriber of subscribers) await holdsWhatIs(served, subscriber, `end ${marker}, seed ${seed}`);
    }
    for (const subscriber of subscribers) subscriber.close();
    writer.close();
  });
});
