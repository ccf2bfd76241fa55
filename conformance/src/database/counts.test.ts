// Goal: row 27. Of each row a client has been sent as many inserts less deletes as queries that it holds return it,
// whatever forms its sets have and whichever texts they share.
// Method: random sets of every form over a few texts, taken and let go between writes. A client adds up what it is
// sent; a row must be there exactly while some set returns it, as often as the law of `query-sets.ts` says, and
// nothing may be left when the last set is gone.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import type { ServerMessage, TableUpdate } from "@lightcone/protocol";
import { describe, expect, test } from "vitest";
import { LocalClient, makeCaller, openLocal, publish, sql } from "./local.ts";

const cases = runCount(40);
const module = "../crash/modules/shelf.ts";

interface Item {
  readonly id: number;
  readonly shelf: number;
}

/** What each text returns, said in TypeScript. The last differs from the first in spelling alone. */
const texts: readonly { readonly text: string; readonly returns: (item: Item) => boolean }[] = [
  { text: "SELECT * FROM item", returns: () => true },
  { text: "SELECT * FROM item WHERE shelf = 1", returns: ({ shelf }) => shelf === 1 },
  { text: "SELECT * FROM item WHERE id < 3", returns: ({ id }) => id < 3 },
  { text: "SELECT  *  FROM item", returns: () => true },
];

type Form = "single" | "multi" | "legacy";
const someTexts = fc.uniqueArray(fc.nat(texts.length - 1), { minLength: 1, maxLength: 3 });
const step = fc.oneof(
  fc.record({
    kind: fc.constant("subscribe" as const),
    form: fc.constantFrom<Form>("single", "multi", "multi", "legacy"),
    of: someTexts,
  }),
  fc.record({ kind: fc.constant("unsubscribe" as const), which: fc.nat(9), asMulti: fc.boolean() }),
  fc.record({ kind: fc.constant("put" as const), id: fc.nat(5), shelf: fc.nat(2) }),
  fc.record({ kind: fc.constant("take" as const), id: fc.nat(5) }),
);

interface HeldSet {
  readonly id: number;
  readonly of: readonly number[];
  /** Of each text, which hold of it: sets that share a text have the same one. */
  readonly holds: readonly object[];
}

/** Counts rows by their ids: no two rows of the test have one. */
class Counter {
  readonly counts = new Map<number, number>();

  add(rows: Iterable<Uint8Array>, by: number): void {
    for (const row of rows) this.addId(new DataView(row.buffer, row.byteOffset).getUint32(0, true), by);
  }
  addId(id: number, by: number): void {
    const count = (this.counts.get(id) ?? 0) + by;
    expect(count).toBeGreaterThanOrEqual(0);
    if (count === 0) this.counts.delete(id);
    else this.counts.set(id, count);
  }
}

function tablesOf(message: ServerMessage): readonly TableUpdate[] {
  switch (message.kind) {
    case "TransactionUpdate":
      return message.status.kind === "Committed" ? message.status.tables : [];
    case "TransactionUpdateLight":
    case "InitialSubscription":
    case "SubscribeMultiApplied":
    case "UnsubscribeMultiApplied":
      return message.tables;
    case "SubscribeApplied":
    case "UnsubscribeApplied":
      return [message.table];
    case "SubscriptionError":
      throw new Error(message.message);
    default:
      return [];
  }
}

describe("row 27: sets of every form that share texts", () => {
  test("are counted by the law", { timeout: 120_000 }, async () => {
    await assertProperty(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
        const database = await openLocal();
        expect((await publish(database, module)).status).toBe(200);
        const client = new LocalClient(database, makeCaller(7));
        await client.next();
        const counter = new Counter();
        const items = new Map<number, Item>();
        const sets = new Map<number, HeldSet>();
        const shared = new Map<number, object>();
        let legacy: HeldSet | undefined;
        let nextId = 1;

        const answer = async (isCall: boolean): Promise<void> => {
          const message = await client.next();
          if (isCall) expect(message.kind).toBe("TransactionUpdate");
          // The set before is gone with its rows, and it is for the client to see to that.
          if (message.kind === "InitialSubscription" && legacy !== undefined)
            for (const of of legacy.of)
              for (const item of items.values()) if (texts[of]?.returns(item) === true) counter.addId(item.id, -1);
          for (const { updates } of tablesOf(message)) {
            for (const { deletes, inserts } of updates) {
              counter.add(deletes, -1);
              counter.add(inserts, 1);
            }
          }
        };
        const isHeld = (hold: object): boolean => [...sets.values()].some(({ holds }) => holds.includes(hold));
        const subscribe = async (form: Form, of: readonly number[]): Promise<void> => {
          const id = nextId++;
          const queries = of.map((index) => texts[index]?.text ?? "");
          if (form === "legacy") {
            client.say({ kind: "Subscribe", queries, requestId: id });
            await answer(false);
            legacy = { id, of, holds: of.map(() => ({})) };
            return;
          }
          const chosen = form === "single" ? of.slice(0, 1) : of;
          const holds = chosen.map((index) => {
            const known = shared.get(index);
            const isThere = known !== undefined && isHeld(known);
            if (isThere && form === "multi") return known;
            const hold = {};
            if (!isThere) shared.set(index, hold);
            return hold;
          });
          const [query = ""] = queries;
          if (form === "single") client.say({ kind: "SubscribeSingle", query, requestId: id, queryId: id });
          else client.say({ kind: "SubscribeMulti", queries, requestId: id, queryId: id });
          sets.set(id, { id, of: chosen, holds });
          await answer(false);
        };
        const unsubscribe = async (id: number, asMulti: boolean): Promise<void> => {
          // The form for one query fits sets of one, however they were made.
          const isMulti = asMulti || sets.get(id)?.of.length !== 1;
          client.say({ kind: isMulti ? "UnsubscribeMulti" : "Unsubscribe", requestId: id, queryId: id });
          sets.delete(id);
          await answer(false);
        };

        const check = (): void => {
          const expected = new Map<number, number>();
          const holds = new Map<object, number>();
          for (const { of, holds: own } of [...sets.values(), ...(legacy === undefined ? [] : [legacy])])
            own.forEach((hold, index) => holds.set(hold, of[index] ?? 0));
          for (const of of holds.values())
            for (const item of items.values())
              if (texts[of]?.returns(item) === true) expected.set(item.id, (expected.get(item.id) ?? 0) + 1);
          const sorted = (counts: ReadonlyMap<number, number>): unknown => [...counts].sort(([a], [b]) => a - b);
          expect(sorted(counter.counts)).toEqual(sorted(expected));
        };

        for (const each of steps) {
          switch (each.kind) {
            case "subscribe":
              await subscribe(each.form, each.of);
              break;
            case "unsubscribe": {
              const ids = [...sets.keys()];
              const id = ids[each.which % Math.max(1, ids.length)];
              if (id !== undefined) await unsubscribe(id, each.asMulti);
              break;
            }
            case "put": {
              const args = new Uint8Array(13);
              new DataView(args.buffer).setUint32(0, each.id, true);
              new DataView(args.buffer).setUint32(4, each.shelf, true);
              new DataView(args.buffer).setUint32(8, 1, true);
              args[12] = 65;
              client.call("put", args);
              items.set(each.id, { id: each.id, shelf: each.shelf });
              await answer(true);
              break;
            }
            case "take":
              client.call("take", Uint8Array.of(each.id, 0, 0, 0));
              items.delete(each.id);
              await answer(true);
          }
          check();
        }
        for (const id of [...sets.keys()]) await unsubscribe(id, true);
        check();
        expect(await sql(database, "SELECT id FROM item")).toHaveLength(items.size);
        await database.stop(100);
      }),
      cases,
    );
  });
});
