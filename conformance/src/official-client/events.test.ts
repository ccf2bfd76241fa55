// Goal: issue 9, event tables over `v2.bsatn` and `v3.bsatn`: the official client 2.x is told each row of an event table once, the caller as
//   well, by its own query, and holds none; what failed is not told; nobody hears later of what was.
// Method: `modules/official/bells-2.ts`, as a bundle of the official package and with its import path changed to `lightcone/module`; two
//   clients for each protocol, over real sockets; the host is killed in between.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundleModule } from "@lightcone/cli/bundle";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { officialBundle, officialLines } from "../official-bundles/official.ts";
import { Served } from "../served.ts";
import { makeProject } from "../typescript/type-check.ts";
import { GeneratedBindings, hasOfficialClient2 } from "./chat-client.ts";
import { offering } from "./offering.ts";

interface Row {
  readonly [column: string]: unknown;
}
interface Table {
  iter(): Iterable<Row>;
  count(): bigint | number;
  onInsert(run: (context: unknown, row: Row) => void): void;
  onDelete?(run: (context: unknown, row: Row) => void): void;
}
interface Subscribing {
  onApplied(callback: () => void): Subscribing;
  onError(callback: (context: { readonly event?: Error }) => void): Subscribing;
  subscribe(queries: readonly string[]): { unsubscribeThen(callback: () => void): void };
}
interface Connection {
  readonly db: { readonly rung: Table; readonly tower: Table };
  readonly reducers: { ring(args: { towerId: number; notes: readonly string[]; fails: boolean }): Promise<unknown> };
  subscriptionBuilder(): Subscribing;
  disconnect(): void;
}
interface Builder {
  withUri(uri: string): Builder;
  withDatabaseName(name: string): Builder;
  withWSFn(open: (asked: object) => unknown): Builder;
  onConnect(callback: (connection: Connection) => void): Builder;
  onConnectError(callback: (context: unknown, error: Error) => void): Builder;
  build(): unknown;
}

async function ours(): Promise<string> {
  const text = readFileSync(new URL("../../../modules/official/bells-2.ts", import.meta.url), "utf8");
  const folder = makeProject({ "module.ts": text.replace("spacetimedb/server", "lightcone/module") });
  try {
    return (await bundleModule(join(folder, "module.ts"))).code;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!hasOfficialClient2 || !officialLines.includes(2))(
  "issue 9: event tables and the official client",
  () => {
    let served: Served;
    const bindings = new Map<string, GeneratedBindings>();
    beforeAll(async () => {
      served = await Served.open();
      for (const [name, code] of [
        ["theirs", await officialBundle("bells", 2)],
        ["ours", await ours()],
      ] as const) {
        await served.publish(name, code, "Js");
        bindings.set(name, await GeneratedBindings.of(new TextEncoder().encode(code), "Js", 2));
      }
    });
    afterAll(async () => {
      await served.stop();
      for (const each of bindings.values()) await each.remove();
    });

    test.each([
      ["theirs", "v2.bsatn.spacetimedb"],
      ["theirs", "v3.bsatn.spacetimedb"],
      ["ours", "v2.bsatn.spacetimedb"],
      ["ours", "v3.bsatn.spacetimedb"],
    ])("the bundle is %s, over %s", async (name, protocol) => {
      const found: unknown = bindings.get(name)?.bindings;
      const { DbConnection } = found as { readonly DbConnection: { builder(): Builder } };
      const connect = (): Promise<Connection> =>
        new Promise((resolve, reject) => {
          offering(protocol)(DbConnection.builder().withUri(served.url.replace("http", "ws")).withDatabaseName(name))
            .onConnect(resolve)
            .onConnectError((_context, error) => reject(error))
            .build();
        });
      const subscribed = (connection: Connection, ...queries: readonly string[]) =>
        new Promise<{ unsubscribeThen(callback: () => void): void }>((resolve, reject) => {
          const handle = connection
            .subscriptionBuilder()
            .onApplied(() => resolve(handle))
            .onError(({ event }) => reject(event ?? new Error("refused")))
            .subscribe(queries);
        });
      const heardBy = (connection: Connection): string[] => {
        const heard: string[] = [];
        connection.db.rung.onInsert((_context, row) => heard.push(`${String(row["tower"])} ${String(row["note"])}`));
        return heard;
      };
      const rings = (connection: Connection, tower: number): unknown =>
        Array.from(connection.db.tower.iter()).find(({ id }) => id === tower)?.["rings"];
      // Each protocol has towers of its own.
      const [one, two] = protocol.startsWith("v2") ? [1, 2] : [3, 4];

      const [ann, bob] = [await connect(), await connect()];
      const [byAnn, byBob] = [heardBy(ann), heardBy(bob)];
      await subscribed(ann, "SELECT * FROM rung", "SELECT * FROM tower");
      const ofOne = await subscribed(bob, `SELECT * FROM rung WHERE tower = ${one}`, "SELECT * FROM tower");
      await ann.reducers.ring({ towerId: one, notes: ["a", "a", "b"], fails: false });
      await ann.reducers.ring({ towerId: two, notes: ["c"], fails: false });
      // Told in the same message as what is kept: when that is there, so is the event.
      await vi.waitFor(() => expect([rings(ann, two), rings(bob, two)]).toEqual([1, 1]));
      // A table is a set, this one as well: equal rows of one transaction are one.
      expect(byAnn).toEqual([`${one} a`, `${one} b`, `${two} c`]);
      expect(byBob).toEqual([`${one} a`, `${one} b`]);
      await expect(ann.reducers.ring({ towerId: one, notes: ["never"], fails: true })).rejects.toThrow(
        "the rope broke",
      );
      expect(rings(bob, one)).toBe(3);
      for (const each of [ann, bob]) {
        expect(Array.from(each.db.rung.iter())).toEqual([]);
        expect(Number(each.db.rung.count())).toBe(0);
      }
      expect(await served.sql(name, "SELECT * FROM rung")).toEqual([]);

      // Whoever comes later hears of what comes then; a host that ends tells nothing again.
      const late = await connect();
      const byLate = heardBy(late);
      await subscribed(late, "SELECT * FROM rung", "SELECT * FROM tower");
      expect(served.killHost()).toBeGreaterThan(0);
      await bob.reducers.ring({ towerId: one, notes: ["after"], fails: false });
      await vi.waitFor(() => expect([rings(ann, one), rings(bob, one), rings(late, one)]).toEqual([4, 4, 4]));
      expect(byLate).toEqual([`${one} after`]);
      expect(byAnn.slice(3)).toEqual([`${one} after`]);
      expect(byBob.slice(2)).toEqual([`${one} after`]);

      await new Promise<void>((resolve) => ofOne.unsubscribeThen(resolve));
      await ann.reducers.ring({ towerId: one, notes: ["unheard"], fails: false });
      await vi.waitFor(() => expect(byLate).toEqual([`${one} after`, `${one} unheard`]));
      await subscribed(bob, "SELECT * FROM tower");
      expect(byBob.slice(2)).toEqual([`${one} after`]);
      for (const each of [ann, bob, late]) each.disconnect();
    });
  },
);
