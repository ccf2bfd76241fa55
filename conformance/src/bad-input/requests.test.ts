// Goal: whatever a client gets wrong is answered with a status, a code of the catalogue and a hint, and changes nothing.
// Method: a row per mistake over HTTP and over WebSocket; after each the same client's good request is answered.
import { createSign, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ByteWriter } from "@lightcone/sats";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { rustModule } from "../rust-modules.ts";
import { Served } from "../served.ts";

let served: Served;
beforeAll(async () => {
  served = await Served.open();
  await served.publishTypeScript("ledger", "ledger");
});
afterAll(() => served.stop());

async function expectRefusal(response: Response, status: number, code: string, says: RegExp): Promise<void> {
  expect(await response.text()).toMatch(says);
  expect(response.status).toBe(status);
  expect(response.headers.get("lightcone-error")).toBe(code);
  expect(response.headers.get("lightcone-hint")).toMatch(/\w/);
}

describe("a call", () => {
  const calls = [
    {
      why: "too few arguments",
      args: "[1]",
      code: "BadArguments",
      says: /invalid length 1, expected reducer args for record with 2/,
    },
    { why: "too many", args: "[1,2,3]", code: "BadArguments", says: /invalid length 3/ },
    { why: "of another type", args: '[1,"x"]', code: "BadArguments", says: /argument 1 \(`number`\)/ },
    { why: "out of range", args: "[-1,2]", code: "BadArguments", says: /argument 0 \(`client`\)/ },
    { why: "by unknown names", args: '{"client":1,"nummer":2}', code: "BadArguments", says: /nummer|number/ },
    { why: "no JSON", args: "[1,", code: "BadArguments", says: /invalid arguments for reducer record/ },
    {
      why: "nested without end",
      args: "[".repeat(100_000),
      code: "BadArguments",
      says: /invalid arguments for reducer record/,
    },
  ];
  test.each(calls)("with arguments $why", async ({ args, code, says }) => {
    await expectRefusal(await served.call("ledger", "record", args), 400, code, says);
  });

  test("of a reducer that is not there", async () => {
    await expectRefusal(await served.call("ledger", "nothing", "[]"), 404, "NoSuchReducer", /No such procedure/);
  });

  test("to a database that is not there", async () => {
    const response = await served.call("nowhere", "record", "[1,2]");
    expect(response.status).toBe(404);
    expect(await response.text()).toBe("`nowhere` not found");
  });

  test("over WebSocket names the argument too, and the connection goes on", async () => {
    const client = await RawClient.open(served.url, "ledger", { token: served.token });
    await client.next();
    client.call("record", Uint8Array.of(1, 0, 0, 0, 2, 0), 1);
    const status = { kind: "Failed", message: expect.stringContaining("argument 1 (`number`)") };
    expect(await client.next()).toMatchObject({ status });
    client.call("record", new Uint8Array(9), 2);
    expect(await client.next()).toMatchObject({ status: { kind: "Failed" } });
    client.call("nothing", new Uint8Array(), 3);
    expect(await client.next()).toMatchObject({ status: { kind: "Failed", message: "no such reducer" } });
    client.call("record", new Uint8Array(8), 4);
    expect(await client.next()).toMatchObject({ status: { kind: "Committed" } });
    client.close();
  });
});

describe("a frame", () => {
  const frames = [
    { why: "with an unknown tag", bytes: [250, 0, 0] },
    { why: "without a byte", bytes: [] },
    { why: "cut short", bytes: [0, 6, 0, 0, 0, 114] },
    { why: "with a count beyond its end", bytes: [1, 255, 255, 255, 255] },
    { why: "with text that is not UTF-8", bytes: [2, 0, 0, 0, 0, 1, 0, 0, 0, 0xff] },
    { why: "with unknown flags", bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9] },
  ];
  test.each(frames)("$why closes its connection, and no other", async ({ bytes }) => {
    const other = await RawClient.open(served.url, "ledger");
    await other.next();
    const client = await RawClient.open(served.url, "ledger");
    await client.next();
    client.send(Uint8Array.from(bytes));
    await client.over;
    expect(client.closed?.code).toBe(1011);
    other.subscribe(["SELECT * FROM tally"], 1, 1);
    expect((await other.next())?.kind).toBe("SubscribeMultiApplied");
    other.close();
  });
});

describe("a statement", () => {
  const statements = [
    { sql: "SELEC * FROM entry", code: "SqlSyntax", says: /at Line: 1, Column 1/ },
    { sql: "SELECT *\nFROM entry WHERE id = = 1", code: "SqlSyntax", says: /at Line: 2, Column 23/ },
    { sql: "SELECT * FROM entry WHERE note = 'open", code: "SqlSyntax", says: /Unterminated .* at Line: 1, Column 34/ },
    { sql: "SELECT * FROM nothing", code: "SqlRefused", says: /no such table/ },
    { sql: "SELECT * FROM entry WHERE id = 'x'", code: "SqlRefused", says: /cannot be parsed as type/ },
    { sql: `SELECT * FROM entry WHERE ${"(".repeat(20_000)}`, code: "SqlRefused", says: /Recursion limit/ },
    { sql: `SELECT * FROM entry -- ${"x".repeat(60_000)}`, code: "SqlRefused", says: /maximum allowed length/ },
    { sql: "", code: "SqlRefused", says: /Empty SQL query/ },
    { sql: "INSERT INTO tally (client, count) VALUES (77, 1), (77, 2)", code: "SqlRefused", says: /Unique constraint/ },
  ];
  test.each(statements.map((each) => ({ ...each, shown: each.sql.slice(0, 40) })))(
    "$shown",
    async ({ sql, code, says }) => {
      await expectRefusal(await served.request("POST", "/v1/database/ledger/sql", sql), 400, code, says);
      expect(await served.sql("ledger", "SELECT * FROM tally WHERE client = 77")).toEqual([]);
    },
  );

  test("that writes, by someone else", async () => {
    const response = await fetch(`${served.url}/v1/database/ledger/sql`, { method: "POST", body: "DELETE FROM entry" });
    await expectRefusal(response, 400, "SqlRefused", /not authorized to run SQL DML/);
  });
});

describe("a token", () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  async function signed(claims: object): Promise<string> {
    const key = await readFile(join(served.dataDirectory, "id_ecdsa"), "utf8");
    const content = `${part({ typ: "JWT", alg: "ES256" })}.${part(claims)}`;
    const signature = createSign("sha256").update(content).sign({ key, dsaEncoding: "ieee-p1363" }, "base64url");
    return `${content}.${signature}`;
  }
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: randomUUID(), iss: "localhost", aud: ["spacetimedb"], iat: now - 1000 };
  const uses = {
    call: (token: string) => served.call("ledger", "record", "[1,1]", token),
    exchange: (token: string) =>
      fetch(`${served.url}/v1/identity/websocket-token`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
      }),
    publish: (token: string) =>
      fetch(`${served.url}/v1/database/other`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}` },
        body: "program",
      }),
  };
  const tokens = [
    { why: "expired", make: () => signed({ ...claims, exp: now - 100 }) },
    { why: "forged: other claims under the signature", make: async () => forged(await signed(claims)) },
    { why: "unsigned", make: async () => `${part({ typ: "JWT", alg: "none" })}.${part(claims)}.` },
    { why: "of an issuer that is not there", make: () => signedElsewhere("http://127.0.0.1:9") },
    { why: "no token at all", make: async () => "x.y.z" },
  ];
  function forged(token: string): string {
    const [head, , signature] = token.split(".");
    return `${head}.${part({ ...claims, sub: randomUUID() })}.${signature}`;
  }
  async function signedElsewhere(issuer: string): Promise<string> {
    return forged(await signed(claims)).replace(/\.[^.]+\./, `.${part({ ...claims, iss: issuer })}.`);
  }
  test("that is right, works", async () => {
    expect((await uses.call(await signed(claims))).status).toBe(200);
  });
  test.each(tokens)("$why is refused everywhere", async ({ make }) => {
    const token = await make();
    for (const use of Object.values(uses)) {
      const response = await use(token);
      await response.text();
      expect(response.status).toBe(401);
    }
    await expect(RawClient.open(served.url, "ledger", { token })).rejects.toThrow(/401/);
  });
});

describe("a program", () => {
  const text = (script: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(script);
  const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);
  const wasmHead = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const programs = [
    { why: "not WebAssembly", host: "Wasm", make: async () => text("hello"), says: /not a WebAssembly binary/ },
    { why: "cut short", host: "Wasm", make: async () => bytes(...wasmHead, 1, 9), says: /./ },
    { why: "without exports", host: "Wasm", make: async () => bytes(...wasmHead), says: /spacetime_10/ },
    // One import: "env" "fly", a function of no parameters.
    {
      why: "with an unknown import",
      host: "Wasm",
      make: async () =>
        bytes(...wasmHead, 1, 4, 1, 0x60, 0, 0, 2, 11, 1, 3, 0x65, 0x6e, 0x76, 3, 0x66, 0x6c, 0x79, 0, 0),
      says: /env|fly/,
    },
    { why: "script that does not parse", host: "Js", make: async () => text("exports.default = {{{"), says: /./ },
    { why: "script that throws", host: "Js", make: async () => text("throw new Error('no start')"), says: /no start/ },
    { why: "script that is no text", host: "Js", make: async () => bytes(0xff, 0xfe, 0x00), says: /UTF-8/ },
    { why: "script that exports nothing", host: "Js", make: async () => text("exports.x = 1;"), says: /./ },
    { why: "script that never ends", host: "Js", make: async () => text("for (;;) {}"), says: /took longer/ },
    {
      why: "script that asks for what is not there",
      host: "Js",
      make: async () => text("require('node:fs')"),
      says: /node:fs/,
    },
    { why: "bad schema", host: "Js", make: () => badSchema(), says: /schema|table|column|index/ },
  ] as const;
  const badSchema = async (): Promise<Uint8Array<ArrayBuffer>> =>
    text((await bundleModule(fileURLToPath(new URL("./modules/bad-schema.ts", import.meta.url)))).code);

  test.each(programs)(
    "$why is refused with the reason, and the running module goes on",
    async ({ host, make, says }) => {
      const client = await RawClient.open(served.url, "slow", { token: served.token });
      expect((await client.next())?.kind).toBe("IdentityToken");
      const program = await make();
      const response = await served.request("PUT", `/v1/database/slow?host_type=${host}`, program);
      const reason = await response.text();
      expect(response.status, reason).toBe(400);
      expect(reason).toMatch(says);
      expect(response.headers.get("lightcone-error")).toMatch(/ModuleInvalid|SchemaInvalid|ReducerTimedOut|Malformed/);
      const out = new ByteWriter();
      out.u32(1);
      out.u32(2);
      client.call("record", out.toBytes(), 1);
      expect(await client.next()).toMatchObject({ status: { kind: "Committed" } });
      client.close();
      const fresh = await served.request("PUT", `/v1/database/never-was?host_type=${host}`, program);
      expect(fresh.status).toBe(400);
      await fresh.text();
    },
  );

  let before: Served;
  beforeAll(async () => {
    before = served;
    served = await Served.open();
    await served.publishTypeScript("slow", "ledger");
  });
  afterAll(async () => {
    await served.stop();
    served = before;
  });

  test.skipIf(rustModule("chat") === undefined)("of the other kind is refused by name", async () => {
    const program = new Uint8Array(await readFile(rustModule("chat") ?? ""));
    const response = await served.request("PUT", "/v1/database/slow?host_type=Js", program);
    expect(response.status).toBe(400);
    expect(await response.text()).toMatch(/UTF-8|parse|script/);
  });
});
