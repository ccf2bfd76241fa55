// Goal: whoever can read a server's data can give a database to another owner, running or not, and nobody else can.
// Method: a real server and the real command; what two owners may do is asked over HTTP, with their tokens.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../build/bundle.ts";
import { Place, repository, type Ended, type Running } from "../testing/command.ts";

const place = new Place();
const data = place.path("data");
let server: Running;
let url = "";
let program = "";
let ann: Login;
let ben: Login;

interface Login {
  readonly identity: string;
  readonly token: string;
}

beforeAll(async () => {
  ({ code: program } = await bundleModule(`${repository}modules/typescript/ledger/src/index.ts`));
  await start();
  [ann, ben] = await Promise.all([logIn(), logIn()]);
});
afterAll(() => place.close());

async function start(): Promise<void> {
  server = place.start("start", "--listen-addr", "127.0.0.1:0", "--data-dir", data, "--log-level", "silent");
  url = (await server.saying(/listening on (\S+)/))[1] ?? "";
  place.env["LIGHTCONE_SERVER"] = url;
}

async function stop(): Promise<void> {
  server.child.kill("SIGTERM");
  await server.ended;
}

async function logIn(): Promise<Login> {
  return JSON.parse(await (await fetch(`${url}/v1/identity`, { method: "POST" })).text());
}

async function ask(who: Login | undefined, method: string, path: string, body?: string) {
  const headers = {
    ...(who === undefined ? {} : { authorization: `Bearer ${who.token}` }),
    ...(path.includes("/call/") ? { "content-type": "application/json" } : {}),
  };
  const answer = await fetch(`${url}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
  return { status: answer.status, body: await answer.text() };
}

const publish = async (who: Login, name = "ledger"): Promise<number> =>
  (await ask(who, "PUT", `/v1/database/${name}?host_type=Js`, program)).status;

const owner = (...args: readonly string[]): Promise<Ended> => place.run("owner", ...args);

describe("row 14: the operator gives a database to a new owner", () => {
  test("of a running server; the old owner has nothing more to say", async () => {
    expect(await publish(ann)).toBe(200);
    expect((await ask(ann, "POST", "/v1/database/ledger/call/record", "[1,1]")).status).toBe(200);
    expect(await publish(ben)).toBe(403);
    const socket = new WebSocket(
      `${url.replace("http", "ws")}/v1/database/ledger/subscribe?token=${ann.token}`,
      "v1.json.spacetimedb",
    );
    const closed = new Promise<string>((resolve) => socket.addEventListener("close", ({ reason }) => resolve(reason)));
    await new Promise((resolve) => socket.addEventListener("open", resolve));

    const unsure = await owner("ledger", "--to", ben.identity, "--data-dir", data);
    expect([unsure.code, unsure.err]).toEqual([1, expect.stringContaining(`Give ledger to ${ben.identity}?`)]);
    expect(await publish(ann)).toBe(200);
    // Whoever is logged in gets it unless somebody is named.
    expect((await place.run("login", "--token", ben.token)).code).toBe(0);
    const given = await owner("ledger", "--data-dir", data, "-y");
    expect([given.code, given.out]).toEqual([0, expect.stringContaining(`ledger now belongs to ${ben.identity}.`)]);
    expect(await closed).toBe("the database has a new owner");

    expect(await publish(ann)).toBe(403);
    expect(await publish(ben)).toBe(200);
    expect((await ask(ann, "GET", "/v1/database/ledger/logs")).status).toBe(403);
    expect((await ask(ben, "GET", "/v1/database/ledger/logs")).status).toBe(200);
    // The rows are where they were; writing by SQL is the owner's.
    expect((await ask(ann, "POST", "/v1/database/ledger/sql", "DELETE FROM entry")).body).toMatch(/not authorized/);
    const rows = await ask(ben, "POST", "/v1/database/ledger/sql", "SELECT number FROM entry");
    expect(rows.body).toContain('"rows":[[1]]');
    expect((await ask(undefined, "GET", `/v1/identity/${ann.identity}/databases`)).body).toBe('{"identities":[]}');
  });

  test("of a database that nobody owns, which is made only by who says so", async () => {
    const module = `${repository}modules/typescript/ledger`;
    const names = async (): Promise<string> => (await ask(undefined, "GET", "/v1/database/stray/names")).body;
    for (const more of [[], ["-c"], ["--yes=delete-data,remote"]]) {
      const unsure = await place.run("publish", "stray", "-p", module, "--anonymous", ...more);
      expect(unsure).toMatchObject({ code: 1 });
      expect(unsure.err).toMatch(
        /nobody owns stray: .*delete it[^]*lightcone owner stray[^]*without an owner\?[^]*--yes/,
      );
      expect(await names()).toMatch(/not found/);
    }
    expect((await place.run("publish", "--anonymous", "-p", module)).err).toMatch(/nobody owns the new database/);
    const made = await place.run("publish", "stray", "-p", module, "--anonymous", "--yes=no-owner");
    expect([made.code, made.out]).toEqual([0, expect.stringContaining("Created new database with name: stray")]);
    expect(await publish(ben, "stray")).toBe(403);
    expect((await owner("stray", "--to", ben.identity, "--data-dir", data, "-y")).code).toBe(0);
    expect(await publish(ben, "stray")).toBe(200);
    // What is there has its owner: nothing is asked, and nothing is done.
    const refused = await place.run("publish", "stray", "-p", module, "--anonymous", "-y");
    expect(refused).toMatchObject({ code: 1, err: expect.not.stringMatching(/nobody owns/) });
  });

  test("of a server that is stopped, also of a name whose database is gone", async () => {
    expect(await publish(ben, "gone")).toBe(200);
    expect((await ask(ben, "DELETE", "/v1/database/gone")).status).toBe(200);
    expect(await publish(ann, "gone")).toBe(401);
    await stop();
    expect((await owner("ledger", "--data-dir", data, "-y")).err).toMatch(/--to is missing/);
    const unknown = await owner("nothing", "--to", ann.identity, "--data-dir", data, "-y");
    expect(unknown.err).toMatch(/no database nothing/);
    for (const name of ["ledger", "gone"]) {
      const given = await owner(name, "--to", ann.identity, "--data-dir", data, "-y");
      expect([given.code, given.out]).toEqual([0, expect.stringContaining(`${name} now belongs to ${ann.identity}`)]);
    }
    await start();
    expect(await Promise.all([publish(ann), publish(ann, "gone"), publish(ben)])).toEqual([200, 200, 403]);
  });

  test("and nobody else does", async () => {
    const none = await owner("ledger", "--to", ben.identity, "--data-dir", place.path("none"), "-y");
    expect(none.err).toMatch(/no server's data/);
    // With another server's private key.
    const other = place.path("other");
    mkdirSync(other);
    cpSync(`${data}/id_ecdsa.pub`, `${other}/id_ecdsa.pub`);
    const { privateKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
    const der = Buffer.from(await crypto.subtle.exportKey("pkcs8", privateKey)).toString("base64");
    writeFileSync(`${other}/id_ecdsa`, `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`);
    const forged = await owner("ledger", "--to", ben.identity, "--data-dir", other, "-y");
    expect([forged.code, forged.err]).toEqual([1, expect.stringMatching(/InvalidSignature/)]);

    // Over HTTP: as nobody, as a stranger, as the owner.
    const give = async (who: Login | undefined): Promise<number> =>
      (await ask(who, "PUT", "/v1/database/ledger/owner", ben.identity)).status;
    expect([await give(undefined), await give(ben), await give(ann)]).toEqual([401, 403, 403]);
    expect(await publish(ann)).toBe(200);
  });
});
