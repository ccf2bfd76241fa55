// Goal: a scheduled table whose function is a procedure fires it: each time of a row once at most, whatever becomes of it.
// Method: procedures of real modules, on a clock that stands until it is told to go on; files in memory that survive the end
// of a database. What is compared are the rows that the procedures write, and the ones that they leave.
import { readFile } from "node:fs/promises";
import { manualClock, memoryFileSystem, type ManualClock } from "@lightcone/commitlog/testing";
import type { Database, DatabaseLimits } from "@lightcone/database";
import { beforeAll, describe, expect, test } from "vitest";
import { rustModule } from "../rust-modules.ts";
import { call, openLocal, program as bundle, sql, textOf } from "./local.ts";

const start = 1_700_000_000_000_000;
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

const modules = (["errands", "errands2", "errands.ts"] as const).map((name) => ({
  name,
  path: name === "errands.ts" ? name : rustModule(name),
}));

describe.skipIf(modules.some(({ path }) => path === undefined)).each(modules)(
  "row 9: scheduled procedures of $name",
  ({ path = "" }) => {
    const hostType = path.endsWith(".ts") ? "js" : "wasm";
    let program: Uint8Array;
    let clock: ManualClock;
    let files: ReturnType<typeof memoryFileSystem>;
    let database: Database;

    beforeAll(async () => {
      program = hostType === "js" ? await bundle(`./modules/${path}`) : await readFile(path);
    });

    async function open(limits: Partial<DatabaseLimits> = {}): Promise<void> {
      clock = manualClock(start);
      files = memoryFileSystem();
      database = await openLocal({ clock, fileSystem: files, limits });
      const reply = await database.request({ kind: "publish", program, hostType, breakClients: false });
      if (reply.status !== 200) throw new Error(textOf(reply));
    }

    async function pass(ms: number, stepMs = 50): Promise<void> {
      for (let left = ms; left > 0; left -= stepMs) {
        clock.advance(Math.min(stepMs, left));
        await settle();
      }
    }

    const ask = async (name: string, ...args: readonly unknown[]): Promise<void> => {
      const reply = await call(database, name, JSON.stringify(args));
      if (reply.status !== 200) throw new Error(textOf(reply));
    };
    const planIn = (what: string, ms: number, napMs = 0): Promise<void> => ask("plan_in", what, ms, napMs, "");
    const planEvery = (what: string, ms: number, napMs = 0): Promise<void> => ask("plan_every", what, ms, napMs, "");
    /** What was written, each with the milliseconds since the start that its transaction saw. */
    const done = async (): Promise<readonly string[]> =>
      (await sql(database, "SELECT id, what, at FROM done"))
        .toSorted(([a], [b]) => Number(a) - Number(b))
        .map(([, what, at]) => `${String(what)} ${(Number(at) - start) / 1000}`);
    const errandCount = async (): Promise<number> => (await sql(database, "SELECT scheduled_id FROM errand")).length;
    const restart = async (how: "a stop" | "the end of its process"): Promise<void> => {
      if (how === "a stop") {
        const stopped = database.stop(1000);
        await pass(1, 1);
        await stopped;
      } else {
        await sql(database, "SELECT COUNT(*) AS n FROM done"); // all before it is durable then
        await pass(1, 1);
        files.endProcess();
      }
      database = await openLocal({ clock, fileSystem: files });
      await settle();
    };

    test("with a time runs once, as the database itself, and its row is gone before it begins", async () => {
      await open();
      await planIn("bell", 200, 100);
      await pass(150);
      expect([await done(), await errandCount()]).toEqual([[], 1]);
      await pass(100);
      expect([await done(), await errandCount()]).toEqual([["bell begins 200"], 0]);
      await pass(1000);
      expect(await done()).toEqual(["bell begins 200", "bell ends 300"]);
      const senders = (await sql(database, "SELECT sender FROM done")).map(([sender]) => sender);
      expect(new Set(senders)).toEqual(new Set(["02".repeat(32)]));
    });

    test("with an interval runs every interval, without drift, until the row is deleted", async () => {
      await open();
      await planEvery("tick", 100);
      await pass(350);
      expect((await done()).filter((each) => each.includes("ends"))).toEqual([
        "tick ends 100",
        "tick ends 200",
        "tick ends 300",
      ]);
      await ask("cancel_all");
      await pass(500);
      expect((await done()).length).toBe(6);
    });

    test("that takes longer than its interval never runs twice at a time; what came meanwhile runs late, the rest is left out", async () => {
      await open();
      await planEvery("slow", 100, 250);
      await pass(850);
      expect(await done()).toEqual([
        "slow begins 100",
        "slow ends 350",
        "slow begins 350",
        "slow ends 600",
        "slow begins 600",
        "slow ends 850",
        "slow begins 850",
      ]);
      await ask("cancel_all");
      await pass(500);
      expect((await done()).slice(7)).toEqual(["slow ends 1100"]);
    });

    test("while it waits reducers run, and the database does not rest", async () => {
      await open();
      await planIn("bell", 100, 60_000);
      await pass(100);
      await ask("write", "meanwhile");
      expect(await done()).toEqual(["bell begins 100", "meanwhile 100"]);
      expect(await database.park()).toBeUndefined();
      await pass(60_000, 10_000);
      expect((await done()).at(-1)).toBe("bell ends 60100");
      await settle();
      expect(await database.park()).toBeDefined();
    });

    test.each(["panic", "spin"])(
      "one that ends in a %s is not tried again; of an interval the next time comes",
      async (what) => {
        await open({ reducerTimeoutMs: 1500 });
        await planIn(what, 100, 50);
        await planEvery(what, 400);
        for (let left = 0; left < 9; left++) {
          await pass(100, 100);
          await ask("write", "meanwhile");
        }
        const begun = (await done()).filter((each) => each.includes("begins"));
        expect(begun).toEqual([`${what} begins 100`, `${what} begins 400`, `${what} begins 800`]);
        expect(await errandCount()).toBe(1);
      },
    );

    test.each(["a stop", "the end of its process"] as const)(
      "one that waits at %s does not run again; an interval goes on from its last time",
      async (how) => {
        await open();
        await planIn("bell", 100, 200);
        await planEvery("tick", 150);
        await pass(160, 10);
        expect(await done()).toEqual(["bell begins 100", "tick begins 150", "tick ends 150"]);
        await restart(how);
        await pass(9, 9);
        await pass(300, 10);
        expect((await done()).slice(3)).toEqual([
          "tick begins 300",
          "tick ends 300",
          "tick begins 450",
          "tick ends 450",
        ]);
        expect(await errandCount()).toBe(1);
      },
    );

    test("waits for room where too many wait, and is not lost", async () => {
      await open({ proceduresWaitingMax: 2 });
      for (const what of ["a", "b", "c"]) await planIn(what, 100, 1500);
      await pass(1000);
      expect((await done()).length).toBe(2);
      await pass(4000);
      expect((await done()).filter((each) => each.includes("ends")).length).toBe(3);
    });
  },
);
