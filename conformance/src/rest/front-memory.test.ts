// Goal: row 17. Memory that a front took for a burst of work comes back when it has little to do, with nobody asking.
// Method: a real server, whose process the operating system accounts for. The burst is of requests that a front answers alone.
import { readFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { Served } from "../served.ts";

const mebibyte = 1024 ** 2;
/** What a burst takes, so that there is something to give back, and what of it the front may keep. */
const takenBytesMin = 30 * mebibyte;
const keptBytesMax = 15 * mebibyte;
const burstRounds = 10;
const requestsAtOnce = 400;
/** The front looks at its memory each ten seconds, if it has little to do. */
const quietMsMax = 120_000;

// By itself V8 gives back what the first two took, and keeps the third's: it looks again only once the heap has grown further.
test("row 17: a front gives back what bursts took of the machine's memory", { timeout: 300_000 }, async () => {
  const served = await Served.open();
  onTestFinished(() => served.stop());
  const before = await dirtyBytes(served);
  for (const burst of ["first", "second", "third"]) {
    await takeMemory(served);
    expect(await dirtyBytes(served)).toBeGreaterThan(before + takenBytesMin);
    await expect
      .poll(() => dirtyBytes(served), { timeout: quietMsMax, interval: 500, message: `after the ${burst}` })
      .toBeLessThan(before + keptBytesMax);
  }
});

/** Asks much at once, some times. */
async function takeMemory(served: Served): Promise<void> {
  for (let round = 0; round < burstRounds; round += 1) {
    const asked = Array.from({ length: requestsAtOnce }, () => served.request("POST", "/v1/identity"));
    for (const response of await Promise.all(asked)) await response.arrayBuffer();
  }
}

/** What a front has written to of its memory, garbage included. */
async function dirtyBytes({ pid }: Served): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "latin1");
  return Number(/^Private_Dirty:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
}
