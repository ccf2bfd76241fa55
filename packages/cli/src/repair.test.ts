// Goal: a damaged log is refused with the place and the offset that is good; `lightcone repair` shows what can be kept, what
// each way keeps and loses, keeps what its owner says, and nothing else is ever given up.
// Method: a real server, killed so that only log and snapshots have the rows; bytes are turned over, files removed.
import { cpSync, openSync, readSync, readdirSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
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

test("a damaged log is cut where its owner says", async () => {
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

test("row 10, row 17: so is the registry's", async () => {
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

// Each state is looked at as rows of a server that opens it.
describe("row 10: what can be kept", () => {
  const record = async (...numbers: readonly number[]): Promise<void> => {
    for (const number of numbers)
      expect((await place.run("call", "kept", "record", "7", String(number), "-s", url)).code).toBe(0);
  };
  const numbersOf = async (): Promise<unknown> => {
    const answer = await fetch(`${url}/v1/database/kept/sql`, { method: "POST", body: "SELECT number FROM entry" });
    expect(answer.status).toBe(200);
    const [{ rows }]: [{ rows: number[][] }] = JSON.parse(await answer.text());
    return rows.map(([number]) => number).toSorted((a = 0, b = 0) => a - b);
  };
  const repair = (...more: readonly string[]) => place.run("repair", ...more, "--data-dir", place.path("data"));
  /** The directory of the database `kept`: the one that was made last. */
  const directory = (): string => {
    const all = readdirSync(place.path("data/databases")).flatMap((identity) =>
      readdirSync(place.path(`data/databases/${identity}`)).map((number) => ({ identity, number: Number(number) })),
    );
    const last = all.toSorted((a, b) => b.number - a.number)[0];
    return place.path(`data/databases/${last?.identity}/${last?.number}`);
  };
  /** Entries 1 to 3, a snapshot, 4 to 6, a snapshot, 7 and 8; then the server is killed. */
  const make = async (): Promise<void> => {
    expect((await place.run("publish", "kept", "--module-path", "modules/typescript/ledger", "-s", url)).code).toBe(0);
    await record(1, 2, 3);
    expect((await place.run("snapshot", "kept", "-s", url)).code).toBe(0);
    await record(4, 5, 6);
    expect((await place.run("snapshot", "kept", "-s", url)).code).toBe(0);
    await record(7, 8);
    await kill();
  };
  const offsetsIn = (text: string): string[] =>
    [...text.matchAll(/up to offset (\d+)/g)].map(([, offset]) => offset ?? "");

  beforeAll(async () => {
    await start();
    await make();
  });
  beforeEach(() => cpSync(place.path("data"), place.path("sound"), { recursive: true }));
  afterEach(async () => {
    await kill();
    rmSync(place.path("data"), { recursive: true });
    renameSync(place.path("sound"), place.path("data"));
  });

  test("a log that is damaged before a newer snapshot", async () => {
    damage(segment(directory()), "entry 2 of 7");
    const shown = await repair("kept", "-y");
    expect([shown.code, shown.err]).toEqual([
      1,
      expect.stringMatching(/nothing was changed[^]*--cut-at \d+` takes the first way/),
    ]);
    expect(shown.out).toMatch(/kept does not open: \S+\.segment is damaged at byte \d+/);
    // The newest snapshot and the log after it have all; the log alone ends before the second entry.
    expect(shown.out).toMatch(
      /first:\n  up to offset (\d+): 9 rows in 2 tables, as of \S+Z, from the snapshot at offset \d+ and the log after it\n.*--cut-at \1\n/,
    );
    expect(shown.out).toMatch(/: 2 rows in 2 tables \(7 fewer than the first\), as of \S+Z, from the log\n/);
    expect(shown.out).toMatch(/      loses \d+ records or more, and [\d a-z]+ up to \S+Z\n/);
    damage(segment(directory()), "entry 8 of 7");
    damage(segment(directory()), "entry 5 of 7");
    // Now the older snapshot leads to a state of its own, between the two.
    const [most = "", ...rest] = offsetsIn((await repair("kept")).out.replace(/.*good up to.*/, ""));
    expect(rest).toHaveLength(2);
    expect((await repair("kept", "--cut-at", "15", "-y")).err).toMatch(/cannot be built/);
    expect((await repair("kept", "--cut-at", most, "-y")).code).toBe(0);
    await start();
    expect(await numbersOf()).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await record(9);
    await kill();
    await start();
    expect(await numbersOf()).toEqual([1, 2, 3, 4, 5, 6, 7, 9]);
  });

  test("a lost mark", async () => {
    rmSync(join(directory(), "log/mark"));
    const shown = await repair("kept");
    expect(shown.out).toMatch(/log\/mark: it is missing, though there are segments/);
    const [all = ""] = offsetsIn(shown.out);
    expect((await repair("kept", "--cut-at", all, "-y")).code).toBe(0);
    await start();
    expect(await numbersOf()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("a lost log", async () => {
    rmSync(join(directory(), "log"), { recursive: true });
    const shown = await repair("kept");
    expect(shown.out).toMatch(/\/log: it is missing, though snapshots up to offset \d+ are there/);
    const offsets = offsetsIn(shown.out.replace(/.*are there/, ""));
    expect(offsets).toHaveLength(2);
    expect((await repair("kept", "--cut-at", offsets[0] ?? "", "-y")).code).toBe(0);
    await start();
    expect(await numbersOf()).toEqual([1, 2, 3, 4, 5, 6]);
    await record(9);
  });

  test("a damaged newest snapshot and a damaged log", async () => {
    const snapshots = readdirSync(join(directory(), "snapshots")).toSorted();
    damage(join(directory(), "snapshots", snapshots.at(-1) ?? ""), "entry 4 of 7");
    damage(segment(directory()), "entry 7 of 7");
    const [all = ""] = offsetsIn((await repair("kept")).out);
    expect((await repair("kept", "--cut-at", all, "-y")).code).toBe(0);
    await start();
    expect(await numbersOf()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("row 30: lost keys are made anew when that is asked for, and not before", async () => {
    rmSync(place.path("data/id_ecdsa"));
    const refused = await place.start("start", "--listen-addr", "127.0.0.1:0", "--data-dir", place.path("data")).ended;
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/id_ecdsa: the file is missing[^]*--new-keys/),
    ]);
    expect((await repair("--new-keys")).code).not.toBe(0);
    expect(readdirSync(place.path("data"))).not.toContain("id_ecdsa");
    const made = await repair("--new-keys", "-y");
    expect([made.code, made.out]).toEqual([0, expect.stringContaining("kept as id_ecdsa.pub.old1")]);
    await start();
    expect(await numbersOf()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
