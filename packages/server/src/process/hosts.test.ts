/**
 * Goal: `spareHostsMax` hosts wait for databases, one that is taken or killed is replaced, and none is left behind.
 * Method: real processes with the fake database in them; the operating system says which of them run.
 */
import { afterEach, describe, expect, test } from "vitest";
import { realClock } from "@lightcone/base";
import { identityOf } from "../auth/identity.ts";
import { makeServerLimits } from "../limits.ts";
import { makeServerLog } from "../log.ts";
import { programHere } from "./host-program.ts";
import { Hosts } from "./hosts.ts";

const identity = identityOf("localhost", "db");
const record = {
  identity,
  owner: identity,
  hostType: "js",
  initialProgram: "00",
  directory: "d",
  coOwners: [],
  locked: false,
} as const;

let hosts: Hosts;
afterEach(() => hosts.stop());

const lines: string[] = [];

const fakeHost = new URL("../testing/fake-host.ts", import.meta.url);
const unfitNode = new URL("../testing/unfit-node.ts", import.meta.url);

function openHosts(spareHostsMax: number, factory = fakeHost): Hosts {
  lines.length = 0;
  hosts = new Hosts({
    clock: realClock,
    log: makeServerLog("warn", { write: (line) => void lines.push(line) }),
    limits: makeServerLimits({ spareHostsMax }),
    program: programHere(factory),
    settings: null,
  });
  return hosts;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("waited too long");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("row 17: spare hosts", () => {
  test("are made once a database was opened, taken by the next, replaced, and ended with the server", async () => {
    openHosts(2);
    expect(hosts.spares).toEqual([]);
    const first = await hosts.openHost(record, "/nowhere", true);
    await until(() => hosts.spares.length === 2);
    const spares = [...hosts.spares];
    const second = await hosts.openHost(record, "/nowhere", true);
    expect(spares).toContain(second.pid);
    await until(() => hosts.spares.length === 2);
    const [killed = 0, kept = 0] = hosts.spares;
    process.kill(killed, "SIGKILL");
    await until(() => !hosts.spares.includes(killed));
    await until(() => hosts.spares.length === 2);
    expect(hosts.spares).toContain(kept);
    const last = [...hosts.spares];
    await hosts.stop();
    expect(last.filter(isRunning)).toEqual([]);
    expect(hosts.spares).toEqual([]);
    // A database that is open ends by itself.
    expect([first.pid, second.pid].every(isRunning)).toBe(true);
    for (const host of [first, second]) await host.link.stop(1000);
    expect([first.pid, second.pid].some(isRunning)).toBe(false);
  });

  test("a limit of 0 keeps none", async () => {
    openHosts(0);
    const host = await hosts.openHost(record, "/nowhere", true);
    await host.link.stop(1000);
    expect(hosts.spares).toEqual([]);
  });

  test("that end before they are ready are given up, and that is said", async () => {
    openHosts(2, new URL("./no-such-file.ts", import.meta.url));
    await expect(hosts.openHost(record, "/nowhere", true)).rejects.toThrow(/no-such-file/);
    await until(() => lines.some((line) => line.includes("no more spares are kept")));
    expect(hosts.spares).toEqual([]);
  });
});

test("row 17: a program that is gone is the server's fault, not the module's: a publish cannot mend it", async () => {
  openHosts(0);
  const { execPath } = process;
  process.execPath = "/no/such/node";
  try {
    await expect(hosts.openHost(record, "/nowhere", true)).rejects.toMatchObject({
      code: "ProcessNotStarted",
      message: expect.stringContaining("/no/such/node ENOENT"),
    });
  } finally {
    process.execPath = execPath;
  }
  const host = await hosts.openHost(record, "/nowhere", true);
  await host.link.stop(1000);
});

test("no host opens a database on a Node that lacks what modules are kept by", async () => {
  openHosts(0, unfitNode);
  await expect(hosts.openHost(record, "/nowhere", true)).rejects.toThrow(/v8\.promiseHooks.*use a release of Node 24/);
});
