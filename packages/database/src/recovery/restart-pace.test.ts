/**
 * Goal: hosts that somebody outside ends again and again are followed later and later, within a bound, and it is said;
 * one that is ended now and then, or by its module, is followed at once, and nobody who stops or publishes waits.
 * Method: a failover link whose hosts end when the test says so, and a clock that stands. (Real processes that are killed:
 * conformance/src/crash/after-host-ended.test.ts.)
 */
import { manualClock } from "@lightcone/commitlog/testing";
import { expect, test } from "vitest";
import type { DatabaseLink } from "../link/link.ts";
import { openFailoverLink } from "./failover-link.ts";
import { HostEnded, type SuspectReason } from "./resume.ts";
import { keyOfClient } from "../link/client.ts";
import { WorkKind } from "../link/work.ts";

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function begin() {
  const clock = manualClock();
  const notes: string[] = [];
  let openedCount = 0;
  let fail: (error: Error) => void = () => undefined;
  const link = await openFailoverLink({
    clock,
    crashesMax: 3,
    reducerTimeoutMs: 7000,
    note: (text) => void notes.push(text),
    openHost: () => {
      openedCount += 1;
      const host: DatabaseLink = {
        connect: () => ({ receive: () => undefined, closed: () => undefined, ready: true, onReady: undefined }),
        request: () => Promise.resolve({ status: 200, headers: {}, body: new Uint8Array(0) }),
        flushLog: () => Promise.resolve(),
        stop: () => Promise.resolve({ offset: -1, nextDueMicros: undefined }),
        failed: new Promise((resolve) => (fail = resolve)),
      };
      return Promise.resolve({ link: host, handles: [], releasedOffset: -1 });
    },
  });
  const state = {
    clock,
    notes,
    link,
    openedCount: () => openedCount,
    end: async (isModulesFault = false) => {
      fail(new HostEnded("the database's process ended: signal SIGKILL", undefined, isModulesFault));
      await settle();
    },
    /** Ends the host. @returns how long the next took to be started */
    endedForMs: async (isModulesFault = false): Promise<number> => {
      const before = openedCount;
      const fromMs = clock.steadyMs();
      await state.end(isModulesFault);
      for (; state.openedCount() === before; await settle()) clock.advance(clock.steadyMs() === fromMs ? 0.001 : 50);
      return Math.floor(clock.steadyMs() - fromMs);
    },
  };
  return state;
}

test("hosts that are ended again and again are followed later and later, within a bound, and it is said", async () => {
  const { clock, notes, endedForMs } = await begin();
  const delays: number[] = [];
  for (let end = 0; end < 11; end += 1) delays.push(await endedForMs());
  expect(delays).toEqual([0, 0, 0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(notes.filter((note) => note.includes("the next starts in"))).toHaveLength(8);
  expect(notes.at(-1)).toMatch(
    /ended from outside, one after another: the next starts in 5 s\. Look at what ends them/,
  );
  // One that has lived for a while ends that.
  clock.advance(5001);
  expect(await endedForMs()).toBe(0);
});

test("what the module ends is another matter: it is followed at once, until the database is quarantined", async () => {
  const { endedForMs } = await begin();
  for (let end = 0; end < 3; end += 1) expect(await endedForMs()).toBe(0);
  expect(await endedForMs(true)).toBe(0);
  expect(await endedForMs()).toBe(0);
});

test.each(["stop", "publish"])("nobody waits for that who wants to %s", async (what) => {
  const { link, end, endedForMs, openedCount } = await begin();
  for (let count = 0; count < 3; count += 1) await endedForMs();
  await end();
  expect(openedCount(), "the next waits").toBe(4);
  if (what === "stop") await link.stop(1000);
  else {
    const program = new Uint8Array(0);
    const reply = await link.request({ kind: "publish", program, hostType: "js", breakClients: false });
    expect([reply.status, openedCount()]).toEqual([200, 5]);
  }
});

test.each<readonly [SuspectReason, number, RegExp]>([
  ["time", 402, /^`spins` took longer than 7 s \(reducerTimeoutMs\) and was ended/],
  ["interrupted", 402, /^`spins` took longer than 7 s/],
  ["crash", 530, /fatal error/],
])(
  "who asked for what the last host ended at (%s) is told that, not that there is none",
  async (reason, status, text) => {
    const clock = manualClock();
    const caller = {
      identity: new Uint8Array(32),
      connectionId: new Uint8Array(16).fill(1),
      claims: "",
      isOwner: false,
    };
    let fail: (error: Error) => void = () => undefined;
    let isFirst = true;
    const link = await openFailoverLink({
      clock,
      crashesMax: 3,
      reducerTimeoutMs: 7000,
      note: () => undefined,
      openHost: () => {
        if (!isFirst) return Promise.reject(new Error("there is none"));
        isFirst = false;
        const host: DatabaseLink = {
          connect: () => ({ receive: () => undefined, closed: () => undefined, ready: true, onReady: undefined }),
          request: () => new Promise(() => undefined),
          flushLog: () => Promise.resolve(),
          stop: () => Promise.resolve(undefined),
          failed: new Promise((resolve) => (fail = resolve)),
        };
        return Promise.resolve({ link: host, handles: [], releasedOffset: -1 });
      },
    });
    const call = link.request({ kind: "call", caller, functionName: "spins", args: "[]" });
    const beside = link.request({
      kind: "sql",
      caller: { ...caller, connectionId: new Uint8Array(16).fill(2) },
      text: "",
      confirmed: true,
    });
    const suspect = { kind: WorkKind.message, id: keyOfClient(caller), number: 1, reason };
    fail(new HostEnded("the database's process ended", suspect, true));
    for (let tries = 0; tries < 20; tries += 1) {
      await settle();
      clock.advance(1000);
    }
    const reply = await call;
    expect(reply.status).toBe(status);
    expect(new TextDecoder().decode(reply.body)).toMatch(text);
    expect((await beside).headers["lightcone-error"]).toBe("DatabaseStopped");
  },
);
