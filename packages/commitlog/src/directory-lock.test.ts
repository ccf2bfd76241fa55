// Goal: one process holds a directory; a holder that ended in any way never keeps the next one out.
// Method: processes as a table of facts; each row leaves a lock behind and asks whether another gets in.
import { expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import type { ProcessFacts, ProcessIdentity } from "@lightcone/base";
import { realFileSystem, realProcessFacts } from "@lightcone/base/node";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { lockDirectory } from "./index.ts";
import { memoryFileSystem } from "./testing/index.ts";

const holder: ProcessIdentity = { pid: 100, startedAt: 5000, bootId: "boot-1", host: "alpha.example" };

function factsOf(own: ProcessIdentity, running: readonly ProcessIdentity[]): ProcessFacts {
  return {
    own: async () => own,
    isRunning: async ({ pid, startedAt }) => running.some((each) => each.pid === pid && each.startedAt === startedAt),
  };
}

test.each<{ why: string; own: ProcessIdentity; running: readonly ProcessIdentity[]; mayEnter: boolean }>([
  { why: "the holder runs", own: { ...holder, pid: 200 }, running: [holder], mayEnter: false },
  { why: "the holder was killed", own: { ...holder, pid: 200 }, running: [], mayEnter: true },
  {
    why: "its number was used again",
    own: { ...holder, pid: 200 },
    running: [{ ...holder, startedAt: 9000 }],
    mayEnter: true,
  },
  {
    why: "its number is ours now",
    own: { ...holder, startedAt: 9000 },
    running: [{ ...holder, startedAt: 9000 }],
    mayEnter: true,
  },
  { why: "the machine restarted", own: { ...holder, pid: 200, bootId: "boot-2" }, running: [holder], mayEnter: true },
  { why: "it ran on another machine", own: { ...holder, host: "beta" }, running: [], mayEnter: false },
  { why: "it is ourselves", own: holder, running: [holder], mayEnter: false },
])("a lock left behind: $why", async ({ own, running, mayEnter }) => {
  const refused: number[] = [];
  const fileSystem = memoryFileSystem();
  await fileSystem.makeDirectory("/data");
  await lockDirectory(fileSystem, "/data", factsOf(holder, [holder]));
  const lock = await lockDirectory(fileSystem, "/data", factsOf(own, running)).catch((error: unknown) => {
    if (!isLightconeError(error, "DataDirectoryLocked")) throw error;
    refused.push(error.detail.pid);
  });
  const named = await fileSystem.list("/data");
  expect(named).toHaveLength(1);
  await lock?.release();
  const left = await fileSystem.list("/data");
  expect({ refused, left }).toEqual(mayEnter ? { refused: [], left: [] } : { refused: [100], left: named });
});

test("of two that come at once never both get in", async () => {
  const other = { ...holder, pid: 200 };
  for (let turns = 0; turns < 12; turns += 1) {
    const fileSystem = memoryFileSystem();
    await fileSystem.makeDirectory("/data");
    const first = lockDirectory(fileSystem, "/data", factsOf(holder, [holder, other])).then(
      () => 1,
      () => 0,
    );
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const second = lockDirectory(fileSystem, "/data", factsOf(other, [holder, other])).then(
      () => 1,
      () => 0,
    );
    expect((await first) + (await second)).toBeLessThanOrEqual(1);
  }
});

test("the machine's own facts lock and unlock a directory", async () => {
  const path = await mkdtemp(`${tmpdir()}/lightcone-lock-`);
  try {
    const facts = realProcessFacts(realFileSystem);
    const own = await facts.own();
    expect(await facts.isRunning(own)).toBe(true);
    expect(await facts.isRunning({ ...own, pid: 2 ** 22 + 1 })).toBe(false);
    const lock = await lockDirectory(realFileSystem, path, facts);
    await expect(lockDirectory(realFileSystem, path, facts)).rejects.toMatchObject({ code: "DataDirectoryLocked" });
    await lock.release();
    await (await lockDirectory(realFileSystem, path, facts)).release();
  } finally {
    await rm(path, { recursive: true });
  }
});
