// Goal: the wall clock is as fine as the steady one, never goes back by itself, and follows when it is set.
// Method: both clocks as numbers that the test moves.
import fc from "fast-check";
import { expect, test } from "vitest";
import { wallClock } from "./real-runtime.ts";
import { assertProperty } from "./testing/index.ts";

const step = fc.oneof(
  { weight: 9, arbitrary: fc.record({ byMs: fc.double({ min: 0, max: 90_000, noNaN: true }), setMs: fc.constant(0) }) },
  {
    weight: 1,
    arbitrary: fc.record({ byMs: fc.constant(0), setMs: fc.integer({ min: -1e10, max: 1e10 }) }),
  },
);

test("row 17: the clock is followed wherever it is set", () => {
  assertProperty(
    fc.property(fc.array(step), (steps) => {
      let [steady, offset] = [100, 1.75e12];
      const now = wallClock(
        () => Math.floor(steady + offset),
        () => steady,
      );
      let before = now();
      for (const { byMs, setMs } of steps) {
        steady += byMs;
        offset += setMs;
        const micros = now();
        expect(Math.abs(micros / 1000 - (steady + offset))).toBeLessThan(25);
        if (setMs === 0) expect(Math.abs(micros - before - byMs * 1000)).toBeLessThan(2);
        before = micros;
      }
    }),
  );
});

test("a process that is held up between two readings does not move it", () => {
  let steady = 100;
  let heldUpMs = 0;
  const now = wallClock(
    () => {
      steady += heldUpMs;
      return Math.floor(steady + 1e12);
    },
    () => steady,
  );
  const before = now();
  heldUpMs = 500;
  expect(Math.abs(now() - before)).toBeLessThan(600_000);
  heldUpMs = 0;
  expect(now() / 1000 - (steady + 1e12)).toBeLessThan(1);
});
