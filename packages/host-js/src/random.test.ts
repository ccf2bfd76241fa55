// Goal: the same call draws the same numbers for ever, others draw others, and all are spread evenly.
// Method: fixed streams, since replay relies on them; ranges counted over many draws.
import { expect, test } from "vitest";
import { RandomSource, randomSource } from "./random.ts";
import { openVmSandbox } from "./vm-sandbox.ts";
import type { Random } from "./testing/random-type.ts";

function draw(micros: number, fill: number): RandomSource {
  const source = new RandomSource();
  source.seed(micros, new Uint8Array(32).fill(fill));
  return source;
}

test("a call's stream is fixed", () => {
  const source = draw(1_700_000_000_000_000, 7);
  expect([source.uint32(), source.uint32(), source.uint32(), source.uint32()]).toMatchInlineSnapshot(`
    [
      2262976564,
      3433549203,
      3874247011,
      178876810,
    ]
  `);
});

test("time and caller both matter", () => {
  const firsts = [draw(1, 1), draw(2, 1), draw(1, 2), draw(2 ** 40 + 1, 1)].map((source) => source.uint32());
  expect(new Set(firsts).size).toBe(4);
});

function makeRandom(): Random {
  const source = draw(1, 1);
  return openVmSandbox().compile(["uint32"], randomSource, "ctx.random")(() => source.uint32()) as Random;
}

test("numbers lie in [0, 1) and are spread evenly", () => {
  const random = makeRandom();
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let count = 0; count < 20_000; count++) {
    const value = random();
    expect(value >= 0 && value < 1).toBe(true);
    const bucket = Math.floor(value * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  for (const count of buckets) expect(Math.abs(count - 2000)).toBeLessThan(250);
});

test.each([
  { min: 1n, max: 6n },
  { min: -3n, max: 3n },
  { min: 0n, max: 0n },
  { min: -(2n ** 200n), max: 2n ** 200n },
])("integers from $min to $max, both included", ({ min, max }) => {
  const random = makeRandom();
  const seen = new Set<bigint>();
  for (let count = 0; count < 500; count++) {
    const value = random.bigintInRange(min, max);
    expect(value >= min && value <= max).toBe(true);
    seen.add(value);
    if (max < 2n ** 53n) expect(Number.isInteger(random.integerInRange(Number(min), Number(max)))).toBe(true);
  }
  if (max - min < 10n) expect(seen.size).toBe(Number(max - min) + 1);
});

test("arrays are filled, of any integer type", () => {
  const random = makeRandom();
  expect(new Set(random.fill(new Uint32Array(50))).size).toBe(50);
  expect(new Set(random.fill(new BigInt64Array(50))).size).toBe(50);
});

test("a range the wrong way round is refused", () => {
  expect(() => makeRandom().integerInRange(2, 1)).toThrow("smaller");
  expect(() => makeRandom().integerInRange(0.5, 1)).toThrow("safe integers");
});
