// Goal: row 17. What happens to a database while it goes to rest, or while it wakes, happens to it as to any other: calls
// are made once, programs and owners change, what is deleted is gone with its process, a server stops.
// Method: a real server, and a host that is held up by the system at either moment; a client of ours looks on, and rows
// are compared with a fresh query.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { signOperatorToken } from "@lightcone/server";
import { connect, TimeDuration } from "lightcone/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type * as clockworkModule from "../database/modules/clockwork.ts";
import { Served } from "../served.ts";

const parkAfterMs = 300;
/** After it a server has asked a database to rest that nobody uses: it looks each second. */
const askedAfterMs = parkAfterMs + 2000;
/** How long a host is held up while others wait for it. */
const heldMs = 500;
const hourMicros = 3_600_000_000;

let served: Served;
let clockwork = "";
beforeAll(async () => {
  const entry = fileURLToPath(new URL("../database/modules/clockwork.ts", import.meta.url));
  clockwork = (await bundleModule(entry)).code;
  served = await Served.open({
    logLevel: "silent",
    serverLimits: { parkAfterMs, parkWakeTimesMin: 0, spareHostsMax: 0 },
  });
});
afterAll(() => served.stop());

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const names = (rows: Iterable<{ readonly name: string }>): readonly string[] =>
  [...rows].map(({ name }) => name).toSorted();
const call = (database: string, name: string, token?: string): Promise<Response> =>
  served.call(database, "every", `["${name}", {"__time_duration_micros__": ${hourMicros}}]`, token);

async function parked(identity: string): Promise<void> {
  await expect.poll(() => served.isAwake(identity)).toBe(false);
}

const moments = ["goes to rest", "wakes"] as const;

/** Holds up the host of a database at a moment. @returns its process id */
async function hold(database: string, identity: string, moment: (typeof moments)[number]): Promise<number> {
  if (moment === "goes to rest") {
    // It is used, so that it is there; and then it is not.
    await served.sql(database, "SELECT * FROM job");
    const pid = served.hosts.get(identity) ?? 0;
    process.kill(pid, "SIGSTOP");
    await sleep(askedAfterMs);
    return pid;
  }
  await parked(identity);
  const openings = served.openings.get(identity);
  void served.sql(database, "SELECT * FROM job").catch(() => undefined);
  while (served.openings.get(identity) === openings) await sleep(1);
  const pid = served.hosts.get(identity) ?? 0;
  process.kill(pid, "SIGSTOP");
  return pid;
}

/** Lets a host go on after a while; it may have been ended meanwhile. */
function letGo(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // It is gone.
  }
}

async function open(database: string) {
  const identity = await served.create(database, clockwork);
  expect((await call(database, "before")).status).toBe(200);
  const errors: string[] = [];
  const onError = ({ code }: { readonly code: string }): void => void errors.push(code);
  const db = connect<typeof clockworkModule>({ uri: served.url, database, token: served.token, onError });
  await db.subscribe("SELECT * FROM job").applied;
  return { identity, db, errors };
}

describe.each(moments)("row 17: while a database %s", (moment) => {
  const nameOf = (action: string): string => `${action}-${moment.replaceAll(" ", "-")}`;

  test.each(["goes on", "is killed"])("it is called, and its host %s", async (how) => {
    const database = nameOf(`called-${how.replace(" ", "-")}`);
    const { identity, db } = await open(database);
    const pid = await hold(database, identity, moment);
    const answers = Promise.all(["a", "b", "c"].map((name) => call(database, name)));
    const own = db.reducers.every({ name: "d", interval: new TimeDuration(BigInt(hourMicros)) });
    await sleep(heldMs);
    if (how === "goes on") letGo(pid);
    else process.kill(pid, "SIGKILL");
    for (const answer of await answers) expect(answer.status, await answer.text()).toBe(200);
    await own;
    const rows = (await served.sql(database, "SELECT name FROM job")).flat();
    expect(rows.toSorted()).toEqual(["a", "b", "before", "c", "d"]);
    await expect.poll(() => names(db.tables.job.rows())).toEqual(["a", "b", "before", "c", "d"]);
    db.close();
  });

  test("a program is published", async () => {
    const database = nameOf("published");
    const { identity, db } = await open(database);
    const pid = await hold(database, identity, moment);
    const answer = served.request("PUT", `/v1/database/${database}?host_type=Js`, `${clockwork}\n// again`);
    await sleep(heldMs);
    letGo(pid);
    expect((await answer).status).toBe(200);
    expect((await call(database, "after")).status).toBe(200);
    await expect.poll(() => names(db.tables.job.rows())).toEqual(["after", "before"]);
    db.close();
  });

  test.each([
    { how: "deleted", method: "DELETE", path: "", body: undefined },
    { how: "reset", method: "PUT", path: "?clear=true&host_type=Js", body: "program" },
  ])("it is $how", async ({ how, method, path, body }) => {
    const database = nameOf(how);
    const { identity, db, errors } = await open(database);
    const directory = await served.directoryOf(identity);
    const pid = await hold(database, identity, moment);
    const answer = served.request(method, `/v1/database/${database}${path}`, body && clockwork);
    await sleep(heldMs);
    letGo(pid);
    expect((await answer).status).toBe(200);
    await expect.poll(() => existsSync(directory)).toBe(false);
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
    expect((await call(database, "after")).status).toBe(how === "reset" ? 200 : 404);
    // The client comes again, and finds what there is, or that nothing is.
    if (how === "reset") await expect.poll(() => names(db.tables.job.rows())).toEqual(["after"]);
    else await expect.poll(() => errors).toEqual(["NoSuchDatabase"]);
    db.close();
  });

  test("it gets another owner", async () => {
    const database = nameOf("given");
    const { identity, db } = await open(database);
    const response = await fetch(`${served.url}/v1/identity`, { method: "POST" });
    const other: { identity: string; token: string } = JSON.parse(await response.text());
    const pid = await hold(database, identity, moment);
    const operator = await signOperatorToken(realFileSystem, served.dataDirectory, realClock);
    const headers = { authorization: `Bearer ${operator}` };
    const answer = fetch(`${served.url}/v1/database/${database}/owner`, {
      method: "PUT",
      headers,
      body: other.identity,
    });
    await sleep(heldMs);
    letGo(pid);
    expect((await answer).status).toBe(200);
    expect((await call(database, "after", other.token)).status).toBe(200);
    await expect.poll(() => names(db.tables.job.rows())).toEqual(["after", "before"]);
    // Who was connected under the old owner has been told to go, and has come again.
    const there = await fetch(`${served.url}/v1/database/${database}/sql`, {
      method: "POST",
      headers: { authorization: `Bearer ${other.token}` },
      body: "SELECT COUNT(*) AS n FROM st_client",
    });
    const [{ rows } = { rows: [] }]: { rows: number[][] }[] = JSON.parse(await there.text());
    expect(rows[0]?.[0]).toBeLessThanOrEqual(2); // the client, and this question
    db.close();
  });

  test.each(["goes on", "hangs"])("its server stops, and its host %s", async (how) => {
    const database = nameOf(`stopped-${how.replace(" ", "-")}`);
    const { identity, db } = await open(database);
    const pid = await hold(database, identity, moment);
    const stopped = served.stopFront();
    await sleep(heldMs);
    if (how === "goes on") letGo(pid);
    await stopped;
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
    await served.start();
    expect((await call(database, "after")).status).toBe(200);
    await expect.poll(() => names(db.tables.job.rows())).toEqual(["after", "before"]);
    expect((await served.sql(database, "SELECT name FROM job")).flat().toSorted()).toEqual(["after", "before"]);
    db.close();
  });
});
