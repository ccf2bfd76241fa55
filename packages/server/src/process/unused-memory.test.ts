/**
 * Goal: a process that has grown gives memory back when it has little to do, once for each time.
 * Method: a process that takes what a row has it take, on a clock that the test moves. What really comes back is shown by
 * `conformance/src/rest/front-memory.test.ts`.
 */
import { expect, test } from "vitest";
import { ManualClock } from "../testing/manual-clock.ts";
import { UnusedMemory } from "./unused-memory.ts";

const mebibyte = 1024 ** 2;

class World {
  readonly clock = new ManualClock();
  cpu = 0;
  mebibytes = 100;
  heapMebibytes = 20;
  collected = 0;
  readonly unused = new UnusedMemory(this.clock, {
    cpuMs: () => this.cpu,
    residentBytes: () => this.mebibytes * mebibyte,
    heapBytes: () => this.heapMebibytes * mebibyte,
    collect: () => {
      this.collected += 1;
      this.mebibytes = Math.min(this.mebibytes, 60);
      this.cpu += 300;
    },
  });

  /** Ten seconds in which so much processor time is taken. */
  pass(cpuMs: number): void {
    this.cpu += cpuMs;
    this.clock.advance(10_000);
  }
}

test("not while it is busy; then once, and again when it has grown again", () => {
  const world = new World();
  for (let times = 0; times < 5; times += 1) world.pass(1000);
  expect(world.collected).toBe(0);
  for (let times = 0; times < 5; times += 1) world.pass(20);
  expect(world.collected).toBe(1);
  world.mebibytes = 67;
  world.pass(20);
  expect(world.collected).toBe(1);
  world.mebibytes = 68;
  world.pass(1000);
  expect(world.collected).toBe(1);
  // What collecting takes is not taken for work.
  for (let times = 0; times < 5; times += 1) world.pass(20);
  expect(world.collected).toBe(2);
});

test("not with a heap that would take long", () => {
  const world = new World();
  world.heapMebibytes = 200;
  world.pass(20);
  expect(world.collected).toBe(0);
  world.heapMebibytes = 20;
  world.pass(20);
  expect(world.collected).toBe(1);
});

test("not after the stop", () => {
  const world = new World();
  world.unused.stop();
  world.pass(20);
  expect(world.collected).toBe(0);
});
