// Goal: issue 10, §1 "Real networks". Whatever a client subscribes to and unsubscribes from, here and away, whatever others write meanwhile
// and however often hosts end: once it is back, its rows are what the same queries give the same caller, and what it told
// the page is the way from one to the other.
// Method: random histories of the real client on a database in this process, over hosts that are cut off; a plain table, one
// without keys, a join, a rule and a view. The rows are held against SQL, query by query.
import { assertProperty, runCount } from "@lightcone/base/testing";
import { connect, type Client } from "lightcone/client";
import type { ConnectionHandle, ConnectionSink, DatabaseLink } from "@lightcone/database";
import { lightcone } from "@lightcone/protocol";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import type { Platform } from "../../../packages/client/src/platform.ts";
import { until } from "../database/endings-request.ts";
import { Hosts } from "../database/hosts.ts";
import { call, makeCaller, publish, sql, textOf } from "../database/local.ts";
import type * as desk from "./modules/desk.ts";

const caller = makeCaller(77);
let resumedCount = 0;
let wholeCount = 0;

/** A page whose sockets end in a database of this process. */
class LocalPage {
  readonly db: Client<typeof desk>;
  readonly drawn = new Map<string, number>();
  private readonly link: DatabaseLink;
  private isAway = false;
  private end: () => void = () => undefined;
  private steadyMs = 0;

  constructor(link: DatabaseLink) {
    this.link = link;
    const platform: Platform = {
      // Time does not pass: a test says when it tries again.
      clock: { nowMicros: () => 0, steadyMs: () => this.steadyMs, after: () => () => undefined },
      random: { fill: (bytes) => bytes.fill(7) },
      openSocket: (_, protocols, events) => this.open(protocols, events),
      ask: async (_, token) => {
        if (token !== undefined) return { kind: "Text", text: JSON.stringify({ token }) };
        const reply = await link.request({ kind: "schema", form: "client" });
        return { kind: "Text", text: textOf(reply) };
      },
      report: (error) => {
        throw error;
      },
      error: (text) => expect.fail(text),
      warn: (text) => expect.fail(text),
    };
    this.db = connect<typeof desk>({
      uri: "http://server",
      database: "desk",
      platform,
      onError: ({ message }) => expect.fail(message),
    });
    const { note, tally, room, secret, mySecrets } = this.db.tables;
    for (const [name, table] of Object.entries({ note, tally, room, secret, mySecrets })) {
      const count = (row: object, by: number): void => {
        const key = `${name} ${words(Object.values(row))}`;
        const left = (this.drawn.get(key) ?? 0) + by;
        expect([0, 1]).toContain(left);
        if (left === 0) this.drawn.delete(key);
        else this.drawn.set(key, left);
      };
      table.onInsert((row: object) => count(row, 1));
      table.onDelete((row: object) => count(row, -1));
      if ("onUpdate" in table)
        table.onUpdate((before, after) => {
          count(before, -1);
          count(after, 1);
        });
    }
  }

  private open(protocols: readonly string[], events: Parameters<Platform["openSocket"]>[2]) {
    expect(protocols[0]).toBe("v1.bsatn.lightcone");
    let isOver = false;
    let parts: Uint8Array[] = [];
    const later = (run: () => void): void => queueMicrotask(() => void (isOver || run()));
    const closed = (reason: string): void => {
      later(() => {
        isOver = true;
        events.closed(1006, reason);
      });
    };
    const sink: ConnectionSink = {
      queuedBytes: 0,
      send: (bytes, at, length, last) => {
        parts.push(bytes.slice(at, at + length));
        if (!last) return;
        const payload = Uint8Array.from(Buffer.concat(parts));
        parts = [];
        for (const { message } of lightcone.decodeServerPayload(payload.subarray(1))) {
          if (message.kind !== "Resumed") continue;
          if (message.sets.length > 0) resumedCount += 1;
          else wholeCount += 1;
        }
        later(() => events.message(payload));
      },
      answered: () => undefined,
      note: () => undefined,
      close: (_, reason) => closed(reason),
    };
    if (this.isAway) {
      closed("away");
      return { protocol: "", send: () => undefined, close: () => undefined };
    }
    const handle: ConnectionHandle = this.link.connect(
      {
        caller: { ...caller, connectionId: makeCaller(77).connectionId },
        token: "t",
        protocol: "v1.bsatn.lightcone",
        compression: "none",
        light: true,
        confirmed: true,
        results: true,
      },
      sink,
    );
    this.end = () => {
      if (isOver) return;
      handle.closed();
      isOver = true;
      events.closed(1006, "cut");
    };
    return {
      protocol: "v1.bsatn.lightcone",
      send: (bytes: Uint8Array) => handle.receive(bytes, 0, bytes.length, false),
      close: () => {
        if (!isOver) handle.closed();
        isOver = true;
      },
    };
  }

  cut(): void {
    this.isAway = true;
    this.end();
  }

  async back(): Promise<void> {
    this.isAway = false;
    await until("the client is back", () => {
      this.db.retry();
      return this.db.state === "open";
    });
  }

  get rows(): readonly string[] {
    const { note, tally, room, secret, mySecrets } = this.db.tables;
    return Object.entries({ note, tally, room, secret, mySecrets })
      .flatMap(([name, table]) => table.rows().map((row) => `${name} ${words(Object.values(row))}`))
      .toSorted();
  }
}

/** Values, but for identities: of these rows they are the caller's. */
const words = (values: readonly unknown[]): string =>
  values
    .filter((value) => typeof value !== "object")
    .map(String)
    .join(" ");

/** Each with its table, as the page calls it. */
const queries = [
  ["note", "SELECT * FROM note"],
  ["note", "SELECT * FROM note WHERE room = 1"],
  ["note", "SELECT * FROM note WHERE room = 2 AND id < 4"],
  ["note", "SELECT * FROM note WHERE text = 'b' OR id = 3"],
  ["tally", "SELECT * FROM tally"],
  ["tally", "SELECT * FROM tally WHERE number > 1"],
  ["room", "SELECT * FROM room"],
  ["room", "SELECT room.* FROM room JOIN note ON note.room = room.id"],
  ["secret", "SELECT * FROM secret"],
  ["mySecrets", "SELECT * FROM my_secrets"],
] as const;

const small = fc.integer({ min: 1, max: 5 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      id: small,
      room: fc.integer({ min: 1, max: 3 }),
      text: fc.constantFrom("", "a", "b"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("count" as const), number: fc.integer({ min: 1, max: 3 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("open" as const),
      id: fc.integer({ min: 1, max: 3 }),
      isOpen: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("hide" as const),
      id: small,
      text: fc.constantFrom("", "s"),
      isMine: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("subscribe" as const),
      texts: fc.uniqueArray(fc.nat(queries.length - 1), { minLength: 1, maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("unsubscribe" as const), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.constant({ kind: "cut" as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: "back" as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: "end" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "check" as const }) },
);

test("issue 10, resume: rows are the database's, whatever happened", async () => {
  await assertProperty(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 120 }), async (steps) => {
      const hosts = new Hosts();
      const link = await hosts.open();
      expect((await publish(link, "../client/modules/desk.ts")).status).toBe(200);
      const page = new LocalPage(link);
      await page.back();
      const held: { readonly texts: readonly number[]; readonly end: () => void }[] = [];
      let isAway = false;
      const check = async (): Promise<void> => {
        isAway = false;
        await page.back();
        // What others did before has come when this is answered, and what it unsubscribed from has gone.
        await page.db.reducers.ring({ text: "now" });
        await page.db.query("SELECT * FROM room");
        const expected = new Set<string>();
        for (const index of new Set(held.flatMap(({ texts }) => texts))) {
          const [table, text] = queries[index] ?? expect.fail("no such query");
          for (const row of await sql(link, text, caller)) expected.add(`${table} ${words(row)}`);
        }
        expect(page.rows).toEqual([...expected].toSorted());
        expect([...page.drawn.keys()].toSorted()).toEqual(page.rows);
      };
      const first = queries.map((_, index) => ({ kind: "subscribe" as const, texts: [index] }));
      for (const each of [...first, ...steps, { kind: "check" as const }]) {
        switch (each.kind) {
          case "put":
            await call(link, "put", JSON.stringify([each.id, each.room, each.text]));
            break;
          case "count":
            await call(link, "count", JSON.stringify([each.number, "w"]));
            break;
          case "open":
            await call(link, "open_room", JSON.stringify([each.id, each.isOpen]));
            break;
          case "hide":
            await call(link, "hide", JSON.stringify([each.id, each.text]), each.isMine ? caller : makeCaller(8));
            break;
          case "subscribe": {
            const [first = "", ...rest] = each.texts.map((index) => queries[index]?.[1] ?? "");
            const subscription = page.db.subscribe(first, ...rest);
            held.push({ texts: each.texts, end: () => subscription.unsubscribe() });
            if (!isAway) await subscription.applied;
            break;
          }
          case "unsubscribe":
            if (held.length > 0) held.splice(each.which % held.length, 1)[0]?.end();
            break;
          case "cut":
            isAway = true;
            page.cut();
            break;
          case "back":
            isAway = false;
            await page.back();
            break;
          case "end":
            hosts.end();
            break;
          case "check":
            await check();
        }
      }
      page.db.close();
      await link.stop(100);
    }),
    runCount(12),
  );
});

afterAll(() => {
  // Both ways have been gone.
  expect(resumedCount).toBeGreaterThan(5);
  expect(wholeCount).toBeGreaterThan(0);
});
