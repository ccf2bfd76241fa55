/**
 * Goal: who is not used loses its process: after a while, and sooner when memory or an owner's share is short; who is
 * used keeps it.
 * Method: databases that say what a row has them say, on a clock that the test moves; who was parked, in order.
 */
import { describe, expect, test } from "vitest";
import type { Resting } from "@lightcone/database/front";
import { makeServerLog } from "../log.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { Residents } from "./residents.ts";

const mebibyte = 1024 ** 2;

class World {
  readonly clock = new ManualClock();
  readonly parked: string[] = [];
  readonly bytes = new Map<number, number>();
  rooms = 0;
  readonly residents: Residents;

  constructor(memoryBytesMax = 1024 * mebibyte, ownerAwakeMax = 100) {
    this.residents = new Residents({
      clock: this.clock,
      log: makeServerLog("silent"),
      memoryBytesMax,
      ownerAwakeMax,
      parkAfterMs: 60_000,
      wakeTimesMin: 200,
      memoryOf: async (pid) => this.bytes.get(pid),
      roomMade: () => (this.rooms += 1),
    });
  }

  /** Wakes a database whose process takes so many MiB. */
  wake(key: string, mebibytes = 40, options: Partial<FakeDatabase> & { ms?: number; isLook?: boolean } = {}) {
    const { ms = 100, isLook = false, ...rest } = options;
    const database = Object.assign(new FakeDatabase(this, key), rest);
    this.bytes.set(database.pid, mebibytes * mebibyte);
    this.residents.woke(key, key.slice(0, 1), database, ms, isLook);
    return database;
  }

  /** Moves on second by second, as long as memory is being looked at. */
  async advance(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.advance(1000);
      for (let round = 0; round < 60; round += 1) await Promise.resolve();
    }
  }
}

let pids = 0;

class FakeDatabase implements Resting {
  traffic = 0;
  isIdle = true;
  /** Whether it parks when it is asked to. */
  parks = true;
  asked = 0;
  readonly pid = (pids += 1);
  private readonly world: World;
  private readonly key: string;

  constructor(world: World, key: string) {
    this.world = world;
    this.key = key;
  }

  async rest(): Promise<boolean> {
    this.asked += 1;
    if (!this.parks) return false;
    this.world.parked.push(this.key);
    this.world.residents.left(this.key);
    return true;
  }

  wake(): void {
    throw new Error("nobody here wakes");
  }
}

describe("unused", () => {
  test.each([
    { why: "for parkAfterMs", ms: 100, isLook: false, parkedAfter: 60 },
    { why: "for 200 times what waking took, if that is longer", ms: 600, isLook: false, parkedAfter: 120 },
    { why: "and only woken to see what is due", ms: 600, isLook: true, parkedAfter: 1 },
  ])("$why: parked after $parkedAfter s", async ({ ms, isLook, parkedAfter }) => {
    const world = new World();
    world.wake("a1", 40, { ms, isLook });
    await world.advance(parkedAfter - 1);
    expect(world.parked).toEqual([]);
    await world.advance(2);
    expect(world.parked).toEqual(["a1"]);
    expect(world.residents.memoryBytes).toBe(0);
  });

  test("counts from the last use; one that is at something is used", async () => {
    const world = new World();
    const used = world.wake("a1");
    const busy = world.wake("a2", 40, { isIdle: false });
    await world.advance(50);
    used.traffic += 1;
    await world.advance(59);
    expect(world.parked).toEqual([]);
    await world.advance(3);
    expect(world.parked).toEqual(["a1"]);
    busy.isIdle = true;
    await world.advance(62);
    expect(world.parked).toEqual(["a1", "a2"]);
  });

  test("one that says no is asked again, not at every look", async () => {
    const world = new World();
    const database = world.wake("a1", 40, { parks: false });
    await world.advance(90);
    expect(database.asked).toBeGreaterThan(2);
    expect(database.asked).toBeLessThanOrEqual(7);
  });
});

describe("awakeMemoryBytesMax", () => {
  test("over it, the longest unused are parked until there is room, and large ones last", async () => {
    const world = new World(1000 * mebibyte);
    world.wake("a1", 400);
    await world.advance(2);
    world.wake("a2", 200);
    await world.advance(2);
    world.wake("a3", 200);
    const used = world.wake("a4", 200, { isIdle: false });
    await world.advance(1);
    expect(world.parked).toEqual([]);
    world.bytes.set(used.pid, 300 * mebibyte);
    await world.advance(3);
    // 1,100 are taken. a1 is the longest unused; to wake it would take longest.
    expect(world.parked).toEqual(["a2"]);
    expect(world.residents.memoryBytes).toBe(900 * mebibyte);
  });

  test("there is room for one more if it fits; if not, room is made, and said to be", async () => {
    const world = new World(100 * mebibyte);
    world.wake("a1", 40);
    expect(world.residents.hasRoom("b")).toBe(true);
    world.wake("a2", 40);
    await world.advance(2);
    const before = world.rooms;
    expect(world.residents.hasRoom("b")).toBe(false);
    await world.advance(0);
    for (let round = 0; round < 20; round += 1) await Promise.resolve();
    expect(world.parked).toEqual(["a1"]);
    expect(world.rooms).toBeGreaterThan(before);
    expect(world.residents.hasRoom("b")).toBe(true);
  });

  test("while nothing is unused there is no room", async () => {
    const world = new World(100 * mebibyte);
    world.wake("a1", 60, { isIdle: false });
    world.wake("a2", 60, { isIdle: false });
    await world.advance(5);
    expect(world.residents.hasRoom("b")).toBe(false);
    expect(world.parked).toEqual([]);
  });

  test("a database that is larger than all that there is may wake when it is alone", () => {
    const world = new World(10 * mebibyte);
    expect(world.residents.hasRoom("a")).toBe(true);
  });
});

test("ownerAwakeMax: an owner's next waits for one of its own to be parked, and another's does not", async () => {
  const world = new World(undefined, 2);
  world.wake("a1");
  world.wake("a2", 40, { isIdle: false });
  await world.advance(2);
  expect(world.residents.hasRoom("b")).toBe(true);
  expect(world.residents.hasRoom("a")).toBe(false);
  for (let round = 0; round < 20; round += 1) await Promise.resolve();
  expect(world.parked).toEqual(["a1"]);
  expect(world.residents.hasRoom("a")).toBe(true);
});

test("nothing goes on after the stop", async () => {
  const world = new World();
  world.wake("a1");
  world.residents.stop();
  await world.advance(100);
  expect(world.parked).toEqual([]);
});
