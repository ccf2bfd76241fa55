/**
 * Goal: whatever a stranger writes on a socket, the server answers in HTTP and goes on, upgrades included.
 * Method: bytes on a real socket, a table of those that once got no answer or the wrong one, then random ones made of
 *   the pieces of requests; each must be answered by a whole head, none with 5xx, and nothing may be logged as an error.
 */
import { testSeed } from "@lightcone/base/testing";
import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestServer } from "../testing/test-server.ts";
import type { TestServer } from "../testing/test-server.ts";

const seed = testSeed(1);

let host: TestServer;
beforeAll(async () => {
  host = await openTestServer({ limits: { requestTimeoutMs: 200 } });
  const { token } = await host.identity();
  await host.ask("PUT", "/v1/database/harbor", { token, body: "one" });
  host.logLines.length = 0;
});
afterAll(() => host.server.stop());

/** What comes back, up to the end of the first head or of the connection. Bytes are written as latin1. */
function send(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(host.port, "127.0.0.1");
    let got = "";
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
      if (/^HTTP\/1\.1 (?!100)[^]*\r\n\r\n/.test(got)) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(got));
    socket.write(Buffer.from(text, "latin1"));
  });
}

const upgrade = [
  "Host: x",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: v1.json.spacetimedb",
];
const plain = ["Host: x"];
const request = (line: string, headers: readonly string[], body = ""): string =>
  `${[line, ...headers].join("\r\n")}\r\n\r\n${body}`;

describe("row 30: every request gets an answer", () => {
  test.each<{ line: string; headers: readonly string[]; body?: string; status: number }>([
    { line: "GET /v1/health HTTP/1.1", headers: ["Host: .1"], status: 400 },
    { line: "GET /v1/database/harbor/route/x HTTP/1.1", headers: ["Host: .1"], status: 400 },
    { line: "GET //[ HTTP/1.1", headers: upgrade, status: 404 },
    { line: "GET //[/v1/database/harbor/subscribe HTTP/1.1", headers: upgrade, status: 404 },
    { line: "GET //harbor:99999999/ HTTP/1.1", headers: upgrade, status: 404 },
    { line: "GET http://[/v1/database/harbor/subscribe HTTP/1.1", headers: upgrade, status: 400 },
    { line: "GET http://x/v1/database/harbor/subscribe HTTP/1.1", headers: upgrade, status: 101 },
    { line: "GET /v1/database/harbor/subscribe HTTP/1.1", headers: upgrade, status: 101 },
    { line: "GET * HTTP/1.1", headers: upgrade, status: 400 },
    { line: "GET /v1/database/%zz/subscribe HTTP/1.1", headers: upgrade, status: 400 },
    { line: "GET /v1/database/%00/subscribe HTTP/1.1", headers: upgrade, status: 400 },
    { line: "GET /v1/database/harbor/subscribe?connection_id=%zz HTTP/1.1", headers: upgrade, status: 400 },
    { line: "GET /v1/database/nowhere/subscribe HTTP/1.1", headers: upgrade, status: 404 },
    // What is no WebSocket's method is answered as without the upgrade.
    { line: "POST /v1/database/harbor/subscribe HTTP/1.1", headers: upgrade, status: 405 },
    { line: "OPTIONS /v1/database/harbor/subscribe HTTP/1.1", headers: upgrade, status: 200 },
    { line: "GET /v1/database/harbor/subscribe HTTP/1.0", headers: upgrade, status: 426 },
    { line: "GET //[ HTTP/1.1", headers: plain, status: 404 },
    { line: "GET http://[/v1/ping HTTP/1.1", headers: plain, status: 400 },
    { line: "GET * HTTP/1.1", headers: plain, status: 400 },
    { line: "OPTIONS * HTTP/1.1", headers: plain, status: 400 },
    { line: "CONNECT harbor:80 HTTP/1.1", headers: plain, status: 405 },
    { line: "CONNECT /v1/ping HTTP/1.1", headers: upgrade, status: 405 },
    { line: "GET /v1/ping HTTP/1.1", headers: ["Host: ["], status: 400 },
    { line: "GET /v1/ping HTTP/1.1", headers: [], status: 400 },
    { line: "PRI * HTTP/2.0", headers: [], body: "SM\r\n\r\n", status: 400 },
    { line: "\x16\x03\x01\x02", headers: [], status: 400 },
    { line: "GET /v1/ping HTTP/1.1", headers: [...plain, `X: ${"a".repeat(40_000)}`], status: 431 },
    { line: "POST /v1/identity HTTP/1.1", headers: [...plain, "Content-Length: x"], status: 400 },
    { line: "POST /v1/identity HTTP/1.1", headers: [...plain, "Expect: what"], status: 417 },
  ])("$line: $status", async ({ line, headers, body, status }) => {
    expect(await send(request(line, headers, body))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(host.logLines.filter((entry) => entry.includes('"level":"error"'))).toEqual([]);
  });

  const odd = fc.constantFrom(
    "[",
    "]",
    "//",
    "%",
    "%zz",
    "%2f",
    "%00",
    "..",
    "\\",
    "?",
    "#",
    ":",
    "@",
    "*",
    "\xff",
    "|",
    " ",
  );
  const known = fc.constantFrom("v1", "database", "harbor", "subscribe", "identity", "names", "ping", "call", "x");
  const path = fc
    .array(fc.oneof(known, odd), { maxLength: 6 })
    .chain((parts) => fc.constantFrom(`/${parts.join("/")}`, parts.join(""), `http://x/${parts.join("/")}`));
  const method = fc.constantFrom(
    "GET",
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "HEAD",
    "CONNECT",
    "TRACE",
    "get",
    "",
  );
  const version = fc.constantFrom("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "");
  const header = fc.constantFrom(
    ...upgrade,
    ...["Host: [", "Content-Length: 3", "Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: h2c"],
    ...["Authorization: Bearer x.y.z", "Authorization: \xff", "Content-Type: application/json", "Connection: close"],
    ...["Sec-WebSocket-Key: x", "no colon", ": no name", "A: \x00"],
  );
  const made = fc
    .tuple(
      method,
      path,
      version,
      fc.array(header, { maxLength: 9 }),
      fc.constantFrom("", "abc", "3\r\nabc\r\n0\r\n\r\n"),
    )
    .map(([verb, target, of, headers, body]) => request(`${verb} ${target} ${of}`, headers, body));
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((some) => Buffer.from(some).toString("latin1"));
  /** Valid but for one byte. */
  const bent = fc
    .tuple(fc.constantFrom(...["/v1/database/harbor/subscribe", "/v1/ping", "//["]), fc.nat(), fc.nat(255))
    .map(([target, at, byte]) => {
      const text = request(`GET ${target} HTTP/1.1`, upgrade);
      const index = at % text.length;
      return text.slice(0, index) + String.fromCharCode(byte) + text.slice(index + 1);
    });

  test.each([
    { what: "pieces of requests", arbitrary: made, count: 500 },
    { what: "a request with one byte changed", arbitrary: bent, count: 500 },
    { what: "bytes", arbitrary: bytes, count: 300 },
  ])("$what", async ({ arbitrary, count }) => {
    const texts = fc.sample(arbitrary, { numRuns: count, seed });
    // What is no whole request waits for its rest, so many go at once.
    for (let from = 0; from < texts.length; from += 400) {
      const some = texts.slice(from, from + 400);
      for (const [index, answer] of (await Promise.all(some.map(send))).entries())
        expect(answer, `seed ${seed}: ${JSON.stringify(some[index])}`).toMatch(/^HTTP\/1\.1 [1-4]\d\d [^]*\r\n\r\n/);
    }
    expect(host.logLines.filter((entry) => entry.includes('"level":"error"'))).toEqual([]);
    expect((await host.ask("GET", "/v1/ping")).status).toBe(200);
  });
});

test("row 16: no more sockets are open at once than `socketsMax`; one that is closed makes room", async () => {
  const few = await openTestServer({ limits: { socketsMax: 2 } });
  const open = async (): Promise<Socket> => {
    const socket = connect(few.port, "127.0.0.1");
    await once(socket, "connect");
    return socket;
  };
  const answers = async (socket: Socket): Promise<boolean> => {
    socket.on("error", () => undefined);
    socket.write(request("GET /v1/ping HTTP/1.1", plain));
    return Promise.race([once(socket, "data").then(() => true), once(socket, "close").then(() => false)]);
  };
  const [first, second] = [await open(), await open()];
  expect([await answers(first), await answers(second)]).toEqual([true, true]);
  expect(await answers(await open())).toBe(false);
  first.end();
  await once(first, "close");
  expect(await answers(await open())).toBe(true);
  second.destroy();
  await few.server.stop();
});

test("clients that leave in the middle of a body are counted below the level of warnings, without a stack", async () => {
  host.logLines.length = 0;
  const left = (): readonly string[] => host.logLines.filter((line) => line.includes("left in the middle"));
  const bodies = [
    ["Content-Length: 1000", "some of it"],
    ["Transfer-Encoding: chunked", "ff\r\nsome of it"],
  ] as const;
  for (const path of ["PUT /v1/database/harbor", "POST /v1/database/harbor/sql"]) {
    for (const [header, body] of bodies) {
      const count = left().length;
      const socket = connect(host.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(request(`${path} HTTP/1.1`, [...plain, "Expect: 100-continue", header]));
      // It has been let in: its body is being waited for.
      await once(socket, "data");
      socket.write(body);
      socket.resetAndDestroy();
      await expect.poll(left).toHaveLength(count + 1);
    }
  }
  const lines = left().map((line) => JSON.parse(line));
  expect(lines.map(({ level, count }) => [level, count - lines[0].count])).toEqual(
    [0, 1, 2, 3].map((more) => ["debug", more]),
  );
  expect(host.logLines.filter((line) => /"level":"(warn|error)"|stack/.test(line))).toEqual([]);
  expect(await send(request("GET /v1/ping HTTP/1.1", plain))).toMatch(/^HTTP\/1\.1 200/);
});
