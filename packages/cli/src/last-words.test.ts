// Goal: row 21: what a call wrote to its log is there when its process is ended in that call, in its order, and before
// the line that says how the process ended.
// Method: the table kind of function × ending, by the command as a process against a server as a process. One module
// whose functions end as a row of the table `ending` says: in a function of the engine that no interrupt reaches, or
// with more memory than a process may take. Of `init`, a module for each ending.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "./build/bundle.ts";
import { Place } from "./testing/command.ts";

const place = new Place();
afterAll(() => place.close());

const endings = ["hang", "eat"] as const;
type Ending = (typeof endings)[number];

/** What the last line says. */
const said: Readonly<Record<Ending, RegExp>> = {
  hang: /went on after its time/,
  eat: /took more memory than .* process may/,
};
const words = Array.from({ length: 12 }, (_, number) => `word ${number}`);

const moduleText = (initEnding: Ending | ""): string => `
import { schema, t, table } from "lightcone/module";
const timer = table({ name: "timer", scheduled: "tick" }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });
const app = schema({
  ending: table({}, { kind: t.string().primaryKey(), ending: t.string() }),
  owner: table({}, { who: t.identity().primaryKey() }),
  timer,
});
export default app;
type Ctx = { sender: unknown; db: any };

function endAs(ending: string): void {
  for (let number = 0; number < ${words.length}; number += 1) console.info("word " + number);
  if (ending === "hang") Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);
  for (const kept: Uint8Array[] = [];;) kept.push(new Uint8Array(10_000_000).fill(1));
}
function act(ctx: Ctx, kind: string): void {
  const ending = ctx.db.ending.kind.find(kind)?.ending ?? "";
  if (ending !== "") endAs(ending);
}
const isOwner = (ctx: Ctx): boolean => ctx.db.owner.who.find(ctx.sender) !== null;

export const begin = app.init((ctx) => {
  ctx.db.owner.insert({ who: ctx.sender });
  if (${JSON.stringify(initEnding)} !== "") endAs(${JSON.stringify(initEnding)});
});
export const came = app.clientConnected((ctx) => { if (!isOwner(ctx)) act(ctx, "came"); });
export const went = app.clientDisconnected((ctx) => { if (!isOwner(ctx)) act(ctx, "went"); });
export const run = app.reducer({}, (ctx) => { act(ctx, "run"); });
export const tick = app.reducer({ row: timer.rowType }, (ctx) => { act(ctx, "tick"); });
export const hello = app.reducer({}, () => {});
export const endSo = app.reducer({ kind: t.string(), ending: t.string() }, (ctx, row) => { ctx.db.ending.insert(row); });
export const soon = app.reducer({ at: t.scheduleAt() }, (ctx, { at }) => { ctx.db.timer.insert({ id: 0n, at }); });
`;

async function must(...args: readonly string[]): Promise<string> {
  const ended = await place.run(...args);
  expect({ ...ended }).toMatchObject({ code: 0 });
  return ended.out;
}

/** Builds a module; gives the path of the program. */
async function built(name: string, text: string): Promise<string> {
  mkdirSync(place.path(name));
  const [source, program] = [join(place.path(name), "module.ts"), join(place.path(name), "bundle.js")];
  writeFileSync(source, text);
  writeFileSync(program, (await bundleModule(source)).code);
  return program;
}

let program = "";
beforeAll(async () => {
  program = await built("module", moduleText(""));
});

/** What is met first: a machine that is busy may need long for so much memory. */
const limits: Readonly<Record<Ending, readonly string[]>> = {
  hang: ["reducerTimeoutMs=2000"],
  eat: ["hostMemoryBytesMax=500000000"],
};

describe.each(endings)("row 21: the lines of a call whose process is ended for it: %s", (ending) => {
  beforeAll(async () => {
    const server = place.start(
      ...["start", "-l", "127.0.0.1:0", "--in-memory", "--log-level", "error", "--limit", ...limits[ending]],
    );
    place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
    return async () => {
      server.child.kill("SIGTERM");
      await server.ended;
    };
  });
  // A database of its own for each: nothing counts against the next.
  const database = (kind: string): string => `last_words_${kind}_${ending}`;

  /** Has a function end its process; everything that it wrote is in the log, and then how that ended. */
  async function expectWords(kind: string, work: (name: string) => Promise<unknown>): Promise<void> {
    const name = database(kind);
    await must("publish", name, "-j", program);
    await must("call", name, "endSo", kind, ending);
    const follower = place.start("logs", name, "-f", "-n", "1", "--json");
    await work(name);
    await follower.saying(said[ending]);
    follower.child.kill("SIGINT");
    await follower.ended;
    const records = (await must("logs", name, "--json"))
      .trim()
      .split("\n")
      .map((line): { message: string; function: string; level: string } => JSON.parse(line));
    const own = records.filter((record) => record.function === kind);
    expect(own.map(({ message }) => message)).toEqual([...words, expect.stringMatching(said[ending])]);
    expect(own.at(-1)?.level).toBe("Error");
    // The database goes on.
    await must("call", name, "hello");
  }

  test("a reducer that is called", () => expectWords("run", (name) => place.run("call", name, "run")));

  test("a client that comes", () => expectWords("came", (name) => place.run("call", "--anonymous", name, "hello")));

  test("a client that goes", () => expectWords("went", (name) => place.run("call", "--anonymous", name, "hello")));

  test("a scheduled reducer", () => expectWords("tick", (name) => must("call", name, "soon", "2026-01-01T00:00:00Z")));

  test("a first publish prints them itself", async () => {
    const ended = await place.run("publish", database("init"), "-j", await built(`init_${ending}`, moduleText(ending)));
    expect(ended.code).toBe(1);
    const printed = [...`${ended.out}${ended.err}`.matchAll(/INFO: begin module\.ts:\d+: (word \d+)\n/g)];
    expect(printed.map(([, word]) => word)).toEqual(words);
  });
});
