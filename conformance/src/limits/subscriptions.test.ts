// Goal: row 9. Ten thousand subscriptions on one connection concern nobody else: the front answers meanwhile, and so
// do other databases, while they are taken, handed to the next host, and let go.
// Method: a server in a process of its own. One client does it all at once; others ask, one question after another, and
// note their longest wait. The bounds are generous: what they stand against took half a minute.
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const count = 10_000;
const waitMaxMs = 3000;
const wholeMaxMs = 20_000;

let served: Served;
beforeAll(async () => {
  served = await Served.open();
  await served.publishTypeScript("ledger", "ledger");
  await served.publishTypeScript("other", "ledger");
});
afterAll(() => served.stop());

function recordArgs(client: number, number: number): Uint8Array {
  const args = new Uint8Array(8);
  new DataView(args.buffer).setUint32(0, client, true);
  new DataView(args.buffer).setUint32(4, number, true);
  return args;
}

/** Asks the same thing again and again while `work` goes on. The longest wait. */
async function longestWaitMs(ask: () => Promise<unknown>, work: Promise<unknown>): Promise<number> {
  const at = { isOver: false };
  void work.finally(() => (at.isOver = true));
  let longestMs = 0;
  while (!at.isOver) {
    const from = performance.now();
    await ask();
    longestMs = Math.max(longestMs, performance.now() - from);
  }
  return longestMs;
}

test("row 9: ten thousand subscriptions of one connection", async () => {
  const many = await RawClient.open(served.url, "ledger");
  await many.next();
  const other = await RawClient.open(served.url, "other");
  await other.next();
  let number = 0;
  const health = (): Promise<unknown> => fetch(`${served.url}/v1/health`).then((response) => response.text());
  const call = (): Promise<unknown> => {
    other.call("record", recordArgs(1, number), number++);
    return other.next();
  };
  let heard = 0;
  let wake: () => void = () => undefined;
  many.onMessage = (message) => {
    expect(["SubscribeMultiApplied", "UnsubscribeMultiApplied", "TransactionUpdate"]).toContain(message.kind);
    heard++;
    wake();
  };
  const hears = (total: number): Promise<void> =>
    new Promise((resolve) => {
      wake = () => {
        if (heard >= total) resolve();
      };
      wake();
    });
  /** Does something that `answers` messages answer, and looks at what others wait for meanwhile. */
  const during = async (answers: number, start: () => void): Promise<void> => {
    const done = hears(heard + answers);
    const from = performance.now();
    start();
    const [healthMs, callMs] = await Promise.all([longestWaitMs(health, done), longestWaitMs(call, done)]);
    expect(healthMs, "the longest wait for health").toBeLessThan(waitMaxMs);
    expect(callMs, "the longest wait for a call of another database").toBeLessThan(waitMaxMs);
    expect(performance.now() - from, "all of it").toBeLessThan(wholeMaxMs);
  };

  await during(count, () => {
    for (let id = 1; id <= count; id++) many.subscribe([`SELECT * FROM entry WHERE client = ${id}`], id, id);
  });
  const [host = 0] = served.hosts.values(); // of the database that was published first
  await during(1, () => {
    process.kill(host, "SIGKILL");
    many.call("record", recordArgs(77, 1), 1);
  });
  await during(count - 1, () => {
    for (let id = 1; id <= count; id++)
      if (id !== 77) many.say({ kind: "UnsubscribeMulti", requestId: id, queryId: id });
  });
  // What was not let go is still there.
  const rows = new Promise<number>((resolve) => {
    many.onMessage = (message) => {
      if (message.kind === "TransactionUpdate" && message.status.kind === "Committed")
        resolve(message.status.tables.reduce((sum, table) => sum + Number(table.rowCount), 0));
    };
  });
  many.call("record", recordArgs(77, 2), 2);
  expect(await rows).toBe(1);
  many.close();
  other.close();
});
