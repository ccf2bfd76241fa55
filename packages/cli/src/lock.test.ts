// Goal: two servers never serve one directory, wherever they run, and a server that is started after `kill -9` of
// everything serves, however soon.
// Method: the real command on one directory, in two namespaces with one host name; then the front and its hosts are
// killed again and again, and the next server is started at once or a moment later. Rows are looked at each time.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Place, type Running } from "./testing/command.ts";

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.close());

const startFlags = (data: string): string[] => [
  ...["start", "--listen-addr", "127.0.0.1:0", "--data-dir", place.path(data), "--log-level", "warn"],
];

async function urlOf(server: Running): Promise<string> {
  const [, url = ""] = await server.saying(/listening on (\S+)/);
  return url;
}

/** The processes that a process has started, and those that they have. */
function descendantsOf(pid: number): number[] {
  const children = readdirSync("/proc").filter((name) => {
    try {
      return (
        /^\d+$/.test(name) && new RegExp(`^PPid:\\t${pid}$`, "m").test(readFileSync(`/proc/${name}/status`, "utf8"))
      );
    } catch {
      return false;
    }
  });
  return children.flatMap((child) => [Number(child), ...descendantsOf(Number(child))]);
}

/** The rows of a public table, as anybody sees them. */
async function numbersOf(url: string): Promise<unknown> {
  const answer = await fetch(`${url}/v1/database/ledger/sql`, { method: "POST", body: "SELECT number FROM entry" });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  const [{ rows }]: [{ rows: unknown }] = JSON.parse(text);
  return rows;
}

test("row 4: a server that starts after `kill -9` of front and hosts serves", async () => {
  let server = place.start(...startFlags("data"));
  let url = await urlOf(server);
  expect((await place.run("publish", "ledger", "--module-path", "modules/typescript/ledger", "-s", url)).code).toBe(0);
  const numbers: number[][] = [];
  for (const afterMs of [0, 5, 20, 50, 100, 200]) {
    expect((await place.run("call", "ledger", "record", "7", String(afterMs), "-s", url)).code).toBe(0);
    numbers.push([afterMs]);
    expect(await numbersOf(url)).toEqual(numbers);
    const { pid = 0 } = server.child;
    const hosts = descendantsOf(pid);
    expect(hosts.length).toBeGreaterThan(0);
    process.kill(pid, "SIGKILL");
    // The hosts' turn comes as theirs would from a supervisor that ends a whole group; some are gone by themselves.
    for (const host of hosts) spawnSync("kill", ["-9", String(host)]);
    if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
    server = place.start(...startFlags("data"));
    url = await urlOf(server);
    expect(await numbersOf(url)).toEqual(numbers);
  }
  // The host is left to find out by itself that its front is gone: the next one waits for it.
  process.kill(server.child.pid ?? 0, "SIGKILL");
  server = place.start(...startFlags("data"));
  url = await urlOf(server);
  expect(await numbersOf(url)).toEqual(numbers);
  server.child.kill("SIGTERM");
  expect((await server.ended).code).toBe(0);
});

const canUnshare = spawnSync("unshare", ["--pid", "--fork", "true"]).status === 0;
const inNamespace = (data: string): string[] => [
  ...["--pid", "--fork", "--kill-child", "--mount-proc", process.execPath, "packages/lightcone/bin/lightcone.js"],
  ...startFlags(data),
];

test.skipIf(!canUnshare)(
  "row 4: of two servers in namespaces of their own (`unshare`) one serves a directory",
  { timeout: 300_000 },
  async () => {
    const first = place.open("unshare", inNamespace("shared"));
    const url = await urlOf(first);
    expect((await place.run("publish", "ledger", "--module-path", "modules/typescript/ledger", "-s", url)).code).toBe(
      0,
    );
    expect((await place.run("call", "ledger", "record", "7", "1", "-s", url)).code).toBe(0);
    const second = await place.open("unshare", inNamespace("shared")).ended;
    expect(second.code).toBe(1);
    expect(second.err).toMatch(
      /waiting 5 s for it to end"[^]*is in use by process \d+ of \S+, since .*Z\n[^]*--data-dir/,
    );
    first.child.kill("SIGKILL");
    await first.ended;
    const third = place.open("unshare", inNamespace("shared"));
    expect(await numbersOf(await urlOf(third))).toEqual([[1]]);
    third.child.kill("SIGKILL");
    await third.ended;
  },
);
