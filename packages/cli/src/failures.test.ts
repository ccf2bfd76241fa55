// Goal: row 21: whatever a module's function ends of, its log has a line with the function, the file and what to do, the
// lines that it wrote itself stay, and whoever asked reads words that help.
// Method: the table kind of function × ending, by the command as a process against a server as a process. One module
// whose functions end as a row of the table `ending` says; of `init`, a module for each ending.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, repository } from "./testing/command.ts";

const place = new Place();
afterAll(() => place.close());
const showcase = join(repository, "modules/rust/built/showcase.wasm");

const endings = ["refuse", "break", "loop", "grow"] as const;
type Ending = (typeof endings)[number];

/** What every ending leaves in the log behind the function's own line. */
const lines: Readonly<Record<Ending, (name: string) => object>> = {
  refuse: () => ({ level: "Info", message: "refused: not on a Sunday" }),
  break: () => ({
    level: "Panic",
    message: expect.stringMatching(/^Error: broken on purpose\n {4}at .*module\.ts:\d+:\d+/),
  }),
  loop: (name) => ({
    level: "Error",
    message: `reducer \`${name}\` took longer than 2 s (reducerTimeoutMs) and was ended. Do less at a time, or raise the limit: \`lightcone start --limit reducerTimeoutMs=60s\`.`,
  }),
  grow: () => ({
    level: "Error",
    message: expect.stringMatching(
      /^the database holds all of the \d+ bytes it may use\. Delete rows, or raise `databaseBytesMax`\.$/,
    ),
  }),
};
/** What the caller of a reducer reads. */
const told: Readonly<Record<Ending, RegExp>> = {
  refuse: /not on a Sunday/,
  break: /The instance encountered a fatal error\.[^]*Hint: `lightcone logs` has the error with its file and line/,
  loop: /reducer `\w+` took longer than 2 s \(reducerTimeoutMs\) and was ended[^]*Hint: Do less at a time, or raise the limit/,
  grow: /the database holds all of the \d+ bytes it may use[^]*Hint: Delete rows, or raise `databaseBytesMax`/,
};

const moduleText = (initEnding: Ending | ""): string => `
import { schema, SenderError, t, table } from "lightcone/module";
const timer = table({ name: "timer", scheduled: "tick" }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });
const app = schema({
  ending: table({}, { kind: t.string().primaryKey(), ending: t.string() }),
  owner: table({}, { who: t.identity().primaryKey() }),
  heap: table({}, { id: t.u64().primaryKey().autoInc(), text: t.string() }),
  timer,
});
export default app;
type Ctx = { sender: unknown; db: any };

function endAs(ctx: Ctx, ending: string): void {
  switch (ending) {
    case "refuse": throw new SenderError("not on a Sunday");
    case "break": throw new Error("broken on purpose");
    case "loop": for (;;);
    case "grow": for (;;) ctx.db.heap.insert({ id: 0n, text: "x".repeat(100_000) });
  }
}
function act(ctx: Ctx, kind: string): void {
  const ending = ctx.db.ending.kind.find(kind)?.ending ?? "";
  if (ending === "") return;
  console.info("in " + kind);
  endAs(ctx, ending);
}
const isOwner = (ctx: Ctx): boolean => ctx.db.owner.who.find(ctx.sender) !== null;

export const begin = app.init((ctx) => {
  ctx.db.owner.insert({ who: ctx.sender });
  if (${JSON.stringify(initEnding)} === "") return;
  console.info("in init");
  endAs(ctx, ${JSON.stringify(initEnding)});
});
export const came = app.clientConnected((ctx) => { if (!isOwner(ctx)) act(ctx, "came"); });
export const went = app.clientDisconnected((ctx) => { if (!isOwner(ctx)) act(ctx, "went"); });
export const run = app.reducer({}, (ctx) => { act(ctx, "run"); });
export const tick = app.reducer({ row: timer.rowType }, (ctx) => { act(ctx, "tick"); });
export const hello = app.reducer({}, () => {});
export const mark = app.reducer({}, () => { console.info("mark"); });
export const endSo = app.reducer({ kind: t.string(), ending: t.string() }, (ctx, row) => {
  if (ctx.db.ending.kind.find(row.kind) === null) ctx.db.ending.insert(row);
  else ctx.db.ending.kind.update(row);
});
export const soon = app.reducer({ at: t.scheduleAt() }, (ctx, { at }) => { ctx.db.timer.insert({ id: 0n, at }); });
`;

async function run(...args: readonly string[]) {
  const ended = await place.run(...args);
  return { code: ended.code, said: `${ended.out}${ended.err}` };
}

async function must(...args: readonly string[]): Promise<string> {
  const { code, said } = await run(...args);
  expect({ code, said }).toMatchObject({ code: 0 });
  return said;
}

function folder(name: string, text: string): string {
  mkdirSync(place.path(name));
  writeFileSync(join(place.path(name), "module.ts"), text);
  return place.path(name);
}

interface Line {
  readonly level: string;
  readonly message: string;
  readonly function?: string;
  readonly filename?: string;
  readonly line_number?: number;
}

/** The last lines of the log, once there is the one that a failure leaves. */
async function lastLines(count: number): Promise<readonly Line[]> {
  const text = await must("logs", "endings", "--json", "-n", String(count));
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Does something, and waits until a function has left two lines for it. */
async function untilLogged(name: string, work: () => Promise<unknown>): Promise<void> {
  await must("call", "endings", "mark");
  const follower = place.start("logs", "endings", "-f", "-n", "1");
  await follower.saying(/mark\n$/);
  await work();
  await follower.saying(new RegExp(`: ${name} [^]*: ${name} `));
  follower.child.kill("SIGINT");
  await follower.ended;
}

async function expectLines(name: string, kind: string, ending: Ending): Promise<void> {
  const [own, end] = await lastLines(2);
  expect(own).toMatchObject({ level: "Info", message: `in ${kind}`, function: name, filename: "module.ts" });
  expect(end).toMatchObject({
    ...lines[ending](name),
    function: name,
    filename: "module.ts",
    line_number: expect.any(Number),
  });
}

beforeAll(async () => {
  const limits = ["reducerTimeoutMs=2000", "databaseBytesMax=5000000", "logRefusalsPerMinuteMax=1000"];
  const server = place.start("start", "-l", "127.0.0.1:0", "--in-memory", "--log-level", "warn", "--limit", ...limits);
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  await must("publish", "endings", "-p", folder("endings", moduleText("")));
});

describe("row 21: each failure leaves its line", () => {
  test.each(endings)("a reducer that is called: %s", async (ending) => {
    await must("call", "endings", "endSo", "run", ending);
    const { code, said } = await run("call", "endings", "run");
    expect(code).toBe(1);
    expect(said).toMatch(told[ending]);
    await expectLines("run", "run", ending);
  });

  test.each(endings)("a client that comes: %s", async (ending) => {
    await must("call", "endings", "endSo", "came", ending);
    const { code, said } = await run("call", "--anonymous", "endings", "hello");
    expect(code).toBe(1);
    expect(said).toMatch(ending === "break" ? /The instance encountered a fatal error/ : told[ending]);
    await expectLines("came", "came", ending);
    await must("call", "endings", "endSo", "came", "");
  });

  test.each(endings)("a client that goes: %s", async (ending) => {
    await must("call", "endings", "endSo", "went", ending);
    await untilLogged("went", () => must("call", "--anonymous", "endings", "hello"));
    await expectLines("went", "went", ending);
    await must("call", "endings", "endSo", "went", "");
  });

  test.each(endings)("a scheduled reducer: %s", async (ending) => {
    await must("call", "endings", "endSo", "tick", ending);
    await untilLogged("tick", () => must("call", "endings", "soon", "2026-01-01T00:00:00Z"));
    await expectLines("tick", "tick", ending);
  });

  test.skipIf(!existsSync(showcase))("a procedure in Rust: break", async () => {
    await must("publish", "showcase", "-b", showcase);
    const { code, said } = await run("call", "showcase", "panic_in_tx");
    expect(code).toBe(1);
    expect(said).toMatch(/fatal error[^]*Hint: `lightcone logs` has the error with its file and line/);
    const [line] = (await must("logs", "showcase", "--json", "--level", "panic", "-n", "10")).split("\n");
    expect(JSON.parse(line ?? "")).toMatchObject({
      level: "Panic",
      function: "panic_in_tx",
      filename: expect.stringMatching(/procedures\.rs$/),
    });
  });

  test("a SQL statement that writes", async () => {
    await must("call", "endings", "endSo", "run", "");
    const { code, said } = await run("sql", "endings", "INSERT INTO ending (kind, ending) VALUES ('run', 'loop')");
    expect(code).toBe(1);
    expect(said).toMatch(/Unique constraint violation/);
    expect(await lastLines(1)).toMatchObject([
      {
        level: "Warn",
        message: expect.stringMatching(
          /^a SQL statement of the owner failed: Unique constraint violation .*value: "run"/,
        ),
      },
    ]);
  });
});

describe("row 21: a first publish that fails prints the lines itself", () => {
  test.each(endings)("init: %s", async (ending) => {
    const { code, said } = await run("publish", `born_to_${ending}`, "-p", folder(ending, moduleText(ending)));
    expect(code).toBe(1);
    expect(said).toMatch(/The module's log:\n +INFO: begin module\.ts:\d+: in init\n/);
    const end = { refuse: "INFO", break: "PANIC", loop: "ERROR", grow: "ERROR" }[ending];
    expect(said).toMatch(new RegExp(`\\n +${end}: begin module\\.ts:\\d+: `));
    expect(said).toMatch(
      ending === "break"
        ? /Error: broken on purpose\n +at /
        : told[ending].source.includes("Hint")
          ? /Hint: /
          : told[ending],
    );
    expect(said).not.toMatch(/lightcone logs|energy/);
    const { said: after } = await run("logs", `born_to_${ending}`);
    expect(after).toMatch(/failed to find database|No such database/);
  });

  test("a module that loops as it is loaded", async () => {
    const text = `console.info("loading");\nfor (;;);\n`;
    const prebuilt = join(folder("loops", ""), "bundle.js");
    writeFileSync(prebuilt, text);
    const { code, said } = await run("publish", "never", "-j", prebuilt);
    expect(code).toBe(1);
    expect(said).toMatch(
      /the start of the module took longer than 2 s \(reducerTimeoutMs\)[^]*INFO: \S+\.js:1: loading\n/,
    );
  });
});
