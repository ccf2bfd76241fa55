// Goal: row 17. A database that nobody uses has no process, its clients do not notice, and its scheduled rows run on
// time with nobody connected: while the server runs, after a clean stop, and after everything was killed.
// Method: a real server that parks soon. The operating system says which processes run, rows say what has happened.
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ByteWriter } from "@lightcone/sats";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const parkAfterMs = 300;
/** What a loaded machine takes to park. */
const parkedWithinMs = 20_000;
/** How late a row may run on a loaded machine: while the server runs, and when it has just started. */
const lateMsMax = 1500;
const lateAtStartMsMax = 10_000;

let served: Served;
let clockwork = "";
let doorman = "";
beforeAll(async () => {
  served = await Served.open({
    serverLimits: { parkAfterMs, parkWakeTimesMin: 0, spareHostsMax: 2 },
    // A database whose row is due soon is not parked: here soon is a few seconds.
    databaseLimits: { parkDueMsMin: 5000 },
  });
  clockwork = await bundled("clockwork");
  doorman = await bundled("doorman");
});
afterAll(() => served.stop());

async function bundled(module: string): Promise<string> {
  const entry = fileURLToPath(new URL(`../database/modules/${module}.ts`, import.meta.url));
  return (await bundleModule(entry)).code;
}

const create = (name: string, program: string): Promise<string> => served.create(name, program);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const isAwake = (identity: string): boolean => served.isAwake(identity);

async function parked(identity: string): Promise<void> {
  const endMs = performance.now() + parkedWithinMs;
  while (isAwake(identity)) {
    expect(performance.now(), "it keeps its process").toBeLessThan(endMs);
    await sleep(20);
  }
}

const at = (micros: number): string => `{"__timestamp_micros_since_unix_epoch__": ${micros}}`;
const nowMicros = (): number => Date.now() * 1000;

/** Which file says when to wake a database; undefined when there is none. */
async function wakeAtOf(identity: string): Promise<string | undefined> {
  const stats = statSync(join(await served.directoryOf(identity), "wake-at"), { throwIfNoEntry: false });
  return stats && `${stats.ino} of ${stats.mtimeMs}`;
}

describe("row 17: a database that nobody uses", () => {
  test("parkAfterMs: it loses its process, and its clients hear of what others do as if it had not", async () => {
    const identity = await create("door", doorman);
    const watcher = await RawClient.open(served.url, "door", { token: served.token });
    expect((await watcher.next())?.kind).toBe("IdentityToken");
    watcher.subscribe(["SELECT * FROM visit"], 1, 1);
    expect((await watcher.next())?.kind).toBe("SubscribeMultiApplied");
    const hears = async (): Promise<void> => {
      expect((await watcher.next())?.kind).toMatch(/^TransactionUpdate/);
    };
    for (const { goesAtRest, isKilled } of [
      { goesAtRest: false, isKilled: false },
      { goesAtRest: true, isKilled: false },
      { goesAtRest: false, isKilled: true },
      { goesAtRest: true, isKilled: true },
    ]) {
      await parked(identity);
      await expect.poll(() => wakeAtOf(identity)).toBeDefined();
      const [openings, wakeAt] = [served.openings.get(identity) ?? 0, await wakeAtOf(identity)];
      // Another comes, which wakes it.
      const other = await RawClient.open(served.url, "door");
      expect((await other.next())?.kind).toBe("IdentityToken");
      await hears();
      expect(served.openings.get(identity)).toBeGreaterThan(openings);
      // Where this took long it may rest again, with another one.
      expect(await wakeAtOf(identity)).not.toBe(wakeAt);
      // And goes: that wakes it as well, since those who stay want to know.
      if (isKilled) served.killHost();
      if (goesAtRest) await parked(identity);
      other.close();
      await hears();
    }
    expect(watcher.closed).toBeUndefined();
    const rows = await served.sql("door", "SELECT what FROM visit");
    const count = (what: string): number => rows.filter(([each]) => each === what).length;
    // The watcher and the query are there; the four others have come and gone, once each.
    expect({ come: count("come"), go: count("go") }).toEqual({ come: 6, go: 4 });
    watcher.close();
  });

  test("a call that finds it at rest is answered, and is made once", async () => {
    const identity = await create("busy", clockwork);
    const client = await RawClient.open(served.url, "busy", { token: served.token });
    await client.next();
    for (let round = 0; round < 4; round += 1) {
      await parked(identity);
      const args = new ByteWriter();
      args.string(`number ${round}`);
      args.u64(3_600_000_000n);
      client.call("every", args.toBytes(), round);
      expect(await client.next()).toMatchObject({ kind: "TransactionUpdate", status: { kind: "Committed" } });
    }
    const rows = await served.sql("busy", "SELECT name FROM job");
    expect(rows.map(([name]) => name).toSorted()).toEqual([0, 1, 2, 3].map((round) => `number ${round}`));
    client.close();
  });
});

describe("row 17: a server without room", () => {
  test("wakeWaitMs: who wants a database that rests is told in time, and let in once another rests", async () => {
    const crowded = await Served.open({
      serverLimits: { parkAfterMs: 300, parkWakeTimesMin: 0, awakeMemoryBytesMax: 1, wakeWaitMs: 8000 },
    });
    try {
      // The first database has room whatever there is. The second waits until it is unused.
      for (const name of ["third", "first", "second"]) await crowded.publish(name, clockwork, "Js");
      const client = await RawClient.open(crowded.url, "first", { token: crowded.token });
      await client.next();
      const over = new AbortController();
      const busy = (async () => {
        for (let number = 0; !over.signal.aborted; number += 1) {
          client.call("cancel", Uint8Array.of(0, 0, 0, 0), number);
          await client.next();
          await sleep(100);
        }
      })();
      await sleep(500);
      const refused = await crowded.call("second", "cancel", `["nobody"]`);
      expect(refused.status).toBe(503);
      expect(refused.headers.get("lightcone-error")).toBe("ServerBusy");
      const left = await RawClient.open(crowded.url, "second");
      await left.over;
      expect(left.closed?.code).toBe(1013);
      // Nor does its deletion wait for room.
      const waiting = crowded.call("third", "cancel", `["nobody"]`);
      await sleep(200);
      const fromMs = performance.now();
      expect((await crowded.request("DELETE", "/v1/database/third")).status).toBe(200);
      expect(performance.now() - fromMs).toBeLessThan(7000);
      expect((await waiting).status).toBe(503);
      over.abort();
      await busy;
      await expect
        .poll(async () => (await crowded.call("second", "cancel", `["nobody"]`)).status, { timeout: 20_000 })
        .toBe(200);
      expect(client.closed).toBeUndefined();
      client.close();
    } finally {
      await crowded.stop();
    }
  });
});

describe("row 17: scheduled rows run on time with nobody connected", { timeout: 300_000 }, () => {
  /** What ran, and how long after it was due. */
  async function lateness(database: string, dueMicros: number): Promise<number> {
    const [row] = await served.sql(database, "SELECT name, micros FROM ran");
    expect(row?.[0]).toBe("tick");
    return (Number(row?.[1]) - dueMicros) / 1000;
  }

  /** A database at rest with a row that is due later: in 15 s, or in longer where it takes longer to rest. */
  async function atRest(name: string): Promise<number> {
    const identity = await create(name, clockwork);
    for (let aheadMicros = 15e6; ; aheadMicros *= 2) {
      const dueMicros = nowMicros() + aheadMicros;
      expect((await served.call(name, "once", `["tick", ${at(dueMicros)}]`)).status).toBe(200);
      await parked(identity);
      if (nowMicros() < dueMicros - 5e6) return dueMicros;
      await served.sql(name, "DELETE FROM job");
      await served.sql(name, "DELETE FROM ran");
    }
  }

  test("while the server runs, though the database rests", async () => {
    const dueMicros = await atRest("rests");
    await sleep((dueMicros - nowMicros()) / 1000 + lateMsMax);
    expect(await lateness("rests", dueMicros)).toBeLessThan(lateMsMax);
  });

  test.each([
    { why: "a clean stop", name: "stopped", end: () => served.stopFront() },
    { why: "a kill of everything", name: "killed", end: () => killAll() },
  ])("after $why, of a database at rest and of one that is used", async ({ name, end }) => {
    const rested = { database: `${name}-at-rest`, dueMicros: await atRest(`${name}-at-rest`) };
    await create(name, clockwork);
    const used = { database: name, dueMicros: nowMicros() + 5e6 };
    expect((await served.call(name, "once", `["tick", ${at(used.dueMicros)}]`)).status).toBe(200);
    await end();
    // Both are due at some time after the server is up again.
    await served.start();
    const startedMicros = nowMicros();
    for (const { database, dueMicros } of [used, rested]) {
      const fromMicros = Math.max(dueMicros, startedMicros);
      await sleep((fromMicros - nowMicros()) / 1000 + lateAtStartMsMax);
      // It has run before this question, which would have woken the database as well.
      expect(await lateness(database, fromMicros), database).toBeLessThan(lateAtStartMsMax - 500);
    }
  });

  async function killAll(): Promise<void> {
    served.killHost();
    await served.killFront();
  }
});
