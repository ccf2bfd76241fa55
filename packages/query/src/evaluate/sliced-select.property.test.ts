// Goal: a SELECT carried out in steps gives the result at the offset where it was opened, whatever is committed
// between its steps; and one that is evaluated within a bound gives the same or says that it is more.
// Method: random tables with duplicates, floats and text, under random indexes; queries of every shape (ranges,
// semijoins with repeated keys, several edges, residual conditions, products, three tables, columns, COUNT, LIMIT);
// random commits between steps of random size. The truth is `select` before the first step.
import { assertProperty, runCount } from "@lightcone/base/testing";
import { t } from "@lightcone/sats";
import { bindParams, compileStatement, type SelectPlan } from "@lightcone/sql";
import fc from "fast-check";
import { expect, test } from "vitest";
import { prepare, select, selectWithin, SlicedSelect, type EmitBytes, type Prepared } from "../index.ts";
import { Fixture, type IndexSpec } from "../testing/fixture.ts";

const runs = runCount(1);

const queries = [
  "SELECT * FROM r",
  "SELECT * FROM r WHERE k > 1",
  "SELECT * FROM r WHERE k >= 1 AND k < 3 AND f < 1.5",
  "SELECT * FROM r WHERE k = 2",
  "SELECT * FROM r WHERE false",
  "SELECT COUNT(*) AS n FROM r WHERE false",
  "SELECT * FROM r WHERE k > 2 AND k < 1",
  "SELECT * FROM r WHERE k = 1 OR s = 'a' OR f = 0",
  "SELECT COUNT(*) AS n FROM r WHERE k < 2 OR k >= 1 OR f = -0 OR f = 0",
  "SELECT * FROM r WHERE (k = 1 OR k = 2 OR k = 1) AND f >= 0 AND f >= 1 AND f < 9",
  "SELECT * FROM r WHERE (k = 1 OR f > 1) AND (s = 'a' OR s = '') LIMIT 3",
  "SELECT r.* FROM r JOIN q ON r.f = q.f WHERE r.k = 1 OR r.k = 2",
  "SELECT r.* FROM r JOIN q ON r.k = q.k WHERE q.f = 1.5 AND q.f > 2",
  "SELECT COUNT(*) AS n FROM r JOIN q ON r.f = q.f",
  "SELECT r.id FROM r CROSS JOIN q WHERE (q.k = 1 OR q.f = 0) AND r.k = 3",
  "SELECT s, k FROM r WHERE f >= 0",
  "SELECT COUNT(*) AS n FROM r",
  "SELECT COUNT(*) AS n FROM r WHERE k = 1 AND s <> 'a'",
  "SELECT * FROM r WHERE k > 0 LIMIT 3",
  "SELECT r.* FROM r JOIN q ON r.k = q.k",
  "SELECT r.* FROM r JOIN q ON r.s = q.s WHERE q.k > 0",
  "SELECT q.* FROM r JOIN q ON r.s = q.s WHERE r.k = 1",
  "SELECT r.* FROM r JOIN q ON r.f = q.f",
  "SELECT a.* FROM r a JOIN r b ON a.k = b.k",
  "SELECT r.* FROM r JOIN q ON r.k = q.k LIMIT 4",
  "SELECT r.* FROM r JOIN q ON r.k = q.k WHERE r.s = q.s",
  "SELECT r.* FROM r JOIN q ON r.k = q.k WHERE r.s < q.s",
  "SELECT r.id, q.id AS other FROM r JOIN q ON r.s = q.s WHERE r.k < q.k OR q.f = 0",
  "SELECT COUNT(*) AS n FROM r JOIN q ON r.k = q.k",
  "SELECT COUNT(*) AS n FROM r CROSS JOIN q",
  "SELECT r.id FROM r CROSS JOIN q WHERE q.k = 1",
  "SELECT r.id, p.id AS third FROM r JOIN q ON r.k = q.k JOIN r p ON q.s = p.s",
  "SELECT COUNT(*) AS n FROM r JOIN q ON r.k = q.k JOIN q p ON r.s = p.s",
];

const row = fc.record({
  id: fc.nat(1_000_000),
  k: fc.nat(3),
  s: fc.constantFrom("", "a", "ab"),
  f: fc.constantFrom(0, -0, 1.5, Number.NaN, Infinity, -Infinity),
});
const indexes = fc.subarray<IndexSpec>([
  { columns: [1] },
  { columns: [2, 1] },
  { columns: [3] },
  { columns: [1], algorithm: "hash" },
]);
const edit = fc.record({ table: fc.constantFrom("r", "q"), row, isDelete: fc.boolean() });

const columns = { id: t.u32, k: t.u32, s: t.string, f: t.f64 };

type Rows = string[];
const into =
  (rows: Rows): EmitBytes =>
  (bytes, at, length) =>
    rows.push(Buffer.from(bytes.subarray(at, at + length)).toString("hex"));

/** With a LIMIT any so many rows will do, as long as each is one of the result. */
function expectSame(plan: SelectPlan, actual: Rows, expected: Rows, all: Rows): void {
  if (plan.limit === undefined || plan.projection.kind === "count") {
    expect(actual.toSorted()).toEqual(expected.toSorted());
    return;
  }
  expect(actual).toHaveLength(expected.length);
  const rest = [...all];
  for (const each of actual) {
    const at = rest.indexOf(each);
    expect(at).toBeGreaterThanOrEqual(0);
    rest.splice(at, 1);
  }
}

interface Bench {
  readonly fixture: Fixture;
  readonly prepared: Prepared;
  readonly values: readonly Uint8Array[];
  readonly expected: Rows;
  readonly all: Rows;
}

function open(sql: string, specs: readonly IndexSpec[], rows: readonly (readonly object[])[]): Bench {
  const fixture = new Fixture({ name: "r", columns, indexes: specs }, { name: "q", columns, indexes: specs.slice(1) });
  fixture.store.begin();
  for (const each of rows[0] ?? []) fixture.insert("r", each);
  for (const each of rows[1] ?? []) fixture.insert("q", each);
  fixture.commit();
  const compiled = (text: string): SelectPlan => {
    const plan = compileStatement(text, fixture.catalog, { identity: new Uint8Array(32), mayWrite: false });
    if (plan.kind !== "select") throw new Error("not a select");
    return plan;
  };
  const prepared = prepare(compiled(sql));
  const values = bindParams(prepared.plan, new Uint8Array(32));
  const expected: Rows = [];
  select(fixture.store, prepared, values, into(expected));
  const all: Rows = [];
  select(fixture.store, prepare(compiled(sql.replace(/ LIMIT \d+$/, ""))), values, into(all));
  return { fixture, prepared, values, expected, all };
}

const tables = fc.tuple(fc.array(row, { maxLength: 40 }), fc.array(row, { maxLength: 40 }));

test.each(queries)("in steps: %s", (sql) => {
  assertProperty(
    fc.property(indexes, tables, fc.array(edit), fc.integer({ min: 1, max: 30 }), (specs, rows, edits, stepMax) => {
      const { fixture, prepared, values, expected, all } = open(sql, specs, rows);
      const { store } = fixture;
      const readView = store.openReadView();
      const actual: Rows = [];
      const sliced = new SlicedSelect({ store, readView, seed: 7 }, prepared, values, into(actual));
      const gone = rows.flat();
      for (let step = 0; sliced.step(stepMax); step += 1) {
        store.begin();
        for (const { table, row: each, isDelete } of edits.slice(step % 5)) {
          const other = gone[(step * 7 + each.id) % Math.max(1, gone.length)];
          if (isDelete && other !== undefined) fixture.delete(table, other);
          else fixture.insert(table, { ...each, id: each.id + step });
        }
        fixture.commit();
      }
      readView.close();
      expectSame(prepared.plan, actual, expected, all);
    }),
    25 * runs,
  );
});

test.each(queries)("within a bound: %s", (sql) => {
  assertProperty(
    fc.property(indexes, tables, fc.nat(200), (specs, rows, visitMax) => {
      const { fixture, prepared, values, expected, all } = open(sql, specs, rows);
      const actual: Rows = [];
      const run = (bound: number, emit: EmitBytes): number =>
        selectWithin(
          fixture.store,
          prepared,
          values,
          { visitMax: bound, scanMax: bound >> 1, isCounted: bound % 2 === 1 },
          emit,
        );
      if (run(visitMax, into(actual)) >= 0) expectSame(prepared.plan, actual, expected, all);
      else expect(actual).toEqual([]);
      expect(run(1_000_000, () => undefined)).toBeGreaterThanOrEqual(0);
    }),
    15 * runs,
  );
});

test("what a join holds is told, and a source that only counts is held by its keys", () => {
  const rows = Array.from({ length: 300 }, (_, id) => ({ id, k: id % 4, s: "", f: 0 }));
  const hold = (sql: string): number => {
    const { fixture, prepared, values } = open(sql, [], [rows, rows]);
    const { store } = fixture;
    const readView = store.openReadView();
    const sliced = new SlicedSelect({ store, readView, seed: 7 }, prepared, values, () => undefined);
    while (sliced.step(50));
    readView.close();
    return sliced.heldCount;
  };
  expect(hold("SELECT r.* FROM r JOIN q ON r.k = q.k")).toBe(4);
  expect(hold("SELECT r.* FROM r JOIN q ON r.k = q.k WHERE r.id < q.id")).toBe(300);
  expect(hold("SELECT * FROM r")).toBe(0);
});
