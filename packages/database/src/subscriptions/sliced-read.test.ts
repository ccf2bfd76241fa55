// Goal: a reading lets go of its offset however it ends, works at once what is little, and takes bounded slices.
// Method: a store of two tables whose read views are counted; readings that run to their end, are closed, or go over their
// limit; the rows between two looks at the clock are counted where they arrive.
import { isLightconeError } from "@lightcone/base";
import { manualClock } from "@lightcone/commitlog/testing";
import { execute } from "@lightcone/query";
import { CommitKind, openStore, type ReadView, type Store } from "@lightcone/engine";
import { t, type AlgebraicType } from "@lightcone/sats";
import type { TableDef } from "@lightcone/schema";
import { compileStatement, type SelectPlan } from "@lightcone/sql";
import { beforeEach, describe, expect, test } from "vitest";
import { defaultDatabaseLimits } from "../link/limits.ts";
import { SlicedRead, type ReadContext } from "./sliced-read.ts";
import { ownCall } from "../core/call.ts";

const largeCount = 9_000;
const smallCount = 3_000;

function tableOf(name: string): TableDef {
  const column = (of: string, type: AlgebraicType) => ({ name: of, accessor: of, type, defaultValue: undefined });
  const columns = [column("id", t.u32), column("value", t.u32)];
  const index = {
    name: `${name}_value`,
    sourceName: name,
    accessor: undefined,
    algorithm: "btree",
    unique: false,
  } as const;
  return {
    name,
    accessor: name,
    columns,
    rowType: { kind: "Product", elements: columns.map(({ name: of, type }) => ({ name: of, type })) },
    typeRef: undefined,
    primaryKey: undefined,
    indexes: [{ ...index, columns: [1] }],
    constraints: [],
    sequences: [],
    schedule: undefined,
    access: "public",
    kind: "user",
    isEvent: false,
  };
}

let store: Store;
let openReadViews: Set<ReadView>;
let context: ReadContext;
/** Passes with each look at the clock. */
let stepMs: number;

beforeEach(() => {
  store = openStore();
  openReadViews = new Set();
  stepMs = 0;
  store.begin();
  for (const [name, count] of [
    ["large", largeCount],
    ["small", smallCount],
  ] as const) {
    const { id } = store.catalog.createTable(tableOf(name));
    const row = new Uint8Array(8);
    const view = new DataView(row.buffer);
    for (let each = 0; each < count; each += 1) {
      view.setUint32(0, each, true);
      view.setUint32(4, each % 3000, true);
      store.tx.insert(id, row, 0, row.length);
    }
  }
  const meta = ownCall(new Uint8Array(32), CommitKind.internal);
  const commit = store.commit(meta);
  if (commit !== undefined) store.release(commit);
  const openReadView = (): ReadView => {
    const readView = store.openReadView();
    const counted: ReadView = Object.assign(Object.create(readView), {
      close: () => {
        openReadViews.delete(counted);
        readView.close();
      },
    });
    openReadViews.add(counted);
    return counted;
  };
  let steadyMs = 0;
  const observed: Store = Object.assign(Object.create(store), { openReadView });
  // Only plain fields and methods of the store are asked for.
  for (const name of ["table", "tableByName", "resolve"] as const)
    Object.assign(observed, { [name]: store[name].bind(store) });
  context = {
    relations: observed,
    clock: { ...manualClock(), steadyMs: () => (steadyMs += stepMs) },
    limits: defaultDatabaseLimits,
    seed: 7,
    pipeline: { offset: 0 },
  };
});

function open(
  texts: readonly string[],
  limits = {},
  isOwner = false,
): { readonly reading: SlicedRead; readonly count: () => number } {
  let count = 0;
  const rows = { add: () => void (count += 1) };
  const plans = texts.map((text): SelectPlan => {
    const catalog = { table: (name: string) => store.tableByName(name)?.schema };
    const plan = compileStatement(text, catalog, { identity: new Uint8Array(32), mayWrite: false });
    if (plan.kind !== "select") throw new Error(text);
    return plan;
  });
  const reading = new SlicedRead(
    { ...context, limits: { ...context.limits, ...limits } },
    plans.map((plan) => ({ plan, rows })),
    { identity: new Uint8Array(32), isOwner },
  );
  return { reading, count: () => count };
}

test.each([
  ["SELECT * FROM small", smallCount],
  ["SELECT * FROM large WHERE value < 1000", 3000],
  ["SELECT * FROM large WHERE value = 7", 3],
  ["SELECT * FROM large LIMIT 4000", 4000],
  ["SELECT COUNT(*) AS n FROM large", 1],
  ["SELECT l.* FROM large l JOIN small s ON l.value = s.value WHERE s.value < 10", 30],
])("at once: %s", (text, rows) => {
  const { reading, count } = open([text]);
  expect([reading.isWhole, count(), openReadViews.size]).toEqual([true, rows, 0]);
});

test.each([
  ["SELECT * FROM large", largeCount],
  ["SELECT * FROM large WHERE value >= 1000", 6000],
  ["SELECT * FROM large LIMIT 8000", 8000],
  ["SELECT COUNT(*) AS n FROM large WHERE value >= 1000", 1],
  ["SELECT l.* FROM large l JOIN small s ON l.value = s.value", largeCount],
  ["SELECT l.id, s.id AS other FROM large l JOIN small s ON l.value = s.value", largeCount],
])("in slices: %s", (text, rows) => {
  const { reading, count } = open([text]);
  expect([reading.isWhole, count(), openReadViews.size]).toEqual([false, 0, 1]);
  let slices = 0;
  for (; !reading.isWhole; slices += 1) {
    const before = count();
    reading.gather();
    expect(count() - before).toBeLessThanOrEqual(2000);
  }
  expect([count(), openReadViews.size]).toEqual([rows, 0]);
  expect(slices).toBeGreaterThanOrEqual(4);
});

test("a slice ends with its time", () => {
  const { reading, count } = open(["SELECT * FROM large"]);
  stepMs = 1;
  reading.gather();
  expect(count()).toBeLessThanOrEqual(100);
  reading.close();
});

test("many walks of small tables are a long one, and ranges of them are not", () => {
  const walks = open(Array.from({ length: 10 }, () => "SELECT * FROM small"));
  expect(walks.reading.isWhole).toBe(false);
  expect(walks.count()).toBeLessThanOrEqual(5000);
  while (!walks.reading.isWhole) walks.reading.gather();
  expect([walks.count(), openReadViews.size]).toEqual([10 * smallCount, 0]);
  const ranges = open(Array.from({ length: 3000 }, (_, value) => `SELECT * FROM large WHERE value = ${value}`));
  expect([ranges.reading.isWhole, ranges.count()]).toEqual([true, largeCount]);
});

test("whoever closes a reading lets go of its offset, at any time and twice", () => {
  for (const slices of [0, 1, 3]) {
    const { reading } = open(["SELECT * FROM large", "SELECT l.* FROM large l JOIN large s ON l.value = s.value"]);
    for (let slice = 0; slice < slices; slice += 1) reading.gather();
    expect(openReadViews.size).toBe(1);
    reading.close();
    reading.close();
    expect(openReadViews.size).toBe(0);
  }
});

test("over its limit a reading says so: when it is opened, in a slice, and for what a join holds", () => {
  const code = (work: () => unknown): unknown => {
    try {
      return work();
    } catch (error) {
      return isLightconeError(error, "LimitExceeded") ? error.detail : error;
    }
  };
  const limits = { queryRowsMax: 1000 };
  const over = { limit: "queryRowsMax", max: 1000 };
  expect(code(() => open(["SELECT * FROM large", "SELECT * FROM small"], limits))).toMatchObject(over);
  expect(openReadViews.size).toBe(0);
  for (const text of ["SELECT * FROM large", "SELECT COUNT(*) AS n FROM large l JOIN large s ON l.value = s.value"]) {
    const { reading } = open([text], limits);
    expect(
      code(() => {
        while (!reading.isWhole) reading.gather();
      }),
    ).toMatchObject(over);
    reading.close();
    expect(openReadViews.size).toBe(0);
  }
});

describe("the variable row_limit", () => {
  const set = (value: number): void => {
    store.begin();
    const nobody = { identity: new Uint8Array(32), mayWrite: true };
    const plan = compileStatement(`SET row_limit = ${value}`, { table: () => undefined }, nobody);
    execute(store, plan, nobody.identity, () => undefined);
    const commit = store.commit(ownCall(nobody.identity, CommitKind.internal));
    if (commit !== undefined) store.release(commit);
  };
  const whole = (texts: readonly string[], isOwner: boolean): number => {
    const { reading, count } = open(texts, {}, isOwner);
    try {
      while (!reading.isWhole) reading.gather();
    } finally {
      reading.close();
    }
    return count();
  };

  test.each([
    { why: "a walk, at once", texts: ["SELECT * FROM small"], looked: smallCount },
    { why: "a walk whose rows are few", texts: ["SELECT * FROM small WHERE id = 7"], looked: smallCount },
    { why: "several", texts: ["SELECT * FROM small WHERE value < 10", "SELECT * FROM small LIMIT 5"], looked: 15 },
    { why: "an index", texts: ["SELECT * FROM large WHERE value = 7"], looked: 3 },
  ])("$why", ({ texts, looked }) => {
    set(looked);
    expect(whole(texts, false)).toBeGreaterThan(0);
  });

  test("one row less is refused, for all but the owner", () => {
    set(smallCount - 1);
    expect(() => whole(["SELECT * FROM small"], false)).toThrow(
      `Estimated cardinality (${smallCount} rows) exceeds limit (${smallCount - 1} rows)`,
    );
    expect(whole(["SELECT * FROM small"], true)).toBe(smallCount);
    expect(openReadViews.size).toBe(0);
  });

  test("in a slice", () => {
    set(largeCount - 500);
    expect(() => whole(["SELECT * FROM large WHERE id = 1"], false)).toThrow(/^Estimated cardinality/);
    expect(whole(["SELECT * FROM large LIMIT 6000"], false)).toBe(6000);
    expect(openReadViews.size).toBe(0);
  });
});

test("the time of all slices counts", () => {
  const { reading } = open(["SELECT * FROM large"], { reducerTimeoutMs: 20 });
  stepMs = 3;
  let slices = 0;
  for (; !reading.isLate; slices += 1) reading.gather();
  expect([reading.isWhole, slices > 1]).toEqual([false, true]);
  reading.close();
});
