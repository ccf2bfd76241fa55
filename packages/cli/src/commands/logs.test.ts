// Goal: rows 16 and 20: `logs` shows the last lines whatever the day, goes on over ends of the host, says what ends
// it, and bears any amount of lines.
// Method: the command as a process against a server as a process, which is stopped, killed and robbed of its hosts.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, type Running } from "../testing/command.ts";

const place = new Place();
let server: Running;
const moduleText = `import { schema, SenderError, t } from "lightcone/module";
const app = schema({});
export default app;
export const say = app.reducer({ text: t.string() }, (_ctx, { text }) => console.info(text));
export const refuse = app.reducer({ text: t.string() }, (_ctx, { text }) => { throw new SenderError(text); });
export const warn = app.reducer({}, () => console.warn("careful"));
export const flood = app.reducer({ lines: t.u32(), text: t.string() }, (_ctx, { lines, text }) => {
  for (let line = 0; line < lines; line += 1) console.info(line, text);
});
`;

async function startServer(): Promise<void> {
  server = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "warn");
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
}

async function run(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await place.run(...args);
  expect({ code, err }).toMatchObject({ code: 0 });
  return out;
}

async function publish(name: string): Promise<void> {
  await run("publish", name, "-p", place.path("talker"));
}

beforeAll(async () => {
  mkdirSync(place.path("talker"));
  writeFileSync(join(place.path("talker"), "module.ts"), moduleText);
  await startServer();
});
afterAll(() => place.close());

/** The folder of a database's log. */
async function logFolder(name: string): Promise<string> {
  const { identity } = (JSON.parse(await run("list", "--json")) as { identity: string; names: string[] }[]).find(
    ({ names }) => names.includes(name),
  ) ?? { identity: "" };
  const folder = join(place.path("data"), "databases", identity);
  return join(folder, readdirSync(folder)[0] ?? "", "module-log");
}

const texts = (out: string): readonly string[] =>
  out
    .split("\n")
    .slice(0, -1)
    .map((line) => line.replace(/^.*?: say \S+: /, ""));

/** Ends the processes in which databases run, as the system does that is out of memory. */
function killHosts(): void {
  const children = execFileSync("pgrep", ["-P", String(server.child.pid)])
    .toString()
    .trim()
    .split("\n");
  expect(children.length).toBeGreaterThan(0);
  for (const pid of children) process.kill(Number(pid), "SIGKILL");
}

describe("row 20: the last lines", () => {
  test("come from other days too", async () => {
    await publish("diary");
    await run("call", "diary", "say", "today");
    const yesterday = ["first", "second"].map((message) => JSON.stringify({ level: "Info", ts: 1, message }));
    writeFileSync(join(await logFolder("diary"), "2026-01-01.ndjson"), `${yesterday.join("\n")}\n`);
    expect(await run("logs", "diary", "-n", "2")).toMatch(/^1970\S+ {2}INFO: second\n.*today\n$/);
    expect(await run("logs", "diary")).toMatch(/first\n.*second\n.*today\n$/);
  });

  test("a refusal is INFO", async () => {
    expect((await place.run("call", "diary", "refuse", "not so")).code).toBe(1);
    expect(await run("logs", "diary", "-n", "1")).toMatch(/^\S+ {2}INFO: refuse module\.ts:\d+: refused: not so\n$/);
    expect(await run("logs", "diary", "--level", "warn")).toBe("");
    // The last line of that level, wherever it stands.
    await run("call", "diary", "warn");
    await run("call", "diary", "say", "later");
    expect(await run("logs", "diary", "--level", "warn", "-n", "1")).toMatch(/^\S+ {2}WARN: warn \S+: careful\n$/);
  });
});

describe("row 20: --follow", () => {
  test("goes on over ends of the host: every line once", async () => {
    await publish("followed");
    const said = ["before the follower came"];
    await run("call", "followed", "say", said[0] ?? "");
    // Its first line says that it follows: what is written from here on cannot come before it.
    const follower = place.start("logs", "followed", "-f", "-n", "1");
    await follower.saying(/before the follower came/);
    for (let round = 0; round < 2; round += 1) {
      for (let line = 0; line < 2; line += 1) {
        said.push(`round ${round}, line ${line}`);
        await run("call", "followed", "say", said.at(-1) ?? "");
      }
      await follower.saying(new RegExp(said.at(-1) ?? ""));
      killHosts();
    }
    expect(texts(follower.out)).toEqual(said);
    follower.child.kill("SIGINT");
    await follower.ended;
  });

  test("goes on with the database that replaces the followed one", async () => {
    const follower = place.start("logs", "followed", "-f", "-n", "1");
    await follower.saying(/round 1, line 1/);
    await run("publish", "followed", "-c", "-y", "-p", place.path("talker"));
    await run("call", "followed", "say", "anew");
    await follower.saying(/WARN: the database was published anew[^]*anew\n/);
    follower.child.kill("SIGINT");
    expect((await follower.ended).out).toMatch(/round 1, line 1\n[^]*anew\n$/);
  });

  test("says that the database was deleted", async () => {
    await publish("doomed");
    await run("call", "doomed", "say", "hello");
    const follower = place.start("logs", "doomed", "-f");
    await follower.saying(/hello/);
    await run("delete", "doomed", "-y");
    expect(await follower.ended).toMatchObject({
      code: 1,
      out: expect.stringMatching(/hello\n[^]*WARN: the log ends here: the database was deleted\n$/),
      err: "Error: the log ended: the database was deleted\n",
    });
  });

  test.each([
    { signal: "SIGTERM", err: /^Error: the log ended: the server is stopping\n/ },
    { signal: "SIGKILL", err: /^Error: the log ended: the connection to http:\S+ was lost\n/ },
  ] as const)("says what ended it: $signal of the server", async ({ signal, err }) => {
    await run("call", "diary", "say", `before ${signal}`);
    const follower = place.start("logs", "diary", "-f");
    await follower.saying(new RegExp(`before ${signal}`));
    server.child.kill(signal);
    const ended = await follower.ended;
    expect(ended).toMatchObject({ code: 1, err: expect.stringMatching(err) });
    await server.ended;
    await startServer();
    expect(await run("logs", "diary", "-n", "1")).toMatch(new RegExp(`before ${signal}`));
  });
});

describe("row 16: a module that writes without end", () => {
  test(
    "157 MB of one call are some MB on the disk, and `logs` shows their beginning",
    { timeout: 300_000 },
    async () => {
      await publish("flooded");
      await run("call", "flooded", "say", "before");
      await run("call", "flooded", "flood", "15700", "x".repeat(10_000));
      await run("call", "flooded", "say", "after");
      const out = texts(await run("logs", "flooded"));
      expect(out[0]).toBe("before");
      expect(out.at(-1)).toBe("after");
      expect(out.at(-2)).toMatch(/WARN: 1\d{4} lines were left out here: over 4194304 bytes at once/);
      const folder = await logFolder("flooded");
      const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
      expect(bytes).toBeLessThan(5 * 1024 ** 2);
    },
  );
});
