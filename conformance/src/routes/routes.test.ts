// Goal: a request to a route of a module reaches its handler whole, and what the handler gives reaches whoever asked, however it ends: well,
// in an error, a panic, a loop, with its host, with its database at rest, with another program published meanwhile, or with nobody there.
// Method: the same handlers in Rust, in TypeScript and in a bundle of the official package, in a server of its own over its real process link; requests are written to the socket
// byte by byte where it counts. Rows are compared, and what a server of the test was asked.
import { readFile } from "node:fs/promises";
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { officialBundle, officialLines } from "../official-bundles/official.ts";
import { rustModule } from "../rust-modules.ts";
import { Served, type ServedOptions } from "../served.ts";

const modules = [
  { module: "Rust", path: rustModule("errands2"), hostType: "Wasm" },
  { module: "TypeScript", path: fileURLToPath(new URL("./modules/routes.ts", import.meta.url)), hostType: "Js" },
  { module: "the official package 2.x", path: officialLines.includes(2) ? "routes" : undefined, hostType: "Js" },
] as const;
const waitMs = 30_000;

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

let served: Served;

function send(
  method: string,
  path: string,
  body = "",
  headers: Record<string, string | string[]> = {},
  localAddress = "127.0.0.1",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      localAddress,
      headers: body === "" ? headers : { "content-length": Buffer.byteLength(body), ...headers },
    };
    const request = ask(`${served.url}/v1/database/routes/route${path}`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

const told = async (method: string, path: string, body = ""): Promise<string> => {
  const answer = await send(method, path, body);
  return `${answer.status} ${answer.body.toString()}`;
};

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const from = performance.now(); !(await holds());) {
    if (performance.now() - from > waitMs) throw new Error(`waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const written = async (): Promise<readonly unknown[]> =>
  (await served.sql("routes", "SELECT id, what FROM done"))
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, what]) => what);

describe.skipIf(modules.some(({ path }) => path === undefined)).each(modules)(
  "row 9: HTTP handlers of a module in $module",
  { timeout: 300_000 },
  ({ module, path = "", hostType }) => {
    /** Its threads are those of procedures, whose ends `official-bundles/procedures.test.ts` looks at. */
    const isOfficial = path === "routes";
    let program: Uint8Array<ArrayBuffer>;
    beforeAll(async () => {
      program =
        hostType === "Wasm"
          ? new Uint8Array(await readFile(path))
          : new TextEncoder().encode(isOfficial ? await officialBundle("routes", 2) : (await bundleModule(path)).code);
    });

    async function open(options: ServedOptions = {}): Promise<void> {
      served = await Served.open({ procedureHttp: "any", ...options });
      await served.publish("routes", program, hostType);
    }

    describe("of a server that goes on", () => {
      beforeAll(() =>
        open({
          databaseLimits: { reducerTimeoutMs: 1000, routeResponseBytesMax: 3_000_000 },
          serverLimits: { routeBodyBytesMax: 2_500_000 },
        }),
      );
      afterAll(() => served.stop());

      test("the request is whole, and so is the response: methods, address, fields that repeat, any bytes", async () => {
        const bytes = Buffer.from(Array.from({ length: 2_200_000 }, (_, at) => (at * 31) % 256));
        const socket = connect(Number(new URL(served.url).port), "127.0.0.1");
        const chunks: Buffer[] = [];
        socket.on("data", (chunk: Buffer) => chunks.push(chunk));
        socket.write(
          Buffer.from(
            "PATCH /v1/database/routes/route/echo?a=%20b&c=d HTTP/1.1\r\nHost: here.test:81\r\nX-Said: one\r\n" +
              `X-said: caf\u00e9\r\nAuthorization: Basic odd\r\nConnection: close\r\nContent-Length: ${bytes.length}\r\n\r\n`,
            "latin1",
          ),
        );
        socket.write(bytes);
        await new Promise((resolve) => socket.on("close", resolve));
        const all = Buffer.concat(chunks);
        const headEnd = all.indexOf("\r\n\r\n");
        const head = all.subarray(0, headEnd).toString("latin1").split("\r\n");
        expect(all.subarray(headEnd + 4).equals(bytes)).toBe(true);
        expect(head[0]).toBe("HTTP/1.1 200 OK");
        expect(head.slice(1)).toEqual(
          expect.arrayContaining([
            "x-method: PATCH",
            "x-uri: http://here.test:81/v1/database/routes/route/echo?a=%20b&c=d",
            "x-version: HTTP/1.1",
            // The official package reads fields as UTF-8.
            `x-heard: one, caf${isOfficial ? "\u00ef\u00bf\u00bd" : "\u00e9"}`,
            "set-cookie: a=1",
            "set-cookie: b=2",
            "content-type: application/octet-stream",
            "access-control-allow-origin: *",
          ]),
        );
        // Nobody is let in, so nobody is told who they are.
        expect(head.filter((line) => line.startsWith("spacetime-"))).toEqual([]);
      });

      test("a proxy says where the request was sent", async () => {
        const forwarded = { "x-forwarded-proto": "https, http", "x-forwarded-host": "shop.test, inner" };
        const { headers } = await send("GET", "/echo", "", forwarded);
        expect(headers["x-uri"]).toBe("https://shop.test/v1/database/routes/route/echo");
        const odd = await send("GET", "/echo", "", { "x-forwarded-host": "a b/c", "x-forwarded-proto": "gopher" });
        expect(odd.headers["x-uri"]).toBe(`${served.url}/v1/database/routes/route/echo`);
      });

      test.each([
        ["GET", "", "200 root"],
        ["GET", "/", "200 slash"],
        ["GET", "?x=/", "200 root"],
        ["GET", "/nested/deep/~a_b-c", "200 root"],
        ["GET", "/nested/deep/%7Ea_b%2Dc", "200 root"],
        ["PUT", "/write", "204 "],
      ])("%s of /route%s is matched", async (method, at, answer) => {
        expect(await told(method, at)).toBe(answer);
      });

      test("a path that other methods are served by says which", async () => {
        expect((await send("GET", "/write")).headers.allow).toBe("POST, PUT");
        expect([(await send("GET", "/none")).headers.allow, (await send("GET", "")).headers.allow]).toEqual([
          undefined,
          undefined,
        ]);
      });

      test.each([
        ["GET", "/none"],
        ["GET", "/echo/"],
        ["GET", "/ECHO"],
        ["GET", "//"],
        ["GET", "/%ff"],
        ["GET", "/write"],
        ["POST", ""],
        ["DELETE", "/write"],
      ])("%s of /route%s has no handler", async (method, at) => {
        expect(await told(method, at)).toBe("404 Database has not registered a handler for this route");
      });

      test("HEAD is a method of its own and has no body; OPTIONS is answered before any handler", async () => {
        const head = await send("HEAD", "/echo");
        expect([head.status, head.headers["x-method"], head.body.length]).toEqual([200, "HEAD", 0]);
        expect((await send("HEAD", "/only-head")).status).toBe(204);
        expect([(await send("HEAD", "")).status, (await send("GET", "/only-head")).status]).toEqual([404, 404]);
        const options = await send("OPTIONS", "/echo", "", { "x-said": "one" });
        expect([options.status, options.body.length, options.headers["x-heard"]]).toEqual([200, 0, undefined]);
        expect(options.headers["access-control-allow-methods"]).toBe("*");
      });

      test("of a database that is not there, and of a name that cannot be", async () => {
        const status = async (name: string): Promise<number> =>
          (await fetch(`${served.url}/v1/database/${name}/route/echo`)).status;
        expect([await status("missing"), await status("a.b")]).toEqual([404, 400]);
      });

      test("a transaction is nobody's: no sender, no connection, and no client comes or goes for it", async () => {
        expect(await told("POST", "/write", "one")).toBe("201 written");
        expect(await served.sql("routes", "SELECT sender FROM done WHERE what = 'one'")).toEqual([["0".repeat(64)]]);
        expect(
          await served.sql(
            "routes",
            "SELECT * FROM st_client WHERE connection_id = 0x00000000000000000000000000000000",
          ),
        ).toEqual([]);
      });

      test.each([
        ["GET", "/odd-status", "", /status 999; there are 200 to 599/],
        ["POST", "/panic", "", /as asked/],
        ["POST", "/spin", "", /HTTP handler `spins` .*reducerTimeoutMs/],
        ["POST", "/large", "3000001", /its response has 30000\d\d bytes; routeResponseBytesMax is 3000000/],
      ])("%s %s fails alone, is told, and leaves its line", async (method, at, body, line) => {
        const before = (await written()).length;
        expect(await told(method, at, body)).toMatch(/^(?:500 The instance encountered a fatal error\.|402 )/);
        // What a handler has committed stays.
        expect((await written()).length).toBe(before + (at === "/panic" ? 1 : 0));
        expect(await told("GET", "")).toBe("200 root");
        expect(await (await served.request("GET", "/v1/database/routes/logs")).text()).toMatch(line);
      });

      test.runIf(module === "TypeScript").each([
        [
          "POST",
          "/json",
          '{"a":[1]}',
          '200 {"got":{"a":[1]},"keys":["as","http","identity","newUuidV4","newUuidV7","random","sleep","timestamp","withTx"],"random":3}',
        ],
        ["POST", "/json", "{", "500 The instance encountered a fatal error."],
        ["POST", "/refuse", "", "500 not today"],
        ["GET", "/nothing", "", "500 The instance encountered a fatal error."],
        ["GET", "/header", "", "500 The instance encountered a fatal error."],
      ])("in TypeScript: %s %s %s", async (method, at, body, answer) => {
        expect(await told(method, at, body)).toBe(answer);
      });

      test("a request that is too long is refused; one as long as may be is not", async () => {
        expect(await told("POST", "/echo", "x".repeat(2_500_001)).catch(() => "413 cut")).toMatch(/^413/);
        expect((await send("POST", "/echo", "x".repeat(2_500_000))).body.length).toBe(2_500_000);
      });

      test("a client that leaves before its handler begins: it runs, up to its end or to where it waits", async () => {
        let sent = 0;
        const leave = (): void => {
          const body = `gone ${(sent += 1)}`;
          const socket = connect(Number(new URL(served.url).port), "127.0.0.1");
          const head = `POST /v1/database/routes/route/write HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
          socket.write(head + body, () => socket.destroy());
        };
        // A server that hears of the end before it has read the body knows of no request: then another comes.
        await until("one is written", async () => {
          leave();
          return (await written()).some((what) => String(what).startsWith("gone"));
        });
        const gone = (await written()).map(String).filter((what) => what.startsWith("gone"));
        expect(new Set(gone).size).toBe(gone.length);
      });
    });

    describe("while it waits", () => {
      let there: Server;
      let origin: string;
      let asked: ServerResponse[];
      beforeEach(async () => {
        asked = [];
        there = createServer((_, response) => void asked.push(response));
        await new Promise<void>((resolve) => there.listen(0, "127.0.0.1", resolve));
        origin = `http://127.0.0.1:${(there.address() as AddressInfo).port}`;
      });
      afterEach(async () => {
        there.closeAllConnections();
        there.close();
        await served.stop();
      });

      test("others run; it is answered when it has ended, also if another program is published meanwhile", async () => {
        await open();
        const waiting = told("POST", "/fetch", `${origin}/later`);
        await until("the request has come", () => asked.length === 1);
        expect(await told("POST", "/write", "meanwhile")).toBe("201 written");
        const other = hostType === "Wasm" ? Uint8Array.of(0, 3, 1, 0x78, 0) : new TextEncoder().encode("\n//");
        await served.publish("routes", new Uint8Array([...program, ...other]), hostType);
        asked[0]?.writeHead(418).end("late");
        expect(await waiting).toBe("418 late");
        expect(await written()).toEqual(["fetch begins", "meanwhile", "fetch ends"]);
      });

      test.skipIf(isOfficial)(
        "its host ends: it is not begun again, and who asked is told; others are answered by the next host",
        async () => {
          await open();
          const waiting = told("POST", "/fetch", `${origin}/later`);
          await until("the request has come", () => asked.length === 1);
          served.killHost();
          expect(await waiting).toMatch(/^503 .*may or may not have happened/);
          expect(await told("POST", "/write", "after")).toBe("201 written");
          expect([asked.length, await written()]).toEqual([1, ["fetch begins", "after"]]);
        },
      );

      test.skipIf(isOfficial)(
        "too many wait for one address: the next is refused, others' are not; its database is deleted: who asked is told",
        async () => {
          await open({ databaseLimits: { proceduresWaitingPerCallerMax: 1 } });
          const waiting = told("POST", "/fetch", `${origin}/later`);
          await until("the request has come", () => asked.length === 1);
          expect(await told("POST", "/write", "no")).toMatch(/^429 .*proceduresWaitingPerCallerMax/);
          // Whoever comes through a proxy on this machine, or from elsewhere, has a count of their own.
          const forwarded = { "x-forwarded-for": "10.0.0.1, 203.0.113.9" };
          expect((await send("POST", "/write", "by a proxy", forwarded)).status).toBe(201);
          expect((await send("POST", "/write", "by another", {}, "127.0.0.2")).status).toBe(201);
          expect(await written()).toEqual(["fetch begins", "by a proxy", "by another"]);
          expect((await served.request("DELETE", "/v1/database/routes")).status).toBe(200);
          expect(await waiting).toMatch(/^(?:404|503) /);
          expect(await told("GET", "")).toMatch(/^404 /);
        },
      );

      test("whoever asked leaves: it is ended where it waits, its place is free, and its line says why", async () => {
        await open({ databaseLimits: { proceduresWaitingPerCallerMax: 1 } });
        const socket = connect(Number(new URL(served.url).port), "127.0.0.1");
        const body = `${origin}/later`;
        socket.write(
          `POST /v1/database/routes/route/fetch HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
        await until("the request has come", () => asked.length === 1);
        socket.destroy();
        await until("its request is given up", () => asked[0]?.destroyed === true);
        await until("its place is free", async () => (await told("POST", "/write", "next")) === "201 written");
        expect(await written()).toEqual(["fetch begins", "next"]);
        expect(await (await served.request("GET", "/v1/database/routes/logs")).text()).toMatch(
          /HTTP handler `fetches` was ended while it waited: whoever sent the request has left/,
        );
      });

      test.skipIf(isOfficial)("a database at rest is woken by a request", async () => {
        await open({ serverLimits: { parkAfterMs: 200, parkWakeTimesMin: 0 } });
        expect(await told("POST", "/write", "one")).toBe("201 written");
        await until("it rests", () => served.awake.length === 0);
        expect(await told("POST", "/write", "two")).toBe("201 written");
        expect(await written()).toEqual(["one", "two"]);
      });
    });
  },
);

describe("row 9: a route of a module without handlers", () => {
  test("has none", async () => {
    served = await Served.open();
    await served.publishTypeScript("routes", "chat");
    expect(await told("GET", "/hi")).toBe("404 Database has not registered a handler for this route");
    await served.stop();
  });
});
