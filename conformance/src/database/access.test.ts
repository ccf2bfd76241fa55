// Goal: row 11. A table that a publish makes private is heard of no more by those who subscribed to it before: their
// rows are taken back, their subscriptions end with an error that says why, and all others go on. Also where the host
// ends before anybody was told of the publish.
// Method: a client for each form of subscription, the owner among them, and a program that makes a table private. What
// a client was sent is added up; then the table is written to, and nobody but the owner may hear of it.
import type { ServerMessage, TableUpdate } from "@lightcone/protocol";
import type { DatabaseLink } from "@lightcone/database";
import { ByteWriter, toHex } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { Hosts } from "./hosts.ts";
import { LocalClient, makeCaller, openLocal, program, publish, publishBreaking, sql } from "./local.ts";

const before = "../crash/modules/shelf.ts";
const after = "../crash/modules/shelf-private.ts";
const all = "SELECT * FROM item";
const marks = "SELECT * FROM mark";
const joined = "SELECT mark.* FROM mark JOIN item ON mark.shelf = item.shelf";

function tablesOf(message: ServerMessage): readonly TableUpdate[] {
  switch (message.kind) {
    case "TransactionUpdate":
      return message.status.kind === "Committed" ? message.status.tables : [];
    case "TransactionUpdateLight":
    case "InitialSubscription":
    case "SubscribeMultiApplied":
      return message.tables;
    case "SubscribeApplied":
      return [message.table];
    default:
      return [];
  }
}

/** Rows by table, as a client that counts has them. */
function countsOf({ messages }: LocalClient): Record<string, number> {
  const rows = new Map<string, number>();
  const counts: Record<string, number> = {};
  for (const { tableName, updates } of messages.flatMap(tablesOf)) {
    for (const { deletes, inserts } of updates) {
      for (const [list, by] of [
        [deletes, -1],
        [inserts, 1],
      ] as const) {
        for (const row of list) {
          const key = tableName + toHex(row);
          rows.set(key, (rows.get(key) ?? 0) + by);
          expect(rows.get(key)).toBeGreaterThanOrEqual(0);
          counts[tableName] = (counts[tableName] ?? 0) + by;
        }
      }
    }
  }
  return counts;
}

const errorsOf = ({ messages }: LocalClient) =>
  messages.flatMap((message) => (message.kind === "SubscriptionError" ? [message] : []));

function putArgs(id: number): Uint8Array {
  const out = new ByteWriter();
  out.u32(id);
  out.u32(1);
  out.string("text");
  return out.toBytes();
}

function noteArgs(): Uint8Array {
  const out = new ByteWriter();
  out.u32(1);
  out.string("a mark");
  return out.toBytes();
}

interface Case {
  readonly form: string;
  readonly isOwner?: boolean;
  readonly subscribe: (client: LocalClient) => void;
  /** How many messages answer that. */
  readonly answers: number;
  /** What is said of what ended: its request, its id, and the query. */
  readonly ended: readonly { readonly requestId: number | undefined; readonly queryId: number | undefined }[];
  /** Rows that it has from then on, of one item and one mark. */
  readonly left: Record<string, number>;
}

const cases: readonly Case[] = [
  {
    form: "legacy",
    subscribe: (client) => client.say({ kind: "Subscribe", queries: [all, marks], requestId: 3 }),
    answers: 1,
    ended: [{ requestId: 3, queryId: undefined }],
    left: { item: 0, mark: 0 },
  },
  {
    form: "single",
    subscribe: (client) => {
      client.say({ kind: "SubscribeSingle", query: all, requestId: 3, queryId: 4 });
      client.say({ kind: "SubscribeSingle", query: marks, requestId: 5, queryId: 6 });
    },
    answers: 2,
    ended: [{ requestId: undefined, queryId: 4 }],
    left: { item: 0, mark: 1 },
  },
  {
    form: "multi, sharing the text of a table that stays public",
    subscribe: (client) => {
      client.say({ kind: "SubscribeMulti", queries: [all, marks], requestId: 3, queryId: 4 });
      client.say({ kind: "SubscribeMulti", queries: [marks], requestId: 5, queryId: 6 });
    },
    answers: 2,
    ended: [{ requestId: undefined, queryId: 4 }],
    left: { item: 0, mark: 1 },
  },
  {
    form: "all tables",
    subscribe: (client) =>
      client.say({ kind: "SubscribeMulti", queries: ["SELECT * FROM *"], requestId: 3, queryId: 4 }),
    answers: 1,
    ended: [{ requestId: undefined, queryId: 4 }],
    left: { item: 0, mark: 0 },
  },
  {
    form: "a join with it",
    subscribe: (client) => client.say({ kind: "SubscribeMulti", queries: [joined], requestId: 3, queryId: 4 }),
    answers: 1,
    ended: [{ requestId: undefined, queryId: 4 }],
    left: { mark: 0 },
  },
  {
    form: "multi, by the owner",
    isOwner: true,
    subscribe: (client) => client.say({ kind: "SubscribeMulti", queries: [all, marks], requestId: 3, queryId: 4 }),
    answers: 1,
    ended: [],
    left: { item: 1, mark: 1 },
  },
];

async function subscribed(link: DatabaseLink, { isOwner = false, subscribe, answers }: Case): Promise<LocalClient> {
  const client = new LocalClient(link, makeCaller(9, isOwner));
  await client.until(({ messages }) => messages.length === 1);
  subscribe(client);
  await client.until(({ answeredCount }) => answeredCount === answers);
  return client;
}

async function withRows(link: DatabaseLink): Promise<void> {
  expect((await publish(link, before)).status).toBe(200);
  const writer = new LocalClient(link, makeCaller(1, true));
  writer.call("put", putArgs(1));
  writer.call("note", noteArgs());
  await writer.until(({ answeredCount }) => answeredCount === 2);
  writer.leave();
}

/** Writes to the table that is private now, and to the other: who hears of the second has not heard of the first. */
async function writeAgain(link: DatabaseLink): Promise<void> {
  const writer = new LocalClient(link, makeCaller(1, true));
  writer.call("put", putArgs(2));
  writer.call("take", Uint8Array.of(2, 0, 0, 0));
  await writer.until(({ answeredCount }) => answeredCount === 2);
  writer.leave();
}

function expectEnded(client: LocalClient, { ended, left }: Case, why = ""): void {
  expect(client.closed, why).toBeUndefined();
  expect(
    errorsOf(client).map(({ requestId, queryId }) => ({ requestId, queryId })),
    why,
  ).toEqual(ended);
  for (const { message } of errorsOf(client))
    expect(message).toMatch(/^table `item` may not be read any more.*executing: `/);
  expect(countsOf(client), why).toEqual(left);
  const told = client.messages.slice(client.messages.findIndex(({ kind }) => kind === "SubscriptionError") + 1);
  if (ended.length > 0)
    for (const { tableName } of told.flatMap(tablesOf))
      expect(tableName, "what is private is heard of").not.toBe("item");
}

describe("row 11: a table that a publish makes private", () => {
  test.each(cases)("$form", async (each) => {
    const database = await openLocal();
    await withRows(database);
    const client = await subscribed(database, each);
    expect((await publishBreaking(database, after)).status).toBe(200);
    await writeAgain(database);
    expectEnded(client, each);
    // What is left can be let go, what ended cannot; and what ended cannot be had again.
    client.say({ kind: "UnsubscribeMulti", requestId: 8, queryId: 4 });
    client.say({ kind: "SubscribeMulti", queries: [all], requestId: 9, queryId: 9 });
    await client.until(({ answeredCount }) => answeredCount === each.answers + 2);
    expect(errorsOf(client).length).toBe(each.isOwner === true ? 0 : each.ended.length + 2);
    await database.stop(100);
  });

  test("in JSON: rows taken back, and an error", async () => {
    const database = await openLocal();
    await withRows(database);
    const texts: string[] = [];
    const handle = database.connect(
      {
        caller: makeCaller(9),
        token: "",
        protocol: "v1.json",
        compression: "none",
        light: false,
        confirmed: true,
      },
      {
        queuedBytes: 0,
        send: (bytes, at, length) => texts.push(new TextDecoder().decode(bytes.subarray(at, at + length))),
        answered: () => undefined,
        note: () => undefined,
        close: () => texts.push("closed"),
      },
    );
    const ask = new TextEncoder().encode(
      JSON.stringify({ SubscribeSingle: { query: all, request_id: 1, query_id: { id: 4 } } }),
    );
    handle.receive(ask, 0, ask.length, true);
    expect((await publishBreaking(database, after)).status).toBe(200);
    await sql(database, "SELECT * FROM mark");
    expect(texts.map((text) => Object.keys(JSON.parse(text))[0])).toEqual([
      "IdentityToken",
      "SubscribeApplied",
      "TransactionUpdateLight",
      "SubscriptionError",
    ]);
    expect(JSON.parse(texts[2] ?? "")).toEqual({
      TransactionUpdateLight: {
        request_id: 0,
        update: {
          tables: [
            {
              table_id: 4096,
              table_name: "item",
              num_rows: 1,
              updates: [{ deletes: ['{"id":1,"shelf":1,"text":"text"}'], inserts: [] }],
            },
          ],
        },
      },
    });
    await database.stop(100);
  });

  test("whenever the host ends meanwhile", async () => {
    await program(after);
    for (let turns = 0; turns < 24; turns += 1) {
      const hosts = new Hosts();
      const link = await hosts.open();
      await withRows(link);
      const clients = await Promise.all(cases.map((each) => subscribed(link, each)));
      const published = publishBreaking(link, after);
      for (let left = turns; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
      hosts.end();
      expect((await published).status).toBe(200);
      await writeAgain(link);
      for (const [index, client] of clients.entries()) {
        const each = cases[index];
        if (each !== undefined) expectEnded(client, each, `${each.form}, the host ended after ${turns} turns`);
      }
      await link.stop(100);
    }
  });
});
