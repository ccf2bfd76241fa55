// Goal: what a stranger meets in his first half hour says what it was and what to write instead.
// Method: the command as a process, against one server and one shop; a row for each slip, with the whole of what counts.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, Place, repository } from "./testing/command.ts";

const place = new Place();
afterAll(() => place.close());

const shop = `import { Identity, ScheduleAt, schema, t, table } from "lightcone/module";
const product = table({ public: true }, { sku: t.string().primaryKey(), title: t.string(), price: t.u32(), stock: t.u32() });
const order = table({ public: true }, { id: t.u64().primaryKey().autoInc(), buyer: t.identity(), at: t.timestamp() });
const timer = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });
const odd = table({ public: true }, { "my key": t.u64().primaryKey(), "b c": t.string().index() });
const app = schema({ product, order, timer, odd });
export default app;
export const begin = app.init(() => {});
export const addProduct = app.reducer(product.rowType.fields, (ctx, row) => { ctx.db.product.insert(row); });
export const tick = app.reducer({ onSchedule: timer }, { row: timer.rowType }, () => {});
const any = (value: unknown): any => value;
export const slipBuyer = app.reducer((ctx) => { ctx.db.order.insert({ id: 0n, buyer: any("me"), at: ctx.timestamp }); });
export const slipAt = app.reducer((ctx) => { ctx.db.order.insert({ id: 0n, buyer: ctx.sender, at: any(new Date(0)) }); });
export const slipTimer = app.reducer((ctx) => { ctx.db.timer.insert({ id: 0n, at: any(1000) }); });
export const putOdd = app.reducer((ctx) => {
  ctx.db.odd.insert({ "my key": 7n, "b c": "x", ...{ more: 1 } });
  const row = ctx.db.odd["my key"].find(7n);
  if (row === null || [...ctx.db.odd["b c"].filter("x")].length !== 1) throw new Error("not found");
});
`;

function folder(name: string, text: string): string {
  const path = place.path(name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "module.ts"), text);
  return path;
}

interface Row {
  readonly args: readonly string[];
  readonly code?: number;
  readonly says: RegExp | string;
  readonly not?: RegExp;
}

async function take({ args, code = 1, says, not }: Row): Promise<void> {
  const ended = await place.run(...args.map((word) => word.replace("PLACE", place.folder)));
  const said = ended.out + ended.err;
  expect({ code: ended.code, said }).toEqual({
    code,
    said: typeof says === "string" ? expect.stringContaining(says) : expect.stringMatching(says),
  });
  if (not !== undefined) expect(said).not.toMatch(not);
}

beforeAll(async () => {
  const server = place.start("start", "-l", "127.0.0.1:0", "--in-memory", "--log-level", "warn");
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  await take({ args: ["publish", "shop", "-p", folder("shop", shop)], code: 0, says: "Created new database" });
});

describe("a module", () => {
  const sdk = `import { schema, t, table } from "lightcone/module";\n`;
  const a = "const a = table({}, { id: t.u64() });\n";
  const timer = "const timer = table({}, { id: t.u64().primaryKey().autoInc(), at: t.scheduleAt() });\n";
  const tick = "export const tick = app.reducer({ onSchedule: timer }, { row: timer.rowType }, () => {});\n";
  test.each([
    {
      text: `${sdk}export default schema({ a: table({ id: t.u64() }) });`,
      says: /table takes its options first[^]*table\(\{ public: true \}, \{ id: t\.u64\(\) \}\)\n[^]*at module\.ts:2:/,
    },
    { text: `${sdk}${a}export default schema(a, a);`, says: /schema takes one object of tables.*[^]*module\.ts:3:/ },
    { text: `${sdk}${a}export default schema([a]);`, says: "schema takes one object of tables" },
    {
      text: `${sdk}${a}${timer}const app = schema({ a });\nexport default app;\n${tick}`,
      says: "reducer `tick`: the table of its `onSchedule` is not in the schema: add it to schema({ … })",
    },
    {
      text: `${sdk}${timer}const app = schema({ timer });\nexport default app;\n${tick.replace("onSchedule: timer", 'onSchedule: "timer"')}`,
      says: "reducer `tick`: `onSchedule` is the table itself",
    },
    {
      text: `import { schema } from "lightcone";\nexport default schema({});`,
      says: 'module.ts imports "lightcone", which is the command: a module imports "lightcone/module"',
    },
    {
      text: `import { connect } from "lightcone/client";\nconsole.log(connect);`,
      says: 'module.ts imports "lightcone/client", which is for clients: a module imports "lightcone/module"',
    },
  ])("$says", ({ text, says }) => take({ args: ["build", "--no-check", "-p", folder("slip", text)], says }));

  test.each<Row>([
    { args: ["build", "-p", "PLACE/shop/module.ts"], says: /module\.ts is a file\n[^]*--module-path \S+\/shop\n/ },
    { args: ["publish", "x", "-p", "PLACE/shop/none"], says: /shop\/none does not exist/ },
    {
      args: ["init", "my-shop"],
      code: 2,
      says: /--template or --lang must be provided\n[^]*react, chat[^]*lightcone init my-app --/,
    },
    { args: ["init", "my-shop", "--lang", "go"], code: 2, says: /--lang go has no project[^]*rust, typescript/ },
    {
      args: ["generate", "--lang", "csharp", "-o", "PLACE/o"],
      code: 2,
      says: /not written by this release[^]*docs\/compat/,
    },
  ])("$args", take);
});

describe("values of a reducer are called as their author calls them", () => {
  test.each([
    { reducer: "slip_buyer", says: 'buyer: expected an Identity, as Identity.fromString("c200…") makes one, got "me"' },
    { reducer: "slip_at", says: /at: expected a Timestamp, as new Timestamp\(.*, got a Date/ },
    { reducer: "slip_timer", says: /at: expected a ScheduleAt, as ScheduleAt\.time\(.*, got number 1000/ },
  ])("$reducer", async ({ reducer, says }) => {
    await take({ args: ["call", "shop", reducer], says: "fatal error" });
    await take({ args: ["logs", "shop", "-n", "1"], code: 0, says });
  });

  test("a column with a space in its name is one, also with an index; what is no column is left out", async () => {
    await take({ args: ["call", "shop", "put_odd"], code: 0, says: "" });
    await take({ args: ["sql", "shop", "SELECT my_key, b_c FROM odd"], code: 0, says: /\n 7 +\| "x"\n/ });
  });
});

describe("SQL", () => {
  const columns = "`product` has sku, title, price, stock";
  test.each([
    { text: 'SELECT * FROM product WHERE sku = "apple"', says: `${columns}; a text stands in single quotes, 'apple'` },
    { text: "SELECT * FROM product WHERE titel = 'x'", says: columns },
    { text: "UPDATE product SET prise = 1", says: columns },
    {
      text: "INSERT INTO product VALUES ('a', 'b', 1)",
      says: "name the columns, INSERT INTO product (sku, title, price, stock) VALUES (…): 4 values are expected, and 3 are given",
    },
  ])("$text", ({ text, says }) => take({ args: ["sql", "shop", text], says }));

  test("a hint names a page where it lies from here", async () => {
    const child = place.open("sh", [
      "-c",
      `cd '${place.folder}' && exec '${process.execPath}' '${bin}' sql shop 'SELEKT'`,
    ]);
    const { err } = await child.ended;
    expect(err).toContain(`Hint: \`${join(repository, "docs/sql.md")}\``);
    await take({ args: ["sql", "shop", "SELEKT"], says: "Hint: `docs/sql.md`" });
  });
});

describe("a call", () => {
  test.each<Row>([
    {
      args: ["call", "shop", "add_product"],
      says: /sku, title, price, stock are missing\n[^]*lightcone call shop add_product hello hello 7 7/,
    },
    { args: ["call", "shop", "add_product", "a", "b", "1"], says: "stock is missing" },
    {
      args: ["call", "shop", "begin"],
      says: "`begin` is called by the database alone: once, when it is made",
      not: /lightcone call shop begin/,
    },
    {
      args: ["call", "--anonymous", "shop", "tick", "{id: 1, at: 10s}"],
      says: /`tick` is for the database and its owner alone\n[^]*rows of `timer` run it/,
      not: /No such/,
    },
  ])("$args", take);
});

describe("a publish without a terminal", () => {
  test("nothing is destroyed where nothing is", async () => {
    await take({
      args: ["publish", "fresh", "--delete-data", "-p", "PLACE/shop"],
      code: 0,
      says: "Created new database with name: fresh",
      not: /DESTROY/,
    });
  });

  test.each<Row>([
    {
      args: ["publish", "fresh", "--delete-data", "-p", "PLACE/shop"],
      says: /DESTROY[^]*no terminal to ask at\n[^]*Hint: Pass --yes=delete-data/,
      not: /abort/i,
    },
    {
      args: ["publish", "nobodys", "--anonymous", "-p", "PLACE/shop"],
      says: /no terminal to ask at\n[^]*Hint: Pass --yes=no-owner/,
      not: /abort/i,
    },
    { args: ["delete", "shop"], says: /no terminal to ask at\n[^]*Hint: Pass --yes /, not: /abort/i },
  ])("$args", take);

  test("clients that would break: by a flag", async () => {
    const path = folder("less", shop.replace(/export const slipAt.*\n/, ""));
    await take({
      args: ["publish", "shop", "-p", path],
      says: /BREAK existing clients[^]*Hint: Pass --break-clients/,
      not: /abort/i,
    });
    await take({ args: ["publish", "shop", "-p", path, "--break-clients"], code: 0, says: "Updated database" });
  });
});
