// Goal: row 2, over the real process link. What had been running for a while when its host was killed is failed by its
// own kind of answer and with its own data, once; what waited behind it is served by the next host.
// Method: a server in a process of its own, and a call of each kind that does not end. Behind it wait a subscription, a
// query and somebody else's call; then the host is killed.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ByteWriter, toHexReversed } from "@lightcone/sats";
import type { ServerMessage } from "@lightcone/protocol";
import { WebSocket } from "ws";
import { endingsProgram } from "../database/endings-guest.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const fatal = "The instance encountered a fatal error.";
/** Longer than what runs is left alone before it is blamed for a kill. */
const runsForMs = 900;

let served: Served;
/** Of things that are put: no two have one. */
let nextNumber = 1000;
beforeAll(async () => {
  served = await Served.open();
  await served.publish("endings", endingsProgram(), "Wasm");
});
afterAll(() => served.stop());

function args(n: number): Uint8Array {
  const out = new ByteWriter();
  out.u32(n);
  return out.toBytes();
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Lets what has been asked run for a while, and kills the host at it. */
async function killAtIt(): Promise<void> {
  const [database = ""] = served.awake;
  const fromMs = served.workedMs(database);
  while (served.workedMs(database) - fromMs < runsForMs) await sleep(20);
  served.killHost();
}

async function nextOf(client: RawClient): Promise<ServerMessage> {
  const message = await client.next();
  if (message === undefined) throw new Error(`closed: ${JSON.stringify(client.closed)}`);
  return message;
}

interface Spoken {
  readonly kind: string;
  readonly say: (client: RawClient) => void;
  /** What answers it; nothing for what asked not to be told. */
  readonly answer: Record<string, unknown> | undefined;
}

const spoken: readonly Spoken[] = [
  {
    kind: "CallReducer",
    say: (client) => client.call("spin", args(41), 7),
    answer: {
      kind: "TransactionUpdate",
      status: { kind: "Failed", message: fatal },
      reducerName: "spin",
      args: Buffer.from(args(41)),
      requestId: 7,
    },
  },
  { kind: "CallReducer, quiet", say: (client) => client.call("spin", args(41), 7, 1), answer: undefined },
  {
    kind: "CallProcedure",
    say: (client) =>
      client.say({ kind: "CallProcedure", procedure: "askAndSpin", args: args(41), argsText: undefined, requestId: 7 }),
    answer: { kind: "ProcedureResult", status: { kind: "InternalError", message: fatal }, requestId: 7 },
  },
];

describe("row 2: a host that is killed while it runs", () => {
  test.each(spoken)("$kind", async ({ say, answer }) => {
    const client = await RawClient.open(served.url, "endings");
    const stranger = await RawClient.open(served.url, "endings");
    const greeting = await nextOf(client);
    await nextOf(stranger);
    say(client);
    client.say({ kind: "SubscribeSingle", query: "SELECT * FROM thing", requestId: 8, queryId: 8 });
    client.say({ kind: "OneOffQuery", messageId: Uint8Array.of(9), query: "SELECT * FROM thing" });
    stranger.call("put", args((nextNumber += 1)), 10);
    await killAtIt();
    if (answer !== undefined) {
      const message = await nextOf(client);
      expect(message).toMatchObject(answer);
      if (message.kind === "TransactionUpdate" && greeting.kind === "IdentityToken")
        expect(toHexReversed(message.callerConnectionId)).toBe(toHexReversed(greeting.connectionId));
    }
    const applied = await nextOf(client);
    expect(applied).toMatchObject({ kind: "SubscribeApplied", requestId: 8, queryId: 8 });
    const heard = [await nextOf(client), await nextOf(client)].map(({ kind }) => kind);
    expect(heard.sort()).toEqual(["OneOffQueryResponse", "TransactionUpdate"]);
    expect(await nextOf(stranger)).toMatchObject({
      kind: "TransactionUpdate",
      status: { kind: "Committed" },
      requestId: 10,
    });
    client.close();
    stranger.close();
  });

  test("CallReducer in JSON", async () => {
    const socket = new WebSocket(
      `${served.url.replace("http", "ws")}/v1/database/endings/subscribe`,
      "v1.json.spacetimedb",
    );
    const messages: object[] = [];
    const heard = async (count: number): Promise<void> => {
      while (messages.length < count) await sleep(5);
    };
    socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString())));
    await heard(1);
    socket.send(JSON.stringify({ CallReducer: { reducer: "spin", args: "[ 41 ]", request_id: 7, flags: 0 } }));
    await killAtIt();
    await heard(2);
    expect(messages[1]).toMatchObject({
      TransactionUpdate: {
        status: { Failed: fatal },
        reducer_call: { reducer_name: "spin", args: "[ 41 ]", request_id: 7 },
      },
    });
    socket.close();
  });

  test.each([
    { what: "a reducer", name: "spin" },
    { what: "a procedure", name: "askAndSpin" },
  ])("$what over HTTP", async ({ name }) => {
    const response = served.call("endings", name, "[41]");
    await sleep(50);
    const behind = served.sql("endings", "SELECT n FROM thing WHERE n = 41");
    await killAtIt();
    const { status } = await response;
    expect([status, await (await response).text()]).toEqual([530, fatal]);
    expect(await behind).toEqual([]);
  });
});
