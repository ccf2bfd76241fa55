// Goal: row 17. A server that may open no more files starts no process, says so, and is as before when it may again.
// Method: the limit of a running server is lowered below what it has open (`prlimit`), and its hosts are killed.
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Served } from "../served.ts";

const canLimit = spawnSync("prlimit", ["--version"]).status === 0;
/** All of these are open, so nothing can be opened. The connection of the calls stays. */
const tooFew = "8";
/** One host runs, and one is spare. */
const hostsMax = 2;
/** Tries to start a process that one shortage may lead to: two databases' openings, and spares beside. */
const triesMax = 40;

let served: Served;
beforeAll(async () => {
  served = await Served.open({ logLevel: "warn", serverLimits: { spareHostsMax: 1 } });
  await served.publishTypeScript("ledger", "ledger");
});
afterAll(() => served.stop());

function limitFiles(limit: string): void {
  const done = spawnSync("prlimit", ["--pid", String(served.pid), `--nofile=${limit}:`], { encoding: "utf8" });
  if (done.status !== 0) throw new Error(done.stderr);
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test.skipIf(!canLimit)("row 17: without file descriptors (prlimit)", { timeout: 60_000 }, async () => {
  await served.call("ledger", "record", "[1, 1]");
  limitFiles(tooFew);
  let refused: Response | undefined;
  for (let count = 0; count <= hostsMax && refused?.status !== 503; count++) {
    served.killHost();
    refused = await served.call("ledger", "record", `[2, ${count}]`);
  }
  expect([refused?.status, await refused?.text()]).toEqual([503, expect.stringMatching(/EMFILE|stopped/)]);
  // Long enough for a loop to show: it makes a thousand lines a second.
  await sleep(3000);
  const tries = served.log.filter((line) => line.includes("EMFILE"));
  expect(tries.length).toBeGreaterThan(0);
  expect(tries.length).toBeLessThan(triesMax);

  limitFiles("4096");
  let status = 0;
  while (status !== 200) {
    status = (await served.call("ledger", "record", "[1, 3]")).status;
    await sleep(50);
  }
  const numbers = await served.sql("ledger", "SELECT number FROM entry WHERE client = 1");
  expect(numbers.flat().sort()).toEqual([1, 3]);
});
