// Goal: `kill -9` of the front or of a host under load loses no acknowledged transaction, applies none twice,
// leaves no half transaction, and leaves no client waiting.
// Method: clients record numbered entries without pause; a process is killed at a random moment and started again;
// then every acknowledged number must be there once, every other one at most once, and the tallies must agree.
import { testSeed } from "@lightcone/base/testing";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../raw-client.ts";
import { Served } from "../served.ts";

const killCount = Number(process.env["LIGHTCONE_CRASHES"] ?? 6);
const clientCount = 6;
const inFlightMax = 16;
const servedAgainMs = 5000;

let served: Served;
beforeAll(async () => {
  served = await Served.open();
  await served.publishTypeScript("ledger", "ledger");
});
afterAll(() => served.stop());

/** One client: keeps calls in flight, counts what was acknowledged. */
class Recorder {
  readonly client: number;
  readonly acknowledged = new Set<number>();
  #connection: RawClient | undefined;
  #next = 0;
  #waiting = 0;
  lastAnswerAt = performance.now();
  stopped = false;

  constructor(client: number) {
    this.client = client;
  }

  async connect(): Promise<void> {
    const connection = await RawClient.open(served.url, "ledger", { token: served.token });
    this.#connection = connection;
    this.#waiting = 0;
    connection.onMessage = (message) => {
      this.lastAnswerAt = performance.now();
      if (message.kind !== "TransactionUpdate") return;
      expect(message.status.kind, JSON.stringify(message.status)).toBe("Committed");
      this.acknowledged.add(message.requestId);
      this.#waiting--;
      this.#fill();
    };
    this.#fill();
  }

  get isClosed(): boolean {
    return this.#connection?.closed !== undefined;
  }

  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  close(): void {
    this.#connection?.close();
  }

  #fill(): void {
    while (!this.stopped && this.#waiting < inFlightMax) {
      const number = this.#next++;
      const args = new Uint8Array(8);
      new DataView(args.buffer).setUint32(0, this.client, true);
      new DataView(args.buffer).setUint32(4, number, true);
      this.#connection?.call("record", args, number);
      this.#waiting++;
    }
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test(`${killCount} kills under load`, { timeout: 60_000 + killCount * 15_000 }, async () => {
  const seed = testSeed(1);
  const kill = fc.record({ front: fc.boolean(), afterMs: fc.integer({ min: 20, max: 400 }) });
  const chance = fc.sample(kill, { numRuns: killCount, seed });
  const recorders = Array.from({ length: clientCount }, (_, client) => new Recorder(client));
  await Promise.all(recorders.map((recorder) => recorder.connect()));
  for (const { front, afterMs } of chance) {
    await sleep(afterMs);
    const killedAt = performance.now();
    if (front) {
      await served.killFront();
      await served.start();
      await Promise.all(recorders.map((recorder) => recorder.connect()));
    } else {
      served.killHost();
    }
    for (const recorder of recorders) {
      while (recorder.lastAnswerAt <= killedAt && !recorder.isClosed) {
        expect(
          performance.now() - killedAt,
          `client ${recorder.client} waits (seed ${seed}, front ${front})`,
        ).toBeLessThan(servedAgainMs);
        await sleep(5);
      }
      if (recorder.isClosed) await recorder.connect();
    }
  }
  for (const recorder of recorders) recorder.stopped = true;
  for (const recorder of recorders) while (!recorder.isIdle && !recorder.isClosed) await sleep(5);
  for (const recorder of recorders) recorder.close();

  const rows = await served.sql("ledger", "SELECT client, number, id FROM entry");
  const tallies = new Map(
    (await served.sql("ledger", "SELECT client, count FROM tally")).map(([client, count]) => [client, count]),
  );
  expect(new Set(rows.map(([, , id]) => id)).size).toBe(rows.length);
  for (const { client, acknowledged } of recorders) {
    const numbers = rows.filter(([of]) => of === client).map(([, number]) => Number(number));
    const once = new Set(numbers);
    expect(once.size, `client ${client}: an entry was applied twice (seed ${seed})`).toBe(numbers.length);
    const lost = [...acknowledged].filter((number) => !once.has(number));
    expect(lost, `client ${client}: acknowledged and gone (seed ${seed})`).toEqual([]);
    expect(tallies.get(client), `client ${client}: entry and tally disagree (seed ${seed})`).toBe(numbers.length);
  }
  const byIndex = await served.sql("ledger", "SELECT COUNT(*) AS n FROM entry WHERE client = 0 AND number >= 0");
  expect(byIndex[0]?.[0]).toBe(rows.filter(([client]) => client === 0).length);
});
