// Goal: what live queries promise beyond correctness of results: routing by value, sharing, exact counts, and
// the cases in which counting rows goes wrong most easily (docs/semantics/live-queries.md).
// Method: small stores; the deltas of each commit as text; counters instead of time.
import { t } from "@lightcone/sats";
import { bindParams, compileSubscription } from "@lightcone/sql";
import { describe, expect, test } from "vitest";
import { LiveQueries } from "../index.ts";
import { Fixture, rowsOf, type TableSpec } from "../testing/fixture.ts";

const sender = new Uint8Array(32);
const r: TableSpec = {
  name: "r",
  columns: { id: t.u32, k: t.string },
  indexes: [{ columns: [0], unique: true }, { columns: [1] }],
};
const s: TableSpec = {
  name: "s",
  columns: { id: t.u32, k: t.string, x: t.u32 },
  indexes: [{ columns: [0], unique: true }, { columns: [1] }],
};

class Live {
  readonly fixture: Fixture;
  readonly queries: LiveQueries<string>;

  constructor(...tables: readonly TableSpec[]) {
    this.fixture = new Fixture(...tables);
    this.queries = new LiveQueries<string>(this.fixture.store);
  }

  subscribe(sql: string, subscriber = sql) {
    const plan = compileSubscription(sql, this.fixture.catalog)[0];
    if (plan === undefined) throw new Error("no plan");
    return this.queries.subscribe(plan, bindParams(plan, sender), subscriber);
  }

  /** Commits `changes`; gives per subscriber what it is told, `-` and `+` before the first column of each row. */
  commit(changes: (fixture: Fixture) => void): Record<string, string> {
    const told: Record<string, string> = {};
    this.fixture.store.begin();
    changes(this.fixture);
    this.fixture.commit((commit) => {
      this.queries.advance(commit);
      this.queries.forEachDelta((query, parts) => {
        const first = (ref: number): number => {
          this.fixture.store.resolve(ref as Parameters<Fixture["store"]["resolve"]>[0]); // from this store
          return this.fixture.store.row.view.getUint32(this.fixture.store.row.at, true);
        };
        const minus = rowsOf(parts, "deletes").map((ref) => `-${first(ref)}`);
        const plus = rowsOf(parts, "inserts").map((ref) => `+${first(ref)}`);
        for (const subscriber of query.subscribers.keys())
          told[subscriber] = [...minus.toSorted(), ...plus.toSorted()].join(" ");
      });
    });
    return told;
  }
}

describe("routing by value", () => {
  test("10,000 queries `WHERE id = ?` are one template, and a changed row meets one of them", () => {
    const live = new Live(r);
    for (let id = 0; id < 10_000; id += 1) live.subscribe(`SELECT * FROM r WHERE id = ${id}`, `q${id}`);
    expect([live.queries.templateCount, live.queries.queryCount]).toEqual([1, 10_000]);
    const told = live.commit((fixture) => {
      for (const id of [3, 77, 20_000]) fixture.insert("r", { id, k: "a" });
    });
    expect(told).toEqual({ q3: "+3", q77: "+77" });
    expect(live.queries.counters).toMatchObject({ templateCount: 1, rowCount: 3, candidateCount: 2, matchCount: 0 });
  });

  test("1,000 joins that differ in a parameter of the other table: a row meets those whose partner it has", () => {
    const live = new Live(r, s);
    for (let x = 0; x < 1_000; x += 1)
      live.subscribe(`SELECT r.* FROM r JOIN s ON r.k = s.k WHERE s.x = ${x}`, `q${x}`);
    expect(live.queries.templateCount).toBe(1);
    live.commit((fixture) => {
      fixture.insert("s", { id: 1, k: "a", x: 5 });
      fixture.insert("s", { id: 2, k: "a", x: 6 });
      fixture.insert("s", { id: 3, k: "b", x: 7 });
    });
    const before = live.queries.counters.candidateCount;
    expect(live.commit((fixture) => fixture.insert("r", { id: 9, k: "a" }))).toEqual({ q5: "+9", q6: "+9" });
    expect(live.queries.counters.candidateCount - before).toBe(2);
  });

  test("two spellings of a query are one", () => {
    const live = new Live(r);
    const a = live.subscribe("SELECT * FROM r WHERE id = 1 AND k = 'a'", "x");
    expect(live.subscribe(`select "r".* from r where ('a' = r.k) and (r.id = 1)`, "y")).toBe(a);
    expect([...a.subscribers.keys()]).toEqual(["x", "y"]);
  });
});

describe("subscribing", () => {
  test("as many unsubscribes as subscribes end it", () => {
    const live = new Live(r);
    const query = live.subscribe("SELECT * FROM r", "x");
    live.subscribe("SELECT * FROM r", "x");
    live.queries.unsubscribe(query, "x");
    expect(live.queries.queryCount).toBe(1);
    live.queries.unsubscribe(query, "x");
    expect([live.queries.queryCount, live.queries.templateCount]).toEqual([0, 0]);
    expect(live.commit((fixture) => fixture.insert("r", { id: 1, k: "" }))).toEqual({});
  });
});

test("queries that share a routed value come and go apart", () => {
  const live = new Live(r);
  const all = [1, 2, 3].map((id) => live.subscribe(`SELECT * FROM r WHERE k = 'a' AND id > ${id}`, `q${id}`));
  const insert = (id: number): Record<string, string> => live.commit((fixture) => fixture.insert("r", { id, k: "a" }));
  expect(insert(10)).toEqual({ q1: "+10", q2: "+10", q3: "+10" });
  const [first, second, third] = all;
  if (first === undefined || second === undefined || third === undefined) throw new Error("three were made");
  live.queries.unsubscribe(first, "q1");
  expect(insert(11)).toEqual({ q2: "+11", q3: "+11" });
  live.queries.unsubscribe(third, "q3");
  expect(insert(12)).toEqual({ q2: "+12" });
});

describe("event tables", () => {
  const happened: TableSpec = { name: "happened", columns: { id: t.u32, k: t.string }, isEvent: true };

  test("an event is told once and never taken back", () => {
    const live = new Live(happened);
    live.subscribe("SELECT * FROM happened WHERE k = 'a'", "q");
    expect(live.commit((fixture) => fixture.insert("happened", { id: 1, k: "a" }))).toEqual({ q: "+1" });
    expect(live.commit((fixture) => fixture.insert("happened", { id: 2, k: "b" }))).toEqual({});
  });

  test("an event meets the rows that its own commit left", () => {
    const live = new Live(happened, s);
    live.subscribe("SELECT e.* FROM happened e JOIN s ON e.k = s.k", "q");
    const told = live.commit((fixture) => {
      fixture.insert("s", { id: 1, k: "a", x: 1 });
      fixture.insert("happened", { id: 7, k: "a" });
    });
    expect(told).toEqual({ q: "+7" });
    expect(live.commit((fixture) => fixture.delete("s", { id: 1, k: "a", x: 1 }))).toEqual({});
  });
});

describe("what is told", () => {
  const semijoin = "SELECT r.* FROM r JOIN s ON r.k = s.k WHERE s.x = 1";

  function started(): Live {
    const live = new Live(r, s);
    live.subscribe(semijoin, "q");
    live.commit((fixture) => {
      fixture.insert("r", { id: 1, k: "a" });
      fixture.insert("r", { id: 2, k: "a" });
      fixture.insert("r", { id: 3, k: "b" });
      fixture.insert("s", { id: 10, k: "a", x: 1 });
      fixture.insert("s", { id: 11, k: "a", x: 1 });
      fixture.insert("s", { id: 12, k: "b", x: 0 });
    });
    return live;
  }

  test("rows come and go on both sides", () => {
    const told = started().commit((fixture) => {
      fixture.delete("r", { id: 2, k: "a" });
      fixture.insert("r", { id: 4, k: "b" });
      fixture.delete("s", { id: 11, k: "a", x: 1 });
      fixture.insert("s", { id: 13, k: "b", x: 1 });
    });
    expect(told).toEqual({ q: "-1 -2 -2 +3 +4" });
  });

  test("a count that falls from 2 to 1 is one delete", () => {
    expect(started().commit((fixture) => fixture.delete("s", { id: 11, k: "a", x: 1 }))).toEqual({ q: "-1 -2" });
  });

  test("a joined row replaced by another that matches: nothing", () => {
    const told = started().commit((fixture) => {
      fixture.delete("s", { id: 11, k: "a", x: 1 });
      fixture.insert("s", { id: 20, k: "a", x: 1 });
    });
    expect(told).toEqual({});
  });

  test.each([
    { why: "out of the filter: a delete", to: { id: 1, k: "z" }, told: "-1" },
    { why: "within the filter: a delete and an insert", to: { id: 2, k: "a" }, told: "-1 +2" },
  ])("an update $why", ({ to, told }) => {
    const live = new Live(r);
    live.subscribe("SELECT * FROM r WHERE k = 'a'", "q");
    live.commit((fixture) => fixture.insert("r", { id: 1, k: "a" }));
    const result = live.commit((fixture) => {
      fixture.delete("r", { id: 1, k: "a" });
      fixture.insert("r", to);
    });
    expect(result).toEqual({ q: told });
  });

  test("a row put in and taken out in one transaction: nothing", () => {
    const live = started();
    const told = live.commit((fixture) => {
      fixture.insert("r", { id: 50, k: "a" });
      fixture.delete("r", { id: 50, k: "a" });
    });
    expect(told).toEqual({});
  });

  test("a self join: a row counts once for each of the others, itself among them", () => {
    const live = new Live(r);
    live.subscribe("SELECT a.* FROM r a JOIN r b ON a.k = b.k", "q");
    expect(live.commit((fixture) => fixture.insert("r", { id: 1, k: "a" }))).toEqual({ q: "+1" });
    expect(live.commit((fixture) => fixture.insert("r", { id: 2, k: "a" }))).toEqual({ q: "+1 +2 +2" });
    expect(live.commit((fixture) => fixture.delete("r", { id: 1, k: "a" }))).toEqual({ q: "-1 -1 -2" });
  });
});

test("an index on one side alone is enough, whichever it is", () => {
  const bare: TableSpec = { ...s, indexes: [] };
  for (const sql of ["SELECT r.* FROM r JOIN s ON r.k = s.k", "SELECT s.* FROM r JOIN s ON r.k = s.k"]) {
    const live = new Live(r, bare);
    live.commit((fixture) => fixture.insert("s", { id: 1, k: "a", x: 1 }));
    live.subscribe(sql, "q");
    const wantsR = sql.includes("r.*");
    expect(live.commit((fixture) => fixture.insert("r", { id: 7, k: "a" }))).toEqual({ q: wantsR ? "+7" : "+1" });
    expect(live.commit((fixture) => fixture.insert("s", { id: 2, k: "a", x: 1 }))).toEqual({ q: wantsR ? "+7" : "+2" });
    expect(live.commit((fixture) => fixture.delete("s", { id: 1, k: "a", x: 1 }))).toEqual({ q: wantsR ? "-7" : "-1" });
  }
});

test("a template is made again when an index of its table goes", () => {
  const live = new Live(r, s);
  live.subscribe("SELECT r.* FROM r JOIN s ON r.k = s.k", "q");
  const index = live.fixture.table("s").indexes.find(({ def }) => def.columns[0] === 1);
  if (index === undefined) throw new Error("no index");
  live.commit((fixture) => fixture.store.catalog.dropIndex(index.id));
  live.commit((fixture) => fixture.insert("s", { id: 1, k: "a", x: 1 }));
  expect(live.commit((fixture) => fixture.insert("r", { id: 7, k: "a" }))).toEqual({ q: "+7" });
});

test("a steady load on one table makes no new lists", () => {
  const live = new Live(r);
  const query = live.subscribe("SELECT * FROM r WHERE id > 5", "q");
  const lists = new Set<unknown>();
  for (let id = 10; id < 60; id += 1) {
    live.fixture.store.begin();
    live.fixture.insert("r", { id, k: "a" });
    live.fixture.commit((commit) => {
      live.queries.advance(commit);
      lists.add(query.parts[0]?.inserts.refs);
    });
  }
  expect(lists.size).toBe(1);
});
