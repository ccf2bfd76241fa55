// Goal: scheduled rows run when they are meant to, once, and go on after a restart from when they were last meant for.
// Method: a clock that stands until it is told to go on; files in memory that survive the end of a database.
import { manualClock, memoryFileSystem, type ManualClock } from "@lightcone/commitlog/testing";
import type { Database } from "@lightcone/database";
import { describe, expect, test } from "vitest";
import { call, openLocal, publish, sql } from "./local.ts";

const start = 1_700_000_000_000_000;
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

async function open(
  clock: ManualClock = manualClock(start),
  fileSystem = memoryFileSystem(),
): Promise<{ database: Database; clock: ManualClock }> {
  const database = await openLocal({ clock, fileSystem });
  await publish(database, "./modules/clockwork.ts");
  return { database, clock };
}

/** Lets time pass in small steps, so that what one firing brings about can run before the next is due. */
async function pass(clock: ManualClock, ms: number, stepMs = 50): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    clock.advance(Math.min(stepMs, left));
    await settle();
  }
}

const ran = async (database: Database): Promise<readonly unknown[]> =>
  (await sql(database, "SELECT name, micros FROM ran")).map(([name, micros]) => [
    name,
    (Number(micros) - start) / 1000,
  ]);
const jobs = async (database: Database): Promise<number> => (await sql(database, "SELECT id FROM job")).length;
const at = (ms: number): string => JSON.stringify({ __timestamp_micros_since_unix_epoch__: start + ms * 1000 });
const interval = (ms: number): string => JSON.stringify({ __time_duration_micros__: ms * 1000 });

describe("a one-shot row", () => {
  test("runs at its time and is gone", async () => {
    const { database, clock } = await open();
    await call(database, "once", `["bell", ${at(200)}]`);
    await pass(clock, 150);
    expect(await ran(database)).toEqual([]);
    await pass(clock, 100);
    expect(await ran(database)).toEqual([["bell", 200]]);
    expect(await jobs(database)).toBe(0);
  });

  test("in the past runs at once", async () => {
    const { database, clock } = await open();
    await call(database, "once", `["late", ${at(-1000)}]`);
    await pass(clock, 50);
    expect((await ran(database)).length).toBe(1);
  });

  test("that fails is gone too, and not tried again", async () => {
    const { database, clock } = await open();
    await call(database, "once", `["fail", ${at(100)}]`);
    await pass(clock, 300);
    expect(await ran(database)).toEqual([]);
    expect(await jobs(database)).toBe(0);
  });

  test("that is deleted before its time does not run", async () => {
    const { database, clock } = await open();
    await call(database, "once", `["never", ${at(100)}]`);
    await call(database, "cancel", `["never"]`);
    await pass(clock, 300);
    expect(await ran(database)).toEqual([]);
  });

  test("too far ahead is refused", async () => {
    const { database } = await open();
    const reply = await call(database, "once", `["far", ${at(2 ** 36)}]`);
    expect(reply.status).toBe(530);
    expect(await jobs(database)).toBe(0);
  });
});

describe("a repeated row", () => {
  test("runs every interval, without drift, until it is deleted", async () => {
    const { database, clock } = await open();
    await call(database, "every", `["tick", ${interval(100)}]`);
    await pass(clock, 350);
    expect(await ran(database)).toEqual([
      ["tick", 100],
      ["tick", 200],
      ["tick", 300],
    ]);
    await call(database, "cancel", `["tick"]`);
    await pass(clock, 300);
    expect((await ran(database)).length).toBe(3);
  });

  test("leaves out ticks that were missed", async () => {
    const { database, clock } = await open();
    await call(database, "every", `["tick", ${interval(100)}]`);
    clock.advance(450);
    await settle();
    await pass(clock, 100, 25);
    const times = (await ran(database)).map((each) => (Array.isArray(each) ? each[1] : undefined));
    expect(times.at(-1)).toBe(500);
    expect(times.length).toBeLessThanOrEqual(3);
  });

  test("that fails goes on", async () => {
    const { database, clock } = await open();
    await call(database, "every", `["fail", ${interval(100)}]`);
    await pass(clock, 350);
    expect(await jobs(database)).toBe(1);
    expect(await ran(database)).toEqual([]);
  });
});

describe("after a restart", () => {
  test.each([{ how: "a clean stop" }, { how: "the end of the process" }])(
    "by $how rows go on from when they were meant for; what was missed runs once",
    async ({ how }) => {
      const files = memoryFileSystem();
      const clock = manualClock(start);
      const { database } = await open(clock, files);
      await call(database, "every", `["tick", ${interval(100)}]`);
      await call(database, "once", `["bell", ${at(260)}]`);
      await call(database, "once", `["soon", ${at(50)}]`);
      await pass(clock, 230);
      if (how === "a clean stop") {
        const stopped = database.stop(1000);
        await pass(clock, 1);
        await stopped;
      } else {
        await sql(database, "SELECT COUNT(*) AS n FROM ran"); // all before it is durable then
        await pass(clock, 1);
        files.endProcess();
      }
      clock.advance(99); // 330 and a little: "bell" is overdue, and so is the tick of 300
      const again = await openLocal({ clock, fileSystem: files });
      await settle();
      await pass(clock, 80, 10);
      const all = await ran(again);
      expect(all.filter((each) => Array.isArray(each) && each[0] === "soon")).toEqual([["soon", 50]]);
      expect(all.filter((each) => Array.isArray(each) && each[0] === "bell").length).toBe(1);
      expect(
        all
          .filter((each) => Array.isArray(each) && each[0] === "tick")
          .map((each) => (Array.isArray(each) ? each[1] : 0)),
      ).toEqual([100, 200, 330, 400]);
    },
  );
});
