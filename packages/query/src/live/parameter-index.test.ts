// Goal: a row finds the queries whose values it has, whatever their hashes, while queries come and go and change places.
// Method: random comings and goings against a list that is searched, with hashes that are good, few, or all the same.
import { makeHashSeed, type HashSeed } from "@lightcone/engine";
import { ByteWriter, t } from "@lightcone/sats";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Delta } from "./delta.ts";
import type { ParameterRow } from "./operator.ts";
import { ParameterIndex } from "./parameter-index.ts";

interface Query extends ParameterRow {
  position: number;
  readonly key: number;
}

const seeds: Readonly<Record<string, HashSeed>> = {
  good: makeHashSeed(7),
  few: { start: 1, first: 0x4000_0000, second: 0x4000_0001 },
  same: { start: 1, first: 0, second: 1 },
};
const types = [t.u8, t.u64];
const equal = new Map([[1, 0]]);

function query(key: number): Query {
  const value = new ByteWriter();
  value.u64(BigInt(key));
  return { position: 0, key, values: [value.toBytes()], numbers: new Float64Array(0), views: [] };
}

function rowOf(key: number): DataView {
  const row = new ByteWriter();
  row.u8(9);
  row.u64(BigInt(key));
  const bytes = row.toBytes();
  return new DataView(bytes.buffer, bytes.byteOffset);
}

describe.each(Object.keys(seeds))("hashes that are %s", (name) => {
  test("row 9: a row finds the queries that have its values, and no others", () => {
    const steps = fc.array(fc.record({ isDrop: fc.boolean(), number: fc.nat({ max: 60 }) }), { maxLength: 150 });
    fc.assert(
      fc.property(steps, (taken) => {
        const queries: Query[] = [];
        const index = ParameterIndex.over(types, equal, seeds[name] ?? makeHashSeed(1), queries);
        for (const { isDrop, number } of taken) {
          if (!isDrop) {
            const made = query(number >> 1);
            made.position = queries.length;
            queries.push(made);
            index?.add(made);
          } else if (queries.length > 0) drop(queries, number % queries.length, index);
        }
        for (let key = 0; key <= 31; key += 1) {
          const wanted = queries.filter((each) => each.key === key).map(({ position }) => position);
          const out = new Delta(1);
          index?.addMatches(rowOf(key), 0, 5, -1, out);
          expect([...out.queries.subarray(0, out.count)].toSorted()).toEqual(wanted.toSorted());
          const found = index?.find(rowOf(key), 0).map(({ position }) => position) ?? [];
          expect(found).toEqual(expect.arrayContaining(wanted));
          expect(new Set(found).size).toBe(found.length);
        }
        if (name === "good") expect(index?.bucketCount).toBe(new Set(queries.map(({ key }) => key)).size);
      }),
      { numRuns: 100 },
    );
  });
});

/** As a template does: the last takes the place. */
function drop(queries: Query[], position: number, index: ParameterIndex | undefined): void {
  const gone = queries[position];
  const last = queries.pop();
  if (gone === undefined || last === undefined) return;
  index?.drop(gone);
  if (last === gone) return;
  index?.drop(last);
  last.position = position;
  queries[position] = last;
  index?.add(last);
}
