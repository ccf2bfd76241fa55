// Goal: what becomes of a procedure that waits, by all that may happen meanwhile: everyone who asked is told what happened, each row is
// written once, and each request leaves once.
// Method: the modules `errands`, in Rust and in TypeScript, in a server of its own, over its real process link; an HTTP server of the test that answers when
// it is told to; real sockets. Rows are compared, and the requests that were heard.
import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { ByteReader, ByteWriter } from "@lightcone/sats";
import type { ServerMessage } from "@lightcone/protocol";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { rustModule } from "../rust-modules.ts";
import { Served, type ServedOptions } from "../served.ts";

const modules = [
  { module: "errands in Rust", path: rustModule("errands"), hostType: "Wasm" },
  { module: "errands in TypeScript", path: "errands.ts", hostType: "Js" },
] as const;
const waitMs = 30_000;

interface Asked {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
  readonly response: ServerResponse;
}

let served: Served;
let identity: string;
let program: Uint8Array<ArrayBuffer>;
let hostType: "Wasm" | "Js";
let there: Server;
let origin: string;
let asked: Asked[];

beforeEach(async () => {
  asked = [];
  there = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { url = "", headers } = request;
      asked.push({ url, headers, body: Buffer.concat(chunks), response });
      if (url.startsWith("/now")) response.setHeader("x-said", "caf\u00e9").end(Buffer.concat(chunks).reverse());
    });
  });
  await new Promise<void>((resolve) => there.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(there.address() as AddressInfo).port}`;
});
afterEach(async () => {
  there.closeAllConnections();
  there.close();
  await served.stop();
});

async function open(options: ServedOptions = {}): Promise<void> {
  served = await Served.open({ procedureHttp: "any", ...options });
  await served.publish("errands", program, hostType);
  const response = await served.request("GET", "/v1/database/errands/identity");
  identity = await response.text();
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const from = performance.now(); !(await holds());) {
    if (performance.now() - from > waitMs) throw new Error(`waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const what = async (): Promise<readonly unknown[]> =>
  (await served.sql("errands", "SELECT id, what FROM done"))
    .toSorted(([a], [b]) => Number(a) - Number(b))
    .map(([, each]) => each);
const wrote = (text: string): Promise<void> => until(`a row says ${text}`, async () => (await what()).includes(text));

/** A way to call a procedure with a text and a time. What it gives is what the caller is told. */
interface Way {
  readonly way: string;
  readonly call: (name: string, text: string, ms: number) => Promise<string>;
}

function napArgs(text: string, ms: number): Uint8Array {
  const out = new ByteWriter();
  out.string(text);
  out.u64Number(ms);
  return out.toBytes();
}

function fetchArgs(url: string): Uint8Array {
  const out = new ByteWriter();
  out.string("GET");
  out.string(url);
  out.u32(0);
  out.u32(0);
  out.u64Number(0);
  return out.toBytes();
}

function toldBy(message: ServerMessage | undefined): string {
  if (message === undefined) return "closed";
  if (message.kind !== "ProcedureResult") return message.kind;
  const { status } = message;
  return status.kind === "Returned"
    ? new ByteReader(status.value).string()
    : status.kind === "InternalError"
      ? status.message
      : status.kind;
}

async function connected(): Promise<RawClient> {
  const client = await RawClient.open(served.url, "errands");
  await client.next();
  return client;
}

const ways: readonly Way[] = [
  {
    way: "over WebSocket",
    call: async (name, text, ms) => {
      const client = await connected();
      const args = name === "fetch" ? fetchArgs(text) : napArgs(text, ms);
      client.say({ kind: "CallProcedure", procedure: name, args, argsText: undefined, requestId: 7 });
      const told = toldBy(await client.next());
      client.close();
      return told;
    },
  },
  {
    way: "over HTTP",
    call: async (name, text, ms) => {
      const args = name === "fetch" ? ["GET", text, [], [], 0] : [text, ms];
      const response = await served.call("errands", name, JSON.stringify(args));
      const body = await response.text();
      return response.status === 200 ? String(JSON.parse(body)) : `${response.status} ${body}`;
    },
  },
];
const unknown = /may or may not have happened|what it had committed or requested stays/;

describe.skipIf(modules.some(({ path }) => path === undefined)).each(modules)(
  "row 9: a procedure that waits, of $module",
  { timeout: 300_000 },
  ({ path = "", hostType: type }) => {
    beforeAll(async () => {
      hostType = type;
      program =
        type === "Wasm"
          ? new Uint8Array(await readFile(path))
          : new TextEncoder().encode(
              (await bundleModule(fileURLToPath(new URL(`../database/modules/${path}`, import.meta.url)))).code,
            );
    });

    test("requests and answers are whole, and a server refuses private addresses unless it is told otherwise", async () => {
      await open();
      const body = Array.from({ length: 3000 }, (_, at) => (at * 7) % 256);
      const fetched = async (): Promise<unknown> =>
        JSON.parse(
          await (
            await served.call("errands", "fetch", JSON.stringify(["POST", `${origin}/now?a=b`, ["x-one: 1"], body, 0]))
          ).text(),
        );
      expect(await fetched()).toMatchObject([
        0,
        [
          200,
          expect.arrayContaining([hostType === "Wasm" ? "x-said: caf\ufffd" : "x-said: caf\u00e9"]),
          Buffer.from(body.toReversed()).toString("hex"),
        ],
      ]);
      expect(asked).toMatchObject([{ url: "/now?a=b", headers: { "x-one": "1", "content-length": "3000" } }]);
      expect(asked[0]?.body.equals(Buffer.from(body))).toBe(true);
      expect(await what()).toEqual(["fetched 3000 bytes"]);
      await served.stop();
      await open({ procedureHttp: "public" });
      expect(await fetched()).toEqual([1, expect.stringMatching(/127\.0\.0\.1.* is not a public address/)]);
      expect([asked.length, await what()]).toEqual([1, []]);
    });

    test("an empty answer, one that is late, and one that is too long are for the procedure to handle", async () => {
      await open({ databaseLimits: { httpResponseBytesMax: 2000 } });
      const fetched = async (size: number, to: string, timeoutMs: number): Promise<unknown> => {
        const args = ["PUT", `${origin}${to}`, [], Array.from({ length: size }, () => 1), timeoutMs];
        return JSON.parse(await (await served.call("errands", "fetch", JSON.stringify(args))).text());
      };
      expect(await fetched(0, "/now", 0)).toMatchObject([0, [200, expect.anything(), ""]]);
      expect(await fetched(2001, "/now", 0)).toEqual([1, expect.stringMatching(/over 2000 bytes/)]);
      expect(await fetched(1, "/later", 50)).toEqual([1, expect.stringMatching(/within 50 ms/)]);
      expect(await what()).toEqual(["fetched 0 bytes"]);
    });

    test("reducers run meanwhile, of the same client too; each is answered when it has ended", async () => {
      await open();
      const client = await connected();
      const args = napArgs("slept", 3000);
      client.say({ kind: "CallProcedure", procedure: "nap_and_note", args, argsText: undefined, requestId: 7 });
      client.call("write", napArgs("meanwhile", 0).subarray(0, 4 + "meanwhile".length), 8);
      expect(await client.next()).toMatchObject({ kind: "TransactionUpdate" });
      expect(await what()).toEqual(["meanwhile"]);
      expect(toldBy(await client.next())).toBe("slept");
      expect(await what()).toEqual(["meanwhile", "slept"]);
      client.close();
    });

    test.each(ways)("its host ends, $way: with nothing in the log it runs again, and writes once", async ({ call }) => {
      await open();
      const told = call("nap_and_note", "slept", 1500);
      await new Promise((resolve) => setTimeout(resolve, 500));
      served.killHost();
      expect(await told).toBe("slept");
      expect([await what(), served.openings.get(identity)]).toEqual([["slept"], 2]);
    });

    test.each(ways)("its host ends, $way: with something in the log it is not begun again", async ({ call }) => {
      await open();
      const told = call("note_and_nap", "it", 60_000);
      await wrote("it begins");
      served.killHost();
      expect(await told).toMatch(unknown);
      expect(await what()).toEqual(["it begins"]);
    });

    test("its host ends when later messages are answered: it is run, and nothing is that was answered", async () => {
      await open();
      const client = await connected();
      const args = napArgs("slept", 2500);
      client.say({ kind: "CallProcedure", procedure: "nap_and_note", args, argsText: undefined, requestId: 7 });
      for (const text of ["second", "third"]) {
        client.call("write", napArgs(text, 0).subarray(0, 4 + text.length), 8);
        expect(await client.next()).toMatchObject({ kind: "TransactionUpdate", requestId: 8 });
        served.killHost();
        await until("another host has it", async () => (await what()).includes(text));
      }
      expect(toldBy(await client.next())).toBe("slept");
      // What is answered once the procedure is, and then a host that ends: nothing comes again.
      served.killHost();
      client.call("write", napArgs("fourth", 0).subarray(0, 4 + "fourth".length), 9);
      expect(await client.next()).toMatchObject({ kind: "TransactionUpdate", requestId: 9 });
      expect(await what()).toEqual(["second", "third", "slept", "fourth"]);
      client.close();
    });

    test.each(ways)("its host ends, $way: what it has in the log, and a snapshot hides, counts", async ({ call }) => {
      await open();
      const told = call("note_and_nap", "it", 60_000);
      await wrote("it begins");
      const taken = await served.request("POST", "/v1/database/errands/snapshot");
      expect(taken.status).toBe(200);
      served.killHost();
      expect(await told).toMatch(unknown);
      expect(await what()).toEqual(["it begins"]);
    });

    test.each(ways)("its host ends, $way: one whose request has left is not begun again", async ({ call }) => {
      await open();
      const told = call("fetch", `${origin}/later`, 0);
      await until("the request has come", () => asked.length === 1);
      served.killHost();
      expect(await told).toMatch(unknown);
      expect([asked.length, await what()]).toEqual([1, []]);
    });

    test.each(ways)(
      "a program that breaks at it after its wait, $way: that fails alone, and is told",
      async ({ call }) => {
        await open({ databaseLimits: { reducerTimeoutMs: 2000 } });
        const beside = call("nap_and_note", "beside", 4000);
        expect(await call("nap_and_panic", "", 100)).toMatch(/fatal error|invalid arguments/);
        expect(await beside).toBe("beside");
        expect(await what()).toEqual(["beside"]);
      },
    );

    test("the server stops: over HTTP it is told, over WebSocket closed; it is not begun again", async () => {
      await open();
      const [bySocket, byHttp] = ways.map(({ call, way }) => call("note_and_nap", way, 60_000));
      for (const { way } of ways) await wrote(`${way} begins`);
      await served.stopFront();
      expect(await bySocket).toBe("closed");
      expect(await byHttp?.catch(() => "no answer")).toMatch(
        /^503 .*ended while it waited: the server is stopping|no answer/,
      );
      await served.start();
      expect((await what()).toSorted()).toEqual(["over HTTP begins", "over WebSocket begins"]);
    });

    test("the front is killed: nothing runs again", async () => {
      await open();
      const client = await connected();
      client.say({
        kind: "CallProcedure",
        procedure: "note_and_nap",
        args: napArgs("it", 10_000),
        argsText: undefined,
        requestId: 7,
      });
      await wrote("it begins");
      await served.killFront();
      await served.start();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(await what()).toEqual(["it begins"]);
    });

    test("its client leaves, and its program is published again: it goes on to its end", async () => {
      await open();
      const client = await connected();
      client.say({
        kind: "CallProcedure",
        procedure: "note_and_nap",
        args: napArgs("it", 700),
        argsText: undefined,
        requestId: 7,
      });
      await wrote("it begins");
      client.close();
      // The same program, other bytes: a custom section, or a line, that says nothing.
      const other = hostType === "Wasm" ? Uint8Array.of(0, 3, 1, 0x78, 0) : new TextEncoder().encode("\n//");
      await served.publish("errands", new Uint8Array([...program, ...other]), hostType);
      await wrote("it ends");
      expect(await what()).toEqual(["it begins", "it ends"]);
    });

    test("its database is deleted: who asked is told", async () => {
      await open();
      const [bySocket, byHttp] = ways.map(({ call, way }) => call("note_and_nap", way, 60_000));
      for (const { way } of ways) await wrote(`${way} begins`);
      expect((await served.request("DELETE", "/v1/database/errands")).status).toBe(200);
      expect([await bySocket, await byHttp]).toEqual(["closed", expect.stringMatching(/^(?:404|503) /)]);
    });

    test.each(ways)("its time is over, $way: it is ended and told, and what it wrote stays", async ({ call }) => {
      await open({ databaseLimits: { procedureTimeoutMs: 3000, httpTimeoutMs: 20_000 } });
      expect(await call("note_and_nap", "it", 60_000)).toMatch(
        /would not end within 3 s of its call \(procedureTimeoutMs\)/,
      );
      expect(await call("fetch", `${origin}/later`, 0)).toMatch(/procedureTimeoutMs/);
      expect(await what()).toEqual(["it begins"]);
      await until("the request is given up", () => asked.every(({ response }) => response.destroyed));
    });

    test("too many wait: the next is refused, and one that has ended makes room", async () => {
      await open({ databaseLimits: { proceduresWaitingMax: 1 } });
      const [way] = ways;
      const first = way?.call("nap_and_note", "first", 5000);
      await until("it waits", async () =>
        /LimitExceeded|proceduresWaitingMax/.test((await way?.call("nap_and_note", "second", 0)) ?? ""),
      );
      expect(await first).toBe("first");
      expect(await way?.call("nap_and_note", "third", 0)).toBe("third");
      expect((await what()).filter((each) => each !== "second")).toEqual(["first", "third"]);
    });

    test.each(["the host", "the front"])(
      "a scheduled one whose %s is killed while it waits: each time of a row runs once",
      async (of) => {
        await open();
        await served.call("errands", "plan_in", JSON.stringify(["bell", 100, 60_000, ""]));
        await served.call("errands", "plan_in", JSON.stringify(["call", 100, 0, `${origin}/later`]));
        await wrote("bell begins");
        await until("the request has come", () => asked.length === 1);
        if (of === "the host") served.killHost();
        else {
          await served.killFront();
          await served.start();
        }
        await served.call("errands", "plan_in", JSON.stringify(["after", 300, 0, ""]));
        await wrote("after ends");
        expect((await what()).toSorted()).toEqual(["after begins", "after ends", "bell begins", "call begins"]);
        expect([asked.length, await served.sql("errands", "SELECT what FROM errand")]).toEqual([1, []]);
      },
    );

    test("a database does not rest while one waits, and rests after that", async () => {
      await open({ serverLimits: { parkAfterMs: 200, parkWakeTimesMin: 0 } });
      await served.call("errands", "plan_in", JSON.stringify(["bell", 10, 1500, ""]));
      await wrote("bell begins");
      await until("it rests", () => served.awake.length === 0);
      expect(await what()).toEqual(["bell begins", "bell ends"]);
      expect(served.openings.get(identity)).toBe(2);
    });
  },
);
