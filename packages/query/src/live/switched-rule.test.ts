// Goal: rules with tables that no equality leads to: what each caller is told in every order of events, also where several of
// them are one commit; and that what switches nothing costs nothing.
// Method: a small store; the deltas of each commit as text, by caller; counters instead of time.
import { array, t } from "@lightcone/sats";
import { bindParams, compileRule, compileSubscription, type SelectPlan } from "@lightcone/sql";
import { describe, expect, test } from "vitest";
import { LiveQueries } from "../index.ts";
import { Fixture, rowsOf, type TableSpec } from "../testing/fixture.ts";
import { unbounded } from "./account.ts";

const [ann, bob] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const callers = { ann, bob };
const visitsMax = 5000;
const item: TableSpec = {
  name: "item",
  columns: { id: t.u32, level: t.u32 },
  indexes: [{ columns: [0], unique: true }],
};
const staff: TableSpec = {
  name: "staff",
  columns: { n: t.u32, who: array(t.u8) },
  indexes: [{ columns: [0], unique: true }, { columns: [1] }],
};
const gate: TableSpec = { name: "gate", columns: { n: t.u32, level: t.u32 } };

const madeIndex = {
  name: "made",
  sourceName: "made",
  accessor: undefined,
  algorithm: "btree",
  columns: [0],
  unique: false,
} as const;

class Ruled {
  readonly fixture = new Fixture(item, staff, gate);
  readonly queries: LiveQueries<string>;
  private readonly plan: SelectPlan;

  constructor(query: string, ...rules: readonly string[]) {
    const compiled = rules.map((sql) => compileRule(sql, this.fixture.catalog));
    const catalog = {
      ...this.fixture.catalog,
      rules: (table: number) => compiled.filter(({ sources }) => sources[0]?.table.id === table),
    };
    const [plan] = compileSubscription(query, catalog);
    if (plan === undefined) throw new Error("no plan");
    this.plan = plan;
    this.queries = new LiveQueries(this.fixture.store, { limits: { ...unbounded, liveVisitsMax: visitsMax } });
    for (const [name, sender] of Object.entries(callers)) this.subscribe(name, sender);
  }

  subscribe(name: string, sender: Uint8Array): void {
    this.queries.subscribe(this.plan, bindParams(this.plan, sender), name);
  }

  /** "index" makes one over the table's first column: every template that reads the table is made anew in the commit. */
  commit(...changes: readonly (readonly ["+" | "-" | "index", string, object])[]): Record<string, string> {
    const { fixture, queries } = this;
    const told: Record<string, string> = {};
    fixture.store.begin();
    for (const [what, table, row] of changes)
      if (what === "+") fixture.insert(table, row);
      else if (what === "-") fixture.delete(table, row);
      else fixture.store.catalog.createIndex(fixture.table(table).id, madeIndex);
    fixture.commit((commit) => {
      queries.advance(commit);
      queries.forEachDelta((query, parts) => {
        const ids = (kind: "deletes" | "inserts"): readonly number[] =>
          rowsOf(parts, kind).map((ref) => {
            fixture.store.resolve(ref as Parameters<Fixture["store"]["resolve"]>[0]); // from this store
            return fixture.store.row.view.getUint32(fixture.store.row.at, true);
          });
        const text = [
          ...ids("deletes")
            .map((id) => `-${id}`)
            .toSorted(),
          ...ids("inserts")
            .map((id) => `+${id}`)
            .toSorted(),
        ];
        for (const name of query.subscribers.keys()) told[name] = text.join(" ");
      });
    });
    return told;
  }
}

const i = (id: number, level = 0) => ["item", { id, level }] as const;
const s = (n: number, who: Uint8Array) => ["staff", { n, who }] as const;
const admin = "SELECT item.* FROM item JOIN staff a WHERE a.who = :sender";

describe("row 9: a rule that a row elsewhere switches on and off", () => {
  test("each caller has all or nothing, however many rows say so", () => {
    const live = new Ruled("SELECT * FROM item", admin);
    expect(live.commit(["+", ...i(1)], ["+", ...i(2)])).toEqual({});
    expect(live.commit(["+", ...s(1, ann)])).toEqual({ ann: "+1 +2" });
    expect(live.commit(["+", ...s(2, ann)])).toEqual({});
    expect(live.commit(["+", ...i(3)], ["-", ...i(1)])).toEqual({ ann: "-1 +3" });
    expect(live.commit(["-", ...s(1, ann)])).toEqual({});
    expect(live.commit(["-", ...s(2, ann)], ["+", ...s(3, bob)])).toEqual({ ann: "-2 -3", bob: "+2 +3" });
  });

  test("rows that come and go in the commit that switches", () => {
    const live = new Ruled("SELECT * FROM item", admin);
    live.commit(["+", ...i(1)], ["+", ...i(2)]);
    expect(live.commit(["+", ...s(1, ann)], ["+", ...i(3)], ["-", ...i(1)])).toEqual({ ann: "+2 +3" });
    expect(live.commit(["-", ...s(1, ann)], ["+", ...i(4)], ["-", ...i(2)])).toEqual({ ann: "-2 -3" });
    expect(live.commit(["+", ...s(1, ann)], ["-", ...i(3)], ["+", ...i(3, 9)])).toEqual({ ann: "+3 +4" });
  });

  test("a row that is replaced by one that does as much moves nothing and walks nothing", () => {
    const live = new Ruled("SELECT * FROM item", admin);
    live.commit(...Array.from({ length: 1000 }, (_, id) => ["+", ...i(id)] as const));
    live.commit(["+", ...s(1, ann)]);
    const { matchCount } = live.queries.counters;
    expect(live.commit(["-", ...s(1, ann)], ["+", ...s(2, ann)])).toEqual({});
    expect(live.queries.counters.matchCount - matchCount).toBeLessThan(10);
  });

  test("beside conditions of the row, other rules, and joined tables; several that must all be there", () => {
    const beside = new Ruled(
      "SELECT * FROM item WHERE id < 10",
      `${admin} AND item.level > 4`,
      "SELECT * FROM item WHERE level = 1",
    );
    expect(beside.commit(["+", ...i(1, 1)], ["+", ...i(2, 5)], ["+", ...i(12, 5)])).toEqual({ ann: "+1", bob: "+1" });
    expect(beside.commit(["+", ...s(1, bob)])).toEqual({ bob: "+2" });
    const all = new Ruled(
      "SELECT * FROM item",
      "SELECT item.* FROM item JOIN gate g ON g.level = item.level JOIN staff a JOIN gate o WHERE a.who = :sender AND o.n = 7",
    );
    const g = (n: number, level: number) => ["gate", { n, level }] as const;
    expect(all.commit(["+", ...i(1, 1)], ["+", ...i(2, 2)], ["+", ...g(1, 1)], ["+", ...s(1, ann)])).toEqual({});
    expect(all.commit(["+", ...g(7, 5)])).toEqual({ ann: "+1" });
    expect(all.commit(["+", ...g(2, 2)])).toEqual({ ann: "+2" });
    expect(all.commit(["-", ...s(1, ann)])).toEqual({ ann: "-1 -2" });
  });

  test("liveVisitsMax: rows that a switch shows count, and what a new query looks at does not", () => {
    const withGate = "SELECT item.* FROM item JOIN staff a JOIN gate g WHERE a.who = :sender AND g.level < 9";
    const live = new Ruled("SELECT * FROM item", withGate);
    const gates = Array.from({ length: visitsMax / 2 }, (_, n) => ["+", "gate", { n, level: 10 + n }] as const);
    const others = [3, 4, 5, 6, 7].map((each) => new Uint8Array(32).fill(each));
    const all = [ann, ...others].map((who, n) => ["+", ...s(n, who)] as const);
    live.commit(["+", ...i(1)], ...gates);
    for (const each of all) live.commit(each);
    // Each of them looks through the gates.
    for (const [n, who] of others.entries()) live.subscribe(`other ${n}`, who);
    expect(live.commit(["+", ...i(2)])).toEqual({});
    expect(live.queries.takeStruckOff()).toEqual([]);
    const shown = Array.from({ length: visitsMax }, (_, id) => ["+", ...i(100 + id)] as const);
    live.commit(...shown);
    live.commit(["+", "gate", { n: 9000, level: 1 }]);
    const [struck] = live.queries.takeStruckOff();
    expect(struck?.queries.map(({ subscribers }) => [...subscribers.keys()][0])).toContain("ann");
  });

  test("a comparison of the row with one that no equality leads to: who rises sees more, who falls sees less", () => {
    const live = new Ruled("SELECT * FROM item", `${admin} AND a.n > item.level`);
    live.commit(["+", ...i(1, 1)], ["+", ...i(2, 5)], ["+", ...i(3, 9)]);
    expect(live.commit(["+", ...s(3, ann)], ["+", ...s(7, bob)])).toEqual({ ann: "+1", bob: "+1 +2" });
    expect(live.commit(["+", ...i(4, 6)], ["-", ...i(1, 1)])).toEqual({ ann: "-1", bob: "-1 +4" });
    expect(live.commit(["-", ...s(3, ann)], ["+", ...s(8, ann)])).toEqual({ ann: "+2 +4" });
    expect(live.commit(["+", ...s(6, bob)], ["-", ...s(7, bob)])).toEqual({ bob: "-4" });
    expect(live.commit(["-", ...s(6, bob)], ["-", ...s(8, ann)], ["+", ...i(5, 0)])).toEqual({
      ann: "-2 -4",
      bob: "-2",
    });
  });

  test("two that are compared with each other switch a rule together", () => {
    const live = new Ruled("SELECT * FROM item", `${admin} AND a.n > g.level`.replace("WHERE", "JOIN gate g WHERE"));
    live.commit(["+", ...i(1)], ["+", "gate", { n: 1, level: 4 }]);
    expect(live.commit(["+", ...s(4, ann)], ["+", ...s(5, bob)])).toEqual({ bob: "+1" });
    expect(live.commit(["+", "gate", { n: 2, level: 2 }])).toEqual({ ann: "+1" });
    expect(live.commit(["-", "gate", { n: 1, level: 4 }])).toEqual({});
    expect(live.commit(["-", "gate", { n: 2, level: 2 }])).toEqual({ ann: "-1", bob: "-1" });
  });

  test("a table of a rule has an index from the commit on that switches: every caller is told, also under a rule of a rule", () => {
    const rule = "SELECT item.* FROM item JOIN gate g WHERE g.level = 7";
    const live = new Ruled("SELECT * FROM item", rule, "SELECT gate.* FROM gate JOIN staff a WHERE a.who = :sender");
    live.commit(["+", ...i(1)], ["+", "gate", { n: 1, level: 7 }]);
    expect(live.commit(["index", "gate", {}], ["+", ...s(1, ann)], ["+", ...s(2, bob)], ["+", ...i(2)])).toEqual({
      ann: "+1 +2",
      bob: "+1 +2",
    });
    expect(live.commit(["-", ...s(1, ann)], ["+", ...i(3)])).toEqual({ ann: "-1 -2", bob: "+3" });
    const back = new Ruled("SELECT * FROM item", rule, "SELECT gate.* FROM gate JOIN staff a WHERE a.who = :sender");
    back.commit(["+", ...i(1)], ["+", "gate", { n: 1, level: 7 }], ["+", ...s(1, ann)], ["+", ...s(2, bob)]);
    expect(back.commit(["index", "staff", {}], ["-", ...s(1, ann)], ["-", ...s(2, bob)], ["+", ...i(2)])).toEqual({
      ann: "-1",
      bob: "-1",
    });
  });
});
