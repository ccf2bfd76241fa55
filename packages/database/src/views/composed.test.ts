/**
 * Goal: a view that reads views gives what its query says of their rows as they are after each commit; each is run at most once a
 * commit and caller, behind those that it reads; one that fails costs those who follow what reads it, and nobody else.
 * Method: chains of views that are functions of the test, over a real store, pipeline and job loop; runs are counted. Random
 * histories of such views are in `views.property.test.ts`.
 */
import { defined } from "@lightcone/base";
import type { HostPort, ViewOutcome } from "@lightcone/host";
import { compileSubscription } from "@lightcone/sql";
import { describe, expect, test } from "vitest";
import type { DatabaseLimits } from "../link/limits.ts";
import { all, columns, good, heard, opened, rows, u32s } from "../testing/number-views.ts";
import { testCaller } from "../testing/index.ts";
import type { TestView } from "../testing/test-module.ts";

const asks = (sql: string, isAnonymous = true): TestView => {
  return { columns, isAnonymous, run: () => ({ kind: "query", sql }) };
};

/** Counts the runs of each view. */
function counted(views: Readonly<Record<string, TestView>>): {
  readonly views: Readonly<Record<string, TestView>>;
  readonly take: () => Record<string, number>;
} {
  let runs: Record<string, number> = {};
  const each = Object.entries(views).map(([name, view]): [string, TestView] => {
    const run: TestView["run"] = (port, call) => {
      runs[name] = (runs[name] ?? 0) + 1;
      return view.run(port, call);
    };
    return [name, { ...view, run }];
  });
  return {
    views: Object.fromEntries(each),
    take: () => {
      const taken = runs;
      runs = {};
      return taken;
    },
  };
}

const over = (least: number) => (port: HostPort) => rows(...all(port).filter((one) => one > least));

describe("row 9: a view that reads a view", () => {
  test("is run once a commit and caller, behind what it reads, and when those rows are others", async () => {
    const { views, take } = counted({
      base: { columns, isAnonymous: true, run: over(5) },
      left: asks("SELECT * FROM base WHERE id < 100"),
      right: asks("SELECT * FROM base WHERE id < 8", false),
      // Reads `base` in two ways, and a table.
      top: asks("SELECT number.* FROM number JOIN left ON number.id = left.id WHERE left.id <> 7", false),
    });
    const parts = await opened(views);
    const ears = [1, 2].map((caller) => heard(parts.hear("SELECT * FROM top", caller)));
    const right = heard(parts.hear("SELECT * FROM right", 1));
    expect(take()).toEqual({ top: 2, left: 1, base: 1, right: 1 });
    parts.put(1);
    expect(take()).toEqual({ base: 1, top: 2 });
    parts.put(6, 7, 9, 200);
    expect(take()).toEqual({ base: 1, left: 1, top: 2, right: 1 });
    for (const { numbers } of ears) expect([...numbers].toSorted()).toEqual([6, 9]);
    expect([...right.numbers].toSorted()).toEqual([6, 7]);
    // Rows of `base` that `left` has not: its readers are left alone, but for the table that they read.
    parts.put(300);
    expect(take()).toEqual({ base: 1, left: 1, right: 1, top: 2 });
    parts.commit(() => undefined);
    expect(take()).toEqual({});
  });

  test("shows each caller its own", async () => {
    const parts = await opened({
      mine: { columns, run: (port, { sender }) => rows(...all(port).filter((one) => one % 3 === sender[0])) },
      some: asks("SELECT * FROM mine WHERE id > 3", false),
      nobodys: asks("SELECT * FROM mine"),
    });
    parts.put(1, 2, 3, 4, 5);
    const texts = (caller: number) => [...heard(parts.hear("SELECT * FROM some", caller)).numbers];
    const ears = [1, 2].map((caller) => heard(parts.hear("SELECT * FROM some", caller)));
    parts.put(7, 8, 9);
    expect(ears.map(({ numbers }) => [...numbers])).toEqual([[7], [8]]);
    expect(texts(1)).toEqual([]);
    expect(parts.hear("SELECT * FROM nobodys")).toContain(
      "view `nobodys` failed: its query reads view `mine`, whose rows are a caller's, and it has no caller",
    );
  });

  test("may read one that clients cannot", async () => {
    const parts = await opened({ hidden: { ...good, isPrivate: true }, shown: asks("SELECT * FROM hidden") });
    const ear = heard(parts.hear("SELECT * FROM shown"));
    parts.put(4);
    expect([...ear.numbers]).toEqual([4]);
    expect(() => parts.hear("SELECT * FROM hidden")).toThrow("no such table");
  });

  test("is asked for in the very commit that lets go of it: its rows are made anew", async () => {
    const turn: TestView["run"] = (port) => ({
      kind: "query",
      sql: `SELECT * FROM ${all(port).includes(100) ? "next" : "base"}`,
    });
    const parts = await opened({
      base: { columns, isAnonymous: true, run: (port) => over(all(port).includes(100) ? 6 : 5)(port) },
      next: asks("SELECT * FROM base"),
      turn: { columns, isAnonymous: true, run: turn },
    });
    parts.put(6, 7);
    const next = heard(parts.hear("SELECT * FROM next"));
    parts.put(8);
    parts.subscriptions.release(defined(next.subscription, "its subscription"));
    const ear = heard(parts.hear("SELECT * FROM turn"));
    // `base` has other rows: nobody follows `next`, which goes; and `turn` reads it from now on.
    parts.put(100);
    const counts = [...parts.context.relations.views].map(({ table }) => table.rowCount);
    expect([[...ear.numbers], counts]).toEqual([[100], [3, 3, 3]]);
  });

  test("is let go of with what it reads when nobody follows it, and kept while somebody does", async () => {
    const { views, take } = counted({ good, next: asks("SELECT * FROM good"), last: asks("SELECT * FROM next") });
    const parts = await opened(views);
    const plans = compileSubscription("SELECT * FROM last", parts.context.access.catalog({ isOwner: false }, false));
    expect(parts.context.views.compute(plans, testCaller(1))).toBeUndefined();
    expect([take(), parts.context.views.count]).toEqual([{ good: 1, next: 1, last: 1 }, 3]);
    // Nobody is subscribed: what is there is good until a commit concerns it.
    parts.put(1);
    expect([take(), parts.context.views.count]).toEqual([{}, 0]);
    const ear = heard(parts.hear("SELECT * FROM last"));
    parts.put(2);
    parts.put(3);
    expect(take()).toEqual({ good: 3, next: 3, last: 3 });
    expect([...ear.numbers]).toEqual([2, 3]);
    parts.subscriptions.release(defined(ear.subscription, "its subscription"));
    // Somebody else follows the first of them, and only that.
    heard(parts.hear("SELECT * FROM good", 2));
    parts.put(4);
    expect([take(), parts.context.views.count]).toEqual([{ good: 1 }, 1]);
    expect([...parts.context.relations.views].map(({ table }) => table.rowCount)).toEqual([4, 0, 0]);
  });

  test("fails when views read each other in a circle, and says which", async () => {
    let isCircle = false;
    const turn: TestView["run"] = (port) => {
      return { kind: "query", sql: `SELECT * FROM ${isCircle && all(port).length > 1 ? "one" : "good"}` };
    };
    const parts = await opened({
      good,
      one: asks("SELECT * FROM two"),
      two: asks("SELECT * FROM three"),
      three: { columns, isAnonymous: true, run: turn },
      above: asks("SELECT * FROM two WHERE id > 0"),
    });
    const ears = ["one", "above", "good"].map((view) => heard(parts.hear(`SELECT * FROM ${view}`)));
    parts.put(1);
    isCircle = true;
    parts.put(2);
    await parts.settle();
    const [one, above, well] = ears;
    expect(one?.errors).toEqual([expect.stringMatching(/view `one` failed: it reads itself: .*`three` reads `one`/)]);
    expect(above?.errors).toEqual([
      expect.stringMatching(/view `above` failed: it reads `two`, which failed: it reads itself: /),
    ]);
    expect(well?.errors).toEqual([]);
    expect([...(well?.numbers ?? [])]).toEqual([1, 2]);
    expect((await parts.lines()).filter((line) => line.includes("it reads itself"))).toHaveLength(3);
    // Once it is none any more they can be subscribed to again.
    isCircle = false;
    heard(parts.hear("SELECT * FROM above"));
  });

  test("may come to read the one that has read it, by one commit", async () => {
    const which = (is: (count: number) => boolean, other: string): TestView => {
      return {
        columns,
        isAnonymous: true,
        run: (port) => ({ kind: "query", sql: `SELECT * FROM ${is(all(port).length) ? other : "good"}` }),
      };
    };
    const parts = await opened({
      good,
      a: which((count) => count % 2 === 0, "b"),
      b: which((count) => count % 2 === 1, "a"),
    });
    const ears = ["a", "b"].map((view) => heard(parts.hear(`SELECT * FROM ${view}`)));
    for (const number of [1, 2, 3]) parts.put(number);
    for (const { numbers, errors } of ears) expect([[...numbers], errors]).toEqual([[1, 2, 3], []]);
  });
});

/** What the inner view does once there is a number over 9. */
const endings: [ending: string, run: () => ViewOutcome, told: RegExp, limits?: Partial<DatabaseLimits>][] = [
  ["refuses", () => ({ kind: "error", message: "not now" }), /`bad`.* failed: not now/],
  ["breaks", () => ({ kind: "panic", message: "index out of bounds", fatal: true }), /`bad`.* failed: it broke/],
  [
    "does not end",
    () => {
      for (;;);
    },
    /view `bad` took longer than 0.02 s \(viewTimeoutMs\)/,
    { viewTimeoutMs: 20 },
  ],
  ["returns too many rows", () => rows(1, 2, 3, 4, 5), /viewRowsMax/, { viewRowsMax: 4 }],
  [
    "takes too much room",
    () => ({ kind: "rows", bytes: u32s(60_000, ...Array.from({ length: 60_000 }, (_, at) => at)) }),
    /`bad`.* failed: .*liveStateBytesMax/,
    { liveStateBytesMax: 2_500_000 },
  ],
];

describe("row 9: a view fails that another reads", () => {
  test.each(endings)("%s: at a commit", { timeout: 20_000 }, async (_, end, told, limits) => {
    let isBad = true;
    const parts = await opened(
      {
        good,
        bad: {
          columns,
          run: (port) => (isBad && all(port).some((one) => one > 9) ? end() : { kind: "rows", bytes: u32s(0) }),
        },
        near: asks("SELECT * FROM bad", false),
        far: asks("SELECT * FROM near", false),
      },
      limits,
    );
    parts.put(1);
    const well = heard(parts.hear("SELECT * FROM good"));
    const ears = [1, 2].flatMap((caller) =>
      ["far", "bad"].map((view) => heard(parts.hear(`SELECT * FROM ${view}`, caller))),
    );
    parts.put(10);
    await parts.settle();
    expect(parts.broken).toBeUndefined();
    expect([...well.numbers]).toEqual([10]);
    for (const { errors } of ears) expect(errors).toEqual([expect.stringMatching(told)]);
    for (const { errors } of [ears[0], ears[2]].filter((ear) => ear !== undefined))
      expect(errors[0]).toContain("view `far` failed: it reads `near`, which failed: it reads `bad`, which failed: ");
    // Whoever asks meets the same; the one to blame is run no more after its third failure, and it alone is counted.
    expect(parts.hear("SELECT * FROM far")).toMatch(told);
    expect(parts.hear("SELECT * FROM far")).toContain("failed 3 times in a row");
    isBad = false;
    heard(parts.hear("SELECT * FROM far", 2));
    parts.put(11);
    await parts.settle();
    expect([...well.numbers]).toEqual([10, 11]);
  });
});
