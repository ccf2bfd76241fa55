/**
 * Goal: every route answers with the status, body and headers that clients of the reference know.
 * Method: a real server on a free port, databases that echo, one row of a table or one short story a case.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { errorTextBytesMax } from "@lightcone/database/front";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nameCharactersMax } from "../registry/database-name.ts";
import { openTestServer } from "../testing/test-server.ts";
import type { AskOptions, TestServer } from "../testing/test-server.ts";

let host: TestServer;
let owner: { identity: string; token: string };
let other: { identity: string; token: string };
let database: string;

beforeAll(async () => {
  host = await openTestServer({ limits: { programBytesMax: 3_000_000 } });
  owner = await host.identity();
  other = await host.identity();
  const created = await host.ask("PUT", "/v1/database/har_bor", { token: owner.token, body: "program" });
  database = JSON.parse(created.body).Success.database_identity;
  const [directory = ""] = host.databases.keys();
  for (const [day, text] of ["0\n1\n", "2\n3\n4\n"].entries())
    host.files.files.set(`${directory}/module-log/2026-01-0${day + 1}.ndjson`, new TextEncoder().encode(text));
  host.files.directories.add(`${directory}/module-log`);
});

afterAll(() => host.server.stop());

/** Puts the run's values where a row says `{owner}`, `{other}` or `{db}`. */
function fill(template: string): string {
  return template.replace("{owner}", owner.identity).replace("{other}", other.identity).replace("{db}", database);
}

interface Row {
  readonly why: string;
  readonly request: string;
  readonly as?: "owner" | "other";
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly status: number;
  readonly answer?: string | RegExp;
  readonly answerHeaders?: Record<string, string>;
}

const jsonType = { "content-type": "application/json" };
const plain = "text/plain; charset=utf-8";

const rows: readonly Row[] = [
  { why: "up", request: "GET /v1/ping", status: 200, answer: "" },
  { why: "HEAD like GET", request: "HEAD /v1/ping", status: 200, answer: "" },
  { why: "health", request: "GET /v1/health", status: 200, answer: /"schedulable":true/, answerHeaders: jsonType },
  {
    why: "bad scheme",
    request: "GET /v1/ping",
    headers: { authorization: "Basic abc" },
    status: 400,
    answer: "Authorization is invalid: malformed token",
    answerHeaders: { "content-type": plain },
  },
  {
    why: "bad token",
    request: "GET /v1/ping",
    headers: { authorization: "Bearer x.y.z" },
    status: 401,
    answer: "Invalid token: Base64 error: Invalid input length: 1",
  },
  {
    why: "bad token in the query",
    request: "GET /v1/ping?token=abc",
    status: 401,
    answer: "Invalid token: InvalidToken",
  },
  {
    why: "credentials needed",
    request: "POST /v1/identity/websocket-token",
    status: 401,
    answer: "Authorization required",
  },
  { why: "credentials ignored", request: "GET /v1/health?token=abc", status: 200 },
  { why: "own identity", request: "GET /v1/identity/{owner}/verify", as: "owner", status: 204, answer: "" },
  { why: "other identity", request: "GET /v1/identity/{owner}/verify", as: "other", status: 400, answer: "" },
  { why: "no identity", request: "GET /v1/identity/zz/verify", as: "other", status: 400, answer: /^Invalid URL: / },
  { why: "no 0x here", request: "GET /v1/identity/0x{owner}/databases", status: 400, answer: /^Invalid URL: / },
  {
    why: "a snapshot, for the owner",
    request: "POST /v1/database/har_bor/snapshot",
    as: "owner",
    status: 200,
    answer: '{"offset":41}',
    answerHeaders: jsonType,
  },
  {
    why: "a snapshot, for somebody else",
    request: "POST /v1/database/har_bor/snapshot",
    as: "other",
    status: 403,
    answer: "{other} is not authorized to perform action on database {db}: take snapshot",
  },
  { why: "a snapshot of nothing", request: "POST /v1/database/nowhere/snapshot", status: 404 },
  {
    why: "databases of nobody",
    request: "GET /v1/identity/{other}/databases",
    status: 200,
    answer: '{"identities":[]}',
    answerHeaders: jsonType,
  },
  {
    why: "public key",
    request: "GET /v1/identity/public-key",
    status: 200,
    answer: /^-----BEGIN PUBLIC KEY-----\n/,
    answerHeaders: { "content-type": "application/pem-certificate-chain" },
  },
  {
    why: "unknown name",
    request: "GET /v1/database/nowhere",
    status: 404,
    answer: "`nowhere` not found",
    answerHeaders: { "content-type": plain },
  },
  { why: "unknown identity", request: "GET /v1/database/{owner}", status: 404, answer: "No such database." },
  {
    why: "name outside the grammar",
    request: "PUT /v1/database/Harbor",
    as: "owner",
    body: "x",
    status: 400,
    answer: "Invalid URL: invalid characters in database name",
  },
  {
    why: "a name of nameCharactersMax",
    request: `GET /v1/database/${"n".repeat(nameCharactersMax)}`,
    status: 404,
  },
  {
    why: "a name over nameCharactersMax",
    request: `PUT /v1/database/${"n".repeat(nameCharactersMax + 1)}`,
    as: "owner",
    body: "x",
    status: 400,
    answer: `Invalid URL: database name is longer than ${nameCharactersMax} characters`,
  },
  {
    why: "info by identity, 0x and upper case",
    request: "GET /v1/database/0x{db}",
    status: 200,
    answer: /"host_type":\{"Wasm":\[\]\},"initial_program":"0x[1-9a-f]/,
  },
  {
    why: "name to identity",
    request: "GET /v1/database/har_bor/identity",
    status: 200,
    answerHeaders: { "content-type": plain },
  },
  { why: "an identity is echoed", request: "GET /v1/database/{other}/identity", status: 200, answer: "{other}" },
  { why: "names", request: "GET /v1/database/{db}/names", status: 200, answer: '{"names":["har_bor"]}' },
  { why: "names of nothing", request: "GET /v1/database/{other}/names", status: 404, answer: "No such database." },
  {
    why: "call",
    request: "POST /v1/database/har_bor/call/f",
    headers: jsonType,
    body: "[]",
    status: 200,
    answer: "",
    answerHeaders: { "content-type": plain, "spacetime-energy-used": "0" },
  },
  {
    why: "call without a type",
    request: "POST /v1/database/har_bor/call/f",
    status: 400,
    answer: "Header of type `content-type` was missing",
  },
  {
    why: "call with a charset",
    request: "POST /v1/database/har_bor/call/f",
    headers: { "content-type": "application/json; charset=utf-8" },
    body: "[]",
    status: 415,
    answer: "Expected request with `Content-Type: application/json`",
  },
  {
    why: "call that fails",
    request: "POST /v1/database/har_bor/call/fail",
    headers: jsonType,
    body: "[]",
    status: 530,
    answer: "no",
  },
  {
    why: "the database breaks",
    request: "POST /v1/database/har_bor/call/crash",
    headers: jsonType,
    body: "[]",
    status: 500,
    answer: "the server failed; its log says why",
  },
  {
    why: "call of nothing",
    request: "POST /v1/database/nowhere/call/f",
    headers: jsonType,
    body: "[]",
    status: 404,
    answer: "`nowhere` not found",
  },
  {
    why: "wrong method",
    request: "GET /v1/database/har_bor/call/f",
    status: 405,
    answer: "",
    answerHeaders: { allow: "POST" },
  },
  {
    why: "wrong method, GET allowed",
    request: "PATCH /v1/database/har_bor",
    status: 405,
    answer: "",
    answerHeaders: { allow: "GET,HEAD,PUT,DELETE" },
  },
  {
    why: "schema needs a version",
    request: "GET /v1/database/har_bor/schema",
    status: 400,
    answer: "Failed to deserialize query string: missing field `version`",
  },
  {
    why: "schema 8",
    request: "GET /v1/database/har_bor/schema?version=8",
    status: 400,
    answer: "Failed to deserialize query string: unknown variant `8`, expected `9` or `10`",
  },
  { why: "schema 10", request: "GET /v1/database/har_bor/schema?version=10", status: 200, answer: '{"form":"10"}' },
  {
    why: "schema for a client",
    request: "GET /v1/database/har_bor/schema?version=10&for=client",
    status: 200,
    answer: '{"form":"client"}',
  },
  {
    why: "schema 9 for a client",
    request: "GET /v1/database/har_bor/schema?version=9&for=client",
    status: 400,
    answer: "`for=client` is a part of version 10",
  },
  {
    why: "sql of the owner",
    request: "POST /v1/database/har_bor/sql",
    as: "owner",
    body: "SELECT é",
    status: 200,
    answer: /"text":"SELECT é","owner":true/,
  },
  {
    why: "sql of another",
    request: "POST /v1/database/har_bor/sql?confirmed=false",
    as: "other",
    body: "q",
    status: 200,
    answer: /"owner":false/,
  },
  {
    why: "boolean that is none",
    request: "POST /v1/database/har_bor/sql?confirmed=1",
    body: "q",
    status: 400,
    answer: /^Failed to deserialize query string: /,
  },
  {
    why: "logs of another",
    request: "GET /v1/database/har_bor/logs",
    as: "other",
    status: 403,
    answer: "{other} is not authorized to perform action on database {db}: view module logs",
  },
  {
    why: "logs",
    request: "GET /v1/database/har_bor/logs?num_lines=4",
    as: "owner",
    status: 200,
    answer: "1\n2\n3\n4\n",
    answerHeaders: { "content-type": "application/x-ndjson", "cache-control": "no-cache" },
  },
  { why: "HEAD of logs", request: "HEAD /v1/database/har_bor/logs?follow=true", as: "owner", status: 200, answer: "" },
  {
    why: "time",
    request: "GET /v1/database/har_bor/unstable/timestamp",
    status: 200,
    answer: /^\{"__timestamp_micros_since_unix_epoch__":\d{16}\}$/,
  },
  {
    why: "plan of another",
    request: "POST /v1/database/har_bor/pre_publish",
    as: "other",
    body: "x",
    status: 403,
    answer: "{other} is not authorized to perform action on database {db}: update database",
  },
  {
    why: "plan",
    request: "POST /v1/database/har_bor/pre_publish?pretty_print_style=NoColor",
    as: "owner",
    body: "x",
    status: 200,
    answer: '{"AutoMigrate":{"migrate_plan":"plain"}}',
  },
  {
    why: "breaking without a token",
    request: "PUT /v1/database/har_bor?policy=BreakClients",
    as: "owner",
    body: "x",
    status: 400,
    answer: "Migration policy is set to `BreakClients`, but no migration token was provided.",
  },
  {
    why: "update by another",
    request: "PUT /v1/database/har_bor",
    as: "other",
    body: "x",
    status: 403,
    answer: "{other} is not authorized to perform action on database {db}: update database",
  },
  {
    why: "refused update",
    request: "PUT /v1/database/har_bor",
    as: "owner",
    body: "refused",
    status: 400,
    answer: "Database update rejected: refused",
  },
  {
    why: "clear without a name",
    request: "POST /v1/database?clear=true",
    as: "owner",
    body: "x",
    status: 400,
    answer: "Clear database requires database name or identity",
  },
  {
    why: "too many replicas",
    request: "POST /v1/database?num_replicas=256",
    as: "owner",
    body: "x",
    status: 400,
    answer: "Replication factor 256 out of bounds",
  },
  {
    why: "unknown parent",
    request: "POST /v1/database?parent=nowhere",
    as: "owner",
    body: "x",
    status: 404,
    answer: "`nowhere` not found",
  },
  {
    why: "unknown kind of program",
    request: "POST /v1/database?host_type=Lua",
    as: "owner",
    body: "x",
    status: 400,
    answer: /^Failed to deserialize query string: unknown variant `Lua`, expected `Wasm` or `Js`$/,
  },
  {
    why: "delete by another",
    request: "DELETE /v1/database/har_bor",
    as: "other",
    status: 403,
    answer: "{other} is not authorized to perform action on database {db}: delete database",
  },
  {
    why: "delete of no name",
    request: "DELETE /v1/database/nowhere",
    as: "other",
    status: 404,
    answer: "`nowhere` not found",
  },
  { why: "delete of what never was", request: "DELETE /v1/database/{other}", as: "other", status: 200, answer: "" },
  { why: "unknown route", request: "GET /v1/nothing", status: 404, answer: "" },
  { why: "trailing slash", request: "GET /v1/identity/", status: 404, answer: "" },
  { why: "outside /v1", request: "GET /", status: 404, answer: "" },
  {
    why: "publish with the wrong method",
    request: "GET /v1/database",
    status: 405,
    answer: "",
    answerHeaders: { allow: "POST" },
  },
  {
    why: "subscribe without an upgrade",
    request: "GET /v1/database/har_bor/subscribe",
    status: 426,
    answerHeaders: { upgrade: "websocket" },
  },
  { why: "subscribe with a bad query first", request: "GET /v1/database/har_bor/subscribe?light=1", status: 400 },
];

test.each(rows)("$request: $why", async (row) => {
  const [method, path] = fill(row.request).split(" ");
  const token = row.as === "owner" ? owner.token : row.as === "other" ? other.token : undefined;
  const options: AskOptions = {
    ...(token === undefined ? {} : { token }),
    ...(row.headers === undefined ? {} : { headers: row.headers }),
    ...(row.body === undefined ? {} : { body: Buffer.from(row.body) }),
  };
  const answer = await host.ask(method ?? "", path ?? "", options);
  const { answer: wantedBody = /(?:)/ } = row;
  const isRight = typeof wantedBody === "string" ? answer.body === fill(wantedBody) : wantedBody.test(answer.body);
  expect({ status: answer.status, body: answer.body, isRight }).toMatchObject({ status: row.status, isRight: true });
  const wanted = row.answerHeaders ?? {};
  expect(Object.fromEntries(Object.keys(wanted).map((name) => [name, answer.headers.get(name)]))).toEqual(wanted);
  const isOurs = path?.startsWith("/v1") === true;
  expect(answer.headers.get("access-control-allow-origin")).toBe(isOurs ? "*" : null);
  expect(answer.headers.get("vary")).toBe(
    isOurs ? "origin, access-control-request-method, access-control-request-headers" : null,
  );
});

describe("identity headers", () => {
  test("a route of a database names the caller, failures included", async () => {
    const known = await host.ask("GET", "/v1/database/nowhere", { token: other.token });
    expect(known.headers.get("spacetime-identity")).toBe(other.identity);
    expect(known.headers.get("spacetime-identity-token")).toBe(other.token);
    const first = await host.ask("GET", "/v1/database");
    const second = await host.ask("GET", "/v1/database");
    expect(first.headers.get("spacetime-identity")).toMatch(/^c200[0-9a-f]{60}$/);
    expect(first.headers.get("spacetime-identity")).not.toBe(second.headers.get("spacetime-identity"));
    const again = await host.ask("GET", "/v1/database", { token: first.headers.get("spacetime-identity-token") ?? "" });
    expect(again.headers.get("spacetime-identity")).toBe(first.headers.get("spacetime-identity"));
  });

  test("no identity with refused credentials, nor on a path that is no route", async () => {
    for (const path of ["/v1/database/nowhere?token=x", "/v1/nothing"]) {
      const answer = await host.ask("GET", path);
      expect(answer.headers.get("spacetime-identity")).toBeNull();
    }
  });
});

test("preflight: 200 before anything else, without credentials", async () => {
  const answer = await host.ask("OPTIONS", "/v1/database/har_bor", { headers: { authorization: "nonsense" } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("access-control-allow-methods")).toBe("*");
  expect(answer.headers.get("access-control-allow-headers")).toBe("authorization,accept,content-type");
  expect(answer.headers.get("allow")).toBe("GET,HEAD,PUT,DELETE");
  expect((await host.ask("OPTIONS", "/v1/nothing")).status).toBe(200);
});

describe("limits on bodies", () => {
  const tooLong = "Failed to buffer the request body: length limit exceeded";
  const big = new Uint8Array(2_500_000).fill(97);
  const huge = new Uint8Array(3_500_000).fill(97);

  test.each([
    { request: "POST /v1/database/har_bor/sql", body: big, status: 413 },
    { request: "POST /v1/database/har_bor/names", body: big, status: 413 },
    { request: "POST /v1/database/har_bor/pre_publish", body: big, status: 200 },
    { request: "POST /v1/database/har_bor/pre_publish", body: huge, status: 413 },
    { request: "PUT /v1/database/har_bor", body: huge, status: 413 },
  ])("$request of $body.length bytes: $status", async ({ request, body, status }) => {
    const [method, path] = request.split(" ");
    const answer = await host.ask(method ?? "", path ?? "", { token: owner.token, body });
    expect(answer.status).toBe(status);
    expect(answer.body === tooLong).toBe(status === 413);
  });

  test("errorTextBytesMax: no more of it comes back than may", async () => {
    const body = new TextEncoder().encode(JSON.stringify([`${"n".repeat(1_000_000)}!`]));
    const answer = await host.ask("PUT", "/v1/database/har_bor/names", {
      token: owner.token,
      body,
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/^Error parsing `n+… \(cut; \d+ characters\)$/);
    expect(Buffer.byteLength(answer.body)).toBeLessThanOrEqual(errorTextBytesMax);
  });

  test("a body of unknown length is cut off as well", async () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let i = 0; i < 40; i += 1) controller.enqueue(new Uint8Array(65_536));
        controller.close();
      },
    });
    const response = await fetch(`http://127.0.0.1:${host.port}/v1/database/har_bor/sql`, {
      method: "POST",
      body,
      duplex: "half",
    });
    expect(response.status).toBe(413);
  });
});

test.each([
  { hex: "ff", detail: "invalid utf-8 sequence of 1 bytes from index 0" },
  { hex: "61e282", detail: "incomplete utf-8 byte sequence from index 1" },
  { hex: "e28261", detail: "invalid utf-8 sequence of 2 bytes from index 0" },
  { hex: "c3a9eda080", detail: "invalid utf-8 sequence of 1 bytes from index 2" },
])("SQL that is not UTF-8 ($hex): $detail", async ({ hex, detail }) => {
  const answer = await host.ask("POST", "/v1/database/har_bor/sql", { body: Buffer.from(hex, "hex") });
  expect(answer).toMatchObject({ status: 400, body: `Request body didn't contain valid UTF-8: ${detail}` });
});

test("a request that takes longer to arrive than `requestTimeoutMs` is ended", async () => {
  const server = await openTestServer({ limits: { requestTimeoutMs: 100 } });
  const socket = connect(server.port, "127.0.0.1");
  socket.write("PUT /v1/database/har_bor HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 408 /);
  await server.server.stop();
});

test("pages are served outside /v1 only, and the log never shows a token", async () => {
  const server = await openTestServer({ pages: (request) => new Response(new URL(request.url).pathname) });
  expect((await server.ask("GET", "/index.html")).body).toBe("/index.html");
  expect((await server.ask("GET", "/v1/index.html")).status).toBe(404);
  const { token } = await server.identity();
  await server.ask("GET", `/v1/database/nowhere?token=${token}`);
  await server.ask("PUT", "/v1/database/quiet", { token, body: "bad program" });
  expect(server.logLines.length).toBeGreaterThan(2);
  for (const part of token.split(".").slice(1)) expect(server.logLines.join("")).not.toContain(part);
  await server.server.stop();
});
