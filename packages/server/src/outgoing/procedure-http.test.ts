// Goal: a procedure's request arrives whole and its answer comes back whole, within its bounds, and never from an address that
// is not allowed, redirects and names included.
// Method: requests to real HTTP servers on this machine. Which of its addresses count as public is the test's to say: 127.0.0.1
// is, everything else is not.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { realClock } from "@lightcone/base";
import type { HttpAnswer, HttpHeaders, HttpRequest, HttpRules } from "@lightcone/host";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProcedureHttp, type HttpReach } from "./procedure-http.ts";
import type { Lookup } from "./public-addresses.ts";

const rules: HttpRules = { timeoutMs: 20_000, bytesMax: 1_000_000 };
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

let server: Server;
let origin: string;
let port: number;
let heard: Heard[] = [];
/** What is answered, by path. */
const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  "/plain": (_, response) => response.end("plain"),
  "/binary": (_, response) => {
    response.setHeader("x-many", ["one", "two"]);
    response.setHeader("x-latin", "caf\u00e9");
    response.end(Buffer.from(Array.from({ length: 1000 }, (__, at) => at % 256)));
  },
  "/teapot": (_, response) => response.writeHead(418).end("short and stout"),
  "/empty": (_, response) => response.writeHead(204).end(),
  "/silent": () => undefined,
  "/stalls": (_, response) => void response.writeHead(200).write("half"),
  "/cut": (_, response) => {
    response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy());
  },
  "/round": (_, response) => response.writeHead(302, { location: "/round" }).end(),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", rawHeaders } = request;
      heard.push({ method, url, headers: rawHeaders, body: Buffer.concat(chunks) });
      const { pathname, searchParams } = new URL(url, origin);
      const [to, status] = [searchParams.get("to"), Number(searchParams.get("status") ?? 302)];
      if (to !== null) response.writeHead(status, { location: to }).end("on");
      else if (routes[pathname] === undefined) response.writeHead(404).end();
      else routes[pathname](request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  ({ port } = server.address() as AddressInfo);
  origin = `http://127.0.0.1:${port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const lookup: Lookup = (name, _, callback) => {
  const addresses: Readonly<Record<string, readonly string[]>> = {
    "open.test": ["127.0.0.1"],
    "inner.test": ["127.0.0.2"],
    "both.test": ["127.0.0.2", "127.0.0.1"],
  };
  callback(
    null,
    (addresses[name] ?? []).map((address) => ({ address, family: 4 })),
  );
};

function client(reach: HttpReach): ProcedureHttp {
  return new ProcedureHttp(realClock, reach, lookup, (address) => address === "127.0.0.1");
}

function send(
  request: Partial<HttpRequest>,
  { reach = "public", ...own }: Partial<HttpRules> & { readonly reach?: HttpReach } = {},
): Promise<HttpAnswer> {
  heard = [];
  const whole = { method: "GET", uri: origin, headers: [], body: new Uint8Array(0), timeoutMs: undefined, ...request };
  return new Promise((resolve) => void client(reach).send(whole, { ...rules, ...own }, resolve));
}

const headerOf = ({ headers }: { readonly headers: HttpHeaders }, name: string): readonly string[] =>
  headers.filter(([each]) => each === name).map(([, value]) => Buffer.from(value).toString("latin1"));
const textOf = (answer: HttpAnswer): string =>
  answer.kind === "failed" ? answer.reason : Buffer.from(answer.body).toString();

describe("row 9: a request of a procedure", () => {
  test("arrives whole: method, headers that repeat, a binary body", async () => {
    const body = new Uint8Array(Array.from({ length: 5000 }, (_, at) => (at * 7) % 256));
    const headers: HttpHeaders = [
      ["X-Many", bytes("one")],
      ["x-many", bytes("two")],
      ["x-latin", bytes("caf\u00e9")],
      ["content-length", bytes("3")],
    ];
    await send({ method: "PATCH", uri: `${origin}/plain?a=b`, headers, body });
    expect(heard).toMatchObject([{ method: "PATCH", url: "/plain?a=b" }]);
    const sent = heard[0]?.headers ?? [];
    const valuesOf = (name: string): readonly string[] =>
      sent.filter((_, at) => at % 2 === 1 && sent[at - 1]?.toLowerCase() === name);
    expect([valuesOf("x-many"), valuesOf("x-latin"), valuesOf("content-length")]).toEqual([
      ["one", "two"],
      ["caf\u00e9"],
      ["5000"],
    ]);
    expect(heard[0]?.body.equals(body)).toBe(true);
  });

  test("comes back whole: status, headers that repeat, a binary body", async () => {
    const answer = await send({ uri: `${origin}/binary` });
    if (answer.kind === "failed") throw new Error(answer.reason);
    expect(answer).toMatchObject({ status: 200, version: "1.1", uri: `${origin}/binary` });
    expect([headerOf(answer, "x-many"), headerOf(answer, "x-latin")]).toEqual([["one", "two"], ["caf\u00e9"]]);
    expect([...answer.body]).toEqual(Array.from({ length: 1000 }, (_, at) => at % 256));
  });

  test.each([
    ["/teapot", "GET", 418, "short and stout"],
    ["/empty", "POST", 204, ""],
    ["/plain", "HEAD", 200, ""],
    ["/nowhere", "DELETE", 404, ""],
  ])("any status is an answer: %s by %s", async (path, method, status, body) => {
    const answer = await send({ uri: origin + path, method });
    expect([answer.kind === "answered" ? answer.status : answer.reason, textOf(answer)]).toEqual([status, body]);
  });

  test.each([
    ["no address", { uri: "over there" }, /none of http/],
    ["another scheme", { uri: "file:///etc/passwd" }, /none of http/],
    ["no method", { method: "GE T" }, /[Mm]ethod/],
    ["a tunnel", { method: "CONNECT" }, /CONNECT/],
    ["a header that is none", { headers: [["x y", bytes("z")]] as const }, /[Hh]eader/],
    ["a header value that is two", { headers: [["x", bytes("a\r\nb: c")]] as const }, /header/],
    ["a name that is nobody's", { uri: "http://nobody.test/" }, /not a public address/],
  ])("that asks for %s fails, and nothing is sent", async (_, request, reason) => {
    expect(textOf(await send(request))).toMatch(reason);
    expect(heard).toEqual([]);
  });

  test.each([
    ["no answer", "/silent", { timeoutMs: 60 }, /within 60 ms/],
    ["half an answer and no more", "/stalls", { timeoutMs: 60 }, /within 60 ms/],
    ["a connection that ends within the answer", "/cut", {}, /aborted|ended/],
    ["a longer body than may be", "/binary", { bytesMax: 999 }, /over 999 bytes \(httpResponseBytesMax\)/],
    ["redirects in a circle", "/round", {}, /more than 10 redirects/],
  ])("that meets %s fails, and says nothing of what was asked", async (_, path, own, reason) => {
    const said = textOf(await send({ uri: `${origin}${path}?key=secret` }, own));
    expect(said).toMatch(reason);
    expect(said).not.toContain("secret");
  });

  test("that is given up is heard of no more, and its connection ends", async () => {
    heard = [];
    const left = new Promise<void>((resolve) => {
      routes["/left"] = (request) => void request.socket.on("close", () => resolve());
    });
    const answers: HttpAnswer[] = [];
    const request = { method: "GET", headers: [], body: new Uint8Array(0), timeoutMs: undefined };
    const giveUp = client("public").send({ ...request, uri: `${origin}/left` }, rules, (answer) =>
      answers.push(answer),
    );
    await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(1);
    giveUp();
    await left;
    expect(answers).toEqual([]);
  });
});

describe("row 9: where a request may go", () => {
  const inner = [
    "http://127.0.0.2",
    "http://inner.test",
    "http://[::1]",
    "http://2130706434",
    "http://[::ffff:127.0.0.1]",
  ];

  test.each(inner)("not to %s, nor by a redirect to there", async (there) => {
    expect(textOf(await send({ uri: `${there}:${port}/plain` }))).toMatch(/not a public address/);
    expect(heard).toEqual([]);
    expect(textOf(await send({ uri: `${origin}/?to=${there}:${port}/plain` }))).toMatch(/not a public address/);
    expect(heard.map(({ url }) => new URL(url, origin).pathname)).toEqual(["/"]);
  });

  test("of a name's addresses those that are public; with `any` to each; with `off` to none", async () => {
    expect(textOf(await send({ uri: `http://both.test:${port}/plain` }))).toBe("plain");
    expect(textOf(await send({ uri: `http://127.0.0.2:${port}/plain` }, { reach: "any" }))).toBe("plain");
    expect(textOf(await send({ uri: `http://inner.test:${port}/plain` }, { reach: "any" }))).toBe("plain");
    expect(textOf(await send({ uri: `${origin}/plain` }, { reach: "off" }))).toMatch(/--procedure-http/);
    expect(heard).toEqual([]);
  });

  test.each([
    [301, "POST", "GET", ""],
    [302, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [307, "POST", "POST", "body"],
    [308, "PUT", "PUT", "body"],
  ])("a redirect of %i makes of %s %s, and tells nobody else what is secret", async (status, method, then, body) => {
    const to = `http://open.test:${port}/plain`;
    const headers: HttpHeaders = [
      ["authorization", bytes("Bearer x")],
      ["cookie", bytes("a=b")],
      ["x-kept", bytes("yes")],
    ];
    const uri = `${origin}/?status=${status}&to=${to}`;
    const answer = await send({ method, uri, headers, body: bytes("body") });
    expect([textOf(answer), answer.kind === "answered" && answer.uri]).toEqual(["plain", to]);
    const [first, last] = heard;
    expect([last?.method, last?.body.toString()]).toEqual([then, body]);
    expect([first?.headers.includes("Bearer x"), last?.headers.includes("Bearer x")]).toEqual([true, false]);
    expect([last?.headers.includes("a=b"), last?.headers.includes("yes")]).toEqual([false, true]);
  });
});
