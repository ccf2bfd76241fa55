/**
 * Goal: whoever is subscribed to a view has been told its rows as they are, after every commit: a commit that changes what a
 * view gives concerns what its last run has read.
 * Method: random commits, subscriptions and ends of them over views that read in every way; rows are held against what
 * each view says of plain lists of the tables' rows. Then the same with faults put in, each of which must be found.
 */
import { assertProperty, runCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { plainSteps, runWorld, steps } from "../testing/view-world.ts";
import { Instances } from "./instances.ts";
import { KeptQueries } from "./kept-queries.ts";
import { Readers, ReadSet } from "./read-set.ts";
import { ViewRows } from "./view-rows.ts";

const world = fc.asyncProperty(steps, runWorld);
const plainWorld = fc.asyncProperty(plainSteps, runWorld);

afterEach(() => {
  vi.restoreAllMocks();
});

test("row 9: subscribers of views are told what there is", { timeout: 300_000 }, async () => {
  await assertProperty(world, runCount(60));
});

describe("row 9: a fault is found", () => {
  test.each<[fault: string, put: () => void]>([
    ["tables that are read are not noted", () => void vi.spyOn(ReadSet.prototype, "table").mockReturnValue()],
    ["keys that are looked up are not noted", () => void vi.spyOn(ReadSet.prototype, "point").mockReturnValue()],
    ["ranges that are read are not noted", () => void vi.spyOn(ReadSet.prototype, "range").mockReturnValue()],
    [
      "a range is cut before the last row delivered",
      () => {
        // oxlint-disable-next-line typescript/unbound-method -- called with its object below
        const { range } = ReadSet.prototype;
        vi.spyOn(ReadSet.prototype, "range").mockImplementation(function (
          this: ReadSet,
          index,
          prefix,
          count,
          from,
          to,
        ) {
          range.call(this, index, prefix, count, from, to.kind === "included" ? { ...to, kind: "excluded" } : to);
        });
      },
    ],
    [
      "rows that are deleted concern nobody",
      () => {
        // oxlint-disable-next-line typescript/unbound-method -- called with its object below
        const { concerned } = Readers.prototype;
        vi.spyOn(Readers.prototype, "concerned").mockImplementation(function (
          this: Readers<unknown>,
          commit,
          rows,
          give,
        ) {
          const none = { refs: new Uint32Array(0), count: 0 };
          const deltas = commit.deltas.map((delta) => ({ ...delta, deletes: none }));
          concerned.call(this, { deltas }, rows, give);
        });
      },
    ],
    [
      "rows that are inserted concern nobody",
      () => {
        // oxlint-disable-next-line typescript/unbound-method -- called with its object below
        const { concerned } = Readers.prototype;
        vi.spyOn(Readers.prototype, "concerned").mockImplementation(function (
          this: Readers<unknown>,
          commit,
          rows,
          give,
        ) {
          const none = { refs: new Uint32Array(0), count: 0 };
          const deltas = commit.deltas.map((delta) => ({ ...delta, inserts: none }));
          concerned.call(this, { deltas }, rows, give);
        });
      },
    ],
    [
      "rows of before stay",
      () => {
        // oxlint-disable-next-line typescript/unbound-method -- called with its object below
        const { differenceTo } = ViewRows.prototype;
        vi.spyOn(ViewRows.prototype, "differenceTo").mockImplementation(function (this: ViewRows, table, store) {
          return differenceTo.call(this, table, store, []);
        });
      },
    ],
    [
      "what a run before has read stays noted, and not what this one has",
      () => void vi.spyOn(Readers.prototype, "add").mockReturnValue(),
    ],
    [
      "an instance that nobody uses is taken for one that is kept up to date",
      () => {
        vi.spyOn(Instances.prototype, "release").mockReturnValue();
        vi.spyOn(Instances.prototype, "hold").mockReturnValue();
      },
    ],
  ])("%s", { timeout: 120_000 }, async (_, put) => {
    put();
    expect((await fc.check(plainWorld, { numRuns: 300, endOnFailure: true, seed: 1 })).failed).toBe(true);
  });

  test.each([
    ["come", "inserts"],
    ["go", "deletes"],
  ] as const)("rows that %s are left out where they are kept one by one", { timeout: 120_000 }, async (_, list) => {
    // oxlint-disable-next-line typescript/unbound-method -- called with its object below
    const { advance } = KeptQueries.prototype;
    vi.spyOn(KeptQueries.prototype, "advance").mockImplementation(function (this: KeptQueries, commit, give) {
      const none = { refs: new Uint32Array(0), count: 0 };
      advance.call(this, { ...commit, deltas: commit.deltas.map((delta) => ({ ...delta, [list]: none })) }, give);
    });
    expect((await fc.check(world, { numRuns: 300, endOnFailure: true, seed: 1 })).failed).toBe(true);
  });

  test("views that read a view are not noted", { timeout: 120_000 }, async () => {
    vi.spyOn(Instances.prototype, "setReads").mockImplementation((instance, reads) => {
      instance.reads = reads;
    });
    expect((await fc.check(world, { numRuns: 300, endOnFailure: true, seed: 1 })).failed).toBe(true);
  });
});
