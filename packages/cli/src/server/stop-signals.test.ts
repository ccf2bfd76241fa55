// Goal: what reaches a server twice, because its group got it and a launcher passed it on, is one wish to stop.
// Method: signals at times; then a real process group whose first process passes SIGTERM on, as npm and npx do; then
// real servers with a database.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bin, Place, repository, Running } from "../testing/command.ts";
import { StopSignals } from "./stop-signals.ts";

const place = new Place();
afterAll(() => place.close());

describe("signals", () => {
  test.each([
    {
      heard: [
        ["SIGTERM", 0],
        ["SIGTERM", 1],
        ["SIGTERM", 499],
      ],
      meaning: ["stop", "nothing new", "nothing new"],
    },
    {
      heard: [
        ["SIGTERM", 0],
        ["SIGTERM", 500],
      ],
      meaning: ["stop", "end at once"],
    },
    {
      heard: [
        ["SIGTERM", 0],
        ["SIGTERM", 499],
        ["SIGTERM", 501],
      ],
      meaning: ["stop", "nothing new", "end at once"],
    },
    {
      heard: [
        ["SIGINT", 0],
        ["SIGTERM", 1],
      ],
      meaning: ["stop", "end at once"],
    },
    {
      heard: [
        ["SIGHUP", 0],
        ["SIGHUP", 700],
        ["SIGTERM", 800],
        ["SIGHUP", 900],
        ["SIGTERM", 1400],
      ],
      meaning: ["stop", "nothing new", "stop", "nothing new", "end at once"],
    },
    {
      heard: [
        ["SIGTERM", 0],
        ["SIGHUP", 1],
      ],
      meaning: ["stop", "nothing new"],
    },
  ] as const)("$heard mean $meaning", ({ heard, meaning }) => {
    let nowMs = 0;
    const signals = new StopSignals(() => nowMs);
    expect(
      heard.map(([signal, atMs]) => {
        nowMs = atMs;
        return signals.hear(signal);
      }),
    ).toEqual(meaning);
  });
});

test("SIGUSR1 to the group of `npm start` opens no debugger, and SIGTERM is one clean stop", async () => {
  const more = ["--listen-addr", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "info"];
  const child = spawn(process.execPath, [join(repository, "scripts/run.mjs"), "start", ...more], {
    cwd: repository,
    env: place.env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid = 0 } = child;
  const running = new Running(child);
  try {
    await running.saying(/Ctrl-C stops it/);
    process.kill(-pid, "SIGUSR1");
    process.kill(-pid, "SIGTERM");
    const ended = await running.ended;
    expect(ended.err).not.toMatch(/debugger|inspector/i);
    expect(ended).toMatchObject({ code: 0, err: expect.stringMatching(/"stopping"\}\n.*"stopped"\}\n$/) });
  } finally {
    if (child.exitCode === null) process.kill(-pid, "SIGKILL");
  }
});

test("where nobody sits at a terminal, the log is lines of JSON alone, to the end", async () => {
  const server = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("other"));
  await server.saying(/listening on/);
  server.child.kill("SIGTERM");
  const { code, err } = await server.ended;
  expect([code, messagesOf(err)]).toEqual([0, ["listening", "stopping", "stopped"]]);
});

/** The processes that a process has started. */
function childrenOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1");
  return children.trim().split(" ").map(Number);
}

async function startWithDatabase(name: string, env: NodeJS.ProcessEnv = {}): Promise<{ server: Running; url: string }> {
  const args = [bin, "start", "-l", "127.0.0.1:0", "--data-dir", place.path(name)];
  const server = place.open("env", [...Object.entries(env).map((each) => each.join("=")), process.execPath, ...args]);
  const [, url = ""] = await server.saying(/listening on (\S+)/);
  const program = join(repository, "modules/typescript/ledger");
  const published = await place.run("publish", "ledger", "-p", program, "-s", url, "-y", "--anonymous");
  expect(published).toMatchObject({ code: 0 });
  return { server, url };
}

async function rowsOf(url: string): Promise<unknown> {
  const response = await fetch(`${url}/v1/database/ledger/sql`, { method: "POST", body: "SELECT number FROM entry" });
  const [result]: { rows: unknown }[] = JSON.parse(await response.text());
  return result?.rows;
}

function record(url: string): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(`${url}/v1/database/ledger/call/record`, { method: "POST", headers, body: "[1, 7]" });
}

const msgOf = (line: string): string => String(JSON.parse(line).msg);

/** The messages of a log. Whether the machine allows as many sockets as the default is its own matter. */
function messagesOf(log: string): readonly string[] {
  const messages = log.trimEnd().split("\n").map(msgOf);
  return messages.filter((message) => !message.startsWith("`socketsMax` is lowered"));
}

test("a terminal that is closed (SIGHUP) stops the server cleanly, and a line says so", async () => {
  const { server, url } = await startWithDatabase("hung-up");
  expect((await record(url)).status).toBe(200);
  server.child.kill("SIGHUP");
  const { code, err } = await server.ended;
  expect([code, messagesOf(err)]).toEqual([
    0,
    ["listening", "database created", expect.stringMatching(/terminal .* was closed/), "stopping", "stopped"],
  ]);
});

test("SIGUSR1 opens no debugger in the front or in a host, whatever NODE_OPTIONS says; both go on", async () => {
  const { server, url } = await startWithDatabase("no-debugger", { NODE_OPTIONS: "--stack-trace-limit=20" });
  expect((await record(url)).status).toBe(200);
  const { pid = 0 } = server.child;
  const hosts = childrenOf(pid).filter((each) => readFileSync(`/proc/${each}/cmdline`, "latin1").includes("host-main"));
  expect(hosts.length).toBeGreaterThan(0);
  for (const host of hosts) expect(readFileSync(`/proc/${host}/environ`, "latin1")).not.toContain("NODE_OPTIONS");
  for (const each of [pid, ...hosts]) process.kill(each, "SIGUSR1");
  expect(await rowsOf(url)).toEqual([[7]]);
  expect(childrenOf(pid)).toEqual(expect.arrayContaining([...hosts]));
  server.child.kill("SIGTERM");
  const { code, err } = await server.ended;
  // What opens one says so, or that its port is taken.
  expect([code, err]).toEqual([0, expect.not.stringMatching(/debugger|inspector/i)]);
});

test("a host that does not answer is ended at the stop, and a line says which database and why", async () => {
  const { server, url } = await startWithDatabase("stands");
  expect((await record(url)).status).toBe(200);
  const { pid = 0 } = server.child;
  for (const child of childrenOf(pid))
    if (readFileSync(`/proc/${child}/cmdline`, "latin1").includes("host-main")) process.kill(child, "SIGSTOP");
  server.child.kill("SIGTERM");
  const { code, err } = await server.ended;
  const lines = err.trimEnd().split("\n");
  const late = lines.filter((line) => msgOf(line).includes("did not stop in time (`stopWithinMs`)"));
  expect([code, late.map((line) => JSON.parse(line))]).toEqual([
    0,
    [expect.objectContaining({ level: "warn", database: expect.stringMatching(/^c200[0-9a-f]{60}$/) })],
  ]);
  // What was acknowledged is there.
  const again = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("stands"));
  const [, next = ""] = await again.saying(/listening on (\S+)/);
  expect(await rowsOf(next)).toEqual([[7]]);
});
