// Goal: row 15: a line of a module's log says its level, its target, where it was written and by which function; a panic
// says its message; whoever follows has every line once and in order, over files that are begun and removed, a database
// that rests, and publishes; and all files together are no more than their bound.
// Method: the command as a process against a real server with small files and short rest, with a module in Rust (where
// it is built) and one in TypeScript.
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, repository, type Running } from "../testing/command.ts";

const place = new Place();
const showcase = join(repository, "modules/rust/built/showcase.wasm");
const bytesMax = 40_000;
let server: Running;
const moduleText = `import { schema, t } from "lightcone/module";
const app = schema({});
export default app;
export const speak = app.reducer({}, () => {
  console.error("an error");
  console.warn("a warning");
  console.info("some news");
  console.log("as well");
  console.debug("a detail");
  console.trace("a trace");
  console.assert(1 > 2, "one is not more");
});
export const fail = app.reducer({ text: t.string() }, (_ctx, { text }) => { throw new Error(text); });
export const flood = app.reducer({ from: t.u32(), to: t.u32() }, (_ctx, { from, to }) => {
  for (let at = from; at < to; at += 1) console.info("line", at, "x".repeat(100));
});
`;

interface Line {
  readonly level: string;
  readonly target?: string;
  readonly filename?: string;
  readonly line_number?: number;
  readonly function?: string;
  readonly message: string;
  readonly trace?: readonly unknown[];
}

async function run(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await place.run(...args);
  expect({ code, err }).toMatchObject({ code: 0 });
  return out;
}

const records = async (...args: readonly string[]): Promise<readonly Line[]> =>
  (await run("logs", ...args, "--json"))
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line => JSON.parse(line));
const messages = async (...args: readonly string[]): Promise<readonly string[]> =>
  (await records(...args)).map(({ message }) => message);

beforeAll(async () => {
  const limits = [`logBytesMax=${bytesMax}`, "logFileBytesMax=10000", "parkAfterMs=1500", "parkWakeTimesMin=0"];
  const flags = ["-l", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "warn"];
  server = place.start("start", ...flags, ...limits.flatMap((each) => ["--limit", each]));
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  mkdirSync(place.path("talker"));
  writeFileSync(join(place.path("talker"), "module.ts"), moduleText);
  await run("publish", "talker", "-p", place.path("talker"));
});
afterAll(() => place.close());

/** The folder of a database's files. */
async function folderOf(name: string): Promise<string> {
  const databases: { identity: string; names: string[] }[] = JSON.parse(await run("list", "--json"));
  const identity = databases.find(({ names }) => names.includes(name))?.identity ?? "";
  const folder = join(place.path("data"), "databases", identity);
  return join(folder, readdirSync(folder)[0] ?? "");
}

describe.skipIf(!existsSync(showcase))("row 15: what a Rust module writes", () => {
  beforeAll(async () => void (await run("publish", "showcase", "-b", showcase)));

  test("has level, target, file, line and function", async () => {
    await run("call", "showcase", "speak");
    const lines = (await records("showcase")).filter((line) => line.function === "speak");
    const said = lines.map(({ level, target, message }) => [level, target, message]);
    expect(said.slice(0, 6)).toEqual([
      ["Error", expect.stringContaining("showcase"), "an error"],
      ["Warn", expect.stringContaining("showcase"), "a warning"],
      ["Info", expect.stringContaining("showcase"), "some news"],
      ["Debug", expect.stringContaining("showcase"), "a detail"],
      ["Trace", expect.stringContaining("showcase"), "a trace"],
      ["Info", "elsewhere", "with a target: é🌍"],
    ]);
    const places = lines.slice(0, 6).map(({ filename, line_number: line }) => [filename, line]);
    expect(new Set(places.map(([file]) => file))).toEqual(new Set([expect.stringMatching(/src\/life\.rs$/)]));
    const [first = 0, ...rest] = places.map(([, line]) => Number(line));
    expect(rest).toEqual([1, 2, 3, 4, 5].map((more) => first + more));
  });

  test("`--level` shows from that level on, `--level-exact` only that one, `-n` the last of them", async () => {
    const of = async (...args: readonly string[]): Promise<readonly string[]> =>
      (await records("showcase", ...args)).filter((line) => line.function === "speak").map(({ level }) => level);
    expect(await of("--level", "warn")).toEqual(["Error", "Warn"]);
    expect(await of("-l", "debug", "--level-exact")).toEqual(["Debug"]);
    expect(await of("-l", "info", "-n", "1", "--level-exact")).toEqual(["Info"]);
  });

  test("a panic is told with its message, its place and what led to it; and is the caller's failure", async () => {
    const failed = await place.run("call", "showcase", "panic_now", "the roof is off");
    expect([failed.code, failed.err]).toEqual([1, expect.stringMatching(/Calling `panic_now` failed/)]);
    const [panic] = await records("showcase", "-l", "panic");
    expect(panic).toMatchObject({
      level: "Panic",
      function: "panic_now",
      filename: expect.stringMatching(/src\/life\.rs$/),
      message: expect.stringContaining("the roof is off"),
      trace: expect.arrayContaining([expect.anything()]),
    });
    expect(await run("logs", "showcase", "-l", "panic")).toMatch(
      /^\S+Z PANIC: panic_now \S*src\/life\.rs:\d+: the roof is off\n(?: {4}in \S.* :: .*\n)+\S+Z PANIC: panic_now: panicked: /,
    );
    // What it wrote before is not there, and the database goes on.
    await run("call", "showcase", "speak");
  });
});

describe("row 15: what a TypeScript module writes", () => {
  test("has level, file, line and function", async () => {
    await run("call", "talker", "speak");
    const lines = (await records("talker")).filter((line) => line.function === "speak");
    expect(lines.map(({ level, filename, line_number: line, message }) => [level, filename, line, message])).toEqual([
      ["Error", "module.ts", 5, "an error"],
      ["Warn", "module.ts", 6, "a warning"],
      ["Info", "module.ts", 7, "some news"],
      ["Info", "module.ts", 8, "as well"],
      ["Debug", "module.ts", 9, "a detail"],
      ["Trace", "module.ts", 10, "a trace"],
      ["Error", "module.ts", 11, expect.stringContaining("one is not more")],
    ]);
  });

  test("an error that nobody catches is told with its message and place", async () => {
    expect((await place.run("call", "talker", "fail", "the roof is off")).code).toBe(1);
    expect(await run("logs", "talker", "-n", "1")).toMatch(/ (PANIC|ERROR): fail module\.ts:13: .*the roof is off/);
  });
});

describe("row 15: a log that is followed", () => {
  test("tells what the database says of a publish", async () => {
    await run("call", "talker", "speak");
    const follower = place.start("logs", "talker", "-f", "-n", "1");
    // What it begins with is out: what is written from here on it follows.
    await follower.saying(/one is not more/);
    writeFileSync(join(place.path("talker"), "module.ts"), moduleText.replace("as well", "another program"));
    await run("publish", "talker", "-p", place.path("talker"));
    await follower.saying(/ INFO: Updated program to [\da-f]{64}\n.* INFO: Database updated\n/);
    follower.child.kill("SIGINT");
    await follower.ended;
    const own = (await records("talker")).filter(({ message }) => message === "Database updated");
    expect(own).toMatchObject([{ level: "Info", target: "__spacetimedb__", filename: "__spacetimedb__" }]);
  });

  test("has every line once and in order over files that are begun and removed, which are bounded", async () => {
    const follower = place.start("logs", "talker", "-f", "-n", "1");
    await follower.saying(/\n/);
    // No call writes as much as there may be in all: what is removed before it is read is said to be missing.
    const count = 60;
    for (let from = 0; from < 600; from += count) {
      await run("call", "talker", "flood", String(from), String(from + count));
      await follower.saying(new RegExp(`line ${from + count - 1} `));
    }
    follower.child.kill("SIGINT");
    const { out } = await follower.ended;
    const heard = [...out.matchAll(/: line (\d+) /g)].map(([, at]) => Number(at));
    expect(heard).toEqual(Array.from({ length: 600 }, (_, at) => at));
    expect(out).not.toContain("lines are missing");
    const folder = join(await folderOf("talker"), "module-log");
    const files = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    expect(files.length).toBeGreaterThan(2);
    expect(files.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(bytesMax);
    // The last lines are those that are there.
    expect((await messages("talker", "-n", "3")).map((line) => line.split(" ")[1])).toEqual(["597", "598", "599"]);
    expect(await messages("talker")).toHaveLength(new Set(await messages("talker")).size);
  });

  test("does not keep a database from resting, and goes on when it is woken; a rest is no end", async () => {
    const follower = place.start("logs", "talker", "-f", "-n", "1");
    await follower.saying(/line 599/);
    const resting = join(await folderOf("talker"), "wake-at");
    await expect.poll(() => existsSync(resting)).toBe(true);
    // The log of one that rests is read without waking it.
    expect((await messages("talker", "-n", "1"))[0]).toContain("line 599");
    expect(existsSync(resting)).toBe(true);
    await run("call", "talker", "flood", "600", "601");
    await follower.saying(/line 600/);
    follower.child.kill("SIGINT");
    expect((await follower.ended).out.match(/: line /g)).toHaveLength(2);
  });
});
