/**
 * Goal: a view that fails, however it does, costs those who are subscribed to it, and nobody else: not the writer, not
 * other views, not other callers.
 * Method: kind of ending × who meets it (the commit, whoever subscribes), over a real store, pipeline and job loop, with views
 * that are functions of the test. Each limit is met with a small value of it.
 */
import { testSeed } from "@lightcone/base/testing";
import { Errno, type HostPort, type ViewOutcome } from "@lightcone/host";
import { t } from "@lightcone/sats";
import { compileSubscription } from "@lightcone/sql";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import type { DatabaseLimits } from "../link/limits.ts";
import { all, columns, good, heard, opened, rows, u32s } from "../testing/number-views.ts";
import type { TestView } from "../testing/test-module.ts";
import { Readers } from "./read-set.ts";

/** What a view does once there is a number over 9. */
const endings: [
  ending: string,
  run: (port: HostPort) => ViewOutcome,
  told: RegExp,
  more?: { readonly view?: Partial<TestView>; readonly limits?: Partial<DatabaseLimits> },
][] = [
  ["refuses", () => ({ kind: "error", message: "not now" }), /view `bad` failed: not now/],
  ["breaks", () => ({ kind: "panic", message: "index out of bounds", fatal: true }), /it broke; the database's log/],
  [
    "throws what no module host lets through",
    () => {
      throw new RangeError("a bug");
    },
    /it broke/,
  ],
  [
    "does not end",
    () => {
      for (;;);
    },
    /took longer than 0.02 s \(viewTimeoutMs\)/,
    { limits: { viewTimeoutMs: 20 } },
  ],
  ["returns no list", () => ({ kind: "rows", bytes: Uint8Array.of(1) }), /no list of rows/],
  ["returns rows of another type", () => ({ kind: "rows", bytes: u32s(2, 7) }), /row 1 of what it returned/],
  ["returns more than its rows", () => ({ kind: "rows", bytes: u32s(1, 7, 7) }), /more behind the rows/],
  [
    "returns two rows with one key",
    () => ({ kind: "rows", bytes: u32s(2, 7, 1, 7, 2) }),
    /two of its rows have the same `id`/,
    { view: { columns: { id: t.u32, of: t.u32 }, primaryKey: "id" } },
  ],
  ["returns too many rows", () => rows(1, 2, 3, 4, 5), /viewRowsMax/, { limits: { viewRowsMax: 4 } }],
  ["asks with a query that is none", () => ({ kind: "query", sql: "SELECT" }), /sql parser error/],
  ["asks for rows of another type", () => ({ kind: "query", sql: "SELECT * FROM st_table" }), /rows of another type/],
  ["asks a view that is none", () => ({ kind: "query", sql: "SELECT * FROM goods" }), /no such table: `goods`/],
  [
    "asks itself",
    () => ({ kind: "query", sql: "SELECT * FROM bad" }),
    /view `bad` failed: it reads itself: `bad` reads `bad`/,
  ],
  [
    "asks with its caller",
    () => ({ kind: "query", sql: "SELECT * FROM st_client WHERE identity = :sender" }),
    /failed|identity|parameter/,
  ],
  [
    "takes too much room",
    () => ({ kind: "rows", bytes: u32s(60_000, ...Array.from({ length: 60_000 }, (_, at) => at)) }),
    /liveStateBytesMax/,
    { limits: { liveStateBytesMax: 2_500_000 } },
  ],
];

describe("row 9: a view that fails", () => {
  test.each(endings)("%s: at a commit", { timeout: 20_000 }, async (_, end, told, more) => {
    const { view, limits } = more ?? {};
    const parts = await opened(
      {
        good,
        bad: {
          columns,
          ...view,
          run: (port) => (all(port).some((one) => one > 9) ? end(port) : { kind: "rows", bytes: u32s(0) }),
        },
      },
      limits,
    );
    parts.put(1);
    const [well, first, second] = [
      heard(parts.hear("SELECT * FROM good")),
      heard(parts.hear("SELECT * FROM bad")),
      heard(parts.hear("SELECT * FROM bad", 2)),
    ];
    parts.put(10);
    await parts.settle();
    expect(parts.broken).toBeUndefined();
    expect([...well.numbers]).toEqual([10]);
    for (const ear of [first, second]) {
      expect(ear.errors).toEqual([expect.stringMatching(told)]);
      expect([...ear.numbers]).toEqual([]);
    }
    // Who is subscribed again meets the same, and those who are not are never heard of.
    expect(parts.hear("SELECT * FROM bad")).toMatch(told);
    parts.put(11);
    await parts.settle();
    expect([...well.numbers]).toEqual([10, 11]);
    expect(first.errors).toHaveLength(1);
    expect((await parts.lines()).length).toBeGreaterThan(0);
  });

  test("does not end for many callers: it is tried once a commit, and another view is computed all the same", async () => {
    let tries = 0;
    const bad: TestView = {
      columns,
      run(port) {
        if (!all(port).some((one) => one > 9)) return rows();
        tries += 1;
        for (;;);
      },
    };
    const parts = await opened({ bad, good }, { viewTimeoutMs: 20 });
    const ears = [1, 2, 3, 4, 5].map((caller) => heard(parts.hear("SELECT * FROM bad", caller)));
    const well = heard(parts.hear("SELECT * FROM good"));
    parts.put(10);
    await parts.settle();
    expect(tries).toBe(1);
    for (const { errors } of ears) expect(errors).toEqual([expect.stringContaining("viewTimeoutMs")]);
    expect([...well.numbers]).toEqual([10]);
    expect((await parts.lines()).filter((line) => line.includes("viewTimeoutMs"))).toHaveLength(1);
    // Another commit is another try.
    heard(parts.hear("SELECT * FROM good", 2));
    expect(parts.hear("SELECT * FROM bad", 1)).toContain("viewTimeoutMs");
    expect(tries).toBe(2);
  });

  test("is not run again after its third failure in a row, for that caller, until the next module", async () => {
    const ran: number[] = [];
    const bad: TestView = {
      columns,
      run(_, { sender }) {
        ran.push(sender[0] ?? 0);
        return sender[0] === 1 ? { kind: "error", message: "no" } : rows(5);
      },
    };
    const parts = await opened({ bad });
    expect([1, 2, 3, 4, 5].map(() => parts.hear("SELECT * FROM bad"))).toEqual([
      "view `bad` failed: no",
      "view `bad` failed: no",
      "view `bad` failed 3 times in a row, and is not run again",
      "view `bad` failed 3 times in a row, and is not run again",
      "view `bad` failed 3 times in a row, and is not run again",
    ]);
    heard(parts.hear("SELECT * FROM bad", 2));
    expect(ran).toEqual([1, 1, 1, 2]);
    expect((await parts.lines()).at(-1)).toContain("is not run again");
  });

  test("that once succeeded in between starts to count anew", async () => {
    let isWell = false;
    const parts = await opened({
      moody: { columns, run: (port) => (isWell ? rows(...all(port)) : { kind: "error", message: "no" }) },
    });
    const texts: (string | number)[] = [];
    for (const well of [false, false, true, false, false]) {
      isWell = well;
      const ear = parts.hear("SELECT * FROM moody");
      texts.push(typeof ear === "string" ? ear.slice(0, 19) : ear.errors.length);
      // What was there counts as read until something changes it.
      if (typeof ear !== "string") {
        isWell = false;
        parts.put(1);
        await parts.settle();
      }
    }
    expect(texts).toEqual([
      "view `moody` failed",
      "view `moody` failed",
      0,
      "view `moody` failed",
      "view `moody` failed",
    ]);
  });
});

describe("row 9: a view", () => {
  test("reads, and writes nothing", async () => {
    const results: number[] = [];
    const parts = await opened({
      nosy: {
        columns,
        run(port) {
          const table = port.tableId("number") as never;
          const index = port.indexId("number_id_idx_btree") as never;
          const key = u32s(1);
          results.push(
            port.insert(table, key, 0, 4),
            port.update(table, index, key, 0, 4),
            port.deletePoint(index, key, 0, 4),
            port.deleteRange(index, key, 0, { kind: "unbounded" }, { kind: "unbounded" }),
            port.deleteRows(table, key),
            port.clear(table),
          );
          return rows();
        },
      },
    });
    parts.put(1);
    heard(parts.hear("SELECT * FROM nosy"));
    expect(results).toEqual(Array<number>(6).fill(-Errno.transactionIsReadOnly));
    expect(parts.store.tableByName("number")?.rowCount).toBe(1);
    // Between runs there is nothing to read.
    expect(parts.context.views.port.rowCount(parts.store.tableByName("number")?.id ?? (0 as never))).toBe(
      -Errno.notInTransaction,
    );
  });

  test("is run once a commit for all who hear of it, and not at all when nobody does", async () => {
    let runs = 0;
    const counted: TestView = { ...good, run: (port) => (runs++, rows(...all(port))) };
    const parts = await opened({ counted });
    const ears = [1, 2, 3].map((caller) => heard(parts.hear("SELECT * FROM counted", caller)));
    expect(runs).toBe(1);
    parts.put(1, 2);
    expect(runs).toBe(2);
    for (const { numbers } of ears) expect([...numbers]).toEqual([1, 2]);
    parts.commit(() => undefined);
    expect(runs).toBe(2);
  });

  test("that gives the same rows again is not told of", async () => {
    const parts = await opened({ even: { ...good, run: (port) => rows(...all(port).filter((one) => one % 2 === 0)) } });
    const ear = heard(parts.hear("SELECT * FROM even"));
    const deliver = vi.spyOn(ear, "deliver");
    parts.put(1, 3);
    expect(deliver).not.toHaveBeenCalled();
    parts.put(2);
    expect(deliver).toHaveBeenCalledTimes(1);
  });

  test("gives its rows in any order, and more than once: who is subscribed has each once, callers apart", async () => {
    const lists = fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 9 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(lists, fc.boolean(), async (steps, isAnonymous) => {
        let given: readonly number[] = [];
        const parts = await opened({ any: { columns, isAnonymous, run: (port) => (all(port), rows(...given)) } });
        const ears = [1, 2].map((caller) => heard(parts.hear("SELECT * FROM any", caller)));
        for (const [step, list] of steps.entries()) {
          given = list;
          parts.put(step);
          for (const { numbers } of ears) expect([...numbers].sort()).toEqual([...new Set(list)].sort());
        }
      }),
      { numRuns: 25, seed: testSeed(9) },
    );
  });

  test("that reads more than viewReadsMax keys counts as one that reads the table", async () => {
    const parts = await opened(
      {
        keys: {
          columns,
          run(port) {
            const index = port.indexId("number_id_idx_btree") as never;
            for (let key = 100; key < 110; key += 1) port.find(index, u32s(key), 0, 4);
            return rows(all(port).length);
          },
        },
      },
      { viewReadsMax: 4 },
    );
    const concerned = vi.spyOn(Readers.prototype, "concerned");
    const ear = heard(parts.hear("SELECT * FROM keys"));
    parts.put(1);
    expect(concerned).toHaveBeenCalledTimes(1);
    expect([...ear.numbers]).toEqual([1]);
    concerned.mockRestore();
  });

  test("nobody is subscribed to is let go of when a commit concerns it, and the longest unused over 1000", async () => {
    const parts = await opened({ mine: { columns, run: (port) => rows(...all(port)) } });
    const { views } = parts.context;
    for (let caller = 0; caller < 250; caller += 1) {
      const [plan] = compileSubscription("SELECT * FROM mine", parts.context.access.catalog({ isOwner: false }, false));
      for (let more = 0; more < 5; more += 1) {
        const identity = new Uint8Array(32).fill(caller);
        identity[1] = more;
        expect(plan && views.compute([plan], { identity, isOwner: false })).toBeUndefined();
      }
    }
    expect(views.count).toBe(1000);
    parts.put(1);
    expect(views.count).toBe(0);
    expect([...parts.context.relations.views].map(({ table }) => table.rowCount)).toEqual([0]);
  });

  test("of an anonymous kind has rows that all share, a private one is not there for others", async () => {
    const parts = await opened({ hidden: { ...good, isPrivate: true }, good });
    parts.put(4);
    expect(() => parts.hear("SELECT * FROM hidden")).toThrow("no such table: `hidden`");
    heard(parts.hear("SELECT * FROM good"));
    heard(parts.hear("SELECT * FROM good", 2));
    expect(parts.context.views.count).toBe(1);
    const owners = parts.context.access.catalog({ isOwner: true }, true);
    expect(owners.view?.("hidden")?.def.name).toBe("hidden");
    expect([...(owners.readable?.() ?? [])].map(({ def }) => def.name)).toEqual(["number", "good", "hidden"]);
  });
});

test("row 9: a view that is ended while the tree of an index is made is run again when it is there", async () => {
  const ranged: TestView = { columns, run: () => ({ kind: "query", sql: "SELECT * FROM number WHERE id < 5" }) };
  const parts = await opened({ ranged }, { viewTimeoutMs: 500 });
  parts.put(1, 2, 9);
  // The table is the engine's own, which gives the tree its rows; a very large one would take as long.
  const table = parts.store.tableByName("number") as unknown as { allRefs(): Uint32Array };
  const making = vi.spyOn(table, "allRefs").mockImplementationOnce(() => {
    for (;;);
  });
  const ear = heard(parts.hear("SELECT * FROM ranged"));
  expect(making).toHaveBeenCalledTimes(2);
  parts.put(3, 7);
  expect([[...ear.numbers], ear.errors]).toEqual([[3], []]);
  expect(making).toHaveBeenCalledTimes(2);
});
