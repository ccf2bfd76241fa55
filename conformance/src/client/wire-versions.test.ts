// Goal: issue 10, §1 "Protocol". Our client speaks the best version that a server does, and what it is used for works in
// each: results, errors, events, queries; what a version cannot say is said to be so.
// Method: one server, a socket class that offers less than the client asks for; every case in each version.
import { connect, isLightconeError, type Client } from "lightcone/client";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Served } from "../served.ts";
import { endOf, program } from "./arena.ts";
import type * as board from "./modules/board.ts";

let served: Served;
let clients: Client<typeof board>[] = [];
beforeAll(async () => {
  served = await Served.open({ databaseLimits: { reducerTimeoutMs: 1000 } });
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});
afterAll(() => served.stop());

/** The protocols that there are, the best first; our own is version 3 with a few fields more. */
const named = ["v1.bsatn.lightcone", ...[3, 2, 1].map((version) => `v${version}.bsatn.spacetimedb`)];

describe.each([
  { name: "our own", version: 4 },
  { name: "version 3", version: 3 },
  { name: "version 2", version: 2 },
  { name: "version 1", version: 1 },
] as const)("issue 10, protocol: $name", ({ version }) => {
  const database = `board-${version}`;
  const frames: number[] = [];
  /** Offers what a server of that version speaks, and keeps what it chose. */
  const chosen: string[] = [];
  class Offering extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(
        url,
        protocols.filter((name) => named.indexOf(name) >= 4 - version),
      );
      this.addEventListener("open", () => chosen.push(this.protocol));
    }
    override send(data: Parameters<WebSocket["send"]>[0]): void {
      if (data instanceof Uint8Array) frames.push(data.length);
      super.send(data);
    }
  }
  const open = (): Client<typeof board> => {
    const db = connect<typeof board>({
      uri: served.url,
      database,
      WebSocket: Offering,
      onError: () => undefined,
    });
    clients.push(db);
    return db;
  };
  beforeAll(async () => {
    await served.publish(database, await program("board"), "Js");
  });

  test("is the one that is spoken, and a reducer gives its result where the version can say it", async () => {
    const db = open();
    const id = await db.reducers.add({ board: 1, position: 5, title: "first" });
    expect(chosen).toEqual([named[4 - version]]);
    // Version 1 has no place for it.
    if (version === 1) expect(id).toBeUndefined();
    else expect(id).toBe(1n);
    expect(await db.reducers.place({ id: 1n, position: 6 })).toBeUndefined();
    expect(await db.procedures.titles({ board: 1 })).toEqual(["first"]);
  });

  test("refusals, time-outs and what cannot be sent reject by their own words", async () => {
    const db = open();
    const refused = db.reducers.add({ board: 1, position: 1, title: "" });
    expect(await endOf(refused)).toBe("ReducerFailed: a card has a title");
    expect(await refused.catch((error: unknown) => isLightconeError(error, "ReducerFailed") && error.detail)).toEqual({
      message: "a card has a title",
    });
    expect(await endOf(db.reducers.spin())).toMatch(/^ReducerFailed: /);
    expect(await endOf(db.reducers.place({ id: 1 } as never))).toMatch(/^BadArguments: /);
    expect(await endOf(db.subscribe("SELECT * FROM nowhere").applied)).toMatch(/^SubscriptionRefused: no such table/);
    expect(db.state).toBe("open");
  });

  test("calls of one turn: in their order, in a frame where a frame holds several, each with its own answer", async () => {
    const db = open();
    await db.subscribe(db.tables.card).applied;
    frames.length = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        db.reducers.add({ board: 2, position: index, title: `t${index}` }).then(() => order.push(index)),
      ),
    );
    expect(frames.length).toBe(version >= 3 ? 1 : 40);
    expect(order).toEqual(Array.from({ length: 40 }, (_, index) => index));
    expect(db.tables.card.rows().filter(({ board }) => board === 2).length).toBe(40);
  });

  test("rows of two subscriptions leave when both have let them go", async () => {
    const db = open();
    const { id } = await seed(open(), 3);
    const [wide, narrow] = [db.subscribe(db.tables.card), db.subscribe("SELECT * FROM card WHERE board = 3")];
    await Promise.all([wide.applied, narrow.applied]);
    const heard: string[] = [];
    db.tables.card.onDelete(({ title }) => heard.push(title));
    wide.unsubscribe();
    await db.reducers.place({ id, position: 100 });
    expect(db.tables.card.rows().map((card) => [card.title, card.position])).toEqual([["of 3", 100]]);
    expect(heard).not.toContain("of 3");
    narrow.unsubscribe();
    await db.reducers.place({ id, position: 101 });
    expect([db.tables.card.size, heard.at(-1)]).toEqual([0, "of 3"]);
  });

  test("built questions: once as live, ordered and cut, page by page, as all the rows sorted by hand", async () => {
    const db = open();
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        db.reducers.add({ board: 7, position: (index * 7) % 10, title: `it's ${index}` }),
      ),
    );
    const all = (await db.query("SELECT * FROM card WHERE board = 7")) as ReturnType<typeof db.tables.card.rows>;
    const sorted = all.toSorted((a, b) => b.position - a.position || (a.id < b.id ? -1 : 1));
    const pages = db.tables.card.where({ board: 7 }).orderBy("position", "desc").limit(12);
    const once = await db.query(pages);
    expect(once).toEqual(sorted.slice(0, 12));
    const next = await db.query(pages.after(once.at(-1)));
    expect(next).toEqual(sorted.slice(12, 24));
    expect(await db.query(pages.after(next.at(-1)))).toEqual(sorted.slice(24));
    // Nothing was subscribed to.
    expect(db.tables.card.size).toBe(0);

    const narrow = db.tables.card.where({
      board: { in: [7, 8] },
      position: { gte: 3, lt: 9 },
      title: { ne: "it's 9" },
    });
    const expected = sorted.filter(({ position, title }) => position >= 3 && position < 9 && title !== "it's 9");
    expect(await db.query(narrow.orderBy("position", "desc"))).toEqual(expected);
    const live = narrow.orderBy("position", "desc").limit(5);
    const subscription = db.subscribe(live);
    await subscription.applied;
    expect([live.rows(), db.tables.card.size]).toEqual([expected.slice(0, 5), expected.length]);
    let changes = 0;
    live.onChange(() => (changes += 1));
    const [first] = expected;
    await db.reducers.add({ board: 7, position: 3, title: "last of all" });
    expect(changes).toBe(0);
    await db.reducers.place({ id: first?.id ?? 0n, position: 3 });
    const after = live.rows();
    expect([changes, after.length, after.map(({ id }) => id)]).toEqual([
      1,
      5,
      expected.slice(1, 6).map(({ id }) => id),
    ]);
    // Rows that stayed are the same objects.
    expect(after[0]).toBe(db.tables.card.get(after[0]?.id ?? 0n));
    subscription.unsubscribe();
    expect(await endOf(db.query("SELECT nothing"))).toMatch(/^SubscriptionRefused: /);
    // What is wrong with a question is the same to the cache as to the database.
    const { card } = db.tables;
    for (const [wrong, says] of [
      [card.where({ boardd: 1 } as never), "card.boardd: there is no such column; there are id, "],
      [card.where({ board: "x" as never }), "card.board: expected "],
      [card.where({ id: 1 as never }), "card.id: expected u64, a bigint"],
      [card.orderBy("boardd" as never), "card.boardd: "],
    ] as const) {
      const said = await endOf(db.query(wrong));
      expect(said).toMatch(`SubscriptionRefused: ${says}`);
      expect(await endOf(db.subscribe(wrong).applied)).toBe(said);
      expect(await endOf(Promise.resolve().then(() => wrong.rows()))).toBe(said);
    }
  });

  test("an event is heard by `onInsert` and is in no table; version 1 may not ask for it", async () => {
    const db = open();
    const listener = open();
    const asked = endOf(listener.subscribe(listener.tables.bell).applied);
    if (version === 1) {
      expect(await asked).toMatch(/^SubscriptionRefused: /);
      return;
    }
    expect(await asked).toBe("done");
    const heard: unknown[] = [];
    listener.tables.bell.onInsert((row) => heard.push([row, listener.tables.bell.size]));
    listener.tables.bell.onDelete(() => heard.push("never"));
    await db.reducers.ring({ text: "others", times: 2 });
    await listener.reducers.ring({ text: "mine", times: 1 });
    expect(heard).toEqual([
      [{ text: "others", times: 1 }, 0],
      [{ text: "others", times: 2 }, 0],
      [{ text: "mine", times: 1 }, 0],
    ]);
    expect(listener.tables.bell.rows()).toEqual([]);
  });
});

async function seed(db: Client<typeof board>, onBoard: number): Promise<{ readonly id: bigint }> {
  await db.subscribe(`SELECT * FROM card WHERE board = ${onBoard}`).applied;
  const before = new Set(db.tables.card.rows().map(({ id }) => id));
  await db.reducers.add({ board: onBoard, position: 1, title: `of ${onBoard}` });
  const [card] = db.tables.card.rows().filter(({ id, board }) => board === onBoard && !before.has(id));
  if (card === undefined) throw new Error("the card is not there");
  return card;
}
