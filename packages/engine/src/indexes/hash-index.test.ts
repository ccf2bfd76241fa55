/**
 * Goal: a hash index holds what was put in, in bounded memory, in small steps, and survives hashes that are all alike.
 * Method: rows are stand-ins, four bytes each in a slab of their own; the hash function is the test's.
 */
import { t } from "@lightcone/sats";
import { describe, expect, test } from "vitest";
import { HashIndex } from "./hash-index.ts";
import { makeHashSeed, makeKeyCode } from "./key-code.ts";
import { Memory } from "../storage/memory.ts";

const code = makeKeyCode([t.u32], [0], makeHashSeed(5), 0);

/** A memory whose units 1 … `count` hold their own number, so that a reference is its key. */
function rows(count: number): Memory {
  const memory = new Memory(2 ** 32);
  const page = memory.allocate(64 * Math.ceil((count * 8) / (64 * 16_384)));
  const slab = memory.slabOf(page);
  for (let unit = 0; unit < count; unit += 1) slab.view.setUint32((page & 255) * 16_384 + unit * 8, unit, true);
  return memory;
}

const key = new DataView(new ArrayBuffer(4));
const find = (index: HashIndex, wanted: number): number => {
  key.setUint32(0, wanted, true);
  return code.findKey(index, key, 0);
};

describe("a hash index", () => {
  test("of 300,000 rows costs at most 16 bytes a row at any size, and gives it back", () => {
    const count = 300_000;
    const memory = rows(count);
    const first = 1 << 19; // the second slab's first unit: the take above left the first slab
    const before = memory.bytesUsed;
    const index = new HashIndex(memory, 0, code.hashRow);
    for (let row = 0; row < count; row += 1) {
      index.add(index.hashOf(first + row), first + row);
      if (row > 1000 && row % 97 === 0) expect(memory.bytesUsed - before).toBeLessThanOrEqual(16 * (row + 1));
    }
    for (let row = 0; row < count; row += 7) expect(find(index, row)).toBe(first + row);
    for (let row = 0; row < count; row += 1) if (row % 10 !== 0) index.remove(index.hashOf(first + row), first + row);
    for (let row = 0; row < count; row += 1) expect(find(index, row)).toBe(row % 10 === 0 ? first + row : -1);
    expect(memory.bytesUsed - before).toBeLessThanOrEqual(32 * index.count);
    index.dispose();
    expect(memory.bytesUsed).toBe(before);
  });

  test.each([
    { what: "all alike", hash: () => 7 },
    { what: "alike in the upper bits", hash: (row: number) => row & 0xff },
    { what: "alike in the lower bits", hash: (row: number) => (row << 16) | 0 },
  ])("holds 6,000 rows whose hashes are $what", ({ hash }) => {
    const memory = rows(10_000);
    const index = new HashIndex(memory, 0, () => 0);
    for (let row = 1; row <= 6000; row += 1) index.add(hash(row), row);
    expect(memory.bytesUsed).toBeLessThan(40 * 2 ** 20);
    for (let row = 1; row <= 6000; row += 2) index.remove(hash(row), row);
    for (let row = 2; row <= 6000; row += 2) index.replace(hash(row), row, row + 6000);
    for (let row = 2; row <= 6000; row += 2) index.remove(hash(row), row + 6000);
    expect(index.count).toBe(0);
    expect(() => index.remove(hash(2), 2)).toThrow(RangeError);
  });
});
