// Goal: a call that stays inside a function of the engine, where no interrupt reaches it, is ended with its process: it
// fails, it leaves nothing behind, nobody waits for it longer than its time and a second, and no such process outlives
// its front.
// Method: a real server with short times. Each way to hang is tried, then rows and further calls are looked at; then the
// front is killed while a call hangs, and a second server must get at the files.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const reducerTimeoutMs = 500;
/** The call's time, the second that an interrupt has, the next host, which answers, and what a loaded machine adds. */
const endedWithinMs = reducerTimeoutMs + 1000 + 5000;
const goneWithinMs = 2000;

let served: Served;
let program = "";
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { reducerTimeoutMs } });
  const entry = fileURLToPath(new URL("../bad-input/modules/native.ts", import.meta.url));
  program = (await bundleModule(entry)).code;
  await served.publish("native", program, "Js");
});
afterAll(() => served.stop());

const hosts = (): readonly number[] => [...served.hosts.values()];

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The shells that a front has started. */
function keepersOf(front: number): readonly number[] {
  const children = readFileSync(`/proc/${front}/task/${front}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("lightcone-keeper");
    } catch {
      return false;
    }
  });
}

async function until(holds: () => boolean, withinMs: number): Promise<boolean> {
  for (const endMs = performance.now() + withinMs; !holds();) {
    if (performance.now() > endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

describe("row 6: a call that no interrupt reaches", () => {
  test.each(["index_of_for_ever", "fill_for_ever"])("%s", async (reducer) => {
    const watcher = await RawClient.open(served.url, "native", { token: served.token });
    expect((await watcher.next())?.kind).toBe("IdentityToken");
    const startMs = performance.now();
    const response = await served.call("native", reducer, "[]");
    expect({ status: response.status, body: await response.text() }).toEqual({
      status: 530,
      body: "The instance encountered a fatal error.",
    });
    expect(performance.now() - startMs).toBeLessThan(endedWithinMs);
    expect((await served.call("native", "add", `["after ${reducer}"]`)).status).toBe(200);
    const notes = await served.sql("native", "SELECT text FROM note");
    expect(notes.flat()).toContain(`after ${reducer}`);
    expect(notes.flat()).not.toContain("must not stay");
    expect(watcher.closed, "other clients are still there").toBeUndefined();
    watcher.close();
    // A new program is a new chance: what counts against a module starts again.
    await served.publish("native", program, "Js");
  });

  test.each([
    { kind: "at rest until then", callsBefore: 0, isKeeperKilled: false },
    { kind: "at rest, whose keeper was killed", callsBefore: 0, isKeeperKilled: true },
    { kind: "that is busy", callsBefore: 400, isKeeperKilled: false },
  ])("a process $kind does not outlive its front, and frees the files", async ({ callsBefore, isKeeperKilled }) => {
    await served.killFront();
    await served.start();
    const text = `after a front and ${callsBefore} calls, ${isKeeperKilled}`;
    for (let number = 0; number < callsBefore; number += 1) await served.call("native", "add", `["${number}"]`);
    expect((await served.call("native", "add", `["before the end"]`)).status).toBe(200);
    const call = served.call("native", "index_of_for_ever", "[]").catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (isKeeperKilled) {
      const [keeper = 0] = keepersOf(served.pid);
      process.kill(keeper, "SIGKILL");
      expect(await until(() => keepersOf(served.pid).some((pid) => pid !== keeper), goneWithinMs)).toBe(true);
    }
    const left = hosts().filter(isRunning);
    expect(left).not.toEqual([]);
    await served.killFront();
    await call;
    expect(await until(() => !left.some(isRunning), goneWithinMs), "the process is gone").toBe(true);
    await served.start();
    expect((await served.call("native", "add", `["${text}"]`)).status).toBe(200);
    expect((await served.sql("native", "SELECT text FROM note")).flat()).toContain(text);
  });
});
