// Goal: who reads a range hears of each value in it and of no other, whatever is added and removed before; and who reads
// elsewhere costs nothing.
// Method: random additions and removals of ranges of every form, against a plain list; then comparisons are counted.
import { testSeed } from "@lightcone/base/testing";
import type { ScanBound } from "@lightcone/host";
import { makeCompare, t } from "@lightcone/sats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { intervalOf, IntervalTree } from "./interval-tree.ts";

const bytesOf = (value: number): Uint8Array<ArrayBuffer> => new Uint8Array(Int32Array.of(value).buffer);
const viewOf = (value: number): DataView => new DataView(bytesOf(value).buffer);
const compare = makeCompare(t.i32);
const valueMax = 12;

type End = { readonly kind: "unbounded" } | { readonly kind: "included" | "excluded"; readonly value: number };
const end = fc.oneof(
  fc.constant<End>({ kind: "unbounded" }),
  fc.record({ kind: fc.constantFrom("included", "excluded"), value: fc.integer({ min: -1, max: valueMax }) }),
);
const boundOf = (given: End): ScanBound =>
  given.kind === "unbounded" ? given : { kind: given.kind, bytes: bytesOf(given.value) };
const step = fc.record({ isAdded: fc.boolean(), from: end, to: end, reader: fc.integer({ min: 0, max: 3 }) });

function isIn(value: number, from: End, to: End): boolean {
  const isBehind = from.kind === "unbounded" || (from.kind === "included" ? value >= from.value : value > from.value);
  return isBehind && (to.kind === "unbounded" || (to.kind === "included" ? value <= to.value : value < to.value));
}

test("issue 9: ranges are found as a list of them would be looked through", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const tree = new IntervalTree<number>(compare);
      const list = new Map<string, (typeof steps)[number]>();
      for (const each of steps) {
        const { isAdded, from, to, reader } = each;
        const key = JSON.stringify([from, to, reader]);
        const interval = intervalOf(boundOf(from), boundOf(to));
        if (isAdded) tree.add(interval, reader);
        else tree.remove(interval, reader);
        if (isAdded) list.set(key, each);
        else list.delete(key);
        expect(tree.isEmpty).toBe(list.size === 0);
      }
      for (let value = -2; value <= valueMax + 1; value += 1) {
        const found: number[] = [];
        tree.found(viewOf(value), 0, (reader) => found.push(reader));
        const wanted = [...list.values()].filter(({ from, to }) => isIn(value, from, to));
        expect(found.sort()).toEqual(wanted.map(({ reader }) => reader).sort());
      }
    }),
    { numRuns: 300, seed: testSeed(4) },
  );
});

test("issue 9: of 20,000 ranges a value is compared with few", () => {
  let compared = 0;
  const tree = new IntervalTree<number>((...args) => ((compared += 1), compare(...args)));
  const count = 20_000;
  for (let at = 0; at < count; at += 1) {
    const reader = (at * 7919) % count;
    const from: ScanBound = { kind: "included", bytes: bytesOf(reader * 10) };
    tree.add(intervalOf(from, { kind: "excluded", bytes: bytesOf(reader * 10 + 10) }), reader);
  }
  for (const value of [0, 5, 77_777, count * 10 - 1]) {
    compared = 0;
    const found: number[] = [];
    tree.found(viewOf(value), 0, (reader) => found.push(reader));
    expect(found).toEqual([Math.floor(value / 10)]);
    expect(compared).toBeLessThan(200);
  }
});
