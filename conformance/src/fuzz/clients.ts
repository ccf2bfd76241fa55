/** What clients say: frames of each protocol, statements, and the heads of requests. */
import { connect } from "node:net";
import { encodeClientMessage, lightcone, v2 } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import type { ConnectionHandle, WireProtocol } from "@lightcone/database";
import { ClientV2 } from "../database/client-v2.ts";
import { makeCaller, openLocal } from "../database/local.ts";
import { returningProgram } from "../database/returning-guest.ts";
import { Served } from "../served.ts";
import { texts, type OpenTarget, type Target } from "./target.ts";

const protocols: readonly WireProtocol[] = ["v1.bsatn", "v1.json", "v2.bsatn", "v3.bsatn", "v1.bsatn.lightcone"];
const four = Uint8Array.of(1, 0, 0, 0);

async function openDatabase() {
  const link = await openLocal();
  const program = returningProgram;
  const reply = await link.request({ kind: "publish", program, hostType: "wasm", breakClients: false });
  if (reply.status !== 200) throw new Error(`the publish was answered ${reply.status}`);
  let failure: Error | undefined;
  void link.failed.then((error) => (failure = error));
  const settle = async (turns = 3): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (failure !== undefined) throw new Error("the database ended", { cause: failure });
  };
  const good = new ClientV2(link, "v2.bsatn");
  let asked = 0;
  /** A client that says what it should is answered. */
  const check = async (): Promise<void> => {
    good.say({ kind: "CallReducer", requestId: (asked += 1), reducer: "look", args: four });
    for (let left = 2000; good.answeredCount < asked; left -= 1) {
      if (left === 0 || good.closed !== undefined) throw new Error(`another client is not served: ${good.closed}`);
      await settle(1);
    }
    good.messages.length = 0;
  };
  return { link, settle, check };
}

function framesOf(protocol: WireProtocol): readonly Uint8Array[] {
  const query = "SELECT * FROM thing WHERE n = 1";
  if (protocol === "v1.json")
    return texts(
      '{"SubscribeMulti":{"query_strings":["SELECT * FROM thing"],"request_id":1,"query_id":{"id":7}}}',
      '{"CallReducer":{"reducer":"echo","args":"[1]","request_id":1,"flags":0}}',
      '{"OneOffQuery":{"message_id":"5eed","query_string":"SELECT * FROM thing"}}',
      '{"UnsubscribeMulti":{"request_id":1,"query_id":{"id":7}}}',
    );
  const written = (write: (out: ByteWriter) => void): Uint8Array => {
    const out = new ByteWriter();
    write(out);
    return out.toBytes();
  };
  if (protocol === "v1.bsatn")
    return (
      [
        { kind: "CallReducer", reducer: "echo", args: four, argsText: undefined, requestId: 1, notify: true },
        { kind: "Subscribe", queries: [query], requestId: 1 },
        { kind: "SubscribeMulti", queries: [query, "SELECT * FROM *"], requestId: 1, queryId: 7 },
        { kind: "UnsubscribeMulti", requestId: 1, queryId: 7 },
        { kind: "OneOffQuery", messageId: four, query },
        { kind: "CallProcedure", procedure: "none", args: four, argsText: undefined, requestId: 1 },
      ] as const
    ).map((message) => written((out) => encodeClientMessage(out, message)));
  const messages: readonly v2.ClientMessage[] = [
    { kind: "CallReducer", requestId: 1, reducer: "echo", args: four },
    { kind: "Subscribe", requestId: 2, querySetId: 1, queries: [query, "SELECT * FROM thing"] },
    { kind: "Unsubscribe", requestId: 3, querySetId: 1, sendDroppedRows: true },
    { kind: "OneOffQuery", requestId: 4, query },
    { kind: "CallProcedure", requestId: 5, procedure: "none", args: four },
  ];
  const each = messages.map((message) => written((out) => v2.encodeClientMessage(out, message)));
  if (protocol === "v1.bsatn.lightcone") {
    const [place, lineage] = [{ offset: 1n, timestampMicros: 0n }, new Uint8Array(65)];
    const sets = [{ querySetId: 9, queries: [query, "SELECT * FROM *"] }];
    each.push(
      written((out) => lightcone.encodeClientMessage(out, { kind: "Resume", requestId: 6, lineage, place, sets })),
    );
  }
  return protocol === "v2.bsatn" ? each : [...each, Buffer.concat(each)];
}

/** A protocol and a frame: the first byte says which. */
export const frames: Target = {
  seeds: () =>
    protocols.flatMap((protocol, index) =>
      framesOf(protocol).map((frame) => Buffer.concat([Uint8Array.of(index), frame])),
    ),
  async open() {
    const { link, settle, check } = await openDatabase();
    const caller = makeCaller(7);
    return {
      async feed(input) {
        const protocol = protocols[(input[0] ?? 0) % protocols.length] ?? "v1.bsatn";
        const sink = {
          queuedBytes: 0,
          send: () => undefined,
          answered: () => undefined,
          note: () => undefined,
          close: () => undefined,
        };
        const connectionId = makeCaller(7).connectionId;
        const handle: ConnectionHandle = link.connect(
          {
            caller: { ...caller, connectionId },
            token: "",
            protocol,
            compression: "none",
            light: false,
            confirmed: false,
            results: true,
          },
          sink,
        );
        const bytes = Uint8Array.from(input.subarray(1));
        handle.receive(bytes, 0, bytes.length, protocol === "v1.json");
        await settle();
        handle.closed();
        await settle(1);
      },
      check,
      close: async () => void (await link.stop(0)),
    } satisfies OpenTarget;
  },
};

export const statements: Target = {
  seeds: () =>
    texts(
      "SELECT * FROM thing WHERE n = 1 OR n > 2 AND NOT n = 3",
      "SELECT a.n, b.n AS other FROM thing a JOIN thing AS b ON a.n = b.n WHERE a.n <> 0xff LIMIT 3",
      "SELECT COUNT(*) AS n FROM thing; SHOW row_limit",
      "INSERT INTO thing (n) VALUES (1), (2)",
      "UPDATE thing SET n = 1 WHERE n = 2",
      "DELETE FROM thing WHERE n BETWEEN 1 AND 2",
      "SET row_limit = 5",
      'SELECT "t".* FROM "thing" "t" WHERE ("t"."n" = 1e3) -- x\n/* y */',
      "SELECT * FROM st_client WHERE identity = :sender AND identity = X'00' AND 'é' = 'it''s'",
    ),
  async open() {
    const { link, check } = await openDatabase();
    const decoder = new TextDecoder();
    return {
      async feed(input) {
        const text = decoder.decode(input);
        // As a stranger: what an owner may write would change what the next is met by.
        const reply = await link.request({ kind: "sql", caller: makeCaller(5), text, confirmed: false });
        if (reply.status >= 500) throw new Error(`it was answered ${reply.status} ${decoder.decode(reply.body)}`);
      },
      check,
      close: async () => void (await link.stop(0)),
    };
  },
};

/** Bytes on a socket that should be HTTP, of a server in a process of its own. */
export const heads: Target = {
  seeds: () => {
    const head = (first: string, ...lines: readonly string[]): string =>
      [first, "Host: x", ...lines, "", ""].join("\r\n");
    const upgrade = [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ];
    return texts(
      head("GET /v1/ping HTTP/1.1"),
      `${head("POST /v1/database/fuzzed/call/look HTTP/1.1", "Content-Type: application/json", "Content-Length: 3")}[1]`,
      `${head("POST /v1/database/fuzzed/sql HTTP/1.1", "Transfer-Encoding: chunked")}5\r\nSELEC\r\n0\r\n\r\n`,
      head(
        "GET /v1/database/fuzzed/subscribe?compression=None&confirmed=true HTTP/1.1",
        ...upgrade,
        "Sec-WebSocket-Protocol: v3.bsatn.spacetimedb",
      ),
      head("PATCH /v1/database/fuzzed/route/a%20b/?x=1#y HTTP/1.1", "X-Forwarded-Host: a,b", "Expect: 100-continue"),
      head("GET /v1/database/fuzzed/schema?version=10 HTTP/1.0", "Authorization: Bearer a.b.c"),
      head("GET /v1/database/fuzzed/logs?num_lines=1&follow=false HTTP/1.1", "Connection: close"),
    );
  },
  async open() {
    const served = await Served.open({ logLevel: "error" });
    await served.publish("fuzzed", returningProgram, "Wasm");
    const port = Number(new URL(served.url).port);
    const { pid } = served;
    return {
      feed: (input) =>
        new Promise((resolve) => {
          const socket = connect(port, "127.0.0.1", () => socket.end(input));
          // What is answered is not looked at; what waits for more is left to wait no longer.
          socket.on("data", () => socket.destroy());
          socket.setTimeout(200, () => socket.destroy());
          socket.on("error", () => undefined);
          socket.on("close", () => resolve());
        }),
      async check() {
        const answer = await served.call("fuzzed", "look", "[1]");
        if (answer.status !== 200 || served.pid !== pid) throw new Error(`the next call was answered ${answer.status}`);
        const failed = served.log.filter((line) => /unhandled|uncaught|request failed/i.test(line));
        if (failed.length > 0) throw new Error(`the server's log: ${failed.join("\n")}`);
      },
      close: () => served.stop(),
    };
  },
};
