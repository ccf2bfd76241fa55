// Goal: a server whose directories went missing, wholly or in part, says which and serves nothing in their place; put
// back, every row is there.
// Method: a real server, killed or stopped, its directories moved aside while it is down; files looked at before and after.
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

let served: Served;
beforeAll(async () => {
  served = await Served.open({ logLevel: "silent" });
  await served.publishTypeScript("ledger", "ledger");
  await served.publishTypeScript("other", "ledger");
  for (const [database, number] of [
    ["ledger", 1],
    ["ledger", 2],
    ["other", 3],
  ] as const)
    expect((await served.call(database, "record", `[7, ${number}]`)).status).toBe(200);
});
afterAll(() => served.stop());

const at = (...path: string[]): string => join(served.dataDirectory, ...path);
const rowsOf = async (database: string): Promise<unknown[]> =>
  (await served.sql(database, "SELECT number FROM entry")).map(([number]) => number);
const names = (): string[] => readdirSync(served.dataDirectory, { recursive: true, encoding: "utf8" }).toSorted();

/** The directory of a database, by its identity. */
async function directoryOf(database: string): Promise<string> {
  const answer = await served.request("GET", `/v1/database/${database}/identity`);
  const identity = await answer.text();
  const [inside = ""] = readdirSync(at("databases", identity));
  return at("databases", identity, inside);
}

describe("row 3: what is missing is not new", () => {
  test.each(["", "log", "log/mark"])(
    "one database loses its directory's %j: it is refused, the other serves",
    async (part) => {
      const directory = await directoryOf("ledger");
      // A killed server leaves no snapshot; the log is all there is. Where the log goes, a stop has made one.
      await (part === "log" ? served.stopFront() : served.killFront());
      const lost = join(directory, part);
      renameSync(lost, `${served.dataDirectory}.lost`);
      const before = names();
      await served.start();
      const refused = await served.request("POST", "/v1/database/ledger/sql", "SELECT number FROM entry");
      expect([refused.status, refused.headers.get("lightcone-error")]).toEqual([500, "Corrupt"]);
      expect(await refused.text()).toContain("missing");
      expect(refused.headers.get("lightcone-hint")).toMatch(/repair/);
      expect(await rowsOf("other")).toEqual([3]);
      await served.killFront();
      const made = names().filter((name) => !before.includes(name) && !/lock|mark|segment|other|ndjson/.test(name));
      expect(made.filter((name) => join(served.dataDirectory, name).startsWith(directory))).toEqual([]);
      renameSync(`${served.dataDirectory}.lost`, lost);
      await served.start();
      expect(await rowsOf("ledger")).toEqual([1, 2]);
    },
  );

  // As by a restore into the wrong directory.
  test.each([{ parts: ["log", "snapshots"] }, { parts: ["log"] }, { parts: ["snapshots"] }])(
    "two databases have each other's $parts: both are refused, and nothing is touched",
    async ({ parts }) => {
      const [one, two] = [await directoryOf("ledger"), await directoryOf("other")];
      // A stop leaves a snapshot of each.
      await served.stopFront();
      const exchange = (): void => {
        for (const part of parts) {
          renameSync(join(one, part), join(one, "aside"));
          renameSync(join(two, part), join(one, part));
          renameSync(join(one, "aside"), join(two, part));
        }
      };
      exchange();
      const before = names();
      await served.start();
      for (const database of ["ledger", "other"]) {
        const refused = await served.request("POST", `/v1/database/${database}/sql`, "SELECT number FROM entry");
        expect([refused.status, refused.headers.get("lightcone-error")]).toEqual([500, "Corrupt"]);
      }
      await served.killFront();
      const data = before.filter((name) => /log\/|snapshots\/|founded$/.test(name));
      expect(data.filter((name) => !names().includes(name))).toEqual([]);
      exchange();
      await served.start();
      expect([await rowsOf("ledger"), await rowsOf("other")]).toEqual([[1, 2], [3]]);
    },
  );

  test.each(["databases", "registry", "id_ecdsa", "id_ecdsa.pub"])(
    "without %s the server does not start, and says so",
    async (part) => {
      await served.killFront();
      renameSync(at(part), `${served.dataDirectory}.lost`);
      const before = names();
      const { status, stderr } = served.tryStart();
      expect(status).not.toBe(0);
      expect(stderr).toContain(at(part));
      expect(stderr).toContain("missing");
      if (part === "databases") {
        // An empty place where a volume should be is no better.
        mkdirSync(at(part));
        expect(served.tryStart().status).not.toBe(0);
        renameSync(at(part), `${served.dataDirectory}.empty`);
      }
      expect(names()).toEqual(before);
      expect(existsSync(at(part))).toBe(false);
      renameSync(`${served.dataDirectory}.lost`, at(part));
      await served.start();
      expect(await rowsOf("ledger")).toEqual([1, 2]);
    },
  );

  test.each(["", "databases"])(
    "a running server whose %j is moved away makes nothing new; put back, all is there",
    async (part) => {
      const place = join(served.dataDirectory, part);
      const aside = `${served.dataDirectory}.aside`;
      const publish = (name: string): Promise<Response> =>
        served.request("PUT", `/v1/database/${name}?host_type=Js`, "export default 1");
      renameSync(place, aside);
      try {
        // What is left where a disk was mounted is empty.
        if (part === "") mkdirSync(place);
        const refused = await publish("stranger");
        expect([refused.status, refused.headers.get("lightcone-error")]).toEqual([500, "Corrupt"]);
        expect(await refused.text()).toMatch(/databases: it is missing, though this server runs with it/);
        // One that runs logs and goes on, or stops; it makes no place either.
        await served.call("ledger", "record", "[7, 2]");
        served.killHost();
        expect((await served.request("POST", "/v1/database/ledger/sql", "SELECT number FROM entry")).status).toBe(500);
        if (part === "") expect(readdirSync(place)).toEqual([]);
        else expect(existsSync(place)).toBe(false);
      } finally {
        if (part === "") rmdirSync(place);
        renameSync(aside, place);
      }
      await served.killFront();
      await served.start();
      await served.publishTypeScript(`after${part}`, "ledger");
      expect((await served.call(`after${part}`, "record", "[7, 9]")).status).toBe(200);
      await served.killFront();
      await served.start();
      expect(await rowsOf(`after${part}`)).toEqual([9]);
      expect(await rowsOf("other")).toEqual([3]);
      expect(new Set(await rowsOf("ledger"))).toEqual(new Set([1, 2]));
    },
  );
});
