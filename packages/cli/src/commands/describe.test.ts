// Goal: row 25: `describe` shows all that a module says of its tables, types and functions, under the names that calls
// and SQL have.
// Method: a module that says everything, in TypeScript, and one in Rust, described by the command against a server.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, repository } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());
const showcase = join(repository, "modules/rust/built/showcase.wasm");

const moduleText = `import { schema, t, table } from "lightcone/module";
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

reducer add_member(name: String, at: Place)  (addMember in the module)
reducer begin()  (when the database is created)
reducer came()  (when a client comes)
reducer count_members(team: String) -> U64  (countMembers in the module)
reducer remind(row: Reminder)  (run by rows of reminder; private)
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
