// Goal: issue 9, "Bad input". A frame that is spoilt, in the middle of a session of any protocol, is answered or ends its own
// connection with a code; the database, in the same process as before, and every other client go on.
// Method: a real server and real sockets; frames that clients say, cut, extended and changed, between ones that are as
// they should be. A client of each protocol watches a table that is written to all the while.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { assertProperty, runCount } from "@lightcone/base/testing";
import { bundleModule } from "@lightcone/cli/bundle";
import { decodeServerMessage, encodeClientMessage, lightcone, v2, v3, type ClientMessage } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Served } from "../served.ts";

const protocols = ["v1.bsatn", "v1.json", "v2.bsatn", "v3.bsatn", "v1.bsatn.lightcone"] as const;
type Protocol = (typeof protocols)[number];

let served: Served;
let identity = "";
beforeAll(async () => {
  served = await Served.open();
  const entry = fileURLToPath(new URL("../crash/modules/shelf.ts", import.meta.url));
  identity = await served.create("shelf", (await bundleModule(entry)).code);
});
afterAll(() => served.stop());

/** A client that reads no more of what it hears than is asked of it. */
class Client {
  readonly protocol: Protocol;
  readonly heard: Uint8Array[] = [];
  closed: number | undefined;
  private readonly socket: WebSocket;
  private wake: () => void = () => undefined;

  constructor(protocol: Protocol) {
    this.protocol = protocol;
    const url = `${served.url.replace("http", "ws")}/v1/database/shelf/subscribe?compression=None`;
    this.socket = new WebSocket(url, [protocol === "v1.bsatn.lightcone" ? protocol : `${protocol}.spacetimedb`], {
      perMessageDeflate: false,
    });
    this.socket.on("message", (data: Buffer) => {
      this.heard.push(Uint8Array.from(data));
      this.wake();
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code) => {
      this.closed = code;
      this.wake();
    });
  }

  async until(holds: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(20_000);
    while (!holds()) {
      await new Promise<void>((resolve, reject) => {
        this.wake = resolve;
        late.addEventListener("abort", () => reject(new Error(`${this.protocol}: nothing came`)), { once: true });
      });
    }
  }

  say(bytes: Uint8Array, isText = this.protocol === "v1.json"): void {
    this.socket.send(bytes, { binary: !isText });
  }

  leave(): void {
    this.socket.terminate();
  }
}

const query = "SELECT * FROM item";
const mark = 0x5eed;

/** A message that is as it should be. @param what a subscription, or a question with an answer that is told from others */
function message(protocol: Protocol, what: "subscribe" | "ask"): Uint8Array {
  if (protocol === "v1.json") {
    const said =
      what === "subscribe"
        ? { SubscribeMulti: { query_strings: [query], request_id: 1, query_id: { id: 7 } } }
        : { OneOffQuery: { message_id: "5eed", query_string: "SELECT * FROM nothing" } };
    return new TextEncoder().encode(JSON.stringify(said));
  }
  const out = new ByteWriter();
  if (protocol === "v1.bsatn") {
    const said: ClientMessage =
      what === "subscribe"
        ? { kind: "SubscribeMulti", queries: [query], requestId: 1, queryId: 7 }
        : { kind: "OneOffQuery", messageId: Uint8Array.of(0x5e, 0xed), query: "SELECT * FROM nothing" };
    encodeClientMessage(out, said);
  } else {
    const said: v2.ClientMessage =
      what === "subscribe"
        ? { kind: "Subscribe", queries: [query], requestId: 1, querySetId: 7 }
        : { kind: "OneOffQuery", requestId: mark, query: "SELECT * FROM nothing" };
    v2.encodeClientMessage(out, said);
  }
  return out.toBytes();
}

/** Whether a payload answers what was asked last. */
function answers(protocol: Protocol, payload: Uint8Array): boolean {
  if (protocol === "v1.json") {
    const text = new TextDecoder().decode(payload);
    return text.startsWith(`{"OneOffQueryResponse"`) && text.includes(`"5eed"`);
  }
  if (protocol === "v1.bsatn") {
    const said = decodeServerMessage(payload.subarray(1));
    return said.kind === "OneOffQueryResponse" && said.messageId[0] === 0x5e;
  }
  const said =
    protocol === "v1.bsatn.lightcone"
      ? lightcone.decodeServerPayload(payload.subarray(1)).map(({ message }) => message)
      : v3.decodeServerPayload(payload.subarray(1));
  return said.some((each) => each.kind === "OneOffQueryResult" && each.requestId === mark);
}

interface Step {
  readonly dir: string;
  readonly hex?: string;
  readonly text?: string;
}

/** What clients have said, by protocol: what is spoilt. */
const frames: Readonly<Record<Protocol, readonly Uint8Array[]>> = {
  "v1.bsatn": recorded("v1.bsatn"),
  "v1.json": recorded("v1.json"),
  "v2.bsatn": recorded("v2.bsatn"),
  "v3.bsatn": recorded("v3.bsatn"),
  "v1.bsatn.lightcone": [...recorded("v3.bsatn"), resume()],
};

function resume(): Uint8Array {
  const out = new ByteWriter();
  const [place, lineage] = [{ offset: 1n, timestampMicros: 0n }, new Uint8Array(65)];
  const sets = [{ querySetId: 9, queries: ["SELECT * FROM *"] }];
  lightcone.encodeClientMessage(out, { kind: "Resume", requestId: 6, lineage, place, sets });
  return out.toBytes();
}

function recorded(name: Protocol): readonly Uint8Array[] {
  const url = new URL(`../../vectors/conversations/${name}.json`, import.meta.url);
  const { steps }: { steps: readonly Step[] } = JSON.parse(readFileSync(url, "utf8"));
  return steps.flatMap(({ dir, hex, text }) => {
    if (dir !== "client") return [];
    if (hex !== undefined) return [Uint8Array.from(Buffer.from(hex, "hex"))];
    return text === undefined ? [] : [new TextEncoder().encode(text)];
  });
}

const spoilt = fc.constantFrom(...protocols).chain((protocol) =>
  fc.record({
    protocol: fc.constant(protocol),
    sources: fc.array(fc.constantFrom(...frames[protocol]), { minLength: 1, maxLength: 3 }),
    edits: fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 4, 0x22, 0x5b, 0x7f, 0x80, 0xff)), { maxLength: 4 }),
    cut: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
    tail: fc.uint8Array({ maxLength: 4 }),
    isOtherKind: fc.nat(9).map((draw) => draw === 0),
    isBehindSubscription: fc.boolean(),
  }),
);

async function watch(protocol: Protocol): Promise<Client> {
  const client = new Client(protocol);
  await client.until(() => client.heard.length === 1);
  client.say(message(protocol, "subscribe"));
  await client.until(() => client.heard.length === 2);
  return client;
}

test("row bad input: spoilt frames of every protocol", { timeout: 900_000 }, async () => {
  const watchers = await Promise.all(protocols.map(watch));
  const host = served.hosts.get(identity);
  let written = 0;
  await assertProperty(
    fc.asyncProperty(spoilt, async ({ protocol, sources, edits, cut, tail, isOtherKind, isBehindSubscription }) => {
      const source = Uint8Array.from(sources.flatMap((each) => [...each]));
      const kept = source.slice(0, cut === undefined ? source.length : cut % (source.length + 1));
      for (const [at, byte] of edits) if (kept.length > 0) kept[at % kept.length] = byte;
      const client = new Client(protocol);
      await client.until(() => client.heard.length === 1);
      if (isBehindSubscription) client.say(message(protocol, "subscribe"));
      client.say(Uint8Array.from([...kept, ...tail]), (protocol === "v1.json") !== isOtherKind);
      client.say(message(protocol, "ask"));
      await client.until(
        () => client.closed !== undefined || client.heard.some((payload) => answers(protocol, payload)),
      );
      // A text that is none is the socket's business; anything else is said by the database.
      if (client.closed !== undefined) expect([1007, 1011]).toContain(client.closed);
      client.leave();
    }),
    runCount(150),
  );
  for (const watcher of watchers) expect(watcher.closed).toBeUndefined();
  for (; written < 3; written += 1) {
    const heard = watchers.map((watcher) => watcher.heard.length);
    const answer = await served.call("shelf", "put", `[${4_000_000 + written}, 1, "still here"]`);
    expect(answer.status).toBe(200);
    for (const [index, watcher] of watchers.entries())
      await watcher.until(() => watcher.heard.length > (heard[index] ?? 0));
  }
  expect(served.hosts.get(identity), "the database has another process").toBe(host);
  expect(served.openings.get(identity)).toBe(1);
  for (const watcher of watchers) watcher.leave();
});
