// Goal: a time-out is told as one, whichever instruction it strikes at: not as a crash, and without an end of the host.
// Method: reducers that do nothing but write, called again and again by a stranger with a short time-out, which would strike
// inside an operation more often than not; on a host that is not busy and on one that is, which are watched differently. Then
// answers, log, rows and the number of hosts are looked at.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { rustModule } from "../rust-modules.ts";
import { Served } from "../served.ts";

const reducerTimeoutMs = 700;
const rounds = 3;
const what = (name: string): string =>
  `reducer \`${name}\` took longer than ${reducerTimeoutMs / 1000} s (reducerTimeoutMs) and was ended`;

let served: Served;
let stranger: string;
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { reducerTimeoutMs } });
  const response = await fetch(`${served.url}/v1/identity`, { method: "POST" });
  const { token }: { token: string } = JSON.parse(await response.text());
  stranger = token;
  const entry = fileURLToPath(new URL("./modules/endless.ts", import.meta.url));
  await served.publish("endless", (await bundleModule(entry)).code, "Js");
  const rust = rustModule("showcase");
  if (rust !== undefined) await served.publish("showcase", await readFile(rust), "Wasm");
});
afterAll(() => served.stop());

const log = async (database: string): Promise<string> =>
  (await served.request("GET", `/v1/database/${database}/logs?num_lines=1000`)).text();

/** Makes so many calls at once that a host is watched by a thread of its own. */
async function makeBusy(database: string, reducer: string, argsOf: (number: number) => string): Promise<void> {
  for (let from = 0; from < 400; from += 20) {
    const calls = Array.from({ length: 20 }, (_, index) =>
      served.call(database, reducer, argsOf(from + index), stranger),
    );
    for (const { status } of await Promise.all(calls)) expect(status).toBe(200);
  }
}

async function endsInWords(database: string, reducer: string): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const response = await served.call(database, reducer, "[]", stranger);
    expect([response.status, await response.text()]).toEqual([402, what(reducer)]);
  }
}

async function isUnharmed(database: string): Promise<void> {
  expect(await log(database)).not.toMatch(/ended its process|its process ended|went on after its time/);
  for (const count of served.openings.values()) expect(count).toBe(1);
}

const reducers = ["insert", "update", "insert_and_delete", "insert_catching"];

describe.each(["not busy", "busy"])("F3: a TypeScript module on a host that is %s", (kind) => {
  beforeAll(async () => {
    if (kind === "busy") await makeBusy("endless", "add", (number) => `[${number}]`);
  });

  test.each(reducers)("%s, over HTTP", async (reducer) => {
    const before = await served.sql("endless", "SELECT * FROM item WHERE id >= 500");
    await endsInWords("endless", reducer);
    expect(await served.sql("endless", "SELECT * FROM item WHERE id >= 500")).toEqual(before);
    await isUnharmed("endless");
  });

  test("over WebSocket", async () => {
    const client = await RawClient.open(served.url, "endless", { token: stranger });
    await client.next();
    for (let round = 0; round < rounds; round += 1) {
      client.call("insert", new Uint8Array(0), round);
      const answer = await client.next();
      expect(answer).toMatchObject({ requestId: round, status: { kind: "Failed", message: what("insert") } });
    }
    client.close();
    await isUnharmed("endless");
  });

  test("a scheduled row", async () => {
    const lines = async (): Promise<number> => (await log("endless")).split(what("ring")).length;
    for (let round = 0; round < 2; round += 1) {
      const before = await lines();
      expect((await served.call("endless", "ring_soon", "[]", stranger)).status).toBe(200);
      while ((await lines()) === before);
    }
    expect(await served.sql("endless", "SELECT * FROM alarm")).toEqual([]);
    expect(await served.sql("endless", "SELECT * FROM item WHERE id >= 500")).toEqual([]);
    await isUnharmed("endless");
  });
});

describe.skipIf(rustModule("showcase") === undefined)("F3: a Rust module", () => {
  test.each(["not busy", "busy"])("on a host that is %s", async (kind) => {
    if (kind === "busy") await makeBusy("showcase", "speak", () => "[]");
    await endsInWords("showcase", "insert_for_ever");
    expect(await served.sql("showcase", "SELECT id FROM blob")).toEqual([]);
    expect((await served.call("showcase", "store_blobs", "[1,100]", stranger)).status).toBe(200);
    await served.sql("showcase", "DELETE FROM blob");
    await isUnharmed("showcase");
  });
});
