// Goal: queries of a template that changed alike share one part, however their tuples came; parts are consolidated.
// Method: deltas written out by hand: for each tuple the row, the weight, and the query.
import { t } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { Fixture, rowsOf } from "../testing/fixture.ts";
import { Delta } from "./delta.ts";
import { PartCutter, PartPool, type DeltaPart } from "./parts.ts";

type Tuple = readonly [row: number, weight: number, query: number];

const fixture = new Fixture({ name: "r", columns: { id: t.u32 } });
const table = fixture.table("r").schema;
const pool = new PartPool();
const cutter = new PartCutter(pool, table);

/** The part of each query that changed. */
function cut(tuples: readonly Tuple[], isConsolidated = false): ReadonlyMap<number, DeltaPart> {
  pool.settle();
  const delta = new Delta(1);
  for (const [row, weight, query] of tuples) delta.add([row], [0], weight, query);
  const parts = new Map<number, DeltaPart>();
  cutter.cut(delta, 100, isConsolidated, (query, part) => parts.set(query, part));
  return parts;
}

const textOf = (part: DeltaPart | undefined): string =>
  part === undefined ? "" : `-${rowsOf([part], "deletes").join()} +${rowsOf([part], "inserts").join()}`;

/** Of other queries: with these, tuples are too many to be compared with each other. */
const others = Array.from({ length: 10 }, (_, number): Tuple => [200 + number, 1, 50 + number]);

describe.each([
  { among: "few", added: [] },
  { among: "many", added: others },
])("row 9: equal deltas among $among are one part", ({ added }) => {
  test.each<{ readonly why: string; readonly tuples: readonly Tuple[]; readonly text: string }>([
    { why: "one tuple for both", tuples: [[7, 1, 0], [7, 1, 1]], text: "- +7" }, // prettier-ignore
    { why: "in another order", tuples: [[7, 1, 0], [8, 1, 0], [8, 1, 1], [7, 1, 1]], text: "- +7,8" }, // prettier-ignore
    { why: "one with what cancels", tuples: [[7, 1, 0], [9, 1, 0], [7, 1, 1], [9, -1, 0]], text: "- +7" }, // prettier-ignore
    { why: "a weight, or as many tuples", tuples: [[7, 2, 0], [7, 1, 1], [8, -1, 0], [7, 1, 1], [8, -1, 1]], text: "-8 +7,7" }, // prettier-ignore
  ])("$why", ({ tuples, text }) => {
    const parts = cut([...tuples, ...added]);
    expect(parts.size).toBe(2 + added.length);
    expect(parts.get(0)).toBe(parts.get(1));
    expect(textOf(parts.get(0))).toBe(text);
  });

  test("of rows that no query gets twice, by the order that all get them in", () => {
    const parts = cut([[9, -1, 0], [9, -1, 1], [9, -1, 2], [7, 1, 2], [7, 1, 0], [5, 1, 3], ...added], true); // prettier-ignore
    expect(parts.get(0)).toBe(parts.get(2));
    expect([0, 1, 3].map((query) => textOf(parts.get(query)))).toEqual(["-9 +7", "-9 +", "- +5"]);
    expect(new Set(parts.values()).size).toBe(3 + added.length);
  });
});

test("row 9: few rows of which none is of two queries are parts of their own, turn after turn", () => {
  for (const base of [10, 20]) {
    const [a, b, c] = [base + 1, base + 2, base + 3];
    const parts = cut([[a, -1, 5], [b, 1, 5], [c, -1, 6], [base, 1, 7], [a, 1, 5]], true); // prettier-ignore
    expect([...parts.values()].map(textOf)).toEqual([`-${a} +${b},${a}`, `-${c} +`, `- +${base}`]);
    expect([...parts.values()].map(({ number }) => number)).toEqual([0, 1, 2]);
  }
});

test("a query whose tuples cancel has not changed", () => {
  expect(cut([[7, 1, 0], [8, 1, 1], [7, -1, 0]]).size).toBe(1); // prettier-ignore
});

test("deltas that differ in one list are two parts", () => {
  const parts = cut([[7, 1, 0], [7, 1, 1], [8, -1, 0], [9, -1, 1]]); // prettier-ignore
  expect([0, 1].map((query) => textOf(parts.get(query)))).toEqual(["-8 +7", "-9 +7"]);
});

test("a hundred deltas that differ are as many parts, whatever their hashes", () => {
  const tuples = Array.from({ length: 100 }, (_, query): Tuple[] => [
    [1 + query, 1, query],
    [200, -1, query],
  ]);
  const parts = cut(tuples.flat());
  expect(new Set(parts.values()).size).toBe(100);
});

test("a part is the next turn's with nothing of the last", () => {
  cut([[7, 1, 0], [8, -1, 0]]).get(0)?.encoded.forEach((form) => (form.whole = "encoded")); // prettier-ignore
  const part = cut([[5, 1, 0]]).get(0); // prettier-ignore
  expect([textOf(part), part?.encoded.every(({ whole }) => whole === undefined)]).toEqual(["- +5", true]);
});
