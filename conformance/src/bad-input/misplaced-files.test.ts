// Goal: where something else stands in a file's place, or the system refuses a file, the database is refused with a code:
// its operator reads which file, why and what to do, a stranger nothing of the machine. Put right, every row is there.
// Method: a real server that was killed; each file is replaced by each thing, or its directory made read-only (`mount`).
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";

let served: Served;
let directory = "";
beforeAll(async () => {
  served = await Served.open({ logLevel: "warn" });
  await served.publishTypeScript("ledger", "ledger");
  expect((await served.call("ledger", "record", "[7, 1]")).status).toBe(200);
  const [identity = ""] = readdirSync(join(served.dataDirectory, "databases"));
  directory = await served.directoryOf(identity);
  expect((await served.request("POST", "/v1/database/ledger/snapshot")).status).toBe(200);
});
afterAll(() => served.stop());

const things: Readonly<Record<string, (path: string, original: string) => void>> = {
  "a directory": (path) => mkdirSync(path),
  "a link to itself": (path) => symlinkSync(path, path),
  "a link to nothing": (path) => symlinkSync("/no/such/file", path),
  "a pipe": (path) => expect(spawnSync("mkfifo", [path]).status).toBe(0),
  "a longer file": (path, original) => {
    copyFileSync(original, path);
    appendFileSync(path, new Uint8Array(5000).fill(7));
  },
};
/** By file, with what may stand there without harm, or is told as missing by other tests. */
const files = [
  { file: "founded", code: "Corrupt", harmless: ["a link to nothing"] },
  { file: "lock", code: "FileUnusable", harmless: ["a link to nothing"] },
  // The front removes it before a database is opened; there is none unless the database rested.
  { file: "wake-at", code: "Corrupt", harmless: ["a link to nothing", "a pipe", "a longer file"] },
  { file: "log/mark", code: "Corrupt", harmless: ["a longer file"] },
  { file: "log/0000000000000001.segment", code: "Corrupt", harmless: ["a longer file"] },
  {
    file: "snapshots/0000000000000004.snapshot",
    code: "Corrupt",
    harmless: ["a longer file", "a pipe", "a link to itself", "a link to nothing"], // as of the others
  },
] as const;
const cases = files.flatMap(({ file, code, harmless }) =>
  Object.keys(things)
    .filter((thing) => !harmless.some((each) => each === thing))
    .map((thing) => ({ file, thing, code })),
);

/** Starts the server and expects its refusal, told as it should be. */
async function expectRefused(file: string, code: string): Promise<void> {
  served.log.length = 0;
  await served.start();
  // A stranger asks.
  const answer = await fetch(`${served.url}/v1/database/ledger/sql`, {
    method: "POST",
    body: "SELECT number FROM entry",
  });
  const told = await answer.text();
  expect([answer.status, answer.headers.get("lightcone-error")]).toEqual([500, code]);
  expect(told).toContain(basename(file));
  expect(told).not.toContain(served.dataDirectory);
  expect(answer.headers.get("lightcone-hint")).toMatch(/backup|stand there/);
  const lines = served.log.map((line) => JSON.parse(line));
  expect(lines.find(({ msg }) => msg === "database did not start")?.err).toMatchObject({
    code,
    message: expect.stringContaining(join(directory, file)),
    hint: expect.any(String),
  });
}

/** The server tries again once somebody asks, though not at once. */
async function expectRows(): Promise<void> {
  const ask = (): Promise<unknown> => served.sql("ledger", "SELECT number FROM entry").catch(String);
  await expect.poll(ask).toEqual([[1]]);
}

describe("row 30: what cannot be used as the file that it was", () => {
  test.each(cases)("$thing in the place of $file: $code", async ({ file, thing, code }) => {
    await served.killFront();
    const path = join(directory, file);
    const wasThere = existsSync(path);
    if (wasThere) renameSync(path, `${served.dataDirectory}.kept`);
    try {
      things[thing]?.(path, `${served.dataDirectory}.kept`);
      await expectRefused(file, code);
    } finally {
      rmSync(path, { recursive: true });
      if (wasThere) renameSync(`${served.dataDirectory}.kept`, path);
    }
    await expectRows();
  });

  test("a directory that can only be read", async ({ skip }) => {
    await served.killFront();
    const log = join(directory, "log");
    if (spawnSync("mount", ["--bind", log, log]).status !== 0) skip("mount --bind is refused here");
    try {
      expect(spawnSync("mount", ["-o", "remount,ro,bind", log]).status).toBe(0);
      await expectRefused("log/mark", "FileUnusable");
    } finally {
      spawnSync("umount", [log]);
    }
    await expectRows();
  });

  test("a place that can only be read refuses a new database", async ({ skip }) => {
    const databases = join(served.dataDirectory, "databases");
    if (spawnSync("mount", ["--bind", databases, databases]).status !== 0) skip("mount --bind is refused here");
    const publish = (): Promise<Response> =>
      served.request("PUT", "/v1/database/late?host_type=Js", "export default 1");
    try {
      expect(spawnSync("mount", ["-o", "remount,ro,bind", databases]).status).toBe(0);
      served.log.length = 0;
      const answer = await publish();
      expect([answer.status, answer.headers.get("lightcone-error")]).toEqual([500, "FileUnusable"]);
      expect(await answer.text()).not.toContain(served.dataDirectory);
      const line = served.log.map((each) => JSON.parse(each)).find(({ msg }) => msg === "request failed");
      expect(line?.err).toMatchObject({
        message: expect.stringMatching(new RegExp(`^${databases}/\\w+: the file system can only be read`)),
        hint: expect.stringContaining("may read and write"),
      });
    } finally {
      spawnSync("umount", [databases]);
    }
    expect((await publish()).status).not.toBe(500);
  });
});
