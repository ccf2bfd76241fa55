// Goal: issue 9, row "protocols". Each query set of a client of v2 or v3 is complete by itself, whatever other sets it has
// and whichever host it is with: what it was sent for the set, inserts less deletes, are the rows that its queries return.
// Method: clients that subscribe, unsubscribe and call at random while hosts end, held against the tables; and the cases
// that chance does not reach, one by one.
import { assertProperty, runCount } from "@lightcone/base/testing";
import type { DatabaseLink } from "@lightcone/database";
import type { RowListView, v2 } from "@lightcone/protocol";
import { ByteWriter, toHex } from "@lightcone/sats";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClientV2, type LaterProtocol } from "./client-v2.ts";
import { until } from "./endings-request.ts";
import { Hosts } from "./hosts.ts";
import { makeCaller, openLocal, publish, publishBreaking, sql } from "./local.ts";

const shelf = "../crash/modules/shelf.ts";
const queries = [
  "SELECT * FROM item",
  "SELECT * FROM item WHERE shelf = 1",
  "SELECT * FROM item WHERE shelf = 2",
  "select * from item",
  "SELECT * FROM mark",
  "SELECT item.* FROM item JOIN mark ON item.shelf = mark.shelf",
];

function argsOf(...values: readonly (number | string)[]): Uint8Array {
  const out = new ByteWriter();
  for (const value of values) {
    if (typeof value === "number") out.u32(value);
    else out.string(value);
  }
  return out.toBytes();
}

const call = (requestId: number, reducer: string, ...args: readonly (number | string)[]): v2.CallReducer => ({
  kind: "CallReducer",
  requestId,
  reducer,
  args: argsOf(...args),
});
const subscribe = (requestId: number, querySetId: number, ...texts: readonly string[]): v2.Subscribe => ({
  kind: "Subscribe",
  requestId,
  querySetId,
  queries: texts,
});
const unsubscribe = (requestId: number, querySetId: number, sendDroppedRows: boolean): v2.Unsubscribe => ({
  kind: "Unsubscribe",
  requestId,
  querySetId,
  sendDroppedRows,
});

/** Rows as a client that counts has them, by table. */
class Bag {
  private readonly counts = new Map<string, number>();

  add(table: string, rows: RowListView, by: 1 | -1): void {
    for (const row of rows) {
      const key = `${table} ${toHex(row)}`;
      const count = (this.counts.get(key) ?? 0) + by;
      expect(count, `${key} is deleted and was not there`).toBeGreaterThanOrEqual(0);
      if (count === 0) this.counts.delete(key);
      else this.counts.set(key, count);
    }
  }

  get rows(): readonly string[] {
    return [...this.counts].flatMap(([key, count]) => Array.from({ length: count }, () => key)).toSorted();
  }
}

/** What a client has of each of its sets, by all that it has heard. */
function setsOf({ messages }: ClientV2): ReadonlyMap<number, Bag> {
  const sets = new Map<number, Bag>();
  for (const message of messages) {
    if (message.kind === "SubscribeApplied") {
      const bag = new Bag();
      for (const { tableName, rows } of message.tables) bag.add(tableName, rows, 1);
      expect(sets.has(message.querySetId)).toBe(false);
      sets.set(message.querySetId, bag);
    } else if (message.kind === "UnsubscribeApplied") {
      const bag = sets.get(message.querySetId);
      for (const { tableName, rows } of message.tables ?? []) bag?.add(tableName, rows, -1);
      // What it loses is all that it has.
      if (message.tables !== undefined) expect(bag?.rows).toEqual([]);
      sets.delete(message.querySetId);
    } else if (message.kind === "TransactionUpdate") {
      // Nobody is told of nothing.
      expect(message.querySets.length).toBeGreaterThan(0);
      addAll(sets, message.querySets);
    } else if (message.kind === "ReducerResult" && message.outcome.kind === "Ok")
      addAll(sets, message.outcome.querySets);
  }
  return sets;
}

function addAll(sets: ReadonlyMap<number, Bag>, updates: readonly v2.QuerySetUpdate[]): void {
  for (const { querySetId, tables } of updates) {
    const bag = sets.get(querySetId);
    expect(bag, `nothing is told of set ${querySetId}`).toBeDefined();
    expect(tables.length).toBeGreaterThan(0);
    for (const { tableName, rows } of tables)
      for (const each of rows) {
        if (each.kind === "EventTable") throw new Error("there is no event table");
        // In any order: a client takes both at once.
        bag?.add(tableName, each.inserts, 1);
        bag?.add(tableName, each.deletes, -1);
      }
  }
}

/** What a fresh subscription to the same queries gets. */
async function rowsNow(link: DatabaseLink, protocol: LaterProtocol, texts: readonly string[]): Promise<Bag> {
  const client = new ClientV2(link, protocol, { caller: makeCaller(50) });
  client.say(subscribe(1, 1, ...texts));
  await until("the rows", () => client.answeredCount === 1);
  const bag = setsOf(client).get(1);
  client.leave();
  if (bag === undefined) throw new Error("no rows");
  return bag;
}

const protocols: readonly LaterProtocol[] = ["v2.bsatn", "v3.bsatn", "v1.bsatn.lightcone"];

describe.each(protocols)("row protocols: query sets of %s", (protocol) => {
  test("are complete, each by itself, whatever hosts end", async () => {
    const client = fc.nat(2);
    const setId = fc.nat(3);
    const place = { id: fc.nat(4), shelf: fc.integer({ min: 1, max: 2 }) };
    // Whether it waits for what its client says next: version 3 has several messages in a frame.
    const waits = fc.boolean();
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("subscribe" as const),
        client,
        waits,
        setId,
        texts: fc.uniqueArray(fc.constantFrom(...queries), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant("unsubscribe" as const), client, waits, setId, rows: fc.boolean() }),
      fc.record({ kind: fc.constantFrom("put" as const, "put" as const, "note" as const), client, waits, ...place }),
      fc.record({ kind: fc.constant("take" as const), client, waits, ...place }),
      fc.record({ kind: fc.constant("end" as const), turns: fc.nat(8) }),
    );
    await assertProperty(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
        const hosts = new Hosts();
        const link = await hosts.open();
        expect((await publish(link, shelf)).status).toBe(200);
        const clients = [0, 1, 2].map((seed) => new ClientV2(link, protocol, { caller: makeCaller(60 + seed) }));
        await until("the greetings", () => clients.every(({ messages }) => messages.length === 1));
        const said = [0, 0, 0];
        const wanted = clients.map(() => new Map<number, readonly string[]>());
        const unsaid: v2.ClientMessage[][] = clients.map(() => []);
        const sayAll = (who: number): void => {
          const messages = unsaid[who]?.splice(0) ?? [];
          if (protocol !== "v2.bsatn" && messages.length > 0) clients[who]?.say(...messages);
          else for (const message of messages) clients[who]?.say(message);
        };
        const say = (who: number, make: (requestId: number) => v2.ClientMessage): void => {
          said[who] = (said[who] ?? 0) + 1;
          unsaid[who]?.push(make(said[who] ?? 0));
        };
        for (const each of steps) {
          switch (each.kind) {
            case "subscribe":
              if (wanted[each.client]?.has(each.setId) === false) wanted[each.client]?.set(each.setId, each.texts);
              say(each.client, (id) => subscribe(id, each.setId, ...each.texts));
              break;
            case "unsubscribe":
              wanted[each.client]?.delete(each.setId);
              say(each.client, (id) => unsubscribe(id, each.setId, each.rows));
              break;
            case "put":
              say(each.client, (id) => call(id, "put", each.id, each.shelf, `text ${id}`));
              break;
            case "take":
              say(each.client, (id) => call(id, "take", each.id));
              break;
            case "note":
              say(each.client, (id) => call(id, "note", each.shelf, `mark ${id}`));
              break;
            case "end":
              for (let left = each.turns; left > 0; left--) await new Promise(setImmediate);
              hosts.end();
          }
          if (each.kind !== "end" && !each.waits) sayAll(each.client);
        }
        for (const who of clients.keys()) sayAll(who);
        await until("the answers", () => clients.every(({ answeredCount }, who) => answeredCount === said[who]));
        for (const [who, each] of clients.entries()) {
          expect(each.closed).toBeUndefined();
          // Every request is answered once, with its own number.
          const answered = each.messages.flatMap((message) =>
            "requestId" in message && message.requestId !== undefined ? [message.requestId] : [],
          );
          expect(answered.toSorted((a, b) => a - b)).toEqual(Array.from({ length: said[who] ?? 0 }, (_, at) => at + 1));
          const sets = setsOf(each);
          expect([...sets.keys()].toSorted()).toEqual([...(wanted[who]?.keys() ?? [])].toSorted());
          for (const [id, texts] of wanted[who] ?? [])
            expect(sets.get(id)?.rows).toEqual((await rowsNow(link, protocol, texts)).rows);
        }
        await link.stop(100);
      }),
      runCount(30),
    );
  });

  async function open(): Promise<{ link: Awaited<ReturnType<typeof openLocal>>; client: ClientV2; other: ClientV2 }> {
    const link = await openLocal();
    expect((await publish(link, shelf)).status).toBe(200);
    const client = new ClientV2(link, protocol, { caller: makeCaller(60) });
    const other = new ClientV2(link, protocol, { caller: makeCaller(61) });
    await until("the greetings", () => client.messages.length + other.messages.length === 2);
    expect(client.messages[0]).toMatchObject({ kind: "InitialConnection", identity: client.caller.identity });
    return { link, client, other };
  }

  test("the caller hears of its sets with its result, others by one update, and both of the sets that changed alone", async () => {
    const { link, client, other } = await open();
    const [all, first, second] = queries as [string, string, string];
    for (const each of [client, other]) {
      each.say(subscribe(1, 9, first));
      each.say(subscribe(2, 4, all, first));
      each.say(subscribe(3, 6, second));
    }
    await until("the sets", () => client.answeredCount + other.answeredCount === 6);
    client.say(call(4, "put", 1, 1, "one"));
    await until("the result", () => client.answeredCount === 4 && other.messages.length === 5);
    const row = toHex(argsOf(1, 1, "one"));
    const shown = (sets: readonly v2.QuerySetUpdate[]) =>
      sets.map(({ querySetId, tables }) => ({
        querySetId,
        rows: tables.flatMap(({ tableName, rows }) =>
          rows.map((each) => [
            tableName,
            each.kind === "PersistentTable" ? Array.from(each.inserts, (bytes) => toHex(bytes)) : [],
          ]),
        ),
      }));
    const wanted = [
      {
        querySetId: 4,
        rows: [
          ["item", [row]],
          ["item", [row]],
        ],
      },
      { querySetId: 9, rows: [["item", [row]]] },
    ];
    const [result, update] = [client.messages.at(-1), other.messages.at(-1)];
    if (result?.kind !== "ReducerResult" || result.outcome.kind !== "Ok" || update?.kind !== "TransactionUpdate")
      throw new Error(`${result?.kind}, ${update?.kind}`);
    expect(shown(result.outcome.querySets)).toEqual(wanted);
    expect(shown(update.querySets)).toEqual(wanted);
    // Of what concerns none of its sets a client hears nothing.
    other.say(unsubscribe(4, 9, false));
    other.say(unsubscribe(5, 4, false));
    await until("the end of the sets", () => other.answeredCount === 5);
    const heard = other.messages.length;
    client.say(call(5, "put", 1, 1, "uno"));
    await until("the result", () => client.answeredCount === 5);
    expect(other.messages).toHaveLength(heard);
    await link.stop(100);
  });

  test("subscriptionsPerConnectionMax counts sets and queries", async () => {
    const link = await openLocal({ limits: { subscriptionsPerConnectionMax: 3 } });
    expect((await publish(link, shelf)).status).toBe(200);
    const client = new ClientV2(link, protocol);
    client.say(subscribe(1, 1, ...queries.slice(0, 2)));
    client.say(subscribe(2, 2, ...queries.slice(0, 2)));
    client.say(subscribe(3, 3, ...queries.slice(0, 1)));
    client.say(unsubscribe(4, 1, true));
    client.say(subscribe(5, 2, ...queries.slice(0, 2)));
    client.say(unsubscribe(6, 2, true));
    client.say(unsubscribe(7, 3, true));
    for (const id of [1, 2, 3, 4]) client.say(subscribe(7 + id, id));
    await until("the answers", () => client.answeredCount === 11);
    expect(
      client.messages.slice(1).map((message) => [message.kind, "message" in message ? message.message : ""]),
    ).toEqual([
      ["SubscribeApplied", ""],
      ["SubscriptionError", "subscriptionsPerConnectionMax: 4 is over 3"],
      ["SubscribeApplied", ""],
      ["UnsubscribeApplied", ""],
      ["SubscribeApplied", ""],
      ["UnsubscribeApplied", ""],
      ["UnsubscribeApplied", ""],
      ["SubscribeApplied", ""],
      ["SubscribeApplied", ""],
      ["SubscribeApplied", ""],
      ["SubscriptionError", "subscriptionsPerConnectionMax: 4 is over 3"],
    ]);
    await link.stop(100);
  });

  test("what a publish makes private is taken back, set by set, and the others go on", async () => {
    const { link, client, other } = await open();
    other.say(call(1, "put", 1, 1, "one"));
    other.say(call(2, "note", 1, "a mark"));
    client.say(subscribe(1, 1, "SELECT * FROM item", "SELECT * FROM mark"));
    client.say(subscribe(2, 2, "SELECT * FROM mark"));
    await until("the rows", () => client.answeredCount === 2 && other.answeredCount === 2);
    expect((await publishBreaking(link, "../crash/modules/shelf-private.ts")).status).toBe(200);
    other.say(call(3, "put", 2, 1, "two"));
    other.say(call(4, "note", 2, "another"));
    await until("the calls", () => other.answeredCount === 4);
    const errors = client.messages.flatMap((each) => (each.kind === "SubscriptionError" ? [each] : []));
    expect(errors.map(({ requestId, querySetId }) => [requestId, querySetId])).toEqual([[undefined, 1]]);
    expect(errors[0]?.message).toMatch(/^table `item` may not be read any more.*executing: `SELECT \* FROM item`/);
    const sets = setsOf(client);
    expect(sets.get(1)?.rows).toEqual([]);
    expect(sets.get(2)?.rows).toHaveLength(2);
    expect(client.closed).toBeUndefined();
    await link.stop(100);
  });

  test("a text that stands for many queries is told as it was written", async () => {
    const { link, client } = await open();
    client.say(subscribe(1, 1, "SELECT * FROM *"));
    await until("the rows", () => client.answeredCount === 1);
    expect((await publishBreaking(link, "../crash/modules/shelf-private.ts")).status).toBe(200);
    const errors = client.messages.flatMap((each) => (each.kind === "SubscriptionError" ? [each.message] : []));
    expect(errors).toEqual([expect.stringMatching(/executing: `SELECT \* FROM \*`$/)]);
    await link.stop(100);
  });

  test.each([
    { what: "a text", say: (client: ClientV2) => client.sayText("{}") },
    { what: "an unknown tag", say: (client: ClientV2) => client.sayBytes(Uint8Array.of(0xfa, 0, 0, 0, 0)) },
    { what: "a message cut short", say: (client: ClientV2) => client.sayBytes(Uint8Array.of(3, 1, 0, 0, 0, 0, 9, 9)) },
    {
      what: "flags",
      say: (client: ClientV2) => client.sayBytes(Uint8Array.of(3, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)),
    },
    { what: "nothing at all", say: (client: ClientV2) => client.sayBytes(new Uint8Array(0)) },
  ])("$what in the middle of a session ends it alone", async ({ say }) => {
    const { link, client, other } = await open();
    for (const each of [client, other]) each.say(subscribe(1, 1, "SELECT * FROM item"));
    client.say(call(2, "put", 1, 1, "one"));
    say(client);
    client.say(call(3, "put", 2, 1, "never"));
    await until("the end", () => client.closed !== undefined);
    // What was before it has been done, what was behind it has not.
    other.say(call(2, "put", 3, 1, "three"));
    await until("the other's result", () => other.answeredCount === 2);
    expect(other.closed).toBeUndefined();
    expect(setsOf(other).get(1)?.rows).toHaveLength(2);
    expect(await sql(link, "SELECT * FROM item")).toHaveLength(2);
    expect(await sql(link, "SELECT * FROM st_client")).toHaveLength(2); // the other, and who asks
    await link.stop(100);
  });
});
