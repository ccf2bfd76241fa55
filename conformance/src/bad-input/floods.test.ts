// Goal: issue 9, "Bad input". Connections by the thousand, half of them never finished, and subscriptions that come and go, cost nobody
// else anything and leave nothing behind.
// Method: a real server, raw sockets that say nothing, half a request, or half an upgrade, and clients that come and leave, while one
// goes on asking. Then a database in this process whose heap is measured, garbage left out, between rounds of subscribing and letting go.
import { connect, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { runCount } from "@lightcone/base/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClientV2 } from "../database/client-v2.ts";
import { LocalClient, makeCaller, openLocal } from "../database/local.ts";
import { returningProgram } from "../database/returning-guest.ts";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const connectCount = Math.min(5000, runCount(400));
/** Of each kind: in `npm run soak` some two minutes' worth. */
const churnCount = process.env["LIGHTCONE_RUNS"] === undefined ? 2500 : runCount(6000);

describe("row bad input: a flood of connects", { timeout: 900_000 }, () => {
  let served: Served;
  beforeAll(async () => {
    served = await Served.open();
    await served.publish("flooded", returningProgram, "Wasm");
  });
  afterAll(() => served.stop());

  const upgrade = [
    "GET /v1/database/flooded/subscribe?compression=None HTTP/1.1",
    "Host: x",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Protocol: v2.bsatn.spacetimedb",
    "",
    "",
  ].join("\r\n");
  /** What sockets say before they say no more. */
  const halves = [
    "",
    "GE",
    upgrade.slice(0, 90),
    upgrade,
    `${upgrade}\x82`,
    "POST /v1/database/flooded/sql HTTP/1.1\r\nContent-Length: 9\r\n\r\nSE",
  ];

  test("half-open ones of each kind: others are served meanwhile, and when they are gone nobody is there", async () => {
    const good = await RawClient.open(served.url, "flooded");
    await good.next();
    const port = Number(new URL(served.url).port);
    const sockets: Socket[] = [];
    for (let at = 0; at < connectCount; at += 1) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(halves[at % halves.length] ?? "", "latin1");
      sockets.push(socket);
      if (at % 100 !== 0) continue;
      good.call("look", Uint8Array.of(1, 0, 0, 0), at);
      expect((await good.next())?.kind, `at ${at}`).toMatch(/^TransactionUpdate/);
    }
    // Those that were let in are clients; no other is.
    const clients = async (): Promise<number> => (await served.sql("flooded", "SELECT * FROM st_client")).length;
    const upgraded = Array.from({ length: connectCount }, (_, at) => at % halves.length).filter(
      (half) => half === 3 || half === 4,
    );
    await expect.poll(clients, { timeout: 60_000 }).toBe(upgraded.length + 2); // the good one, and who asks
    for (const socket of sockets) socket.destroy();
    await expect.poll(clients, { timeout: 60_000 }).toBe(2);
    good.call("look", Uint8Array.of(1, 0, 0, 0), 1);
    expect((await good.next())?.kind).toMatch(/^TransactionUpdate/);
    good.close();
  });
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void; // as the flag has it

describe("row bad input: subscriptions that come and go", { timeout: 900_000 }, () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const query = (at: number): string => `SELECT * FROM thing WHERE n = ${at} OR n = ${at + 7}`;

  /** Subscribes and lets go, so often. */
  type Churn = (count: number) => Promise<void>;
  type Link = Awaited<ReturnType<typeof openLocal>>;

  function later(link: Link): Churn {
    const client = new ClientV2(link, "v2.bsatn");
    let number = 0;
    return async (count) => {
      for (let left = count; left > 0; left -= 1) {
        number += 1;
        client.say({ kind: "Subscribe", requestId: number, querySetId: number, queries: [query(number)] });
        client.say({ kind: "Unsubscribe", requestId: number, querySetId: number, sendDroppedRows: left % 2 === 0 });
        while (client.answeredCount < 2 * number) await turn();
        client.messages.length = 0;
      }
    };
  }

  function first(link: Link): Churn {
    const client = new LocalClient(link, makeCaller(5));
    let number = 0;
    return async (count) => {
      for (let left = count; left > 0; left -= 1) {
        number += 1;
        client.say({ kind: "SubscribeMulti", queries: [query(number)], requestId: number, queryId: number });
        client.say({ kind: "UnsubscribeMulti", requestId: number, queryId: number });
        while (client.answeredCount < 2 * number) await turn();
        client.messages.length = 0;
        client.subscribed.length = 0;
      }
    };
  }

  function clients(link: Link): Churn {
    return async (count) => {
      for (let left = count; left > 0; left -= 1) {
        const client = new ClientV2(link, "v3.bsatn", { caller: makeCaller(left % 200) });
        client.say({ kind: "Subscribe", requestId: 1, querySetId: 1, queries: [query(left)] });
        while (client.answeredCount < 1) await turn();
        client.leave();
        await turn();
      }
    };
  }

  // Bytes of the heap for each: what is compiled meanwhile; and of clients, the writes that a file system in memory keeps.
  test.each([
    ["query sets of version 2", later, 300],
    ["queries of version 1", first, 300],
    ["clients of version 3", clients, 1000],
  ] as const)("%s leave nothing behind", async (_, begin, leftMax) => {
    const link = await openLocal();
    const made = { program: returningProgram, hostType: "wasm", breakClients: false } as const;
    expect((await link.request({ kind: "publish", ...made })).status).toBe(200);
    const churn = begin(link);
    await churn(500); // what grows to its usual size does so
    collect();
    // What is compiled, or grows once, does so in one of these; what leaks grows in each.
    const left: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = process.memoryUsage().heapUsed;
      await churn(Math.ceil(churnCount / 3));
      collect();
      left.push(((process.memoryUsage().heapUsed - before) / churnCount) * 3);
    }
    expect(Math.min(...left), `bytes left: ${left.map(Math.round).join(", ")}`).toBeLessThan(leftMax);
    await link.stop(0);
  });
});
