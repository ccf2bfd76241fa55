// Goal: row 17. Scheduled rows run on time by the wall clock as it is set, while their database is at rest, is used, or
// its server is down: forwards, what is due by then runs; backwards, a repeated row is not silent for as long as that was.
// Method: a real server whose processes have a wall clock that the test moves, while the steady one goes on.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

const hourMs = 3_600_000;
/** A server notices within 5 s that its clock was set, wakes a database two seconds early, and a loaded machine is slow. */
const noticedMs = 10_000;

const directory = mkdtempSync(join(tmpdir(), "lightcone-clock-"));
const clockFile = join(directory, "clock");
let movedMs = 0;
function moveClock(byMs: number): void {
  movedMs += byMs;
  writeFileSync(clockFile, String(movedMs));
}

let served: Served;
let clockwork = "";
beforeAll(async () => {
  moveClock(0);
  process.env["LIGHTCONE_MOVED_CLOCK"] = clockFile;
  const preload = `--import=${new URL("./moved-clock.mjs", import.meta.url).href}`;
  served = await Served.open({
    nodeFlags: [preload],
    frontFlags: [preload],
    serverLimits: { parkAfterMs: 300, parkWakeTimesMin: 0, spareHostsMax: 2 },
    databaseLimits: { parkDueMsMin: 2500 },
  });
  const entry = fileURLToPath(new URL("../database/modules/clockwork.ts", import.meta.url));
  clockwork = (await bundleModule(entry)).code;
});
afterAll(async () => {
  await served.stop();
  delete process.env["LIGHTCONE_MOVED_CLOCK"];
  rmSync(directory, { recursive: true });
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const nowMs = (): number => Date.now() + movedMs;

async function parked(identity: string): Promise<void> {
  await expect.poll(() => served.isAwake(identity)).toBe(false);
}

/** A database with a row that is due in so long, or again and again. */
async function create(name: string, row: { readonly inMs: number } | { readonly everyMs: number }): Promise<string> {
  const identity = await served.create(name, clockwork);
  const [reducer, when] =
    "inMs" in row
      ? ["once", `{"__timestamp_micros_since_unix_epoch__": ${Math.round((nowMs() + row.inMs) * 1000)}}`]
      : ["every", `{"__time_duration_micros__": ${row.everyMs * 1000}}`];
  expect((await served.call(name, reducer, `["tick", ${when}]`)).status).toBe(200);
  return identity;
}

/** When a database's rows ran, by the clock as it was then. */
async function ranMs(name: string): Promise<readonly number[]> {
  return (await served.sql(name, "SELECT micros FROM ran")).map(([micros]) => Number(micros) / 1000);
}

/** Keeps a database in use while `wait` goes on. */
async function used(name: string, wait: () => Promise<void>): Promise<void> {
  const over = new AbortController();
  const use = (async () => {
    while (!over.signal.aborted) {
      expect((await served.call(name, "cancel", '["nobody"]')).status).toBe(200);
      await sleep(100);
    }
  })();
  await wait().finally(() => over.abort());
  await use;
}

describe("row 17: the machine's clock is set", () => {
  test("forwards: what is due by then runs, in a database at rest and in one that is used", async () => {
    const resting = await create("forwards-at-rest", { inMs: hourMs });
    await create("forwards-in-use", { inMs: hourMs });
    await parked(resting);
    const openings = served.openings.get(resting) ?? 0;
    await used("forwards-in-use", async () => {
      await sleep(1000);
      expect(await ranMs("forwards-in-use")).toEqual([]);
      moveClock(hourMs + 1000);
      await expect.poll(() => served.openings.get(resting), { timeout: noticedMs }).toBeGreaterThan(openings);
      await expect.poll(async () => (await ranMs("forwards-in-use")).length, { timeout: noticedMs }).toBe(1);
    });
    // Nobody has asked for it by now.
    await expect.poll(async () => (await ranMs("forwards-at-rest")).length, { timeout: noticedMs }).toBe(1);
  });

  test("backwards: a repeated row goes on, in a database at rest, in one that is used, and over a start", async () => {
    const everyMs = 6000;
    const resting = await create("backwards-at-rest", { everyMs });
    await create("backwards-in-use", { everyMs: 1000 });
    // Its time is known, and it is not there to run it.
    const late = await create("backwards-and-later", { inMs: 2 * hourMs });
    await parked(late);
    const count = async (name: string): Promise<number> => (await ranMs(name)).length;
    const before = await count("backwards-at-rest");
    await parked(resting);
    await used("backwards-in-use", async () => {
      moveClock(-hourMs);
      const usedBefore = await count("backwards-in-use");
      await expect.poll(() => count("backwards-in-use"), { timeout: noticedMs }).toBeGreaterThan(usedBefore + 2);
      // Nobody asks meanwhile.
      await sleep(noticedMs + 2 * everyMs);
      expect(await count("backwards-at-rest")).toBeGreaterThan(before + 1);
    });
    expect(await count("backwards-and-later")).toBe(0);

    const beforeStart = await count("backwards-at-rest");
    await parked(resting);
    await served.stopFront();
    moveClock(-hourMs);
    await served.start();
    await sleep(noticedMs + 2 * everyMs);
    expect(await count("backwards-at-rest")).toBeGreaterThan(beforeStart + 1);
  });
});
