/**
 * Goal: the rows of a query over one table are kept one by one: its function is called once, whatever commits change; where
 * rows cannot be kept so, the view is run, and ends as any that is run.
 * Method: views of the test over a real store, pipeline and job loop, each limit with a small value of it. Random histories of
 * such views are in `views.property.test.ts`.
 */
import { compileSubscription } from "@lightcone/sql";
import { describe, expect, test } from "vitest";
import { all, columns, good, heard, opened, rows } from "../testing/number-views.ts";
import { testCaller } from "../testing/index.ts";
import type { TestView } from "../testing/test-module.ts";

/** A view over one table, and how often its function was called. */
function asked(sql: string, more: Partial<TestView> = {}): { readonly view: TestView; readonly calls: () => number } {
  let calls = 0;
  const run: TestView["run"] = () => {
    calls += 1;
    return { kind: "query", sql };
  };
  return { view: { columns, isAnonymous: true, ...more, run }, calls: () => calls };
}

describe("row 9: a view that is a query over one table", () => {
  test("is run once, and its rows follow what commits change", async () => {
    const { view, calls } = asked("SELECT * FROM number WHERE id > 3");
    const parts = await opened({ some: view });
    parts.put(1, 4);
    const ear = heard(parts.hear("SELECT * FROM some WHERE id < 100"));
    const table = parts.store.tableByName("number");
    parts.put(2, 5, 200);
    parts.put(6);
    parts.commit(() => table && parts.store.tx.clear(table.id));
    parts.put(7, 8);
    expect(calls()).toBe(1);
    expect([...ear.numbers]).toEqual([7, 8]);
    // Whoever comes later has the same rows, without a run.
    const plans = compileSubscription("SELECT * FROM some", parts.context.access.catalog({ isOwner: false }, false));
    expect(parts.context.views.compute(plans, testCaller(2))).toBeUndefined();
    const held = [...parts.context.relations.views].map(({ table: { rowCount } }) => rowCount);
    expect([calls(), held]).toEqual([1, [2]]);
  });

  test("is run again with each change when its function has read something", async () => {
    let calls = 0;
    const parts = await opened({
      some: {
        columns,
        isAnonymous: true,
        run: (port) => ({ kind: "query", sql: `SELECT * FROM number WHERE id > ${(calls++, all(port).length)}` }),
      },
    });
    const ear = heard(parts.hear("SELECT * FROM some"));
    parts.put(1);
    parts.put(2, 3);
    parts.put(9);
    expect([calls, [...ear.numbers]]).toEqual([4, [9]]);
  });

  test.each([
    ["more rows than viewRowsMax", { viewRowsMax: 3 }, 3, /viewRowsMax/],
    ["more bytes than liveStateBytesMax", { liveStateBytesMax: 2_500_000 }, 60_001, /liveStateBytesMax/],
  ] as const)("%s: who is subscribed is told, and others go on", { timeout: 20_000 }, async (_, limits, more, told) => {
    const { view } = asked("SELECT * FROM number WHERE id > 9");
    const parts = await opened({ some: view, few: { ...good, run: (port) => rows(all(port).length % 2) } }, limits);
    const [ear, well] = [heard(parts.hear("SELECT * FROM some")), heard(parts.hear("SELECT * FROM few"))];
    parts.put(10, 11);
    expect(ear.numbers.size).toBe(2);
    parts.put(...Array.from({ length: more }, (__, at) => at + 12));
    await parts.settle();
    expect(parts.broken).toBeUndefined();
    expect(ear.errors).toEqual([expect.stringMatching(told)]);
    expect([well.errors, [...well.numbers]]).toEqual([[], [1]]);
  });
});
