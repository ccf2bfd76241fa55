// Goal: work is ended at its time without a thread for each run, and microtasks run within it.
// Method: the inspector of this process, and that of one that is debugged.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { drainMicrotasks, outsideMicrotasks } from "./module-promises.ts";
import { runTimed } from "./timed-work.ts";

const wait = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);

describe("issue 10 §3: work that is ended by the inspector's timer", () => {
  test("comes to its end, is ended, or throws; work within it has a time of its own", () => {
    expect(runTimed(() => undefined, 1000)).toBe(true);
    expect(runTimed(wait, 20)).toBe(false);
    const within: (boolean | undefined)[] = [];
    expect(
      runTimed(
        () =>
          within.push(
            runTimed(wait, 20),
            runTimed(() => undefined, 20),
          ),
        5000,
      ),
    ).toBe(true);
    expect(within).toEqual([false, true]);
    expect(() =>
      runTimed(() => {
        throw new RangeError("own");
      }, 1000),
    ).toThrow(RangeError);
  });

  test("runs its microtasks, and ends in one of them", async () => {
    const ran: string[] = [];
    const run = (then: () => void): Promise<boolean | undefined> =>
      outsideMicrotasks(() =>
        runTimed(() => {
          void Promise.resolve().then(then);
          drainMicrotasks();
          ran.push("drained");
        }, 100),
      );
    expect(await run(() => void ran.push("then"))).toBe(true);
    expect(await run(wait)).toBe(false);
    expect(await run(() => void ran.push("again"))).toBe(true);
    expect(ran).toEqual(["then", "drained", "again", "drained"]);
  });

  test("is not run where somebody debugs the process", () => {
    const watchdog = JSON.stringify(new URL("watchdog.ts", import.meta.url).href);
    const timed = JSON.stringify(new URL("timed-work.ts", import.meta.url).href);
    const script = `
      import { open, close } from "node:inspector";
      const { runTimed } = await import(${timed});
      const { TimeoutWatchdog } = await import(${watchdog});
      const watchdog = new TimeoutWatchdog();
      const wait = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      const each = () => [String(runTimed(() => undefined, 1000)), watchdog.runWithin(wait, 20), watchdog.runWithin(() => undefined, 1000)];
      const usual = each();
      open(0, "127.0.0.1");
      const debugged = each();
      close();
      console.log(JSON.stringify({ usual, debugged, after: each() }));`;
    const cwd = fileURLToPath(new URL(".", import.meta.url));
    const told = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    expect(JSON.parse(told)).toEqual({
      usual: ["true", false, true],
      debugged: ["undefined", false, true],
      after: ["true", false, true],
    });
  });
});
