/**
 * Goal: a message that runs from one look to the next is told of once, and so is its end; a short one never.
 * Method: looks and messages in turn, one row a story.
 */
import { expect, test } from "vitest";
import { workIdBytes, WorkKind } from "@lightcone/database/front";
import { ActivityReader, readNote, SharedActivity } from "./activity.ts";

type Step = "begin" | "end" | "look";

test.each<{ steps: readonly Step[]; told: readonly (number | "over")[] }>([
  { steps: ["look", "look"], told: [] },
  { steps: ["begin", "end", "look", "look"], told: [] },
  { steps: ["begin", "look", "end", "look"], told: [] },
  { steps: ["begin", "look", "look", "look"], told: [1] },
  { steps: ["begin", "look", "look", "end", "look", "look"], told: [1, "over"] },
  { steps: ["begin", "look", "end", "begin", "look", "look"], told: [2] },
  { steps: ["begin", "look", "look", "end", "begin", "look", "look"], told: [1, "over", 2] },
])("$steps", ({ steps, told }) => {
  const activity = new SharedActivity();
  const reader = new ActivityReader(activity.buffer);
  const heard: (number | "over")[] = [];
  let number = 0;
  for (const step of steps) {
    if (step === "begin") activity.begin(WorkKind.message, new Uint8Array(workIdBytes).fill(7), (number += 1));
    else if (step === "end") activity.end();
    else {
      const note = reader.look();
      if (note !== undefined) heard.push(readNote(note).work?.number ?? "over");
    }
  }
  expect(heard).toEqual(told);
});

test("a part of a message is named while it runs, and then the message again; it is told of each while nobody looks", () => {
  const heard: (readonly [number, number] | undefined)[] = [];
  const activity = new SharedActivity((note) => {
    const { work } = readNote(note);
    heard.push(work && [work.kind, work.number]);
  });
  const reader = new ActivityReader(activity.buffer);
  const now = (): number | undefined => readNote(reader.last("crash")).work?.kind;
  activity.isTelling = true;
  activity.begin(WorkKind.message, new Uint8Array(workIdBytes).fill(7), 5);
  activity.beginPart(WorkKind.view, new Uint8Array(workIdBytes).fill(8), 0);
  expect(now()).toBe(WorkKind.view);
  activity.beginPart(WorkKind.view, new Uint8Array(workIdBytes).fill(9), 1);
  activity.endParts();
  expect(now()).toBe(WorkKind.message);
  activity.end();
  activity.turnEnded();
  const { message, view } = WorkKind;
  expect(heard.splice(0)).toEqual([[message, 5], [view, 0], [view, 1], [message, 5], undefined]);
  // While a database is opened, nothing is around them.
  activity.beginPart(WorkKind.view, new Uint8Array(workIdBytes).fill(9), 1);
  activity.endParts();
  expect(now()).toBeUndefined();
  expect(heard).toEqual([[view, 1], undefined]);
});

test("the last note of a process names what runs at that moment, and why it ends", () => {
  const activity = new SharedActivity();
  const reader = new ActivityReader(activity.buffer);
  expect(readNote(reader.last("memory"))).toEqual({ work: undefined, isThrough: false, reason: "memory" });
  activity.begin(WorkKind.schedule, new Uint8Array(workIdBytes).fill(7), 0);
  const work = { kind: WorkKind.schedule, id: "07".repeat(workIdBytes), number: 0 };
  expect(readNote(reader.last("time"))).toEqual({ work, isThrough: false, reason: "time" });
  activity.end();
  expect(readNote(reader.last("time"))).toEqual({ work: undefined, isThrough: false, reason: "time" });
});
