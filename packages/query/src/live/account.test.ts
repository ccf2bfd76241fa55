// Goal: what live queries take has an end: of time, of rows told, and of memory. Whoever is refused or ended is told which
// limit, by which clause, and which index would help; everybody else goes on with exact rows, and nothing is left behind.
// Method: a small store with limits of a few rows; deltas as text.
import { isLightconeError } from "@lightcone/base";
import { t } from "@lightcone/sats";
import { bindParams, compileRule, compileSubscription, type Catalog } from "@lightcone/sql";
import { beforeEach, describe, expect, test } from "vitest";
import { LiveQueries, type LiveQuery } from "../index.ts";
import { Fixture, rowsOf, type TableSpec } from "../testing/fixture.ts";
import { queryBytes, unbounded, type LiveBounds } from "./account.ts";

const item: TableSpec = {
  name: "item",
  columns: { id: t.u32, room: t.u32 },
  indexes: [{ columns: [0], unique: true }, { columns: [1] }],
};
/** Has no index on its room: whoever joins by it needs an arrangement. */
const mark: TableSpec = {
  name: "mark",
  columns: { id: t.u32, room: t.u32 },
  indexes: [{ columns: [0], unique: true }],
};
const joined = "SELECT item.* FROM item JOIN mark ON item.room = mark.room";
const advice = /item JOIN mark ON item.room = mark.room; an index on mark \(room\) would do instead/;

let fixture: Fixture;
let live: LiveQueries<string>;

beforeEach(() => {
  fixture = new Fixture(item, mark);
});

function limit(limits: Partial<LiveBounds>): void {
  live = new LiveQueries(fixture.store, { limits: { ...unbounded, ...limits } });
}

function subscribe(sql: string, subscriber: string, catalog: Catalog = fixture.catalog): LiveQuery<string> {
  const plan = compileSubscription(sql, catalog)[0];
  if (plan === undefined) throw new Error("no plan");
  return live.subscribe(plan, bindParams(plan, new Uint8Array(32)), subscriber);
}

/** @returns by subscriber, how many rows it is told of */
function commit(work: () => void): Record<string, number> {
  const told: Record<string, number> = {};
  fixture.store.begin();
  work();
  fixture.commit((each) => {
    live.advance(each);
    live.forEachDelta(({ subscribers }, parts) => {
      for (const subscriber of subscribers.keys())
        told[subscriber] = rowsOf(parts, "inserts").length + rowsOf(parts, "deletes").length;
    });
  });
  return told;
}

function put(table: string, from: number, count: number, room = 1): void {
  for (let id = from; id < from + count; id += 1) fixture.insert(table, { id, room });
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isLightconeError(error, "LimitExceeded")) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("liveDeltaRowsMax", () => {
  test("rows that a commit changes for many subscriptions with one statement: they are given up, others told", () => {
    limit({ liveDeltaRowsMax: 40 });
    for (let n = 0; n < 4; n += 1) subscribe(`SELECT * FROM item WHERE room > ${n}`, `over ${n}`);
    subscribe("SELECT * FROM item", "all");
    subscribe("SELECT * FROM item WHERE room = 9", "nine");
    // What the commit changes itself counts for nobody.
    expect(commit(() => put("item", 0, 13, 9))).toMatchObject({ "over 0": 13, "over 3": 13, all: 13, nine: 13 });
    expect(live.takeStruckOff()).toEqual([]);
    expect(commit(() => put("item", 20, 14, 9))).toEqual({ all: 14, nine: 14 });
    const [struck, ...more] = live.takeStruckOff();
    expect(more).toEqual([]);
    expect(struck).toMatchObject({ hasMissed: true, error: { message: "liveDeltaRowsMax: 41 is over 40, by item" } });
    expect(struck?.queries).toHaveLength(4);
    expect(commit(() => put("item", 40, 1, 9))).toEqual({ all: 1, nine: 1 });
    expect([live.templateCount, live.queryCount]).toEqual([2, 2]);
    // A commit of very many rows concerns one subscription no more often.
    expect(commit(() => put("item", 100, 200, 9))).toEqual({ all: 200, nine: 200 });
  });

  test("pairs that a rule shows count as they are found", () => {
    limit({ liveDeltaRowsMax: 40 });
    const rule = compileRule("SELECT item.* FROM item JOIN mark ON item.room = mark.room", fixture.catalog);
    const catalog = { ...fixture.catalog, rules: (id: number) => (rule.sources[0]?.table.id === id ? [rule] : []) };
    for (let n = 0; n < 6; n += 1) subscribe(`SELECT * FROM item WHERE id > ${n}`, `ruled ${n}`, catalog);
    commit(() => put("item", 10, 8));
    expect(commit(() => put("mark", 0, 1))).toEqual({});
    expect(live.takeStruckOff().map(({ error }) => error.message)).toEqual([
      expect.stringMatching(/^liveDeltaRowsMax: 41 is over 40/),
    ]);
  });
});

describe("liveQueryBytesMax", () => {
  test("an arrangement of too many rows is not made: the subscription is refused, and leaves nothing", () => {
    limit({ liveQueryBytesMax: 20_000 });
    commit(() => put("mark", 0, 1251));
    expect(refusal(() => subscribe(joined, "a"))).toMatch(/^liveQueryBytesMax: 20016 is over 20000, by /);
    expect(refusal(() => subscribe(joined, "a"))).toMatch(advice);
    expect([live.templateCount, live.queryCount, live.bytes]).toEqual([0, 0, 0]);
    subscribe("SELECT * FROM mark", "b");
    expect(commit(() => put("mark", 2000, 2))).toEqual({ b: 2 });
  });

  test("a commit that lets it grow too large is told whole; then those who look rows up there end, once", () => {
    limit({ liveQueryBytesMax: 20_000 });
    const [a, b] = [subscribe(joined, "a"), subscribe(`${joined} WHERE mark.id > 3`, "b")];
    subscribe("SELECT * FROM item", "c");
    commit(() => put("item", 0, 1));
    expect(commit(() => put("mark", 0, 2000))).toEqual({ a: 2000, b: 1996 });
    const struck = live.takeStruckOff();
    expect(struck.map(({ queries, hasMissed }) => [queries, hasMissed])).toEqual([
      [[a], false],
      [[b], false],
    ]);
    for (const { error } of struck) expect(error.message).toMatch(advice);
    // Until they have let go they have every commit, and nobody comes to them.
    expect(refusal(() => subscribe(joined, "d"))).toMatch(/^liveQueryBytesMax: /);
    expect(commit(() => put("mark", 3000, 1))).toEqual({ a: 1, b: 1 });
    expect(live.takeStruckOff()).toEqual([]);
    live.unsubscribe(a, "a");
    live.unsubscribe(b, "b");
    expect([live.arrangementBytes, live.queryCount]).toEqual([0, 1]);
    expect(commit(() => put("item", 10, 1))).toEqual({ c: 1 });
  });

  test("as many queries of one statement as take that", () => {
    limit({ liveQueryBytesMax: 10 * queryBytes });
    const all = Array.from({ length: 10 }, (_, id) => subscribe(`SELECT * FROM item WHERE id = ${id}`, `${id}`));
    expect(refusal(() => subscribe("SELECT * FROM item WHERE id = 10", "10"))).toBe(
      "liveQueryBytesMax: 4400 is over 4000, by item",
    );
    const [first] = all;
    if (first !== undefined) live.unsubscribe(first, "0");
    subscribe("SELECT * FROM item WHERE id = 10", "10");
    subscribe("SELECT * FROM item WHERE room = 10", "another statement");
  });

  test("a dropped index that a join went by: what there is no room for ends at the commit that drops it", () => {
    fixture = new Fixture(item, { ...mark, indexes: [...(mark.indexes ?? []), { columns: [1] }] });
    limit({ liveQueryBytesMax: 20_000 });
    const query = subscribe(joined, "a");
    commit(() => put("item", 0, 1));
    expect(commit(() => put("mark", 0, 2000))).toEqual({ a: 2000 });
    const dropped = fixture.table("mark").indexes.find(({ unique }) => !unique);
    commit(() => {
      if (dropped !== undefined) fixture.store.catalog.dropIndex(dropped.id);
      put("mark", 5000, 1);
    });
    expect(live.takeStruckOff()).toMatchObject([{ queries: [query], hasMissed: true }]);
    expect([live.templateCount, live.queryCount, live.bytes]).toEqual([0, 0, 0]);
  });
});

describe("liveStateBytesMax", () => {
  test("counts queries, arrangements, and what is kept elsewhere", () => {
    let others = 0;
    const limits = { ...unbounded, liveStateBytesMax: 30_000 };
    live = new LiveQueries(fixture.store, { limits, otherBytes: () => others });
    const query = subscribe("SELECT * FROM item", "a");
    others = 30_000;
    expect(refusal(() => subscribe("SELECT * FROM mark", "b"))).toBe("liveStateBytesMax: 30800 is over 30000, by mark");
    // Who is there shares what is there.
    expect(subscribe("SELECT * FROM item", "c")).toBe(query);
    others = 0;
    commit(() => put("mark", 0, 1900));
    expect(refusal(() => subscribe(joined, "b"))).toMatch(/^liveStateBytesMax: 30800 is over 30000, by /);
    subscribe("SELECT * FROM mark", "b");
  });

  test("an arrangement that grows past it ends those who use it, not the others", () => {
    limit({ liveStateBytesMax: 30_000 });
    const query = subscribe(joined, "a");
    subscribe("SELECT * FROM mark", "b");
    expect(commit(() => put("mark", 0, 3000))).toEqual({ b: 3000 });
    expect(live.takeStruckOff()).toMatchObject([{ queries: [query], hasMissed: false }]);
    live.unsubscribe(query, "a");
    expect(live.bytes).toBe(queryBytes);
  });
});
