// Goal: row 11: a co-owner may do what the owner may, but for what makes the database another's, from the moment it is
// said until the moment it is taken back, over restarts and publishes; and nobody else gets anything of it.
// Method: two people with settings of their own at the real command; what a third may is asked over HTTP; rows of a
// private table and lines of the log are looked at, and open connections.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, type Ended, type Running } from "../testing/command.ts";

const place = new Place();
const moduleText = `import { schema, t, table } from "lightcone/module";
const app = schema({ secret: table({}, { id: t.u32().primaryKey() }) });
export default app;
export const put = app.reducer({ id: t.u32() }, (ctx, { id }) => { ctx.db.secret.insert({ id }); console.info("put", id); });
`;
let server: Running;
let url = "";
const folder = place.path("shared");

interface Person {
  readonly identity: string;
  readonly token: string;
  readonly run: (...args: readonly string[]) => Promise<Ended>;
  readonly start: (...args: readonly string[]) => Running;
}
let ann: Person;
let ben: Person;
let cat: Person;

async function startServer(): Promise<void> {
  server = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "warn");
  url = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  place.env["LIGHTCONE_SERVER"] = url;
}

async function logIn(name: string): Promise<Person> {
  const config = ["--config-path", place.path(`${name}.toml`)];
  await place.run(...config, "login");
  const { identity, token }: { identity: string; token: string } = JSON.parse(
    (await place.run(...config, "login", "show", "--token", "--json")).out,
  );
  const run = (...args: readonly string[]): Promise<Ended> => place.run(...config, ...args);
  return { identity, token, run, start: (...args) => place.start(...config, ...args) };
}

beforeAll(async () => {
  mkdirSync(folder);
  writeFileSync(join(folder, "module.ts"), moduleText);
  await startServer();
  [ann, ben, cat] = await Promise.all([logIn("ann"), logIn("ben"), logIn("cat")]);
  expect(await ann.run("publish", "shared", "-p", folder)).toMatchObject({ code: 0 });
});
afterAll(() => place.close());

async function status(who: Person | undefined, method: string, path: string, body?: string): Promise<number> {
  const headers = {
    ...(who === undefined ? {} : { authorization: `Bearer ${who.token}` }),
    ...(path.endsWith("/names") && method === "PUT" ? { "content-type": "application/json" } : {}),
  };
  const answer = await fetch(`${url}/v1/database/shared${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  await answer.text();
  return answer.status;
}

/** What somebody may do that nobody else may: the statuses of asking. */
async function mayManage(who: Person): Promise<readonly number[]> {
  return Promise.all([
    status(who, "POST", "/pre_publish?host_type=Js", "x"),
    status(who, "GET", "/logs"),
    status(who, "POST", "/snapshot"),
    status(who, "POST", "/sql", "SELECT * FROM secret"),
    status(who, "POST", "/sql", "DELETE FROM secret WHERE id = 999"),
    status(who, "GET", "/owners"),
  ]);
}
const allowed = [400, 200, 200, 200, 200, 200]; // the first is no program, which is said to who may publish one
const refused = [403, 403, 403, 400, 400, 403];

/** What only the owner may. */
async function mayGiveAway(who: Person | undefined): Promise<readonly number[]> {
  return Promise.all([
    status(who, "PUT", "/names", '["other"]'),
    status(who, "POST", "/names", "another"),
    status(who, "POST", "/lock"),
    status(who, "POST", "/unlock"),
    status(who, "PUT", `/owners/${cat.identity}`),
    status(who, "DELETE", `/owners/${ben.identity}`),
    status(who, "PUT", "/owner", who?.identity ?? ""),
    status(who, "DELETE", ""),
  ]);
}

/** A connection that is told of the private table's rows, and of why it ends. */
async function watch(who: Person): Promise<{ readonly first: string; readonly closed: Promise<string> }> {
  const socket = new WebSocket(
    `${url.replace("http", "ws")}/v1/database/shared/subscribe?token=${who.token}`,
    "v1.json.spacetimedb",
  );
  const closed = new Promise<string>((resolve) => socket.addEventListener("close", ({ reason }) => resolve(reason)));
  const first = new Promise<string>((resolve) =>
    socket.addEventListener("message", ({ data }) => {
      const text = String(data);
      if (!text.startsWith('{"IdentityToken"')) resolve(text);
    }),
  );
  socket.addEventListener("open", () =>
    socket.send('{"SubscribeSingle":{"query":"SELECT * FROM secret","request_id":1,"query_id":{"id":1}}}'),
  );
  return { first: await first, closed };
}

describe("row 11: co-owners", () => {
  test("before, one is a stranger", async () => {
    expect(await mayManage(ann)).toEqual(allowed);
    expect(await mayManage(ben)).toEqual(refused);
    expect(await ben.run("publish", "shared", "-p", folder)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/not authorized[^]*update database[^]*lightcone owner add/),
    });
    expect((await watch(ben)).first).toMatch(/no such table/);
  });

  test("whoever is added may publish, read, write and clear; and is listed", async () => {
    expect(await ann.run("owner", "add", "shared", `0x${ben.identity}`)).toMatchObject({
      code: 0,
      out: `${ben.identity} is a co-owner of shared.\n`,
    });
    // Once more is no more.
    expect(await ann.run("owner", "add", "shared", ben.identity)).toMatchObject({ code: 0 });
    expect(await mayManage(ben)).toEqual(allowed);
    expect(await mayManage(cat)).toEqual(refused);
    writeFileSync(join(folder, "module.ts"), `${moduleText}\nexport const bens = app.reducer({}, () => undefined);\n`);
    expect(await ben.run("publish", "shared", "-p", folder)).toMatchObject({ code: 0 });
    expect(await ben.run("publish", "shared", "-c", "-y", "-p", folder)).toMatchObject({ code: 0 });
    expect(await ben.run("call", "shared", "put", "1")).toMatchObject({ code: 0 });
    expect(await ben.run("sql", "shared", "SELECT id FROM secret", "--json")).toMatchObject({
      out: '[\n  {"id":1}\n]\n',
    });
    expect(await ben.run("logs", "shared", "-n", "1")).toMatchObject({ out: expect.stringMatching(/put 1\n$/) });
    for (const who of [ann, ben])
      expect(JSON.parse((await who.run("owner", "list", "shared", "--json")).out)).toEqual({
        owner: ann.identity,
        co_owners: [ben.identity],
      });
    expect(await cat.run("owner", "list", "shared")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/view owners/),
    });
    expect((await ben.run("list")).out).toMatch(/shared +c200[\da-f]{60} +co-owner\n$/);
    expect(JSON.parse((await ben.run("list", "--json")).out)).toMatchObject([{ names: ["shared"], role: "co-owner" }]);
    // What is somebody else's is not lost with an identity.
    expect(await ben.run("logout")).toMatchObject({ code: 0 });
    expect(await ben.run("login", "--token", ben.token)).toMatchObject({ code: 0 });
  });

  test("but not make it another's, nor nobody's", async () => {
    expect(await mayGiveAway(ben)).toEqual([401, 403, 403, 403, 403, 200, 403, 403]);
    // The one that worked is to go oneself.
    expect(await mayManage(ben)).toEqual(refused);
    expect(await mayGiveAway(undefined)).toEqual([401, 403, 403, 403, 401, 401, 401, 403]);
    expect(await status(ann, "PUT", `/owners/${ben.identity}`)).toBe(200);
  });

  test("row 9: who may not delete it is told why, a co-owner otherwise than a stranger", async () => {
    const asBen = await ben.run("delete", "shared", "-y");
    expect([asBen.code, asBen.err]).toEqual([
      1,
      expect.stringMatching(/You are a co-owner, and this is the owner's alone/),
    ]);
    const asCat = await cat.run("delete", "shared", "-y");
    expect([asCat.code, asCat.err]).toEqual([1, expect.stringMatching(/It belongs to somebody else/)]);
    expect((await ben.run("lock", "shared")).err).toMatch(/You are a co-owner/);
  });

  test("over a restart of the server", async () => {
    server.child.kill("SIGKILL");
    await server.ended;
    await startServer();
    expect(await mayManage(ben)).toEqual(allowed);
    expect((await ben.run("sql", "shared", "SELECT id FROM secret")).out).toMatch(/ 1\n$/);
  });

  test("until it is taken back: connections and followers of the log end, and others' do not", async () => {
    const [bens, anns] = await Promise.all([watch(ben), watch(ann)]);
    expect([bens.first, anns.first].every((text) => text.includes('{\\"id\\":1}'))).toBe(true);
    const follower = ben.start("logs", "shared", "-f");
    await follower.saying(/put 1/);
    expect(await ann.run("owner", "remove", "shared", ben.identity)).toMatchObject({ code: 0 });
    expect(await bens.closed).toBe("you are no co-owner of the database any more");
    expect(await ann.run("call", "shared", "put", "2")).toMatchObject({ code: 0 });
    expect(await follower.ended).toMatchObject({
      code: 1,
      out: expect.not.stringContaining("put 2"),
      err: expect.stringMatching(/^Error: the log ended: the database is not yours any more/),
    });
    expect(await mayManage(ben)).toEqual(refused);
    expect((await ben.run("list")).out).toMatch(/^No databases found/);
    expect(await Promise.race([anns.closed, Promise.resolve("open")])).toBe("open");
  });

  test.each([
    { args: () => ["add", "shared", "ben"], code: 2, err: /64 hex digits, which "ben" is not/ },
    { args: () => ["add", "shared", ann.identity], code: 1, err: /is the owner already/ },
    {
      args: () => ["remove", "shared", cat.identity],
      code: 1,
      err: /^Error: Nobody was removed\n[^]*is no co-owner of the database/,
    },
    { args: () => ["add", "nothing", cat.identity], code: 1, err: /failed to find database `nothing`/ },
  ])("what is refused: $err", async ({ args, code, err }) => {
    expect(await ann.run("owner", ...args())).toMatchObject({ code, err: expect.stringMatching(err) });
  });

  test("a co-owner to whom the operator gives the database is its owner", async () => {
    expect(await ann.run("owner", "add", "shared", ben.identity)).toMatchObject({ code: 0 });
    expect(await ann.run("owner", "add", "shared", cat.identity)).toMatchObject({ code: 0 });
    const data = ["--data-dir", place.path("data")];
    expect(await ann.run("owner", "shared", "--to", ben.identity, ...data, "-y")).toMatchObject({ code: 0 });
    expect(JSON.parse((await ben.run("owner", "list", "shared", "--json")).out)).toEqual({
      owner: ben.identity,
      co_owners: [cat.identity],
    });
    expect(await mayManage(ann)).toEqual(refused);
    expect(await mayManage(cat)).toEqual(allowed);
  });
});
