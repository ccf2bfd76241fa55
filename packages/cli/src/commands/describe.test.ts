// Goal: row 25: `describe` shows all that a module says of its tables, types and functions, under the names that calls
// and SQL have.
// Method: a module that says everything, in TypeScript, and one in Rust, described by the command against a server.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, Place, repository } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());
const showcase = join(repository, "modules/rust/built/showcase.wasm");

const moduleText = `import { Router, schema, SyncResponse, t, table } from "lightcone/module";
const colour = t.enum("Colour", { Red: t.unit(), Mix: t.string() });
const place = t.object("Place", { x: t.i32(), colour });
const reminder = table({ name: "reminder", scheduled: "remind" }, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });
const app = schema({
  memberRow: table(
    { name: "member", public: true, indexes: [
      { accessor: "byTeam", algorithm: "btree", columns: ["team", "level"] },
      { accessor: "bySeat", algorithm: "hash", columns: ["seat"] },
    ] },
    {
      id: t.u32().primaryKey().autoInc(),
      name: t.string().unique(),
      team: t.string(),
      level: t.i32().index(),
      seat: t.u8(),
      at: place,
      note: t.option(t.string()),
      friends: t.array(colour),
    },
  ),
  reminder,
  flash: table({ public: true, event: true }, { text: t.string() }),
});
export default app;
export const begin = app.init(() => {});
export const came = app.clientConnected(() => {});
export const addMember = app.reducer({ name: t.string(), at: place }, () => {});
export const countMembers = app.reducer({ team: t.string() }, t.u64(), (ctx) => ctx.db.memberRow.count());
export const pick = app.reducer({ mixed: t.bool() }, t.option(colour), (_ctx, { mixed }) =>
  mixed ? { tag: "Mix", value: "teal" } : undefined,
);
export const look = app.procedure({}, t.object("Looked", { colour, who: t.identity(), seat: t.option(t.u8()) }), (ctx) => ({
  colour: { tag: "Red" },
  who: ctx.identity,
  seat: 7,
}));
export const rest = app.procedure({}, t.unit(), () => ({}));
const answer = () => new SyncResponse("here");
export const topScores = app.httpHandler(answer);
export const unused = app.httpHandler(answer);
export const routes = app.httpRouter(
  new Router().get("/top", topScores).any("/any", topScores).post("", topScores).get("/gone", topScores),
);
export const remind = app.reducer({ row: reminder.rowType }, () => {});
`;

const described = `table member: MemberRow (public; memberRow in the module)
    id:       U32             primary key, auto-increment
    name:     String          unique
    team:     String
    level:    I32             index
    seat:     U8              hash index
    at:       Place
    note:     Option<String>
    friends:  Array<Colour>
    index (team, level)

table reminder: Reminder (private)
    id:  U64         primary key, auto-increment
    at:  ScheduleAt
    each row runs remind at its at

table flash: Flash (public; events: its rows are told and not kept)
    text:  String

type Place = { x: I32, colour: Colour }
type Colour = red | mix: String
type Looked = { colour: Colour, who: Identity, seat: Option<U8> }

reducer add_member(name: String, at: Place)  (addMember in the module)
reducer begin()  (when the database is created)
reducer came()  (when a client comes)
reducer count_members(team: String) -> U64  (countMembers in the module)
reducer pick(mixed: Bool) -> Option<Colour>
reducer remind(row: Reminder)  (run by rows of reminder; private)
procedure look() -> Looked
procedure rest() -> ()
handler top_scores: GET /route/top, ANY /route/any, POST /route, GET /route/gone  (topScores in the module)
handler unused: no route
`;

async function run(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await place.run(...args);
  expect({ code, err }).toMatchObject({ code: 0 });
  return out;
}

beforeAll(async () => {
  const server = place.start("start", "-l", "127.0.0.1:0", "--in-memory", "--log-level", "warn");
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
});

describe("row 25: describe", () => {
  test("a module in TypeScript", async () => {
    mkdirSync(place.path("club"));
    writeFileSync(join(place.path("club"), "module.ts"), moduleText);
    await run("publish", "club", "-p", place.path("club"));
    expect(await run("describe", "club")).toBe(described);
    expect(await run("describe", "club", "table", "member")).toBe(
      `${described.slice(0, described.indexOf("\n\ntable reminder"))}\n`,
    );
    expect(await run("describe", "club", "reducer", "addMember")).toMatch(
      /^reducer add_member\(name: String, at: Place\)/,
    );
    expect(JSON.parse(await run("describe", "club", "reducer", "addMember", "--json"))).toMatchObject({
      name: "add_member",
    });
  });

  test("in a project a word alone is a database, and the failure says how its things are named", async () => {
    const at = place.path("in-project");
    mkdirSync(at);
    writeFileSync(join(at, "lightcone.json"), JSON.stringify({ database: "club" }));
    const inProject = (...args: readonly string[]) =>
      place.open(process.execPath, [bin, "describe", ...args], { cwd: at }).ended;
    expect((await inProject("member")).err).toMatch(
      /failed to find database `member`[^]*A table of the project's, `club`: `lightcone describe table member`/,
    );
    expect((await inProject("table", "member")).out).toMatch(/^table member/m);
    expect((await inProject("handler", "topScores")).out).toMatch(/^handler top_scores/);
  });

  test("row 9: a handler with its routes", async () => {
    expect(await run("describe", "club", "handler", "topScores")).toMatch(/^handler top_scores: GET .route.top, ANY/);
    expect(JSON.parse(await run("describe", "club", "handler", "top_scores", "--json"))).toEqual({
      name: "top_scores",
      source_name: "topScores",
      routes: [
        { method: "GET", path: "/top" },
        { method: "ANY", path: "/any" },
        { method: "POST", path: "" },
        { method: "GET", path: "/gone" },
      ],
    });
    expect((await place.run("describe", "club", "handler", "none")).err).toContain("top_scores");
  });

  test("row 9: what `call` gets back is shown as `sql --json` shows values", async () => {
    expect(await run("call", "club", "pick", "true")).toBe('{"mix":"teal"}\n');
    expect(await run("call", "club", "pick", "false")).toBe("null\n");
    expect(await run("call", "club", "count_members", "red")).toBe("0\n");
    expect(JSON.parse(await run("call", "club", "look"))).toEqual({
      colour: "red",
      who: expect.stringMatching(/^c200[0-9a-f]{60}$/),
      seat: 7,
    });
    expect(await run("call", "club", "rest")).toBe("");
  });

  test("row 9: a plan says which routes go, and writes types as people do", async () => {
    const next = moduleText
      .replace('.any("/any", topScores)', '.get("/any", topScores)')
      .replace('.get("/gone", topScores)', "")
      .replace("mixed: t.bool()", "mixed: t.option(t.identity())")
      .replace("export default app", "const extra = 1;\nexport default app")
      .replace(
        "  reminder,\n",
        "  reminder,\n  badge: table({ public: true }, { of: t.identity(), note: t.option(t.string()) }),\n",
      );
    writeFileSync(join(place.path("club"), "module.ts"), next);
    const plan = await run("publish", "club", "-p", place.path("club"), "--dry-run");
    for (const line of [
      "route ANY /route/any: served for GET alone",
      "route GET /route/gone: removed",
      "parameter mixed is Option<Identity>, not Bool",
      "of: Identity",
      "note: Option<String>",
    ])
      expect(plan).toContain(line);
    // Who publishes without agreeing to that is told, and nothing has changed.
    expect((await place.run("publish", "club", "-p", place.path("club"))).code).toBe(1);
    expect(await run("describe", "club", "handler", "topScores")).toContain("/route/gone");
  });

  test.skipIf(!existsSync(showcase))("a module in Rust, with defaults and procedures", async () => {
    await run("publish", "showcase", "-b", showcase);
    const text = await run("describe", "showcase");
    expect(text).toMatch(/\n {4}\w+: +U32 +default 7\n/);
    expect(text).toMatch(/\nprocedure add_up\(terms: Array<U32>\) -> Sum\n/);
    expect(text).toMatch(/\ntype Sum = \{ total: U64, terms: Array<U32> \}\n/);
    expect(await run("describe", "showcase", "procedure", "add_up")).toBe(
      "procedure add_up(terms: Array<U32>) -> Sum\n",
    );
  });
});
