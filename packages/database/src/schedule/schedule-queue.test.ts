// Goal: rows come out when they are due, once, by their latest time.
// Method: random sets, removals and time steps against a plain map; enough of them for what counts no more to be swept out.
import { assertProperty, caseCount } from "@lightcone/base/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ScheduleQueue } from "./schedule-queue.ts";

const cases = caseCount(200);

const step = fc.oneof(
  fc.record({
    kind: fc.constant("set" as const),
    row: fc.integer({ min: 0, max: 9 }),
    due: fc.integer({ min: 0, max: 100 }),
  }),
  fc.record({ kind: fc.constant("remove" as const), row: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ kind: fc.constant("due" as const), by: fc.integer({ min: 0, max: 100 }) }),
);

test("a queue and a map agree", () => {
  assertProperty(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new ScheduleQueue();
      const known = new Map<number, number>();
      const waiting = new Map<number, number>();
      for (const each of steps) {
        switch (each.kind) {
          case "set":
            queue.set(1, BigInt(each.row), each.due);
            known.set(each.row, each.due);
            waiting.set(each.row, each.due);
            break;
          case "remove":
            queue.remove(1, BigInt(each.row));
            known.delete(each.row);
            waiting.delete(each.row);
            break;
          case "due": {
            const expected = [...waiting]
              .filter(([, due]) => due <= each.by)
              .toSorted(([rowA, a], [rowB, b]) => a - b || rowA - rowB);
            expect(queue.due(each.by).map((row) => [Number(row.rowId), row.dueMicros])).toEqual(expected);
            for (const [row] of expected) waiting.delete(row);
            break;
          }
        }
        const next = [...waiting.values()].toSorted((a, b) => a - b)[0];
        expect(queue.peek()?.dueMicros).toBe(next);
        expect(queue.rows()).toHaveLength(known.size);
        for (const [row, due] of known) expect(queue.dueOf(1, BigInt(row))).toBe(due);
      }
    }),
    Math.min(cases, 5000),
  );
});

test("rows of different tables do not meet", () => {
  const queue = new ScheduleQueue();
  queue.set(1, 5n, 10);
  queue.set(2, 5n, 20);
  queue.remove(1, 5n);
  expect(queue.due(100)).toMatchObject([{ tableId: 2, rowId: 5n, dueMicros: 20 }]);
  expect(queue.rows()).toHaveLength(1);
});
