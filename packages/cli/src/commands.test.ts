/**
 * Goal: the commands do what they say against a real server, with the exit codes that scripts rely on.
 * Method: one server in a temporary folder; a story of commands as processes, a row each, in order.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, repository, type Running } from "./testing/command.ts";

const place = new Place();
const chat = "examples/chat/module";
const rustBank = join(repository, "modules/rust/built/bank.wasm");
let server: Running;
let url: string;

async function startServer(): Promise<void> {
  server = place.start(
    "start",
    "--listen-addr",
    "127.0.0.1:0",
    "--data-dir",
    place.path("data"),
    "--log-level",
    "warn",
  );
  url = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  place.env["LIGHTCONE_SERVER"] = url;
}

beforeAll(startServer);
afterAll(() => place.close());

interface Step {
  readonly line: string;
  /** Arguments that a split at spaces would break. */
  readonly more?: readonly string[];
  /** What its standard input says. */
  readonly input?: string;
  readonly code?: number;
  readonly out?: RegExp;
  readonly err?: RegExp;
}

/** Runs a row; `OUT` stands for the folder of generated files. */
async function take({ line, more = [], input, code = 0, out, err }: Step): Promise<void> {
  const words = [...line.replace("OUT", place.path("bindings")).split(" "), ...more];
  const ended = await (input === undefined ? place.run(...words) : place.answered(input, ...words));
  expect({ code: ended.code, out: ended.out, err: ended.err }).toMatchObject({ code });
  if (out !== undefined) expect(ended.out).toMatch(out);
  if (err !== undefined) expect(ended.err).toMatch(err);
}

const story: readonly Step[] = [
  { line: "server ping", out: /^Server is online: http:/ },
  { line: "login show", out: /^You are not logged in/ },
  { line: "login", out: /^Logged in with identity c200/ },
  { line: "login", out: /^You are already logged in as c200/ },
  { line: "login show --token", out: /You are logged in as c200.*\nYour auth token .* is ey/ },
  { line: "list", out: /^No databases found for c200/ },
  { line: `build --project-path ${chat}`, out: /dist\/bundle\.js \(\d+ bytes\)\nBuild finished successfully/ },
  {
    line: `publish my_database --module-path ${chat}`,
    // Nothing can break that is new.
    out: /Uploading to http:\S+\nPublishing module\.\.\.\nCreated new database with name: my_database, identity: c200/,
  },
  {
    line: `publish --js-path ${chat}/dist/bundle.js -y my_database`,
    out: /Checking for breaking[^]*Updated database with name: my_database/,
  },
  { line: "call my_database send_message", more: ["hello"], out: /^$/ },
  { line: "call my_database send_message", more: ['"in \\"quotes\\""'] },
  {
    line: "logs my_database -n 2",
    out: /^\S+Z {2}INFO: send_message src\/index\.ts:\d+: message hello\n.*quotes.*\n$/,
  },
  { line: "logs my_database -n 1 --json", out: /^\{"level":"Info","ts":\d+.*\}\n$/ },
  { line: "logs my_database --level warn", out: /^$/ },
  { line: "logs my_database -n many", code: 2, err: /--num-lines takes a count/ },
  { line: "call my_database send_message", more: [" "], code: 1, err: /Caused by:\n.*Messages must not be empty/ },
  { line: "call my_database send_mesage x", code: 1, err: /similar name exists: send_message/ },
  { line: "call my_database nothing_like_it", code: 1, err: /existing reducers:\n(.*\n)*.*set_name/ },
  {
    line: "call my_database send_message one two three",
    code: 1,
    err: /3 arguments where 1 is taken: two three is too much\n[^]*send_message\(text: String\)/,
  },
  { line: "call my_databse send_message x", code: 1, err: /database with a similar name exists: my_database/ },
  {
    line: "call my_database send_message",
    code: 1,
    err: /Invalid arguments[^]*text is missing[^]*send_message\(text: String\)/,
  },
  { line: "call nowhere f", code: 1, err: /failed to find database `nowhere`/ },
  { line: "sql my_database", more: ["SELECT text FROM message"], out: /^ text\n-+\n "hello"\n "in "quotes""\n$/ },
  { line: "sql my_database SELECT COUNT(*) AS n FROM message", out: /^ n\n---\n 2\n$/ },
  // Row 25: objects, other formats, and what a statement has done.
  {
    line: "sql my_database --json",
    more: ["SELECT text FROM message"],
    out: /^\[\n {2}\{"text":"hello"\},\n {2}\{"text":"in \\"quotes\\""\}\n\]\n$/,
  },
  { line: "sql my_database --format csv", more: ["SELECT text FROM message"], out: /^text\nhello\n"in ""quotes"""\n$/ },
  { line: "sql my_database --format ndjson", more: ["SELECT text FROM message"], out: /^\{"text":"hello"\}\n\{/ },
  {
    line: "sql my_database --format raw",
    more: ["SELECT text FROM message"],
    out: /^\[\{"schema":.*"rows":\[\["hello"\]/,
  },
  {
    line: "sql my_database --format xml x",
    code: 2,
    err: /'xml' is invalid\. It is one of table, json, ndjson, csv, raw\./,
  },
  {
    line: "sql my_database",
    more: ["UPDATE message SET text = 'good day' WHERE text = 'hello'"],
    out: /^1 row updated\n$/,
  },
  {
    line: "sql my_database --json",
    more: ["UPDATE message SET text = 'hello'"],
    out: /^\{"inserted":0,"deleted":0,"updated":2\}\n$/,
  },
  { line: "sql my_database", more: ["DELETE FROM message WHERE text = 'nothing'"], out: /^no rows changed\n$/ },
  { line: "sql my_database", more: ["SELEC"], code: 1, err: /^Error: The statement was refused/ },
  { line: "sql my_database", more: ["SELEC"], code: 1, err: /Hint: `docs\/sql\.md`/ },
  { line: "sql my_database", more: ["SELECT * FROM mesage"], code: 1, err: /similar name exists: message/ },
  { line: "sql my_database", code: 2, err: /a statement is missing/ },
  // Somebody else, with settings of his own.
  {
    line: `--config-path ${place.path("other.toml")} logs my_database`,
    code: 1,
    err: /view module logs[^]*Hint: .*login show/,
  },
  { line: "sql --anonymous my_database", more: ["DELETE FROM message"], code: 1, err: /not authorized/ },
  {
    line: "describe my_database",
    out: /table message: Message \(public\)\n {4}sender: +Identity\n[^]*reducer send_message\(text: String\)/,
  },
  { line: "describe my_database --json", out: /^\{\n {2}"sections": \[/ },
  { line: "describe my_database reducer send_message --json", out: /^\{\n {2}"name": "send_message"/ },
  { line: "describe my_database table nothing", code: 1, err: /no such table[^]*existing tables:\n[^]* message\n/ },
  { line: "describe my_database reducer set_nam", code: 1, err: /no such reducer[^]*similar name exists: set_name/ },
  { line: "describe my_database table usr --json", code: 1, err: /no such table[^]*similar name exists: user/ },
  {
    line: `generate --lang typescript --out-dir OUT --project-path ${chat}`,
    out: /7 files written, 0 unchanged[^]*npm install spacetimedb[^]*Generate finished/,
  },
  { line: `generate --lang typescript --out-dir OUT -j ${chat}/dist/bundle.js`, out: /0 files written, 7 unchanged/ },
  {
    line: `generate --lang json --out-dir OUT -j ${chat}/dist/bundle.js`,
    out: /schema\.json written/,
  },
  { line: `generate --lang csharp --out-dir OUT -p ${chat}`, code: 2, err: /--lang csharp/ },
  { line: "list", out: /Database Name\(s\) +Identity\nmy_database +c200/ },
  { line: "list --json", out: /^\[\{"identity":"c200[0-9a-f]{60}","names":\["my_database"\],"role":"owner"\}\]\n$/ },
  { line: "snapshot my_database", out: /Snapshot of my_database published at offset \d+\.\n$/ },
  { line: "snapshot my_database", out: /published at offset \d+\.\n$/ },
  { line: "snapshot nowhere", code: 1, err: /failed to find database `nowhere`/ },
  {
    line: "mcp my_database",
    input: `{"jsonrpc":"2.0","method":"notifications/initialized"}\n\nnoise\n{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"sql","arguments":{"sql":"SELECT * FROM message"}}}\n`,
    out: /^\{"jsonrpc":"2.0","id":null,"error":\{"code":-32700.*\n\{"jsonrpc":"2.0","id":1,"result":.*\\"rows\\":\[.*"isError":false.*\n$/,
    err: /^Serving MCP over stdio, bridging to http:\S+\/my_database\/mcp\n$/,
  },
  {
    line: "mcp nowhere",
    // The notification fails as well, and is not answered.
    input: `{"jsonrpc":"2.0","method":"notifications/initialized"}\n{"jsonrpc":"2.0","id":"a","method":"ping"}`,
    out: /^\{"jsonrpc":"2.0","id":"a","error":/,
  },
  { line: "mcp", input: `{"id":2,"method":"tools/list"}`, out: /list_databases/ },
  { line: "rename my_database --to other_name", out: /^Name set to other_name for identity c200/ },
  { line: "lock other_name", out: /is now locked/ },
  {
    line: "delete other_name -y",
    code: 1,
    err: /locked and cannot be deleted\. Run `lightcone unlock c200\w+` first/,
  },
  { line: "unlock other_name", out: /is now unlocked/ },
  { line: `publish -c other_name -p ${chat}`, code: 1, out: /This will DESTROY the current other_name/, err: /--yes/ },
  { line: `publish -c other_name -y -p ${chat}`, out: /Updated database with name: other_name/ },
  { line: "sql other_name SELECT COUNT(*) AS n FROM message", out: / 0\n$/ },
  { line: "delete other_name", code: 1, err: /Pass --yes/ },
  { line: "delete other_name --yes", out: /Deleted database other_name/ },
  { line: "delete other_name --yes", code: 1, err: /failed to find database `other_name`/ },
  { line: `publish --bin-path ${chat}/none.wasm x`, code: 1, err: /--bin-path: .*none\.wasm cannot be read/ },
  { line: `publish --bin-path ${chat}/tsconfig.json x`, code: 1, err: /Publishing failed\n\nCaused by:/ },
  { line: "publish --module-path nowhere x", code: 1, err: /nowhere does not exist/ },
  { line: "publish --module-path docs x", code: 1, err: /Could not detect the language/ },
  {
    line: `publish Upper -p ${chat}`,
    code: 2,
    err: /^Error: "Upper" can be no database's name\n[^]*lower-case letters/,
  },
  { line: "server add --url http://127.0.0.1:1 gone --no-fingerprint", out: /Host: 127.0.0.1:1/ },
  { line: "server ping gone", code: 1, err: /Server could not be reached: http:\/\/127\.0\.0\.1:1/ },
  { line: "server set-default gone" },
  { line: "server list", out: /^DEFAULT.*\n +127\.0\.0\.1:3000 +http +local\n\*\*\* +127\.0\.0\.1:1 +http +gone\n$/ },
  {
    line: "sql my_database SELECT -s http://no-such-host.invalid",
    code: 1,
    err: /could not be reached: http:\/\/no-such-host\.invalid\n[^]*no way leads there[^]*Hint: Look at the network/,
  },
  { line: "server remove gone" },
  { line: "server remove gone", code: 1, err: /No such saved server configuration: gone/ },
  { line: "logout", out: /^Logged out \(identity c200/ },
  { line: "logout", out: /^You are not logged in/ },
  { line: "version", out: /^lightcone \d+\.\d+\.\d+/ },
  { line: "--version", out: /^lightcone \d+\.\d+\.\d+\n$/ },
  {
    line: "publish --help",
    out: /--delete-data\[=MODE\][^]*--yes\[=LIST\][^]*Example:\n {2}lightcone publish my_database/,
  },
  { line: "frob", code: 2, err: /unknown command 'frob'/ },
  { line: "call", code: 2, err: /missing required argument 'database'/ },
  { line: "start --port 3", code: 2, err: /unknown option '--port'/ },
  {
    line: "start --pg-port 5432",
    code: 2,
    err: /`--pg-port` of `start` is not there: there is no PostgreSQL protocol/,
  },
  {
    line: "publish x --num-replicas=3",
    code: 2,
    err: /`--num-replicas` of `publish` is not there: a database has one/,
  },
  { line: "version list", code: 2, err: /`version list` is not there: the versions of a package are npm's/ },
  { line: "publish --delete-data=sometimes x", code: 2, err: /always, on-conflict, never/ },
  { line: "publish --yes=nothing x", code: 2, err: /--yes: nothing is none of/ },
];

describe("in order", () => {
  test.each(story)("lightcone $line $more", take);

  test.skipIf(!existsSync(rustBank))("a Rust module", async () => {
    await take({
      line: `publish my_bank --bin-path ${rustBank} -s ${url}`,
      out: /Created new database with name: my_bank/,
    });
    await take({ line: `generate -l ts -o OUT -y -b ${rustBank}`, out: /Generate finished/ });
    expect(readdirSync(place.path("bindings"))).not.toContain("send_message_reducer.ts");
  });
});

test("rows of a private table are not told of: queries answer as for one that is not there", async () => {
  const folder = place.path("vaults");
  mkdirSync(folder);
  const text = `import { schema, t, table } from "lightcone/module";
    export default schema({ vault: table({}, { x: t.u32() }), hall: table({ public: true }, { x: t.u32() }) });`;
  writeFileSync(join(folder, "module.ts"), text);
  await take({ line: `publish vaults -p ${folder}` });
  await take({ line: "sql vaults SELECT * FROM vaul", code: 1, err: /similar name exists: vault\n/ });
  const asOther = async (table: string): Promise<string> => {
    const config = place.path("stranger.toml");
    await place.run("--config-path", config, "login");
    const { err } = await place.run("--config-path", config, "sql", "vaults", `SELECT * FROM ${table}`);
    return err.replaceAll(table, "TABLE");
  };
  const told = await asOther("vault");
  expect(told).toMatch(/no such table[^]*existing tables:\n +hall\n/);
  expect(await asOther("wault")).toBe(told);
  // The schema is everybody's, as the protocol has it (decision 115); what pages read of it leaves out what they may not use.
  await take({
    line: "describe vaults --anonymous",
    out: /^table vault: Vault \(private\)\n[^]*table hall: Hall \(public\)\n/,
  });
  const ofPages = await fetch(`${url}/v1/database/vaults/schema?version=10&for=client`);
  expect(await ofPages.text()).toMatch(/^(?=.*hall)(?!.*vault)/i);
});

const bookings = `import { schema, SenderError, t, table } from "lightcone/module";
const colour = t.enum("Colour", { Red: t.unit(), DeepBlue: t.unit(), Mix: t.string() });
const app = schema({
  seen: table({ public: true }, { id: t.u32().primaryKey().autoInc(), text: t.string() }),
});
export default app;
export const bookRoom = app.reducer(
  {
    who: t.identity(),
    at: t.timestamp(),
    lasting: t.timeDuration(),
    colour,
    note: t.option(t.string()),
    key: t.uuid(),
    seats: t.array(t.u8()),
    size: t.i32(),
  },
  (ctx, args) => {
    const { who, at, lasting, colour, note, key, seats, size } = args;
    const text = [who.toHexString().slice(0, 4), at.toISOString(), lasting.micros, colour.tag, note ?? "-", key, [...seats].join("+"), size];
    ctx.db.seen.insert({ id: 0, text: text.map(String).join(" ") });
  },
);
`;

describe("row 24: arguments as a person types them", () => {
  const id = "c2".repeat(32);
  const key = "0192f5c0-0000-7000-8000-000000000001";
  beforeAll(async () => {
    mkdirSync(place.path("bookings"));
    writeFileSync(join(place.path("bookings"), "module.ts"), bookings);
    await take({ line: `publish bookings -p ${place.path("bookings")}` });
  });

  test.each([
    [id, "2026-11-30T12:00:00Z", "1h30m", "red", "none", key, "[1, 2]", "-5"],
    [`0x${id}`, "2026-11-30 13:00:00+01:00", "90m", "Red", "null", key, "0102", "-5"],
    [`["0x${id}"]`, "[1796040000000000]", "[5400000000]", '{"Red":{}}', '{"none":[]}', key, '"0102"', "-5"],
  ])("%s %s %s %s %s %s %s %s", async (...args) => {
    await take({ line: "call bookings bookRoom", more: args });
    const seen = `c2c2 2026-11-30T12:00:00.000000Z 5400000000 Red - ${key} 1+2 -5`;
    await take({ line: "sql bookings SELECT text FROM seen", out: new RegExp(`"${seen.replace("+", "\\+")}"\n$`) });
  });

  test("an option's own value, and a variant's", async () => {
    const args = [id, "2026-11-30", "5s", "Mix(red and blue)", "see you there", key, "", "0x10"];
    await take({ line: "call bookings book-room", more: args });
    await take({ line: "sql bookings SELECT text FROM seen", out: / 5000000 Mix see you there \S+ {2}16"\n$/ });
  });

  test("what is wrong is said with the argument, its type and an example, which is taken", async () => {
    const args = [id, "tomorrow", "5s", "red", "none", key, "", "1"];
    const refused = await place.run("call", "bookings", "book_room", ...args);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.err).toMatch(
      /argument `at` \(Timestamp\): "tomorrow" is no Timestamp\n[^]*it takes: book_room\(who: Identity, /,
    );
    const example = /Hint: for example: lightcone (call bookings book_room .*)\n/.exec(refused.err)?.[1] ?? "";
    // No argument of it needs quotes.
    await take({ line: example });
    await take({
      line: "call bookings book_room",
      code: 1,
      err: /who, at, lasting[^]* are missing[^]*Hint: for example: lightcone call/,
    });
  });
});

describe("row 23: flags and names in any order", () => {
  test.each([
    [["--root-dir", place.path("root"), "publish", "ordered", "-y"]],
    [["publish", "-y", "ordered", "--root-dir", place.path("root")]],
    [["publish", "--delete-data", "ordered", "-y", "--root-dir", place.path("root")]],
    [["publish", "-cy", "--config-path", place.path("root/config/cli.toml"), "ordered"]],
  ])("%s", async (words) => {
    const { code, out, err } = await place.run(...words, "-j", `${chat}/dist/bundle.js`);
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(out).toMatch(/(Created new|Updated) database with name: ordered/);
  });

  test("what is missing is said, and exits with 2", async () => {
    await take({
      line: "publish my_database --module-path",
      code: 2,
      err: /'-p, --module-path <dir>' argument missing/,
    });
    await take({ line: "call my_database -q f", code: 2, err: /unknown option '-q'/ });
  });
});

test("row 13: publish says what breaks clients, each by its name, and does it only if that is wanted", async () => {
  const folder = place.path("turnstile");
  mkdirSync(folder);
  const write = (params: string): void =>
    writeFileSync(
      join(folder, "module.ts"),
      `import { schema, t, table } from "lightcone/module";
    const app = schema({ pass: table({ public: true }, { from: t.u32(), to: t.u32() }) });
    export default app;
    export const pass = app.reducer({ ${params} }, (ctx, { from, to }) => { ctx.db.pass.insert({ from, to }); });`,
    );
  write("from: t.u32(), to: t.u32()");
  await take({ line: `publish turnstile -p ${folder}` });
  await take({ line: "call turnstile pass 1 2" });
  write("to: t.u32(), from: t.u32()");
  const told =
    / {4}• reducer pass: parameters reordered: to, from, not from, to\n\n!!! Warning: All clients will be disconnected/;
  await take({
    line: `publish turnstile -p ${folder}`,
    code: 1,
    out: told,
    err: /will BREAK existing clients[^]*--yes/,
  });
  await take({ line: "call turnstile pass 3 4" });
  await take({ line: `publish turnstile -p ${folder} --break-clients`, out: told });
  await take({ line: "call turnstile pass 6 5" });
  await take({ line: "sql turnstile SELECT * FROM pass WHERE to = 6", out: / 5 +\S* *6/ });
});

test("no arguments: help, and code 2", async () => {
  const place2 = await place.run();
  expect(place2.code).toBe(2);
  expect(place2.err).toMatch(/^Usage: lightcone/);
});

test("logs follows what is written", async () => {
  await take({ line: `publish followed -p ${chat}` });
  const follower = place.start("logs", "followed", "-f");
  await follower.saying(/the room is open/);
  await take({ line: "call followed send_message now" });
  expect(await follower.saying(/message now/)).not.toBeNull();
  follower.child.kill("SIGINT");
});

test("a busy port and a directory in use are told with the flag that helps", async () => {
  const address = new URL(url).host;
  const busy = await place.run("start", "--listen-addr", address, "--data-dir", place.path("other"));
  expect(busy).toMatchObject({ code: 1 });
  expect(busy.err).toMatch(/already in use.*--listen-addr/);
  const locked = await place.run("start", "--listen-addr", "127.0.0.1:0", "--data-dir", place.path("data"));
  expect(locked).toMatchObject({ code: 1 });
  expect(locked.err).toMatch(/in use by process \d+[^]*--data-dir/);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s stops cleanly, and the next start finds everything", async (signal) => {
  server.child.kill(signal);
  expect(await server.ended).toMatchObject({ code: 0 });
  expect(readdirSync(place.path("data")).filter((name) => name.startsWith("lock."))).toEqual([]);
  await startServer();
  await take({ line: "sql followed SELECT text FROM message", out: /"now"/ });
});

test("a second signal ends it at once", async () => {
  server.child.kill("SIGINT");
  server.child.kill("SIGTERM");
  expect([130, 143]).toContain((await server.ended).code);
});

test("in memory nothing stays", async () => {
  server = place.start("start", "--listen-addr", "127.0.0.1:0", "--in-memory");
  const data = (await server.saying(/data directory (\S+) \(in memory/))[1] ?? "";
  expect(existsSync(data)).toBe(true);
  server.child.kill("SIGTERM");
  expect(await server.ended).toMatchObject({ code: 0 });
  expect(existsSync(data)).toBe(false);
});
