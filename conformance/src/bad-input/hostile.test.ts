// Goal: a module that does harm is stopped, alone: other databases' clients notice nothing, the call is failed, the
// database serves on, and its indexes hold what its rows are.
// Method: two databases on a server with small limits. One client calls the neighbour without pause and times the
// answers, while each attack is made on the other; afterwards rows are compared with what the indexes find.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleModule } from "../../../packages/cli/src/build/bundle.ts";
import { RawClient } from "../raw-client.ts";
import { rustModule } from "../rust-modules.ts";
import { Served } from "../served.ts";

const reducerTimeoutMs = 3000;
/** Who had to wait for a call that does not end would wait longer. */
const neighbourWaitsMaxMs = 2500;

let served: Served;
let neighbour: Neighbour;
beforeAll(async () => {
  served = await Served.open({
    databaseLimits: { reducerTimeoutMs, databaseBytesMax: 96 * 1024 ** 2, moduleMemoryPagesMax: 1024 },
    serverLimits: { hostMemoryBytesMax: 900 * 1024 ** 2 },
    nodeFlags: ["--max-old-space-size=128"],
  });
  await served.publishTypeScript("ledger", "ledger");
  const entry = fileURLToPath(new URL("./modules/hostile.ts", import.meta.url));
  await served.publish("hostile", (await bundleModule(entry)).code, "Js");
  const rust = rustModule("showcase");
  if (rust !== undefined) await served.publish("showcase", await readFile(rust), "Wasm");
  neighbour = await Neighbour.open();
});
afterAll(async () => {
  neighbour.stop();
  await served.stop();
});

/** Calls a database that has done nothing, one call after another, and notes how long the longest took. */
class Neighbour {
  private readonly client: RawClient;
  private number = 0;
  private sentAt = performance.now();
  private longestMs = 0;
  private stopped = false;

  private constructor(client: RawClient) {
    this.client = client;
    client.onMessage = (message) => {
      if (message.kind !== "TransactionUpdate") return;
      expect(message.status.kind).toBe("Committed");
      this.longestMs = Math.max(this.longestMs, performance.now() - this.sentAt);
      if (!this.stopped) this.call();
    };
    this.call();
  }

  static async open(): Promise<Neighbour> {
    return new Neighbour(await RawClient.open(served.url, "ledger", { token: served.token }));
  }

  /** The longest wait since the last time this was asked. */
  takeLongestMs(): number {
    const longestMs = Math.max(this.longestMs, performance.now() - this.sentAt);
    this.longestMs = 0;
    return longestMs;
  }

  get isConnected(): boolean {
    return this.client.closed === undefined;
  }

  stop(): void {
    this.stopped = true;
    this.client.close();
  }

  private call(): void {
    const args = new Uint8Array(8);
    new DataView(args.buffer).setUint32(4, this.number, true);
    this.sentAt = performance.now();
    this.client.call("record", args, this.number++);
  }
}

interface Attack {
  readonly reducer: string;
  /** HTTP statuses that the call may end with: which of several limits is met first is chance. */
  readonly statuses: readonly number[];
}

const attacks: readonly Attack[] = [
  { reducer: "fail", statuses: [530] },
  { reducer: "loop", statuses: [402] },
  { reducer: "loopCatching", statuses: [402, 507] },
  // Whether a change was half-way when the stack ended is chance; if none was, the call may even succeed.
  { reducer: "recurseCatching", statuses: [200, 402, 530] },
  { reducer: "insertForEver", statuses: [402, 507] },
  { reducer: "fillHeap", statuses: [402, 530] },
  { reducer: "fillTypedArrays", statuses: [402, 530] },
];

describe("a TypeScript module", () => {
  test.each(attacks)("$reducer", async ({ reducer, statuses }) => {
    const watcher = await RawClient.open(served.url, "hostile", { token: served.token });
    await watcher.next();
    neighbour.takeLongestMs();
    const response = await served.call("hostile", snake(reducer), "[]");
    expect(statuses, await response.text()).toContain(response.status);
    await works("hostile", "add", `["after ${reducer}"]`);
    expect(neighbour.isConnected).toBe(true);
    expect(neighbour.takeLongestMs(), "the neighbour waited").toBeLessThan(neighbourWaitsMaxMs);
    expect(watcher.closed, "its own clients are still there").toBeUndefined();
    watcher.close();
    await indexesEqualRows();
    // The crash count of a module starts again with a publish.
    if (response.status !== 402) await republish();
  });
});

const rustAttacks: readonly Attack[] = [
  { reducer: "loop_for_ever", statuses: [402] },
  { reducer: "recurse_for_ever", statuses: [530] },
  { reducer: "recurse_inserting", statuses: [402, 530] },
  { reducer: "allocate_for_ever", statuses: [530, 402] },
  { reducer: "insert_for_ever", statuses: [507, 402] },
];

describe.skipIf(rustModule("showcase") === undefined)("a Rust module", () => {
  test.each(rustAttacks)("$reducer", async ({ reducer, statuses }) => {
    neighbour.takeLongestMs();
    const response = await served.call("showcase", reducer, "[]");
    expect(statuses, await response.text()).toContain(response.status);
    await works("showcase", "store_blobs", "[1,100]");
    expect(neighbour.isConnected).toBe(true);
    expect(neighbour.takeLongestMs(), "the neighbour waited").toBeLessThan(neighbourWaitsMaxMs);
    const rows = await served.sql("showcase", "SELECT id FROM blob");
    for (const [id] of rows.slice(-20)) {
      expect(await served.sql("showcase", `SELECT id FROM blob WHERE id = ${String(id)}`)).toEqual([[id]]);
    }
  });
});

async function works(database: string, reducer: string, args: string): Promise<void> {
  const until = performance.now() + 30_000;
  for (;;) {
    const response = await served.call(database, reducer, args);
    const text = await response.text();
    if (response.status === 200) return;
    expect(performance.now(), `${reducer} answers ${response.status} ${text}`).toBeLessThan(until);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Republishing the same program changes nothing but that it is a new chance. */
async function republish(): Promise<void> {
  const entry = fileURLToPath(new URL("./modules/hostile.ts", import.meta.url));
  await served.publish("hostile", (await bundleModule(entry)).code, "Js");
}

const rowsLookedUpMax = 100;

/** Rows are found by each of their keys, and what the ordered index holds is what all the rows are. */
async function indexesEqualRows(): Promise<void> {
  const rows = await served.sql("hostile", "SELECT id, group, name FROM item");
  expect(rows.filter(([, , name]) => String(name).startsWith("must not stay"))).toEqual([]);
  const step = Math.ceil(rows.length / rowsLookedUpMax);
  for (const [id, group, name] of rows.filter((_, index) => index % step === 0)) {
    const byId = await served.sql("hostile", `SELECT name FROM item WHERE id = ${String(id)}`);
    expect(byId).toEqual([[name]]);
    const byName = await served.sql("hostile", `SELECT id FROM item WHERE name = '${String(name)}'`);
    expect(byName).toEqual([[id]]);
    const byGroup = await served.sql(
      "hostile",
      `SELECT id FROM item WHERE group = ${String(group)} AND name = '${String(name)}'`,
    );
    expect(byGroup).toEqual([[id]]);
  }
  const groups = Map.groupBy(rows, ([, group]) => group);
  for (const [group, members] of groups) {
    const found = await served.sql("hostile", `SELECT id FROM item WHERE group = ${String(group)}`);
    expect(new Set(found.map(([id]) => id))).toEqual(new Set(members.map(([id]) => id)));
  }
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
