// Goal: what a person meets who types something wrong, or has no right to a file, says what it was and what to do.
// Method: commands as processes against one server, a row each; and the files that they leave.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, repository, Running } from "./testing/command.ts";

const place = new Place();
const ledger = "modules/typescript/ledger";
let url: string;

beforeAll(async () => {
  const server = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "warn");
  url = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  place.env["LIGHTCONE_SERVER"] = url;
  writeFileSync(place.path("file"), "");
  for (const name of ["one", "two"]) expect(await place.run("publish", name, "-p", ledger)).toMatchObject({ code: 0 });
});
afterAll(() => place.close());

interface Row {
  readonly args: readonly string[];
  readonly code?: number;
  readonly says: RegExp;
  readonly not?: RegExp;
}

async function take({ args, code = 1, says, not }: Row): Promise<void> {
  const ended = await place.run(...args.map((word) => word.replace("PLACE", place.folder)));
  const said = ended.out + ended.err;
  expect({ code: ended.code, said }).toEqual({ code, said: expect.stringMatching(says) });
  expect(said).not.toMatch(/\bE[A-Z]{4,}\b/); // a code of the system's
  if (not !== undefined) expect(said).not.toMatch(not);
}

describe("places that cannot be written", () => {
  const start = ["start", "-l", "127.0.0.1:0", "--data-dir"];
  const generate = ["generate", "--lang", "ts", "-p", ledger, "--out-dir"];
  test.each<Row>([
    { args: [...start, "/proc/nope"], says: /directory \/proc\/nope cannot be made[^]*no such file[^]*--data-dir/ },
    { args: [...start, "PLACE/file"], says: /directory \S+\/file cannot be made[^]*a file of that name[^]*--data-dir/ },
    {
      args: [...start, "PLACE/file/x"],
      says: /x cannot be made[^]*\/file: a file of that name stands in the way[^]*--data-dir/,
    },
    { args: [...generate, "/proc/nope"], says: /--out-dir: \/proc\/nope cannot be made/ },
    { args: [...generate, "PLACE/file"], says: /--out-dir: \S+\/file cannot be made[^]*stands in the way/ },
    { args: ["--config-path", "/proc/nope/x", "login"], says: /\/proc\/nope\/x cannot be written[^]*--config-path/ },
    { args: ["--config-path", "/tmp", "login"], says: /\/tmp cannot be read[^]*it is a directory[^]*--config-path/ },
    { args: ["repair", "one", "--data-dir", "PLACE/file"], says: /cannot be locked[^]*a file stands where/ },
  ])("$args", take);
});

describe("names", () => {
  const rule = /lower-case letters and digits, with single hyphens or underscores/;
  test.each<Row>([
    { args: ["publish", "", "-p", ledger], code: 2, says: rule },
    { args: ["publish", "Not so", "-p", ledger], code: 2, says: rule },
    { args: ["rename", "one", "--to", "Not so"], says: rule },
    { args: ["sql", "", "SELECT 1"], code: 2, says: /the name of the database is empty/ },
    { args: ["rename", "one", "--to", "two"], says: /Cannot rename to two because/, not: /OtherError/ },
    { args: ["server", "add", "--url", "http://a.test", "http://a.test"], code: 2, says: /is no nickname[^]*ours/ },
    { args: ["server", "add", "--url", "a.test", "ours"], says: /lightcone server add --url http\S+ ours/ },
  ])("$args", take);
});

describe("what is missing or unknown", () => {
  test.each<Row>([
    { args: ["call"], code: 2, says: /missing required argument 'database'[^]*Example:\n {2}lightcone call chat/ },
    {
      args: ["rename", "one"],
      code: 2,
      says: /'--to <name>' not specified[^]*Example:\n {2}lightcone rename old_name/,
    },
    { args: ["publish", "--nope"], code: 2, says: /unknown option[^]*Example:\n {2}lightcone publish my_database/ },
    { args: ["server", "add"], code: 2, says: /'--url <url>' not specified[^]*lightcone server add --url/ },
    ...["change", "wipe", "ssh-key"].map((verb) => ({
      args: ["server", verb, "--help"],
      code: 2,
      says: /unknown command[^]*There are list, ping, add, edit, fingerprint, remove, set-default and clear/,
      not: /Usage/,
    })),
    { args: ["energy", "balance"], code: 1, says: /nothing is charged/ },
    { args: ["frobnicate", "--help"], code: 2, says: /unknown command[^]*lightcone --help/, not: /Usage/ },
  ])("$args", take);
});

test("an address is uploaded to by its name alone, a nickname says what it stands for", async () => {
  expect((await place.run("publish", "one", "-p", ledger)).out).toMatch(/Uploading to http:\S+\n/);
  await place.run("server", "add", "--url", url, "ours");
  expect((await place.run("publish", "one", "-p", ledger, "-s", "ours")).out).toMatch(
    /Uploading to ours => http:\S+\n/,
  );
});

test("who logs in is told so once", async () => {
  const said = await place.run("--config-path", place.path("fresh.toml"), "login");
  expect((said.out + said.err).match(/Logged in/g)).toHaveLength(1);
});

test.each(["garbage", "two words", "eyJh.eyJh.eyJh"])("a token that is none is not saved: %s", async (token) => {
  const path = place.path("cli.toml");
  expect(await place.run("--config-path", path, "login")).toMatchObject({ code: 0 });
  const before = readFileSync(path, "utf8");
  const refused = await place.run("--config-path", path, "login", "--token", token);
  expect(refused).toMatchObject({
    code: 1,
    err: expect.stringMatching(/The token was not saved: the server does not/),
  });
  expect(readFileSync(path, "utf8")).toBe(before);
  expect((await place.run("--config-path", path, "logout", "-y")).code).toBe(0);
});

test("a statement may come from a pipe", async () => {
  const run = async (text: string) => {
    const bin = join(repository, "packages/lightcone/bin/lightcone.js");
    const child = spawn(process.execPath, [bin, "sql", "one"], { cwd: repository, env: place.env });
    const running = new Running(child);
    child.stdin.end(text);
    return running.ended;
  };
  expect(await run("SELECT COUNT(*) AS n\nFROM entry\n")).toMatchObject({ code: 0, out: " n\n---\n 0\n" });
  expect(await run(" \n")).toMatchObject({ code: 2, err: expect.stringMatching(/a statement is missing/) });
});

test("nobody but its owner reads what is in a data directory", () => {
  for (const name of ["", "lock", "lock.holder", "founded", "id_ecdsa", "registry", "databases"])
    expect({ name, others: statSync(join(place.path("data"), name)).mode & 0o077 }).toEqual({ name, others: 0 });
});

test("a first publish that is refused speaks of no running module", async () => {
  mkdirSync(place.path("odd"));
  writeFileSync(
    join(place.path("odd"), "module.ts"),
    `import { schema, t, table } from "lightcone/module";
export default schema({ a: table({}, { id: t.string().autoInc() }) });`,
  );
  await take({ args: ["publish", "odd", "-p", "PLACE/odd", "--no-check"], says: /autoInc/, not: /running module/ });
});

/** A terminal of no size, as `script` makes one where there is none. */
const hasScript = spawnSync("script", ["--version"]).status === 0;

describe.skipIf(!hasScript)("a terminal without columns (`script`)", () => {
  test.each([
    { answer: "y\n", code: 0, says: /Deleted database doomed/ },
    { answer: "n\n", code: 1, says: /Error: Aborting/ },
  ])("is asked on a line: $answer", async ({ answer, code, says }) => {
    await place.run("publish", "doomed", "-p", ledger);
    const bin = join(repository, "packages/lightcone/bin/lightcone.js");
    const line = `stty cols 0; ${process.execPath} ${bin} delete doomed`;
    const child = spawn("script", ["-qec", line, "/dev/null"], { cwd: repository, env: place.env });
    const running = new Running(child);
    await running.saying(/undone\. \[y\/N\] /);
    child.stdin.write(answer);
    const ended = await running.ended;
    expect(ended).toMatchObject({ code, out: expect.stringMatching(says) });
    expect(ended.out.split("\n").length).toBeLessThan(8);
  });
});
