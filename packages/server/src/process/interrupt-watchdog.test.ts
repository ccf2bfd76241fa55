/**
 * Goal: a turn that takes too long is ended, no other ever is, and what it throws or leaves behind changes nothing.
 * Method: the watcher's side with times handed in, one row a story; both sides in a real host process, with turns that
 * end shortly before, at, and after the moment at which they are interrupted.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { realClock } from "@lightcone/base";
import { TimeoutWatchdog } from "@lightcone/base/node";
import { identityOf } from "../auth/identity.ts";
import { makeServerLimits } from "../limits.ts";
import { makeServerLog } from "../log.ts";
import { InterruptWatchdog, TurnWatch } from "./interrupt-watchdog.ts";
import { programHere } from "./host-program.ts";
import { Hosts } from "./hosts.ts";

describe("the watcher", () => {
  test("counts from when it first saw a turn, and asks once for its end", () => {
    const words = new Int32Array(new SharedArrayBuffer(16));
    const watch = new TurnWatch(words.buffer);
    const looks: number[] = [];
    const look = (turn: number, nowMs: number): void => {
      words[1] = turn;
      words[2] = 100;
      looks.push(watch.look(nowMs));
    };
    look(0, 0);
    look(1, 10);
    look(1, 60);
    look(2, 80);
    look(2, 179);
    look(2, 180);
    expect(words[1]).toBe(-1);
    looks.push(watch.look(181));
    look(3, 190);
    expect(looks).toEqual([Infinity, 100, 50, 100, 1, 0, Infinity, 100]);
  });

  test("rests until a turn begins, and not while one runs", async () => {
    const watchdog = new InterruptWatchdog();
    const words = new Int32Array(watchdog.buffer);
    const watcher = new Worker(
      `const { workerData } = require("node:worker_threads");
       import(workerData.url).then(({ TurnWatch }) => {
         const watch = new TurnWatch(workerData.buffer);
         watch.rest(3_600_000);
         require("node:worker_threads").parentPort.postMessage(watch.look(0));
       });`,
      {
        eval: true,
        workerData: { url: new URL("./interrupt-watchdog.ts", import.meta.url).href, buffer: watchdog.buffer },
      },
    );
    while (Atomics.load(words, 3) === 0) await new Promise(setImmediate);
    const seen = once(watcher, "message");
    let isAnswered = false;
    void seen.then(() => (isAnswered = true));
    expect(isAnswered).toBe(false);
    watchdog.run(() => {
      while (Atomics.load(words, 3) === 1);
    }, 1000);
    expect((await seen)[0]).toSatisfy((leftMs: number) => leftMs === 1000 || leftMs === Infinity);
    expect(words[3]).toBe(0);
    await watcher.terminate();
  });
});

describe("the watchdog", () => {
  test("lets exceptions through, and is ready for the next turn", () => {
    const watchdog = new InterruptWatchdog();
    expect(() =>
      watchdog.run(() => {
        throw new RangeError("own");
      }, 1000),
    ).toThrow(RangeError);
    expect(watchdog.run(() => undefined, 1000)).toBe(true);
    expect(new Int32Array(watchdog.buffer)[1]).toBe(0);
  });

  test("ends turns that have had their time, and those alone", async () => {
    const identity = identityOf("localhost", "db");
    const hosts = new Hosts({
      clock: realClock,
      log: makeServerLog("silent"),
      limits: makeServerLimits({ spareHostsMax: 0 }),
      program: programHere(new URL("../testing/fake-host.ts", import.meta.url)),
      settings: "watchdog",
    });
    const record = {
      identity,
      owner: identity,
      hostType: "js",
      initialProgram: "00",
      directory: "d",
      coOwners: [],
      locked: false,
    } as const;
    const host = await hosts.openHost(record, "/nowhere", true);
    const caller = { identity: identity.bytes, connectionId: new Uint8Array(16), claims: "{}", isOwner: true };
    const turn = async (
      runMs: number,
      budgetMs: number,
      ...within: readonly number[]
    ): Promise<{ isWhole: boolean; isWithinWhole?: boolean; isOpen: boolean; ranMs: number; sliceMs: number }> => {
      const { body } = await host.link.request({
        kind: "call",
        caller,
        functionName: String(budgetMs),
        args: [runMs, ...within].join(),
      });
      return JSON.parse(new TextDecoder().decode(body));
    };
    // Without the watcher turns are ended too; many of them start it.
    expect(await turn(Infinity, 50)).toMatchObject({ isWhole: false, sliceMs: new TimeoutWatchdog().sliceMs });
    const { sliceMs } = new InterruptWatchdog();
    const nested = async (): Promise<void> => {
      // Row 9: what runs within a turn, and within a section, is ended when it has had its own time, and the turn goes on.
      expect(await turn(1, 60_000, Infinity, 30)).toMatchObject({ isWhole: true, isWithinWhole: false, isOpen: false });
      expect(await turn(1, 60_000, 1, 60_000)).toMatchObject({ isWhole: true, isWithinWhole: true, isOpen: false });
      // The turn's own time stands still meanwhile, and is not more for it.
      expect(await turn(1, 400, 600, 60_000)).toMatchObject({ isWhole: true, isWithinWhole: true });
      expect(await turn(Infinity, 50, 1, 60_000)).toMatchObject({ isWhole: false, isWithinWhole: true });
      expect(await turn(1, 60_000)).toMatchObject({ isWhole: true, isOpen: false });
    };
    await nested();
    while ((await turn(0, 50)).sliceMs !== sliceMs);
    await nested();
    expect(await turn(Infinity, 50)).toMatchObject({ isWhole: false });
    // The watcher looks every 25 ms and sleeps until a turn's end if that is sooner: some of these meet it.
    for (let runMs = 30; runMs < 90; runMs += 1) {
      const { isWhole, ranMs } = await turn(runMs, 50);
      if (isWhole) expect(ranMs).toBeGreaterThanOrEqual(runMs);
      else expect(ranMs).toBeGreaterThanOrEqual(50);
      // What was asked of that turn does not strike this one, which has time enough on any machine.
      expect(await turn(1, 60_000)).toMatchObject({ isWhole: true });
    }
    host.kill();
    await host.ended;
  });
});
