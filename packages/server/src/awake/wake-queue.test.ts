/**
 * Goal: databases are opened in turn: the urgent before the patient, owners in turn, and nobody waits for ever unawares.
 * Method: openings that end when the test says so, on a clock that it moves; who was let in, in order, is the story.
 */
import { describe, expect, test } from "vitest";
import { isLightconeError } from "@lightcone/base";
import type { WakeReason } from "@lightcone/database/front";
import { ManualClock } from "../testing/manual-clock.ts";
import { WakeQueue } from "./wake-queue.ts";

class Story {
  readonly clock = new ManualClock();
  readonly queue: WakeQueue;
  readonly entered: string[] = [];
  readonly refused: string[] = [];
  private readonly done = new Map<string, () => void>();
  room: (owner: string) => boolean = () => true;

  constructor(openingsMax = 1) {
    this.queue = new WakeQueue({
      clock: this.clock,
      openingsMax,
      looksMax: 1,
      waitMsMax: 10_000,
      hasRoom: (owner) => this.room(owner),
    });
  }

  /** `owner` and a number: a database. */
  ask(key: string, why: WakeReason): void {
    this.queue.enter(key, key.slice(0, 1), why).then(
      (done) => {
        this.entered.push(key);
        this.done.set(key, done);
      },
      (error: unknown) => this.refused.push(`${key} ${isLightconeError(error) ? error.code : String(error)}`),
    );
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 10; round += 1) await Promise.resolve();
  }

  /** Ends the openings that are at work until nobody is left. */
  async drain(): Promise<void> {
    await this.settle();
    for (let [next] = this.done; next !== undefined; [next] = this.done) {
      this.done.delete(next[0]);
      next[1]();
      await this.settle();
    }
  }
}

test("the more urgent reason goes first, whoever came before", async () => {
  const story = new Story();
  story.ask("a0", "call"); // takes the one processor
  story.ask("a1", "look");
  story.ask("a2", "leave");
  story.ask("a3", "schedule");
  story.ask("a4", "connect");
  story.ask("a5", "call");
  story.ask("a6", "again");
  await story.drain();
  expect(story.entered).toEqual(["a0", "a6", "a5", "a4", "a3", "a2", "a1"]);
});

test("of two owners each has its turn, however many the other's are", async () => {
  const story = new Story();
  for (let number = 0; number < 6; number += 1) story.ask(`a${number}`, "call");
  for (let number = 0; number < 2; number += 1) story.ask(`b${number}`, "call");
  await story.drain();
  expect(story.entered).toEqual(["a0", "a1", "b0", "a2", "b1", "a3", "a4", "a5"]);
});

test("no more than there are processors, and of those that are only looked into fewer", async () => {
  const story = new Story(3);
  for (let number = 0; number < 4; number += 1) story.ask(`a${number}`, "look");
  await story.settle();
  expect(story.entered).toEqual(["a0"]);
  for (let number = 0; number < 4; number += 1) story.ask(`b${number}`, "call");
  await story.settle();
  expect(story.entered).toEqual(["a0", "b0", "b1"]);
  await story.drain();
  expect(story.entered).toHaveLength(8);
});

test("one that takes long to open keeps its place for five seconds, and gives it back once", async () => {
  const story = new Story();
  story.ask("a0", "look"); // never done
  story.ask("b0", "call");
  await story.settle();
  story.clock.advance(4999);
  await story.settle();
  expect(story.entered).toEqual(["a0"]);
  story.clock.advance(1);
  await story.settle();
  expect(story.entered).toEqual(["a0", "b0"]);
  await story.drain(); // both are done now
  story.ask("c0", "look");
  story.ask("c1", "look");
  await story.settle();
  expect(story.entered).toEqual(["a0", "b0", "c0"]);
});

describe("wakeWaitMs", () => {
  test.each<{ why: WakeReason; refused: readonly string[] }>([
    { why: "call", refused: ["a1 ServerBusy"] },
    { why: "connect", refused: ["a1 ServerBusy"] },
    { why: "schedule", refused: [] },
    { why: "leave", refused: [] },
    { why: "look", refused: [] },
  ])("$why: refused $refused", async ({ why, refused }) => {
    const story = new Story();
    story.room = () => false;
    story.ask("a1", why);
    story.clock.advance(9_999);
    await story.settle();
    expect(story.refused).toEqual([]);
    story.clock.advance(1);
    await story.settle();
    expect(story.refused).toEqual(refused);
    story.room = () => true;
    story.queue.pump();
    await story.drain();
    expect(story.entered).toEqual(refused.length === 0 ? ["a1"] : []);
  });

  test("a patient one that somebody then asks for goes before others, and is refused in time", async () => {
    const story = new Story();
    story.room = () => false;
    story.ask("a1", "look");
    story.ask("b1", "schedule");
    story.queue.hurry("a1", "call");
    story.queue.hurry("b1", "look"); // less urgent: nothing
    story.queue.hurry("c1", "call"); // not there: nothing
    story.room = () => true;
    story.queue.pump();
    await story.drain();
    expect(story.entered).toEqual(["a1", "b1"]);

    story.room = () => false;
    story.ask("a2", "look");
    story.clock.advance(20_000);
    story.queue.hurry("a2", "call");
    story.clock.advance(10_000);
    await story.settle();
    expect(story.refused).toEqual(["a2 ServerBusy"]);
  });
});

test("an owner without room is passed over, and who lost a process gets one again", async () => {
  const story = new Story();
  story.room = (owner) => owner !== "a";
  story.ask("a1", "call");
  story.ask("a2", "again");
  story.ask("b1", "schedule");
  await story.drain();
  expect(story.entered).toEqual(["a2", "b1"]);
  story.queue.stop();
  story.ask("b2", "call");
  await story.settle();
  expect(story.refused).toEqual(["a1 DatabaseStopped", "b2 DatabaseStopped"]);
});
