// Goal: row 27: floating-point joins go by hash, disjunctions and several bounds go by indexes, and what can have no rows
// reads none.
// Method: tables of some thousand rows; how many rows an evaluation looks at, or steps it takes, beside its result. A
// walk or a product would look at more than is allowed.
import { asRowRef, type RowRef } from "@lightcone/base";
import { ByteReader, t, valueCodec } from "@lightcone/sats";
import { bindParams, compileStatement, compileSubscription, type SelectPlan } from "@lightcone/sql";
import { beforeAll, describe, expect, test } from "vitest";
import { LiveQueries, evaluate, prepare, select, selectWithin, SlicedSelect } from "../index.ts";
import { Fixture, rowsOf } from "../testing/fixture.ts";

const rowCount = 4_000;
const caller = { identity: new Uint8Array(32), mayWrite: true };
const columns = { id: t.u32, a: t.u32, b: t.u32, s: t.string, f: t.f64, g: t.f32 };
let fixture: Fixture;

/** `a` is unique, `b` groups of ten, `f` a float of its own each, with a few that are equal in more than one spelling. */
const rowOf = (id: number) => ({
  id,
  a: id,
  b: Math.floor(id / 10),
  s: `s${id % 100}`,
  f: id < 4 ? [0, -0, Number.NaN, Infinity][id] : id + 0.5,
  g: id < 4 ? [-0, 0, Infinity, Number.NaN][id] : id / 2,
});

let nanCount = 0;

/** Inserts a row. Each NaN gets bits of its own: they are equal all the same. */
function put(table: string, row: ReturnType<typeof rowOf>): void {
  const bytes = fixture.encode(table, row);
  const view = new DataView(bytes.buffer);
  nanCount += 1;
  if (Number.isNaN(row.f)) view.setBigUint64(bytes.length - 12, 0xfff8_0000_0000_0000n + BigInt(nanCount), true);
  if (Number.isNaN(row.g)) view.setUint32(bytes.length - 4, 0x7fc0_0000 + nanCount, true);
  const { store } = fixture;
  expect(store.tx.insert(fixture.table(table).id, bytes, 0, bytes.length)).toBeGreaterThanOrEqual(0);
}

/** Deletes the rows of that id, whatever else they hold. */
function remove(table: string, id: number): void {
  const found: RowRef[] = [];
  const prepared = prepare(planOf(`SELECT * FROM ${table} WHERE id = ${id}`));
  evaluate(fixture.store, prepared, bindParams(prepared.plan, caller.identity), ([ref]) => {
    found.push(asRowRef(ref ?? 0));
    return true;
  });
  for (const ref of found) fixture.store.tx.deleteRow(fixture.table(table).id, ref);
}

beforeAll(() => {
  fixture = new Fixture(
    {
      name: "r",
      columns,
      indexes: [
        { columns: [0], unique: true },
        { columns: [1], algorithm: "hash", unique: true },
        { columns: [2] },
        { columns: [3, 1] },
        { columns: [4] },
      ],
    },
    { name: "q", columns, indexes: [{ columns: [2] }] },
  );
  fixture.store.begin();
  for (let id = 0; id < rowCount; id += 1) for (const table of ["r", "q"]) put(table, rowOf(id));
  fixture.commit();
});

function planOf(sql: string): SelectPlan {
  const plan = compileStatement(sql, fixture.catalog, caller);
  if (plan.kind !== "select") throw new Error("not a select");
  return plan;
}

interface Run {
  /** The first columns of the rows, as they came. */
  readonly ids: readonly unknown[];
  readonly visited: number;
}

function run(sql: string): Run {
  const prepared = prepare(planOf(sql));
  const values = bindParams(prepared.plan, caller.identity);
  const codec = valueCodec(prepared.plan.columns);
  const ids: unknown[] = [];
  select(fixture.store, prepared, values, (bytes, at, length) => {
    ids.push(Object.values(codec.read(new ByteReader(bytes.slice(at, at + length))) as object)[0]);
  });
  return { ids, visited: evaluate(fixture.store, prepared, values, () => true) };
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const byNumber = (a: unknown, b: unknown): number => Number(a) - Number(b);

describe("row 27: what a SELECT reads", () => {
  test.each<readonly [where: string, ids: readonly number[], visited: number]>([
    // Disjunctions: a branch for each term, each row once.
    ["a = 5 OR b = 6", [5, ...numbers(60, 70)], 11],
    ["a = 65 OR b = 6 OR id = 66 OR f = 67.5", numbers(60, 70), 13],
    ["a = 5 OR a = 6 OR a = 5 OR a = 9999", [5, 6], 2],
    ["b = 6 OR b = 7 OR b = 6", numbers(60, 80), 20],
    ["id < 5 OR id >= 3990 OR a = 4", [...numbers(0, 5), ...numbers(3990, 4000)], 16],
    ["id < 5 OR id < 3 OR id <= 1 OR id < 5", numbers(0, 5), 5],
    ["(id > 10 AND id < 20) OR (id >= 15 AND id < 25) OR id = 30", [...numbers(11, 25), 30], 15],
    ["(id = 5 OR b = 6) AND s <> 's5'", numbers(60, 70), 11],
    ["(a = 5 OR a = 165 OR a = 265) AND s = 's65'", [165, 265], 3],
    ["s = 's65' AND (a = 165 OR a < 100)", [65, 165], 2],
    ["id = 7 AND (a = 7 OR b = 0)", [7], 1],
    ["(id = 7 AND b = 0) OR (id = 8 AND b = 1) OR (id > 9 AND id < 3)", [7], 2],
    ["id < 5 OR id < 3", numbers(0, 5), 5],
    ["(id > 10 AND id < 40) OR (id > 20 AND id < 30) OR (id > 15 AND id <= 40)", numbers(11, 41), 30],
    ["(id >= 10 AND id < 12) OR (id >= 12 AND id <= 13) OR (id > 13 AND id < 15)", numbers(10, 15), 5],
    ["f = 0 OR f = -0", [0, 1], 4],
    ["f >= 3999.5 OR f <= -0", [0, 1, 2, 3, 3999], 5],
    ["f > 1e999 OR f = 1e999", [2, 3], 2],
    // Bounds: the tightest of them.
    ["id > 10 AND id > 3990 AND id >= 3990 AND id < 4000 AND id < 3995", numbers(3991, 3995), 4],
    ["id >= 7 AND id <= 7", [7], 1],
    ["id >= 7 AND id > 6 AND id <= 8 AND id < 9 AND id <> 7", [8], 2],
    ["b = 6 AND b >= 6 AND b <= 6", numbers(60, 70), 10],
    ["s = 's65' AND a > 1 AND a > 3900 AND a < 3999", [3965], 1],
    ["f > -5 AND f > 3998.5 AND f <= 3999.5", [3999], 1],
    // Nothing to be found.
    ["false", [], 0],
    ["id = 5 AND false", [], 0],
    ["id = 5 AND (true = false)", [], 0],
    ["id = 5 AND id = 6", [], 0],
    ["id > 5 AND id < 5", [], 0],
    ["id > 5 AND id <= 5", [], 0],
    ["s > 'b' AND s < 'a'", [], 0],
    ["g > 1 AND g < 0.5 AND id <> 3", [], 0],
    ["f > 0 AND f = -0", [], 0],
    ["(id = 5 AND id = 6) OR (a = 1 AND a > 1)", [], 0],
  ])("%s", (where, ids, visited) => {
    const seen = run(`SELECT id FROM r WHERE ${where}`);
    expect(seen.ids.toSorted(byNumber)).toEqual(ids);
    expect(seen.visited).toBe(visited);
  });

  test("a term without an index makes it a walk, and rows come once", () => {
    expect(run("SELECT id FROM r WHERE a = 5 OR g = 20").ids.toSorted(byNumber)).toEqual([5, 40]);
    expect(run("SELECT id FROM r WHERE a = 5 OR g = 20").visited).toBe(rowCount);
  });

  test("however many terms there are, a row is read once for each index", () => {
    const terms = numbers(0, 500).flatMap((i) => [`id >= ${i}`, `f > ${i}`, `b = ${i % 7}`]);
    const seen = run(`SELECT id FROM r WHERE ${terms.join(" OR ")}`);
    expect(seen.ids.toSorted(byNumber)).toEqual(numbers(0, rowCount));
    expect(seen.visited).toBeLessThanOrEqual(3 * rowCount);
  });

  test("a union comes in one order, and LIMIT takes its beginning", () => {
    const where = "WHERE b = 7 OR a = 5 OR (id > 70 AND id < 90)";
    const { ids } = run(`SELECT id FROM r ${where}`);
    expect(run(`SELECT id FROM r ${where}`).ids).toEqual(ids);
    for (const limit of [0, 1, 7, 15]) {
      expect(run(`SELECT id FROM r ${where} LIMIT ${limit}`).ids).toEqual(ids.slice(0, limit));
    }
  });

  test.each<readonly [sql: string, rows: number, visitedMax: number]>([
    ["SELECT r.id FROM r JOIN q ON r.g = q.g", rowCount + 2, 3 * rowCount + 2],
    ["SELECT q.id FROM q JOIN r ON q.f = r.f", rowCount + 2, 3 * rowCount + 2],
    ["SELECT x.id FROM q x JOIN q y ON x.f = y.f", rowCount + 2, 3 * rowCount + 2],
    // The other condition leads to rows by an index, but not from the joined row.
    ["SELECT r.id FROM r JOIN q ON r.g = q.g WHERE q.b >= 1", rowCount - 10, 3 * rowCount],
    ["SELECT r.id FROM r JOIN q ON r.g = q.g WHERE q.b = 3 OR q.b = 4", 20, 2 * rowCount],
    ["SELECT r.id FROM r JOIN q ON r.g = q.g WHERE r.id = 5 OR r.id = 3", 2, 2 * rowCount],
    ["SELECT r.id FROM r CROSS JOIN q WHERE (r.id = 1 OR r.a = 2) AND (q.b = 1 OR q.b = 2)", 40, 42],
    ["SELECT r.id FROM r JOIN q ON r.id = q.id WHERE false", 0, 0],
    ["SELECT r.id FROM r JOIN q ON r.id = q.id WHERE q.g > 2 AND q.g < 1", 0, 0],
  ])("%s", (sql, rows, visitedMax) => {
    const seen = run(sql);
    expect(seen.ids).toHaveLength(rows);
    expect(seen.visited).toBeLessThanOrEqual(visitedMax);
  });

  test("what has no rows is known before it is begun, however large the table", () => {
    for (const where of ["false", "g > 2 AND g < 1"]) {
      const prepared = prepare(planOf(`SELECT COUNT(*) AS n FROM q WHERE ${where}`));
      const counts: number[] = [];
      const bounds = { visitMax: 0, scanMax: 0, isCounted: false };
      const values = bindParams(prepared.plan, caller.identity);
      selectWithin(fixture.store, prepared, values, bounds, (bytes, at) => counts.push(bytes[at] ?? -1));
      expect(counts).toEqual([0]);
    }
  });

  test("an UPDATE and a DELETE go by the same indexes, and a row that both terms mean is written once", () => {
    const { store } = fixture;
    const plan = compileStatement("DELETE FROM r WHERE a = 5 OR id = 5 OR b = 0", fixture.catalog, caller);
    if (plan.kind !== "delete") throw new Error("not a delete");
    const refs: number[] = [];
    const visited = evaluate(store, prepare(plan.match), bindParams(plan.match, caller.identity), ([ref]) => {
      refs.push(asRowRef(ref ?? 0));
      return true;
    });
    expect([refs.length, new Set(refs).size, visited]).toEqual([10, 10, 12]);
  });
});

describe("row 27: a floating-point join", () => {
  const equalFloats = rowCount + 2; // both zeros with each other; NaN with itself

  test("in steps, over a read view", () => {
    for (const sql of ["SELECT r.id FROM r JOIN q ON r.f = q.f", "SELECT COUNT(*) AS n FROM r JOIN q ON r.f = q.f"]) {
      const prepared = prepare(planOf(sql));
      const readView = fixture.store.openReadView();
      const rows: number[] = [];
      const source = { store: fixture.store, readView, seed: 7 };
      const sliced = new SlicedSelect(source, prepared, [], (bytes, at) =>
        rows.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)),
      );
      let steps = 1;
      while (sliced.step(1_000)) steps += 1;
      readView.close();
      if (prepared.plan.projection.kind === "count") expect(rows).toEqual([equalFloats]);
      else expect(rows).toHaveLength(equalFloats);
      expect(steps).toBeLessThan(30); // a product takes 16,000
    }
  });

  test("a table that is one value in many spellings is held as one key", () => {
    const zeros = new Fixture(
      { name: "z", columns: { id: t.u32, f: t.f64 } },
      { name: "y", columns: { id: t.u32, f: t.f64 } },
    );
    zeros.store.begin();
    for (let id = 0; id < 1_000; id += 1) {
      zeros.insert("z", { id, f: id % 2 === 0 ? 0 : -0 });
      zeros.insert("y", { id, f: id % 2 === 0 ? -0 : Number.NaN });
    }
    zeros.commit();
    const plan = compileStatement("SELECT COUNT(*) AS n FROM z JOIN y ON z.f = y.f", zeros.catalog, caller);
    if (plan.kind !== "select") throw new Error("not a select");
    const readView = zeros.store.openReadView();
    let count = 0;
    const sliced = new SlicedSelect({ store: zeros.store, readView, seed: 7 }, prepare(plan), [], (bytes) => {
      count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    });
    while (sliced.step(100));
    readView.close();
    expect([count, sliced.heldCount]).toEqual([500_000, 2]);
  });

  test("live: a changed row meets the rows of its value", () => {
    const live = new LiveQueries<string>(fixture.store);
    const plan = compileSubscription("SELECT r.* FROM r JOIN q ON r.f = q.f", fixture.catalog)[0];
    if (plan === undefined) throw new Error("no plan");
    const query = live.subscribe(plan, [], "all");
    const told = (change: () => void): number[] => {
      let counts: number[] = [];
      fixture.store.begin();
      change();
      fixture.commit((commit) => {
        live.advance(commit);
        counts = [rowsOf(query.parts, "deletes").length, rowsOf(query.parts, "inserts").length];
      });
      return counts;
    };
    const { counters } = live;
    expect(told(() => fixture.insert("q", { ...rowOf(9_000), f: -0 }))).toEqual([0, 2]);
    expect(told(() => put("q", { ...rowOf(9_001), f: Number.NaN }))).toEqual([0, 1]);
    expect(told(() => fixture.insert("r", { ...rowOf(9_002), f: 0 }))).toEqual([0, 3]);
    expect(counters.matchCount).toBe(6);
    expect(told(() => fixture.insert("r", { ...rowOf(9_003), f: 17.5 }))).toEqual([0, 1]);
    expect(counters.matchCount).toBe(7);
    expect(
      told(() => {
        fixture.delete("r", { ...rowOf(9_002), f: 0 });
        fixture.delete("r", { ...rowOf(9_003), f: 17.5 });
        fixture.delete("q", { ...rowOf(9_000), f: -0 });
        remove("q", 9_001);
      }),
    ).toEqual([3 + 1 + 2 + 1, 0]);
    live.unsubscribe(query, "all");
  });

  test("live: 10,000 queries for floats of their own are one template, and a row meets those of its value", () => {
    const live = new LiveQueries<string>(fixture.store);
    const all = numbers(0, 10_000).map((i) => {
      const plan = compileSubscription(`SELECT * FROM q WHERE f = ${i === 0 ? "-0" : i + 0.25}`, fixture.catalog)[0];
      if (plan === undefined) throw new Error("no plan");
      return live.subscribe(plan, bindParams(plan, caller.identity), `q${i}`);
    });
    fixture.store.begin();
    fixture.insert("q", { ...rowOf(9_000), f: 0 });
    fixture.insert("q", { ...rowOf(9_001), f: 77.25 });
    fixture.commit((commit) => live.advance(commit));
    const insertsOf = (query: (typeof all)[number] | undefined): number => rowsOf(query?.parts ?? [], "inserts").length;
    expect([insertsOf(all[0]), insertsOf(all[77]), live.counters.candidateCount]).toEqual([1, 1, 2]);
    fixture.store.begin();
    fixture.delete("q", { ...rowOf(9_000), f: 0 });
    fixture.delete("q", { ...rowOf(9_001), f: 77.25 });
    fixture.commit((commit) => live.advance(commit));
  });

  test("live: what has no rows is concerned by no change", () => {
    const live = new LiveQueries<string>(fixture.store);
    for (const sql of ["SELECT * FROM q WHERE false", "SELECT r.* FROM r JOIN q ON r.f = q.f WHERE false"]) {
      const plan = compileSubscription(sql, fixture.catalog)[0];
      if (plan === undefined) throw new Error("no plan");
      live.subscribe(plan, [], sql);
    }
    fixture.store.begin();
    fixture.insert("q", rowOf(9_000));
    fixture.commit((commit) => live.advance(commit));
    expect(live.counters).toMatchObject({ rowCount: 0, candidateCount: 0, matchCount: 0 });
    fixture.store.begin();
    fixture.delete("q", rowOf(9_000));
    fixture.commit((commit) => live.advance(commit));
  });
});
