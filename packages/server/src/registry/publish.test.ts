/**
 * Goal: databases come, change and go as publish, reset, delete and names say, and the registry survives a restart.
 * Method: stories over HTTP against fake databases; a second server over the same files is the restart.
 */
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { LightconeError } from "@lightcone/base";
import { openTestServer } from "../testing/test-server.ts";
import type { TestServer } from "../testing/test-server.ts";

let host: TestServer;
afterEach(() => host.server.stop());

const success = (body: string): { domain: string | null; database_identity: string; op: string } =>
  JSON.parse(body).Success;

test("create, update, delete, and create again under another identity", async () => {
  host = await openTestServer();
  const { identity, token } = await host.identity();
  const created = await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
  expect(created.headers.get("content-type")).toBe("application/json");
  expect(success(created.body)).toMatchObject({ domain: "harbor", op: "created" });
  const database = success(created.body).database_identity;
  const updated = await host.ask("PUT", `/v1/database/${database}?policy=BreakClients&token=0x12`, {
    token,
    body: "two",
  });
  expect(success(updated.body)).toEqual({ domain: null, database_identity: database, op: "updated" });
  const [fake] = [...host.databases.values()];
  expect(fake?.requests.at(-1)).toMatchObject({ kind: "publish", breakClients: true, migrationToken: "0x12" });
  expect((await host.ask("GET", `/v1/identity/${identity}/databases`)).body).toBe(`{"identities":["${database}"]}`);

  expect((await host.ask("DELETE", "/v1/database/harbor", { token })).status).toBe(200);
  expect(fake?.stopped).toBe(1);
  expect((await host.ask("GET", "/v1/database/harbor")).body).toBe("No such database.");
  expect((await host.ask("DELETE", "/v1/database/harbor", { token })).status).toBe(200);
  const again = await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
  expect(success(again.body).op).toBe("created");
  expect(success(again.body).database_identity).not.toBe(database);
  expect(host.databases.size).toBe(2);
});

describe("row 33: a first program that is refused", () => {
  const json = { "content-type": "application/json" };

  test("leaves neither name nor database nor directory", async () => {
    host = await openTestServer();
    const owner = await host.identity();
    const other = await host.identity();
    const refused = await host.ask("PUT", "/v1/database/harbor", { token: owner.token, body: "bad module" });
    expect(refused).toMatchObject({ status: 500, body: "bad module" });
    for (const path of ["", "/identity", "/names", "/schema?version=9"])
      expect(await host.ask("GET", `/v1/database/harbor${path}`)).toMatchObject({
        status: 404,
        body: "`harbor` not found",
      });
    expect([...host.files.directories].filter((path) => path.includes("databases/"))).toEqual([]);
    // Its maker may rename to it, and anybody may publish to it.
    await host.ask("PUT", "/v1/database/quay", { token: owner.token, body: "one" });
    const renamed = await host.ask("PUT", "/v1/database/quay/names", {
      token: owner.token,
      headers: json,
      body: '["harbor"]',
    });
    expect(renamed).toMatchObject({ status: 200, body: '"Success"' });
    await host.ask("PUT", "/v1/database/pier", { token: owner.token, body: "bad module" });
    expect((await host.ask("PUT", "/v1/database/pier", { token: other.token, body: "fine" })).status).toBe(200);
  });

  test("of two who publish one name at once, the second gets it when the first is refused, and 403 otherwise", async () => {
    host = await openTestServer();
    const owner = await host.identity();
    const other = await host.identity();
    const publish = (token: string, name: string, body: string) =>
      host.ask("PUT", `/v1/database/${name}`, { token, body });
    const [bad, good] = await Promise.all([publish(owner.token, "a", "bad"), publish(other.token, "a", "fine")]);
    expect([bad.status, good.status]).toEqual([500, 200]);
    const both = await Promise.all([publish(owner.token, "b", "one"), publish(other.token, "b", "two")]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 403]);
    expect(host.databases.size).toBe(3);
  });
});

describe("row 7: an identity is used once", () => {
  test.each(["restarted", "running"])(
    "a name of a deleted database is its owner's, on a server that is %s",
    async (how) => {
      host = await openTestServer();
      const ann = await host.identity();
      const ben = await host.identity();
      const first = success((await host.ask("PUT", "/v1/database/shop", { token: ann.token, body: "one" })).body);
      const old = first.database_identity;
      expect((await host.ask("DELETE", "/v1/database/shop", { token: ann.token })).status).toBe(200);
      if (how === "restarted") {
        const { files } = host;
        await host.server.stop();
        host = await openTestServer({}, files);
      }
      const publish = (path: string, token: string) => host.ask("PUT", `/v1/database/${path}`, { token, body: "two" });
      expect(await publish("shop", ben.token)).toMatchObject({
        status: 401,
        body: '{"PermissionDenied":{"name":"shop"}}',
      });
      // A deleted database is not revived, a user's identity is no database's, and neither by a reset.
      for (const token of [ann.token, ben.token])
        for (const identity of [old, ben.identity, "c2".repeat(32), `0x${old.toUpperCase()}`])
          for (const query of ["", "?clear=true"])
            expect(await publish(`${identity}${query}`, token)).toMatchObject({
              status: 404,
              body: "No such database.",
            });
      expect((await host.ask("PUT", `/v1/database/${old}/reset`, { token: ann.token, body: "x" })).status).toBe(404);
      const second = success((await publish("shop", ann.token)).body);
      expect(second).toMatchObject({ op: "created", domain: "shop" });
      expect(second.database_identity).not.toBe(old);
      expect((await host.ask("GET", `/v1/identity/${ann.identity}/databases`)).body).toBe(
        JSON.stringify({ identities: [second.database_identity] }),
      );
      expect((await host.ask("GET", `/v1/identity/${ben.identity}/databases`)).body).toBe('{"identities":[]}');
    },
  );

  test("a released name cannot be had by renaming either, and its owner can take it up", async () => {
    host = await openTestServer();
    const ann = await host.identity();
    const ben = await host.identity();
    const headers = { "content-type": "application/json" };
    await host.ask("PUT", "/v1/database/shop", { token: ann.token, body: "one" });
    await host.ask("DELETE", "/v1/database/shop", { token: ann.token });
    await host.ask("PUT", "/v1/database/market", { token: ben.token, body: "one" });
    await host.ask("PUT", "/v1/database/store", { token: ann.token, body: "one" });
    const names = (database: string) => `/v1/database/${database}/names`;
    expect(await host.ask("PUT", names("market"), { token: ben.token, headers, body: '["shop"]' })).toMatchObject({
      status: 401,
      body: '{"PermissionDenied":{"domain":"shop"}}',
    });
    expect(await host.ask("POST", names("market"), { token: ben.token, body: "shop" })).toMatchObject({
      status: 401,
      body: '{"PermissionDenied":{"domain":"shop"}}',
    });
    expect((await host.ask("GET", "/v1/database/shop/identity")).status).toBe(404);
    expect((await host.ask("POST", names("store"), { token: ann.token, body: "shop" })).status).toBe(200);
    expect((await host.ask("GET", names("shop"))).body).toBe('{"names":["store","shop"]}');
  });
});

test("an anonymous publish makes an owner whose token is in the header", async () => {
  host = await openTestServer();
  const created = await host.ask("POST", "/v1/database?host_type=Js", { body: "js" });
  const { database_identity: database, domain } = success(created.body);
  expect(domain).toBeNull();
  const token = created.headers.get("spacetime-identity-token") ?? "";
  expect((await host.ask("GET", `/v1/database/${database}`)).body).toContain('"host_type":{"Js":[]}');
  expect((await host.ask("GET", `/v1/database/${database}/logs`, { token })).status).toBe(200);
});

describe("reset", () => {
  test("a new database under the old identity; the old one goes", async () => {
    host = await openTestServer();
    const { token } = await host.identity();
    await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
    const reset = await host.ask("PUT", "/v1/database/harbor?clear=true", { token, body: "two" });
    expect(success(reset.body).op).toBe("updated");
    const [old, fresh] = [...host.databases.values()];
    expect(old?.stopped).toBe(1);
    expect(new TextDecoder().decode(fresh?.program)).toBe("two");
    expect([...host.files.directories].filter((path) => path.split("/").length === 5)).toHaveLength(1);
  });

  test("an empty body keeps the program", async () => {
    host = await openTestServer();
    const { token } = await host.identity();
    await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
    expect((await host.ask("PUT", "/v1/database/harbor/reset", { token })).status).toBe(200);
    const [, fresh] = [...host.databases.values()];
    expect(new TextDecoder().decode(fresh?.program)).toBe("one");
  });

  test("a refused program leaves the old database running", async () => {
    host = await openTestServer();
    const { token } = await host.identity();
    await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
    expect((await host.ask("PUT", "/v1/database/harbor/reset", { token, body: "bad" })).status).toBe(500);
    const [old] = [...host.databases.values()];
    expect(old?.stopped).toBe(0);
    expect((await host.ask("GET", "/v1/database/harbor/schema?version=9")).status).toBe(200);
  });

  test("a lock stops reset and delete, and survives a restart", async () => {
    host = await openTestServer();
    const { token } = await host.identity();
    const stranger = await host.identity();
    await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
    expect((await host.ask("POST", "/v1/database/harbor/lock", { token: stranger.token })).status).toBe(403);
    expect((await host.ask("POST", "/v1/database/harbor/lock", { token })).status).toBe(200);
    const { files } = host;
    await host.server.stop();
    host = await openTestServer({}, files);
    expect((await host.ask("DELETE", "/v1/database/harbor", { token })).status).toBe(403);
    expect((await host.ask("PUT", "/v1/database/harbor/reset", { token })).status).toBe(403);
    expect((await host.ask("PUT", "/v1/database/harbor?clear=true", { token, body: "x" })).status).toBe(403);
    expect((await host.ask("POST", "/v1/database/harbor/unlock", { token })).status).toBe(200);
    expect((await host.ask("DELETE", "/v1/database/harbor", { token })).status).toBe(200);
  });
});

test("names: added, replaced, refused, kept over a restart", async () => {
  host = await openTestServer();
  const owner = await host.identity();
  const other = await host.identity();
  const json = { "content-type": "application/json" };
  const created = await host.ask("PUT", "/v1/database/harbor", { token: owner.token, body: "one" });
  const database = success(created.body).database_identity;
  await host.ask("PUT", "/v1/database/elsewhere", { token: other.token, body: "one" });
  const post = (token: string, body: string) => host.ask("POST", "/v1/database/harbor/names", { token, body });
  const put = (token: string, body: string, headers = json) =>
    host.ask("PUT", `/v1/database/${database}/names`, { token, headers, body });

  expect(await post(owner.token, "second")).toMatchObject({
    status: 200,
    body: `{"Success":{"domain":"second","database_identity":"${database}"}}`,
  });
  expect(await post(owner.token, "second")).toMatchObject({
    status: 500,
    body: "record with the name second already exists",
  });
  expect(await post(owner.token, "Bad")).toMatchObject({ status: 400, body: "invalid characters in database name" });
  expect((await post(other.token, "third")).status).toBe(403);
  expect(await put(other.token, '["x"]')).toMatchObject({
    status: 401,
    body: `{"NotYourDatabase":{"database":"${database}"}}`,
  });
  expect(await put(owner.token, '["elsewhere"]')).toMatchObject({
    status: 400,
    body: '{"OtherError":"Cannot rename to elsewhere because it already is in use."}',
  });
  expect(await put(owner.token, '["a--b"]')).toMatchObject({
    status: 400,
    body: "Error parsing `a--b`: invalid hyphen in database name",
  });
  expect((await put(owner.token, "[1]")).status).toBe(422);
  expect((await put(owner.token, "[")).status).toBe(400);
  expect((await put(owner.token, "[]", { "content-type": "text/plain" })).status).toBe(415);
  expect((await put(owner.token, JSON.stringify(Array.from({ length: 65 }, (_, i) => `n${i}`)))).status).toBe(400);
  expect(await put(owner.token, '["c","b"]')).toMatchObject({ status: 200, body: '"Success"' });
  expect((await host.ask("GET", "/v1/database/harbor")).body).toBe("`harbor` not found");
  // A name that was given up is still its owner's.
  expect(await host.ask("PUT", "/v1/database/harbor", { token: other.token, body: "x" })).toMatchObject({
    status: 401,
    body: '{"PermissionDenied":{"name":"harbor"}}',
  });

  const { files } = host;
  await host.server.stop();
  host = await openTestServer({}, files);
  expect((await host.ask("GET", "/v1/database/b/names")).body).toBe('{"names":["c","b"]}');
});

test("a database that fails is opened again by the next request", async () => {
  host = await openTestServer();
  const { token } = await host.identity();
  await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
  const [directory, fake] = [...host.databases][0] ?? [];
  fake?.fail(new Error("gone"));
  await new Promise((resolve) => setImmediate(resolve));
  expect((await host.ask("GET", "/v1/database/harbor/schema?version=9")).status).toBe(200);
  expect(host.databases.get(directory ?? "")).not.toBe(fake);
});

test("a module that ends its process again and again is left alone until the next publish", async () => {
  host = await openTestServer();
  const { token } = await host.identity();
  await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
  const [fake] = host.databases.values();
  fake?.fail(new LightconeError("Quarantined", { crashCount: 3 }));
  await new Promise((resolve) => setImmediate(resolve));
  const ask = () => host.ask("GET", "/v1/database/harbor/schema?version=9");
  const refused = await ask();
  expect(refused.status).toBe(503);
  expect(refused.headers.get("lightcone-error")).toBe("Quarantined");
  expect((await host.ask("PUT", "/v1/database/harbor", { token, body: "two" })).status).toBe(200);
  expect((await ask()).status).toBe(200);
});

test("a database that does not stop does not stop the server from stopping", async () => {
  host = await openTestServer({ limits: { stopWithinMs: 10 } });
  const { token } = await host.identity();
  await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
  const [fake] = host.databases.values();
  if (fake !== undefined) fake.stop = () => new Promise(() => undefined);
  await expect(host.server.stop()).resolves.toBeUndefined();
});

test.each([
  { content: "{", code: "Corrupt" },
  { content: '{"format":3,"databases":[],"names":[]}', code: "NewerFormat" },
  { content: '{"format":1,"databases":[{}],"names":[]}', code: "Corrupt" },
  { content: '{"format":1,"databases":[],"names":[{"name":1}]}', code: "Corrupt" },
])("a registry file that holds $content is refused: $code", async ({ content, code }) => {
  host = await openTestServer();
  const { files } = host;
  files.files.set("/data/registry.json", new TextEncoder().encode(content));
  await expect(openTestServer({}, files)).rejects.toMatchObject({ code });
});

describe("row 16: what is deleted stays deleted", () => {
  test("a request that began before the deletion does not open the database again", async () => {
    host = await openTestServer();
    const { token } = await host.identity();
    await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
    const lines = "POST /v1/database/harbor/pre_publish HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n";
    const socket = connect(host.port, "127.0.0.1");
    socket.write(`${lines}authorization: Bearer ${token}\r\nconnection: close\r\n\r\n`);
    // It is past its look-up of the database when another request that came later is answered.
    await host.ask("GET", "/v1/ping");
    await host.ask("DELETE", "/v1/database/harbor", { token });
    socket.write("a body");
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(host.databases.size).toBe(1);
    expect([...host.files.directories].filter((path) => path.includes("databases/"))).toEqual([]);
  });

  test("while a reset ends the old database, requests go to the new one", async () => {
    host = await openTestServer();
    const { token } = await host.identity();
    await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
    const [old] = host.databases.values();
    let end: () => void = () => undefined;
    if (old !== undefined) old.stop = () => new Promise((resolve) => (end = () => resolve(undefined)));
    const reset = host.ask("PUT", "/v1/database/harbor?clear=true", { token, body: "two" });
    await expect.poll(() => host.databases.size).toBe(2);
    await expect.poll(() => [...host.databases.values()][1]?.program.length).toBe(3);
    const fresh = [...host.databases.values()][1];
    expect((await host.ask("GET", "/v1/database/harbor/schema?version=9")).status).toBe(200);
    expect([...host.databases.values()][1]).toBe(fresh);
    end();
    expect((await reset).status).toBe(200);
  });
});
