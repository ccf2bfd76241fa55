// Goal: row 12: `subscribe` prints what changes, a line of JSON an update, and ends as a script can tell: by a code.
// Method: the command as a process over a real WebSocket; rows written by other commands; a server that is stopped,
// whose hosts are killed, and whose databases are published and deleted meanwhile.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, type Ended, type Running } from "../testing/command.ts";

const place = new Place();
let server: Running;
const moduleText = `import { schema, t, table } from "lightcone/module";
const colour = t.enum("Colour", { Red: t.unit(), Mix: t.string() });
const app = schema({
  item: table({ public: true }, {
    id: t.u64().primaryKey(), wide: t.u256(), low: t.i256(), who: t.identity(), note: t.option(t.string()), colour, bytes: t.byteArray(),
  }),
  secret: table({}, { id: t.u32().primaryKey() }),
});
export default app;
export const put = app.reducer({ id: t.u64(), wide: t.u256(), low: t.i256() }, (ctx, { id, wide, low }) => {
  ctx.db.item.insert({
    id, wide, low, who: ctx.sender, note: undefined, colour: { tag: "Mix", value: "a\\nb" }, bytes: new Uint8Array([0, 255]),
  });
});
export const drop = app.reducer({ id: t.u64() }, (ctx, { id }) => { ctx.db.item.id.delete(id); ctx.db.secret.insert({ id: 1 }); });
`;
const all = "SELECT * FROM item";
const wide = String(2n ** 256n - 1n);
const low = String(-(2n ** 255n));

async function startServer(): Promise<void> {
  server = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "warn");
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
}

async function run(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await place.run(...args);
  expect({ code, err }).toMatchObject({ code: 0 });
  return out;
}

/** A subscription that has begun: its first line is out. */
async function follow(name: string, ...more: readonly string[]): Promise<Running> {
  const follower = place.start("subscribe", name, all, "--print-initial-update", ...more);
  await follower.saying(/\n/);
  return follower;
}

const lines = ({ out }: { readonly out: string }): readonly string[] => out.split("\n").slice(0, -1);
/** The ids that a line says have come and gone. */
function changes(line: string): { readonly in: readonly number[]; readonly out: readonly number[] } {
  const { item }: { item?: { inserts: { id: number }[]; deletes: { id: number }[] } } = JSON.parse(line);
  return { in: item?.inserts.map(({ id }) => id) ?? [], out: item?.deletes.map(({ id }) => id) ?? [] };
}

beforeAll(async () => {
  mkdirSync(place.path("things"));
  writeFileSync(join(place.path("things"), "module.ts"), moduleText);
  await startServer();
  await run("publish", "things", "-p", place.path("things"));
});
afterAll(() => place.close());

describe("row 12: subscribe", () => {
  let me = "";

  test("prints the rows that are there, and those that come and go, as `sql --json` has them; and ends by its count", async () => {
    ({ identity: me } = JSON.parse(await run("login", "show", "--json")) as { identity: string });
    await run("call", "things", "put", "18446744073709551615", wide, low);
    const row = (id: string, numbers: string): string =>
      `{"id":${id},${numbers},"who":"${me}","note":null,"colour":{"mix":"a\\nb"},"bytes":"00ff"}`;
    const first = row("18446744073709551615", `"wide":${wide},"low":${low}`);
    expect(await run("sql", "things", all, "--json")).toBe(`[\n  ${first}\n]\n`);
    expect(await run("sql", "things", "SELECT wide, low FROM item")).toContain(` ${wide} | ${low}\n`);

    const follower = await follow("things", "-n", "2");
    await run("call", "things", "put", "7", "0xff", "-0x10");
    await run("call", "things", "drop", "18446744073709551615");
    expect(await follower.ended).toEqual({
      code: 0,
      out: [
        `{"item":{"deletes":[],"inserts":[${first}]}}\n`,
        `{"item":{"deletes":[],"inserts":[${row("7", '"wide":255,"low":-16')}]}}\n`,
        `{"item":{"deletes":[${first}],"inserts":[]}}\n`,
      ].join(""),
      err: "",
    });
  });

  test("several queries, one of them of a private table; a stranger is told that there is no such table", async () => {
    const both = ["SELECT * FROM item WHERE id = 7", "SELECT * FROM secret"];
    expect(await run("subscribe", "things", ...both, "--print-initial-update", "-n", "0")).toMatch(
      /^\{"item":\{"deletes":\[\],"inserts":\[\{"id":7,.*\}\]\},"secret":\{"deletes":\[\],"inserts":\[\{"id":\d+\}\]\}\}\n$/,
    );
    const refused = await place.run("subscribe", "things", ...both, "--anonymous");
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toMatch(/subscription was refused[^]*no such table: `secret`[^]*existing tables:\n +item\n/);
  });

  test.each([
    { args: ["SELECT * FROM itm"], code: 1, err: /similar name exists: item/ },
    { args: ["SELECT"], code: 1, err: /subscription was refused/ },
    { args: [all, "-n", "two"], code: 2, err: /--num-updates takes a count, not "two"/ },
    { args: [all, "-t", "1.5"], code: 2, err: /--timeout takes a count/ },
    { args: [all, "--timeout", "0"], code: 0, err: /^timed out after 0s\n$/ },
    { args: [all, "-t0", "-n1"], code: 1, err: /timed out after 0s after receiving 0\/1 updates/ },
    { args: ["--confirmed", all, "-n0"], code: 0, err: /^$/ },
    { args: [all, "--confirmed", "false", "-n", "0"], code: 0, err: /^$/ },
  ])("$args ends with $code", async ({ args, code, err }) => {
    expect(await place.run("subscribe", "things", ...args)).toMatchObject({ code, err: expect.stringMatching(err) });
  });

  test("goes on over an end of the host and a publish that keeps clients: each row once", async () => {
    const follower = await follow("things");
    const children = execFileSync("pgrep", ["-P", String(server.child.pid)])
      .toString()
      .trim()
      .split("\n");
    for (const pid of children) process.kill(Number(pid), "SIGKILL");
    await run("call", "things", "put", "8", "1", "1");
    await follower.saying(/"id":8/);
    writeFileSync(
      join(place.path("things"), "module.ts"),
      moduleText.replace("put = app", "place = app.reducer({}, () => undefined);\nexport const put = app"),
    );
    await run("publish", "things", "-p", place.path("things"));
    await run("call", "things", "put", "9", "1", "1");
    await follower.saying(/"id":9/);
    expect(lines(follower).map(changes)).toEqual([
      { in: [7], out: [] },
      { in: [8], out: [] },
      { in: [9], out: [] },
    ]);
    follower.child.kill("SIGINT");
    await follower.ended;
  });

  test("row 9: one that was there and is ended is not said to be refused", async () => {
    const module = join(place.path("things"), "module.ts");
    writeFileSync(module, moduleText);
    const follower = await follow("things", "--anonymous");
    writeFileSync(module, moduleText.replace("item: table({ public: true }", "item: table({}"));
    await run("publish", "things", "--break-clients", "-p", place.path("things"));
    expect(await follower.ended).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /^Error: The subscription was ended\n[^]*may not be read any more, since the module was updated/,
      ),
    });
    writeFileSync(module, moduleText);
    await run("publish", "things", "-p", place.path("things"));
  });

  const end = (more: readonly string[], act: () => Promise<unknown>) => async (): Promise<Ended> => {
    const follower = await follow("things", ...more);
    await act();
    return follower.ended;
  };
  test("says what ended it", async () => {
    const cleared = await end([], () => run("publish", "things", "-c", "-y", "-p", place.path("things")))();
    expect([cleared.code, cleared.err]).toEqual([
      1,
      expect.stringMatching(/^Error: disconnected by server\n[^]*published anew without its data/),
    ]);
    const stopped = await end(["-n", "5"], async () => server.child.kill("SIGTERM"))();
    expect([stopped.code, stopped.err]).toEqual([
      1,
      expect.stringMatching(/^Error: subscription closed after receiving 0\/5 updates\n/),
    ]);
    await server.ended;
    await startServer();
    const deleted = await end([], () => run("delete", "things", "-y"))();
    expect([deleted.code, deleted.err]).toEqual([1, expect.stringMatching(/the database was deleted/)]);
  });
});
