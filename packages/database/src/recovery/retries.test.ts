/**
 * Goal: nothing is begun by more than two hosts, what a host ended at by one, and whatever is merely in the way goes on.
 * Method: hosts that end, a row each: what they had been given, what they say that they began with, and what is condemned.
 */
import { expect, test } from "vitest";
import { HostEnded } from "./resume.ts";
import { Retries } from "./retries.ts";
import { keyOfWork, WorkKind, type Work } from "../link/work.ts";

const message = (number: number): Work => ({ kind: WorkKind.message, id: "aa", number });
const row: Work = { kind: WorkKind.schedule, id: "bb", number: 0 };
const view: Work = { kind: WorkKind.view, id: "cc", number: 0 };
const restored: Work = { ...view, number: 1 };

interface End {
  readonly given: readonly number[];
  /** Left out for a host that does not say. */
  readonly begun?: readonly number[];
  readonly suspect?: Work;
  readonly isThrough?: boolean;
  readonly condemned: readonly (number | "row" | "view")[];
}

test("what a host has counted against a function is not counted by the next", () => {
  const retries = new Retries();
  const end = (suspect?: Work) => ({
    error: new HostEnded("ended", suspect && { ...suspect, reason: "memory" }, true),
    begun: new Set<string>(),
    how: "ended",
  });
  expect(retries.ended([], end(row))).toMatchObject([{ reason: "memory", isModulesFault: true }]);
  // The host that was to count it ended while it was opened.
  expect(retries.ended([], end())).toMatchObject([{ reason: "memory", isModulesFault: true }]);
  retries.counted();
  expect(retries.ended([], end())).toMatchObject([{ reason: "memory", isModulesFault: false }]);
});

test("what hosts ended at while they were opened is added, each once", () => {
  const retries = new Retries();
  const at = (work: Work) => retries.endedAtStart({ ...work, reason: "crash" }, "ended").map(keyOfWork);
  expect(at(view)).toEqual([view].map(keyOfWork));
  expect(at(restored)).toEqual([view, restored].map(keyOfWork));
  expect(at(restored)).toEqual([view, restored].map(keyOfWork));
});

test.each<{ why: string; ends: readonly End[] }>([
  { why: "an end at nothing condemns nothing", ends: [{ given: [1, 2], condemned: [] }] },
  {
    why: "what a host ended at is condemned at once",
    ends: [{ given: [1, 2], suspect: message(2), condemned: [2] }],
  },
  {
    why: "what two hosts had begun is condemned, what only waited is not",
    ends: [
      { given: [1, 2, 3], condemned: [] },
      { given: [1, 2, 3], begun: [1], condemned: [1] },
      { given: [1, 2, 3], begun: [2], condemned: [1, 2] },
    ],
  },
  {
    why: "a host that does not say has begun with everything",
    ends: [
      { given: [1], condemned: [] },
      { given: [1, 2], condemned: [1] },
      { given: [2], condemned: [2] },
    ],
  },
  {
    why: "what is new to the second host has a second try",
    ends: [
      { given: [1], condemned: [] },
      { given: [2], begun: [], condemned: [] },
      { given: [2], begun: [2], condemned: [2] },
    ],
  },
  {
    why: "what is condemned stays so until it is answered",
    ends: [
      { given: [1], suspect: message(1), condemned: [1] },
      { given: [1], begun: [], condemned: [1] },
      { given: [], begun: [], condemned: [] },
    ],
  },
  {
    why: "what a view was computed for is not to blame for it",
    ends: [
      { given: [1], suspect: view, condemned: ["view"] },
      { given: [1], begun: [1], suspect: restored, condemned: ["view", "view"] },
      { given: [1], begun: [1], condemned: ["view", "view", 1] },
    ],
  },
  {
    why: "a row that nobody waits for stays so until a host is through with it",
    ends: [
      { given: [], suspect: row, condemned: ["row"] },
      { given: [], begun: [], condemned: ["row"] },
      { given: [], begun: [], isThrough: true, condemned: [] },
    ],
  },
])("$why", ({ ends }) => {
  const retries = new Retries();
  for (const { given, begun, suspect, isThrough = false, condemned } of ends) {
    if (isThrough) retries.through();
    const found = retries.ended(given.map(message), {
      error: new HostEnded("ended", suspect === undefined ? undefined : { ...suspect, reason: "crash" }, true),
      begun: begun && new Set(begun.map((number) => keyOfWork(message(number)))),
      how: "ended",
    });
    const names = { [WorkKind.schedule]: "row", [WorkKind.view]: "view" } as Partial<Record<WorkKind, string>>;
    expect(found.map((each) => names[each.kind] ?? each.number)).toEqual(condemned);
  }
});
