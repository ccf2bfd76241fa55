// Goal: row 17. A server of many databases takes memory for those that are used, answers whoever wakes one, and does not
// let the owner of many keep another's from waking.
// Method: a real server; the counts are small here and large in `npm run soak`. Processes and memory are the operating
// system's account. The seed says which databases are called, in which order.
import { testSeed } from "@lightcone/base/testing";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { addKnown } from "./known-databases.ts";

/** Databases that are made, and those that are known besides. */
const madeCount = Number(process.env["LIGHTCONE_DATABASES"] ?? 14);
/** Of those that are made, those that are called all at once: `fetch` waits for five minutes. */
const calledCount = Math.min(madeCount, 200);
const knownCount = Number(process.env["LIGHTCONE_KNOWN"] ?? 400);
const seed = testSeed(1);
const mebibyte = 1024 ** 2;
/** Room for three or four databases' processes: everything else has to wait for one to be parked. */
const awakeMemoryBytesMax = 200 * mebibyte;
/** What the front may take for each database that it knows of, and for each that it has had open. */
const knownBytesMax = 4 * 1024;
const openedBytesMax = 64 * 1024;
/** What each of those that are woken at once may add to the wait of the last, on a loaded machine. */
const wakeMsMax = 1000;
const foundationBytes = 60 * mebibyte;

let served: Served;
let token = "";
beforeAll(async () => {
  served = await Served.open({
    serverLimits: { parkAfterMs: 300, parkWakeTimesMin: 0, spareHostsMax: 2, awakeMemoryBytesMax, wakeWaitMs: 240_000 },
  });
  // What it takes a server to build the program of its hosts is not looked at here.
  await served.publish("first", await clockwork(), "Js");
  await served.stopFront();
  await served.start();
  const response = await fetch(`${served.url}/v1/identity`, { method: "POST" });
  ({ token } = JSON.parse(await response.text()));
}, 60_000);
afterAll(() => served.stop());

async function clockwork(): Promise<string> {
  const entry = fileURLToPath(new URL("../database/modules/clockwork.ts", import.meta.url));
  return (await bundleModule(entry)).code;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function allParked(): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (served.awake.length > 0) {
    expect(performance.now(), `${served.awake.length} keep their process`).toBeLessThan(endMs);
    await sleep(50);
  }
}

/** The owner of most databases is the one that the server was asked by first; one in seven is another's. */
const isOthers = (number: number): boolean => number % 7 === 6;

test(
  `awakeMemoryBytesMax, ownerAwakeMax, parkWakeTimesMin: ${madeCount} databases, ${knownCount} known`,
  {
    timeout: 120_000 + madeCount * 3000 + knownCount * 20,
  },
  async () => {
    const program = await clockwork();
    const clients: RawClient[] = [];
    for (let number = 0; number < madeCount; number += 1) {
      const headers = { authorization: `Bearer ${isOthers(number) ? token : served.token}` };
      const url = `${served.url}/v1/database/room-${number}?host_type=Js`;
      const response = await fetch(url, { method: "PUT", headers, body: program });
      expect(response.status, await response.text()).toBe(200);
      // Some have somebody in them, who stays.
      if (number % 3 === 0) {
        const client = await RawClient.open(served.url, `room-${number}`);
        expect((await client.next())?.kind).toBe("IdentityToken");
        clients.push(client);
      }
    }
    await allParked();
    const restingBytes = await served.frontBytes();

    // Many are called at once: what does not fit waits until others have been parked. Nobody waits in vain.
    const order =
      fc.sample(fc.shuffledSubarray([...Array(calledCount).keys()], { minLength: calledCount }), {
        seed,
        numRuns: 1,
      })[0] ?? [];
    const answered: number[] = [];
    const timesMs: number[] = [];
    let hostsMax = 0;
    const startMs = performance.now();
    const calls = order.map(async (number) => {
      const every = `["tick ${number}", {"__time_duration_micros__": 3600000000}]`;
      const response = await served.call(`room-${number}`, "every", every, isOthers(number) ? token : served.token);
      expect(response.status, await response.text()).toBe(200);
      answered.push(number);
      timesMs.push(performance.now() - startMs);
    });
    const all = Promise.all(calls);
    const over = new AbortController();
    void all.finally(() => over.abort()).catch(() => undefined);
    while (!over.signal.aborted) {
      hostsMax = Math.max(hostsMax, served.awake.length);
      await sleep(20);
    }
    await all;
    expect(hostsMax, "processes at a time").toBeLessThanOrEqual(Math.ceil(awakeMemoryBytesMax / (30 * mebibyte)) + 2);
    // In turn: the last of the few is answered before most of the many are.
    const last = Math.max(...answered.map((number, at) => (isOthers(number) ? at : 0)));
    const othersCount = order.filter(isOthers).length;
    expect(last, `answered in the order ${answered.join(" ")}`).toBeLessThan(2 * othersCount + 6);
    for (const client of clients) expect(client.closed).toBeUndefined();
    process.stdout.write(`${calledCount} woken: the last after ${Math.round(Math.max(...timesMs))} ms\n`);
    expect(Math.max(...timesMs)).toBeLessThan(10_000 + calledCount * wakeMsMax);

    // Each call was made once.
    for (const number of order.slice(0, 20)) {
      const headers = { authorization: `Bearer ${isOthers(number) ? token : served.token}` };
      const url = `${served.url}/v1/database/room-${number}/sql`;
      const response = await fetch(url, { method: "POST", headers, body: "SELECT name FROM job" });
      const [{ rows } = { rows: [] }]: { rows: unknown[][] }[] = JSON.parse(await response.text());
      expect(rows).toEqual([[`tick ${number}`]]);
    }

    // What is known and rests takes little of the front, and nothing else.
    for (const client of clients) client.close();
    await sleep(500);
    await allParked();
    await served.stopFront();
    await served.start();
    await sleep(1000);
    const before = await served.frontBytes();
    await served.stopFront();
    await addKnown(served.dataDirectory, knownCount);
    served.hosts.clear();
    await served.start();
    await sleep(1000 + knownCount);
    expect(served.awake, "none is opened that says when it wants to be").toEqual([]);
    const knownBytes = ((await served.frontBytes()) - before) / knownCount;
    process.stdout.write(
      `the front: ${Math.round(restingBytes / mebibyte)} MB with ${madeCount} at rest, ${Math.round(before / mebibyte)} MB at its start; ${Math.round(knownBytes)} bytes for each that it knows of\n`,
    );
    expect(restingBytes).toBeLessThan(foundationBytes + 30 * mebibyte + madeCount * openedBytesMax);
    expect(await served.frontBytes()).toBeLessThan(before + 30 * mebibyte + knownCount * knownBytesMax);
  },
);
