// Goal: row 17. A server that may open no more files starts no process, says so, and is as before when it may again.
// Strangers cannot bring it there: they get no more sockets than leave enough for hosts and files.
// Method: the limit of a running server is lowered below what it has open (`prlimit`), and its hosts are killed; one that
// starts with a low limit (`ulimit -n`) is given more sockets than it may have.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bin, Place, repository } from "../../../packages/cli/src/testing/command.ts";
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

test.skipIf(!canLimit)("row 17: without file descriptors (prlimit)", async () => {
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

test.skipIf(process.platform === "win32")("strangers' sockets leave enough for hosts and files", async () => {
  const place = new Place();
  const strangers: Socket[] = [];
  try {
    const start = [process.execPath, bin, "start", "-l", "127.0.0.1:0", "--data-dir", place.path("data")].join(" ");
    const server = place.open("bash", ["-c", `ulimit -n 60; exec ${start}`]);
    const [, port = ""] = await server.saying(/listening on http:\S+:(\d+)/);
    const url = `http://127.0.0.1:${port}`;
    const module = join(repository, "modules/typescript/ledger");
    expect(await place.run("publish", "ledger", "-p", module, "-s", url, "-y", "--anonymous")).toMatchObject({
      code: 0,
    });

    // One client has been there before.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (path: string, body: string): Promise<readonly [status: number | undefined, text: string]> =>
      new Promise((resolve, reject) => {
        const headers = { "content-type": "application/json" };
        const asked = request(`${url}/v1/database/ledger/${path}`, { agent, method: "POST", headers }, (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () => resolve([response.statusCode, text]));
        });
        asked.on("error", reject);
        asked.end(body);
      });
    expect(await ask("call/record", "[1, 1]")).toMatchObject([200, ""]);
    let closed = 0;
    const count = 80;
    for (let number = 0; number < count; number += 1) {
      const stranger = connect(Number(port), "127.0.0.1");
      stranger.on("error", () => undefined).on("close", () => (closed += 1));
      stranger.write("GET /v1/ping HTTP/1.1\r\nHost: x\r\n");
      strangers.push(stranger);
    }
    const socketsMax = 60 - 48;
    await expect.poll(() => closed).toBe(count - socketsMax + 1);

    const { pid = 0 } = server.child;
    const hosts = (): readonly number[] =>
      readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1")
        .trim()
        .split(" ")
        .map(Number)
        .filter((child) => readFileSync(`/proc/${child}/cmdline`, "latin1").includes("host-main"));
    for (let number = 2; number < 6; number += 1) {
      for (const host of hosts()) process.kill(host, "SIGKILL");
      expect(await ask("call/record", `[1, ${number}]`)).toMatchObject([200, ""]);
    }
    const [status, text] = await ask("sql", "SELECT number FROM entry");
    const [{ rows }]: [{ rows: number[][] }] = JSON.parse(text);
    expect([status, rows.flat().sort()]).toEqual([200, [1, 2, 3, 4, 5]]);
    const lines = server.err
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ msg }) => msg.startsWith("`socketsMax` is lowered"))).toMatchObject([
      { level: "info", socketsMax, descriptorsMax: 60 },
    ]);
    expect(lines.filter(({ msg }) => msg.startsWith("as many sockets are open as may be"))).toMatchObject([
      { socketsMax },
    ]);
    expect(server.err).not.toContain("EMFILE");

    // The strangers are gone, and another client comes in.
    for (const stranger of strangers) stranger.destroy();
    agent.destroy();
    await expect.poll(() => fetch(`${url}/v1/ping`).then(({ status }) => status, String)).toBe(200);
  } finally {
    for (const stranger of strangers) stranger.destroy();
    await place.close();
  }
});
