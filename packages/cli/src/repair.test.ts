// Goal: a damaged log is refused with the place and the offset that is good, and `lightcone repair` cuts it there and
// nowhere else.
// Method: a real server, killed so that only the log has the rows; a byte of the log is turned over.
import { openSync, readdirSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Place, type Running } from "./testing/command.ts";

let place: Place;
let url = "";
let server: Running;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.close());

async function start(): Promise<void> {
  server = place.start(
    "start",
    "--listen-addr",
    "127.0.0.1:0",
    "--data-dir",
    place.path("data"),
    "--log-level",
    "silent",
  );
  const [, address] = await server.saying(/listening on (\S+)/);
  url = address ?? "";
}

async function kill(): Promise<void> {
  server.child.kill("SIGKILL");
  await server.ended;
}

/** The log's segment that is in use: the newest with something in it. */
function segment(folder: string): string {
  const logs = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    /(^|\/)log\/[^/]*$/.test(path),
  );
  const sizes = logs.map((path) => join(folder, path)).filter((path) => statSync(path).size > 100_000);
  return sizes.toSorted()[0] ?? "";
}

/** Turns over the byte of the first place where `needle` stands behind `from`. */
function damage(path: string, needle: string): void {
  const file = openSync(path, "r+");
  const bytes = Buffer.alloc(Math.min(statSync(path).size, 4 << 20));
  readSync(file, bytes, 0, bytes.length, 0);
  const at = bytes.indexOf(needle);
  expect(at).toBeGreaterThan(0);
  writeSync(file, Buffer.of((bytes[at] ?? 0) ^ 1), 0, 1, at);
}

test("a damaged log is cut where its owner says", { timeout: 60_000 }, async () => {
  await start();
  expect((await place.run("publish", "ledger", "--module-path", "modules/typescript/ledger", "-s", url)).code).toBe(0);
  for (const number of ["1", "2", "3"])
    expect((await place.run("call", "ledger", "record", "7", number, "-s", url)).code).toBe(0);
  await kill();
  damage(segment(place.path("data")), "entry 2 of 7");

  await start();
  const refused = await place.run("sql", "ledger", "SELECT number FROM entry", "-s", url);
  expect(refused.code).toBe(1);
  const [, good] = /damaged at byte \d+: .* \(good up to offset (\d+)\)/s.exec(refused.out + refused.err) ?? [];
  expect(good, refused.err).toBeDefined();
  const held = await place.run("repair", "ledger", "--cut-at", good ?? "", "--data-dir", place.path("data"), "-y");
  expect([held.code, held.err]).toEqual([1, expect.stringContaining("is in use by process")]);
  await kill();

  const unsure = await place.run("repair", "ledger", "--cut-at", good ?? "", "--data-dir", place.path("data"));
  expect(unsure.code).not.toBe(0);
  const cut = await place.run("repair", "ledger", "--cut-at", good ?? "", "--data-dir", place.path("data"), "-y");
  expect([cut.code, cut.out]).toEqual([0, expect.stringContaining(`ends at offset ${good}`)]);

  await start();
  const rows = await place.run("sql", "ledger", "SELECT number FROM entry", "--json", "-s", url);
  expect(JSON.parse(rows.out)).toEqual([{ number: 1 }]);
});

test("row 10, row 17: so is the registry's", { timeout: 60_000 }, async () => {
  const stop = async (): Promise<void> => {
    server.child.kill("SIGTERM");
    await server.ended;
  };
  // The first test left a server with one database; its record is followed by another's.
  expect((await place.run("publish", "second", "--module-path", "modules/typescript/ledger", "-s", url)).code).toBe(0);
  await stop();
  const repair = (...more: readonly string[]) => place.run("repair", "--data-dir", place.path("data"), "-y", ...more);
  expect((await repair("--registry", "ledger", "--cut-at", "1")).err).toMatch(/name of a database, or --registry/);
  expect((await repair("--cut-at", "1")).code).toBe(2);
  damage(segment(place.path("data/registry")), '"name":"second"');

  const refused = await place.start("start", "--listen-addr", "127.0.0.1:0", "--data-dir", place.path("data")).ended;
  expect(refused.code).toBe(1);
  const [, good] = /registry\/log\/\S+ is damaged at byte \d+: .* \(good up to offset (\d+)\)/s.exec(refused.err) ?? [];
  expect(good, refused.err).toBeDefined();
  const cut = await repair("--registry", "--cut-at", good ?? "");
  expect([cut.code, cut.out]).toEqual([0, expect.stringContaining(`log of the registry ends at offset ${good}`)]);
  await start();
  expect((await place.run("sql", "ledger", "SELECT number FROM entry", "-s", url)).code).toBe(0);
  expect((await place.run("sql", "second", "SELECT number FROM entry", "-s", url)).err).toMatch(/`second`/);
  // What the registry has forgotten is not removed.
  await stop();
  expect(readdirSync(place.path("data/databases"))).toHaveLength(2);
});
