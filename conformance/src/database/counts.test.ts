// Goal: row 27. Of each row a client has been sent as many inserts less deletes as queries that it holds return it,
// whatever forms its sets have, whichever texts they share, and however often its host ends or its database rests.
// Method: random sets of every form over a few texts, taken and let go between writes, while hosts end, databases rest
// and a version with one more table is published, through the link that processes have. A client adds up what it is
// sent; a row must be there as often as the law of `query-sets.ts` says, and nothing may be left when the last set is
// gone. The law counts by what has happened since the client came, so a host that knows less is found out.
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { encodeClientMessage, type ClientMessage, type ServerMessage, type TableUpdate } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { Hosts } from "./hosts.ts";
import { JsonClient } from "./json-client.ts";
import { call, LocalClient, makeCaller, publish, sql } from "./local.ts";

const cases = runCount(60);
const programs = ["../crash/modules/shelf.ts", "modules/shelves.ts"] as const;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Row {
  readonly table: string;
  readonly id: number;
  readonly shelf: number;
}

/** What a text stands for, said in TypeScript: one query, or one for each table that there is. */
interface Text {
  readonly text: string;
  readonly returns: (row: Row) => boolean;
  readonly ofAll?: boolean;
}

const isItem = ({ table }: Row): boolean => table === "item";
/** The fourth differs from the first in spelling alone. */
const texts: readonly Text[] = [
  { text: "SELECT * FROM item", returns: isItem },
  { text: "SELECT * FROM item WHERE shelf = 1", returns: (row) => isItem(row) && row.shelf === 1 },
  { text: "SELECT * FROM item WHERE id < 3", returns: (row) => isItem(row) && row.id < 3 },
  { text: "SELECT  *  FROM item", returns: isItem },
  { text: "SELECT * FROM *", returns: () => true, ofAll: true },
];

type Form = "single" | "multi" | "legacy";
const someTexts = fc.uniqueArray(fc.oneof(fc.constant(0), fc.nat(texts.length - 1)), { minLength: 1, maxLength: 3 });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("subscribe" as const),
      form: fc.constantFrom<Form>("single", "multi", "multi", "legacy"),
      of: someTexts,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("unsubscribe" as const), which: fc.nat(9), asMulti: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      id: fc.nat(5),
      shelf: fc.nat(2),
      by: fc.constantFrom("client" as const, "quiet" as const, "stranger" as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("take" as const), id: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("flip" as const), id: fc.nat(2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      /** Turns after which the next request meets the end; undefined for none on its way. */
      after: fc.option(fc.nat(8), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rest" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("publish" as const) }) },
);

/** A query that the client holds: sets that share it have the same one. */
interface Hold {
  readonly returns: (row: Row) => boolean;
}

interface HeldSet {
  readonly isOne: boolean;
  readonly holds: readonly Hold[];
}

/** What a message does to how often a client has each row. */
type Count = (table: string, id: number, by: number) => void;

function tablesOf(message: ServerMessage): readonly TableUpdate[] {
  switch (message.kind) {
    case "TransactionUpdate":
      if (message.status.kind !== "Committed") throw new Error(`a call ended as ${message.status.kind}`);
      return message.status.tables;
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

const idOf = (row: Uint8Array): number => new DataView(row.buffer, row.byteOffset).getUint32(0, true);

/** A client in one of the forms of the wire. */
interface Counting {
  readonly answeredCount: number;
  readonly closed: unknown;
  say(message: ClientMessage): void;
  /** Takes out what came, in order. @param replaced is called for what replaces the legacy set */
  count(count: Count, replaced: () => void): void;
}

class BinaryClient extends LocalClient implements Counting {
  count(count: Count, replaced: () => void): void {
    for (const message of this.messages.splice(0)) {
      if (message.kind === "InitialSubscription") replaced();
      for (const { tableName, updates } of tablesOf(message)) {
        for (const { deletes, inserts } of updates) {
          for (const row of deletes) count(tableName, idOf(row), -1);
          for (const row of inserts) count(tableName, idOf(row), 1);
        }
      }
    }
  }
}

interface JsonRows {
  readonly deletes: readonly string[];
  readonly inserts: readonly string[];
}
type JsonTable = { readonly table_name: string } & (
  | { readonly updates: readonly JsonRows[] }
  | { readonly table_rows: { readonly updates: readonly JsonRows[] } }
);

class TextClient extends JsonClient implements Counting {
  // A binary frame is read as one on any connection.
  override say(message: ClientMessage): void {
    const out = new ByteWriter();
    encodeClientMessage(out, message);
    super.say(out.toBytes());
  }

  count(count: Count, replaced: () => void): void {
    for (const message of this.messages.splice(0)) {
      const text = JSON.stringify(message);
      if ("SubscriptionError" in message || text.includes('"Failed"')) throw new Error(text);
      if ("InitialSubscription" in message) replaced();
      for (const table of jsonTables(message)) {
        const updates = "updates" in table ? table.updates : table.table_rows.updates;
        for (const { deletes, inserts } of updates) {
          for (const row of deletes) count(table.table_name, jsonId(row), -1);
          for (const row of inserts) count(table.table_name, jsonId(row), 1);
        }
      }
    }
  }
}

/** The tables in a message, wherever they stand. */
function jsonTables(value: unknown): readonly JsonTable[] {
  if (typeof value !== "object" || value === null) return [];
  if ("table_name" in value) return [value as JsonTable];
  return Object.values(value).flatMap(jsonTables);
}

function jsonId(row: string): number {
  const value: { readonly id: number } | readonly [number] = JSON.parse(row);
  return "id" in value ? value.id : value[0];
}

const forms = fc.record({ isJson: fc.boolean(), light: fc.boolean(), lagTurns: fc.integer({ min: 1, max: 4 }) });
/** Numbers as arguments. */
const numbers = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

/** One history of one client. */
class History {
  readonly hosts: Hosts;
  readonly counts = new Map<string, number>();
  readonly rows = new Map<string, Row>();
  readonly sets = new Map<number, HeldSet>();
  private readonly shared = new Map<string, Hold>();
  private tables: readonly string[] = ["item", "mark"];
  private legacy: HeldSet | undefined;
  private nextId = 1;
  private asked = 0;
  private endAfter: number | undefined;
  /** Whether the client has been told everything: what a stranger did is there with the next answer. */
  private isLevel = true;
  private readonly link;
  private readonly client: Counting;

  private constructor(hosts: Hosts, link: Awaited<ReturnType<Hosts["open"]>>, client: Counting) {
    this.hosts = hosts;
    this.link = link;
    this.client = client;
  }

  static async open({ isJson, light, lagTurns }: { isJson: boolean; light: boolean; lagTurns: number }) {
    const hosts = new Hosts(lagTurns);
    const link = await hosts.open();
    expect((await publish(link, programs[0])).status).toBe(200);
    const client = isJson ? new TextClient(link, light) : new BinaryClient(link, makeCaller(7), { light });
    while (client.messages.length === 0) await turn();
    client.messages.length = 0;
    return new History(hosts, link, client);
  }

  async ask(message: ClientMessage): Promise<void> {
    this.client.say(message);
    this.asked += 1;
    await this.metByEnd();
    while (this.client.answeredCount < this.asked && this.client.closed === undefined) await turn();
    expect(this.client.closed).toBeUndefined();
    this.isLevel = true;
    const count = (key: string, by: number): void => {
      const sum = (this.counts.get(key) ?? 0) + by;
      expect(sum, key).toBeGreaterThanOrEqual(0);
      if (sum === 0) this.counts.delete(key);
      else this.counts.set(key, sum);
    };
    this.client.count(
      (table, id, by) => count(`${table} ${id}`, by),
      // The set before is gone with its rows, and it is for the client to see to that.
      () => {
        for (const { returns } of this.legacy?.holds ?? [])
          for (const [key, row] of this.rows) if (returns(row)) count(key, -1);
      },
    );
  }

  async subscribe(form: Form, of: readonly number[]): Promise<void> {
    const id = this.nextId++;
    const [first = texts[0]] = of.map((index) => texts[index]);
    // A text for all tables is none for the form of one query.
    const isSingle = form === "single" && first?.ofAll !== true;
    const chosen = isSingle ? [first] : of.map((index) => texts[index]);
    const queries = chosen.map((each) => each?.text ?? "");
    const [query = ""] = queries;
    const wanted = chosen.flatMap((each) => (each === undefined ? [] : this.queriesOf(each)));
    if (form === "legacy") {
      await this.ask({ kind: "Subscribe", queries, requestId: id });
      this.legacy = { isOne: false, holds: wanted.map(({ returns }) => ({ returns })) };
      return;
    }
    const holds = wanted.map(({ key, returns }) => {
      const known = this.shared.get(key);
      const isThere = known !== undefined && [...this.sets.values()].some((set) => set.holds.includes(known));
      if (isThere && !isSingle) return known;
      const hold = { returns };
      if (!isThere) this.shared.set(key, hold);
      return hold;
    });
    await this.ask(
      isSingle
        ? { kind: "SubscribeSingle", query, requestId: id, queryId: id }
        : { kind: "SubscribeMulti", queries, requestId: id, queryId: id },
    );
    this.sets.set(id, { isOne: holds.length === 1, holds });
  }

  private queriesOf({
    text,
    returns,
    ofAll,
  }: Text): readonly { readonly key: string; readonly returns: Hold["returns"] }[] {
    if (ofAll !== true) return [{ key: text, returns }];
    return this.tables.map((of) => ({ key: `${text} ${of}`, returns: ({ table }) => table === of }));
  }

  async unsubscribe(id: number, asMulti: boolean): Promise<void> {
    // The form for one query fits sets of one, however they were made.
    const isMulti = asMulti || this.sets.get(id)?.isOne !== true;
    await this.ask({ kind: isMulti ? "UnsubscribeMulti" : "Unsubscribe", requestId: id, queryId: id });
    this.sets.delete(id);
  }

  async put(id: number, shelf: number, by: "client" | "quiet" | "stranger"): Promise<void> {
    this.rows.set(`item ${id}`, { table: "item", id, shelf });
    if (by === "stranger") {
      const answer = call(this.link, "put", JSON.stringify([id, shelf, "a"]), makeCaller(8));
      await this.metByEnd();
      expect((await answer).status).toBe(200);
      this.isLevel = false;
    } else await this.call("put", Uint8Array.of(...numbers(id, shelf, 1), 65), by === "client");
  }

  async take(id: number): Promise<void> {
    this.rows.delete(`item ${id}`);
    await this.call("take", numbers(id), true);
  }

  async flip(id: number): Promise<void> {
    if (!this.tables.includes("extra")) return;
    const key = `extra ${id}`;
    if (!this.rows.delete(key)) this.rows.set(key, { table: "extra", id, shelf: 0 });
    await this.call("flip", numbers(id), true);
  }

  private async call(reducer: string, args: Uint8Array, notify: boolean): Promise<void> {
    await this.ask({ kind: "CallReducer", reducer, args, argsText: undefined, requestId: 0, notify });
  }

  async publish(): Promise<void> {
    const answer = publish(this.link, programs[1]);
    await this.metByEnd();
    expect((await answer).status).toBe(200);
    this.tables = ["item", "mark", "extra"];
  }

  end(after: number | undefined): void {
    if (after === undefined) this.hosts.end();
    else this.endAfter = after;
  }

  rest(): Promise<boolean> {
    return this.link.rest();
  }

  private async metByEnd(): Promise<void> {
    if (this.endAfter === undefined) return;
    for (let left = this.endAfter; left > 0; left--) await turn();
    this.hosts.end();
    this.endAfter = undefined;
  }

  check(): void {
    if (!this.isLevel) return;
    const expected = new Map<string, number>();
    const holds = new Set([...this.sets.values()].flatMap((set) => set.holds));
    for (const { returns } of [...holds, ...(this.legacy?.holds ?? [])])
      for (const [key, row] of this.rows) if (returns(row)) expected.set(key, (expected.get(key) ?? 0) + 1);
    const sorted = (counts: ReadonlyMap<string, number>): unknown =>
      [...counts].sort(([a], [b]) => (a < b ? -1 : a === b ? 0 : 1));
    expect(sorted(this.counts)).toEqual(sorted(expected));
  }

  /** Lets go of all, after a change of every row that is there: each comes as often as it is held. */
  async finish(): Promise<void> {
    for (const { table, id } of [...this.rows.values()]) if (table === "item") await this.put(id, 1, "client");
    await this.take(0);
    this.check();
    await this.subscribe("legacy", [2]);
    for (const id of [...this.sets.keys()]) await this.unsubscribe(id, true);
    this.check();
    const items = [...this.rows.values()].filter(isItem);
    expect(await sql(this.link, "SELECT id FROM item")).toHaveLength(items.length);
    await this.link.stop(100);
  }
}

type Act = "single" | "multi" | "all" | "publish" | { readonly drop: number };
/** Histories after which what is shared cannot be told from the sets that are left. Sets count from 1. */
const telling: readonly { readonly name: string; readonly acts: readonly Act[] }[] = [
  { name: "M S M, and the first M let go", acts: ["multi", "single", "multi", { drop: 1 }] },
  { name: "S S, the first let go, and M", acts: ["single", "single", { drop: 1 }, "multi"] },
  { name: "S S M, and the first S let go", acts: ["single", "single", "multi", { drop: 1 }] },
  { name: "all tables, and one more published", acts: ["all", "publish"] },
];

describe.each(telling)("row 27: $name", ({ acts }) => {
  test.each([
    { what: "its host ends", ends: 1, rests: 0 },
    { what: "its hosts end one after another", ends: 3, rests: 0 },
    { what: "it rests", ends: 0, rests: 1 },
    { what: "it rests, and its host ends", ends: 1, rests: 1 },
  ])("is counted on when $what", async ({ ends, rests }) => {
    const history = await History.open({ isJson: false, light: false, lagTurns: 2 });
    for (const id of [0, 1, 2]) await history.put(id, 1, "stranger");
    for (const act of acts) {
      if (act === "publish") await history.publish();
      else if (act === "single" || act === "multi") await history.subscribe(act, [0]);
      else if (act === "all") await history.subscribe("multi", [4]);
      else await history.unsubscribe(act.drop, false);
      history.check();
    }
    for (let left = rests; left > 0; left--) {
      while (!(await history.rest())) await turn();
      await history.put(2, 2, "client");
      history.check();
    }
    for (let left = ends; left > 0; left--) {
      history.end(undefined);
      await history.put(1, left, "client");
      history.check();
    }
    await history.take(2);
    await history.flip(1);
    history.check();
    await history.subscribe("multi", [0]);
    history.check();
    await history.finish();
    expect(history.hosts.count).toBe(1 + ends + rests);
  });
});

describe("row 27: sets of every form that share texts", () => {
  test("are counted by the law, whatever happens to their host", async () => {
    await assertProperty(
      fc.asyncProperty(forms, fc.array(step, { minLength: 6, maxLength: 30 }), async (form, steps) => {
        const history = await History.open(form);
        for (const each of steps) {
          switch (each.kind) {
            case "subscribe":
              await history.subscribe(each.form, each.of);
              break;
            case "unsubscribe": {
              const ids = [...history.sets.keys()];
              const id = ids[each.which % Math.max(1, ids.length)];
              if (id !== undefined) await history.unsubscribe(id, each.asMulti);
              break;
            }
            case "put":
              await history.put(each.id, each.shelf, each.by);
              break;
            case "take":
              await history.take(each.id);
              break;
            case "flip":
              await history.flip(each.id);
              break;
            case "end":
              history.end(each.after);
              break;
            case "rest":
              await history.rest();
              break;
            case "publish":
              await history.publish();
          }
          history.check();
        }
        await history.finish();
      }),
      cases,
    );
  });
});
