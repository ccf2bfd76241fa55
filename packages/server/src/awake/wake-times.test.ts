/**
 * Goal: each database is woken once, when its time has come, however the clock and the others' times move; and when
 * the clock was set back.
 * Method: random times set, moved and dropped over a clock that a test moves, beside the plain account of them.
 */
import { assertProperty } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { WakeTimes } from "./wake-times.ts";

const step = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), key: fc.nat(9), inMs: fc.integer({ min: -50, max: 300_000 }) }),
  fc.record({ kind: fc.constant("delete" as const), key: fc.nat(9) }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(100_000) }),
  fc.record({ kind: fc.constant("set-clock" as const), byMs: fc.constantFrom(-3_600_000, 3_600_000) }),
);
/** So long may it take until it is noticed that the clock was set. */
const noticedMs = 5000;

test("as a plain account of times has it", () => {
  assertProperty(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new ManualClock();
      const woken: string[] = [];
      const times = new WakeTimes(clock, (key) => woken.push(key));
      const due = new Map<string, number>();
      for (const each of steps) {
        if (each.kind === "set") {
          const micros = clock.nowMicros() + each.inMs * 1000;
          times.set(String(each.key), micros);
          due.set(String(each.key), micros);
        } else if (each.kind === "delete") {
          times.delete(String(each.key));
          due.delete(String(each.key));
        } else {
          const wasSetBack = each.kind === "set-clock" && each.byMs < 0;
          if (each.kind === "set-clock") clock.aheadMs += each.byMs;
          clock.advance(each.kind === "set-clock" ? noticedMs : each.ms);
          // When the clock was set back, what was to be woken has to be looked into.
          const expected = [...due.keys()].filter((key) => wasSetBack || (due.get(key) ?? 0) <= clock.nowMicros());
          for (const key of expected) due.delete(key);
          expect(woken.splice(0).toSorted()).toEqual(expected.toSorted());
        }
      }
      clock.advance(400_000);
      expect(woken.splice(0).toSorted()).toEqual([...due.keys()].toSorted());
      times.set("0", clock.nowMicros() + 1);
      times.stop();
      clock.advance(1e9);
      expect(woken).toEqual([]);
    }),
  );
});
