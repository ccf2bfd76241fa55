// Goal: what a reducer gives reaches whoever called it, once it is kept, and nobody else; a client that has not asked for results
// is sent none; and a result that is lost with its host is told as lost, not made up.
// Method: a module assembled for it, published to a server in a process of its own: HTTP, the command, real sockets of each version.
// Then databases in this process, where a host goes on over another's files with what had no answer yet.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { manualClock, memoryFileSystem } from "@lightcone/commitlog/testing";
import type { FrontResume } from "@lightcone/database";
import { v2, v3 } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";
import { ClientV2 } from "./client-v2.ts";
import { call, makeCaller, openLocal, sql, textOf } from "./local.ts";
import { returningProgram } from "./returning-guest.ts";

const n = (value: number): Uint8Array => {
  const out = new ByteWriter();
  out.u32(value);
  return out.toBytes();
};
const lost = /^the call has succeeded and stays; what it returned was lost/;

describe("row 9: results of reducers", () => {
  let served: Served;
  beforeAll(async () => {
    served = await Served.open();
    await served.publish("results", returningProgram, "Wasm");
  });
  afterAll(() => served.stop());

  const rows = async (): Promise<readonly unknown[]> =>
    (await served.sql("results", "SELECT n FROM thing")).map(([value]) => value);

  test("over HTTP: JSON as of a procedure; an empty text where there is none", async () => {
    for (const [name, body] of [
      ["echo", "[7]"],
      ["look", "[7]"],
    ] as const) {
      const answer = await served.call("results", name, "[7]");
      expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
        200,
        "application/json",
        body,
      ]);
    }
    expect(await rows()).toEqual([7]);
    const silent = await served.call("results", "silent", "[8]");
    expect([silent.status, await silent.text()]).toEqual([200, ""]);
    const refused = await served.call("results", "refuse", "[8]");
    expect([refused.status, await refused.text()]).toEqual([530, "not this one"]);
  });

  test("what is not of the declared type: the call fails, nothing is kept, and the module goes on", async () => {
    const answer = await served.call("results", "wrong", "[99]");
    expect([answer.status, await answer.text()]).toEqual([530, "The instance encountered a fatal error."]);
    expect(await rows()).not.toContain(99);
    const logs = await (await served.request("GET", "/v1/database/results/logs")).text();
    expect(logs).toContain("it returned what is not of its declared type");
    expect(await (await served.call("results", "look", "[1]")).text()).toBe("[1]");
  });

  test("`lightcone call` prints it", async () => {
    const main = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));
    const args = [main, "call", "results", "look", "12", "--server", served.url, "--anonymous"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toBe('{"n":12}\n');
  });

  test.each(["v2", "v3"] as const)("%s: to a client that takes results, and to no other", async (version) => {
    const heard = async (query: string): Promise<string> => {
      const url = `${served.url.replace(/^http/, "ws")}/v1/database/results/subscribe?compression=None${query}`;
      const socket = new WebSocket(url, `${version}.bsatn.spacetimedb`);
      const out = new ByteWriter();
      v2.encodeClientMessage(out, { kind: "CallReducer", reducer: "look", args: n(5), requestId: 3 });
      const outcome = new Promise<string>((resolve, reject) => {
        socket.on("open", () => socket.send(out.toBytes()));
        socket.on("error", reject);
        socket.on("message", (data: Buffer) => {
          for (const message of v3.decodeServerPayload(Uint8Array.from(data.subarray(1))))
            if (message.kind === "ReducerResult")
              resolve(
                message.outcome.kind === "Ok"
                  ? `Ok ${Buffer.from(message.outcome.value).toString("hex")}`
                  : message.outcome.kind,
              );
        });
      });
      const text = await outcome;
      socket.close();
      return text;
    };
    expect(await heard("")).toBe("Ok ");
    expect(await heard("&results=true")).toBe("Ok 05000000");
  });

  test("v1 has no place for results: the call is answered as any", async () => {
    const client = await RawClient.open(served.url, "results", { query: "&results=true" });
    await client.next();
    client.call("look", n(5), 1);
    expect((await client.next())?.kind).toMatch(/^TransactionUpdate/);
    client.close();
  });
});

describe("row 9: a result that is lost with its host", () => {
  test.each(["HTTP", "v2.bsatn", "v3.bsatn"] as const)("over %s, the call is not run again", async (way) => {
    const fileSystem = memoryFileSystem();
    const first = await openLocal({ fileSystem, clock: manualClock() });
    const made = { program: returningProgram, hostType: "wasm", breakClients: false } as const;
    expect((await first.request({ kind: "publish", ...made })).status).toBe(200);
    const caller = makeCaller(5);
    const info = { caller, token: "", compression: "none", light: false, confirmed: true, results: true } as const;
    const out = new ByteWriter();
    const message = { kind: "CallReducer", reducer: "echo", args: n(5), requestId: 3 } as const;
    v2.encodeClientMessage(out, message);
    const bytes = out.toBytes();
    let greeted = -1;
    if (way === "HTTP") expect((await call(first, "echo", "[5]", caller)).status).toBe(200);
    else {
      const client = new ClientV2(first, way, info);
      await until(() => client.messages.length === 1);
      greeted = first.releasedOffset ?? -1;
      client.say(message);
      await until(() => client.answeredCount === 1);
    }
    fileSystem.endProcess();
    const heard = new ClientV2Ear();
    const front: FrontResume = {
      front: "one",
      releasedOffset: way === "HTTP" ? 0 : greeted,
      connections:
        way === "HTTP"
          ? []
          : [
              {
                info: { ...info, protocol: way },
                sink: heard,
                subscribed: [],
                pending: [{ number: 1, bytes, isText: false }],
                received: 1,
              },
            ],
      visits: way === "HTTP" ? [{ ...caller, functionName: "echo" }] : [],
      requestCount: way === "HTTP" ? 1 : 0,
      condemned: [],
      ends: [],
      isCareful: true,
    };
    const next = await openLocal({ fileSystem, clock: manualClock(), resume: [front], mustExist: true });
    if (way === "HTTP") {
      const reply = await call(next, "echo", "[5]", caller);
      expect([reply.status, reply.headers["lightcone-error"]]).toEqual([503, "CallUnknown"]);
      expect(textOf(reply)).toMatch(lost);
    } else {
      await until(() => heard.outcomes.length === 1);
      expect(heard.outcomes[0]).toMatch(lost);
    }
    expect(await sql(next, "SELECT n FROM thing")).toEqual([[5]]);
    await next.stop(0);
  });
});

/** Takes what a connection that goes on is sent. */
class ClientV2Ear {
  readonly queuedBytes = 0;
  readonly outcomes: string[] = [];

  send(bytes: Uint8Array, at: number, length: number): void {
    for (const message of v3.decodeServerPayload(bytes.slice(at + 1, at + length)))
      if (message.kind === "ReducerResult")
        this.outcomes.push(message.outcome.kind === "InternalError" ? message.outcome.message : message.outcome.kind);
  }

  answered(): void {}
  note(): void {}
  close(): void {}
}

async function until(holds: () => boolean): Promise<void> {
  for (let left = 5000; left > 0 && !holds(); left--) await new Promise((resolve) => setImmediate(resolve));
  expect(holds()).toBe(true);
}
