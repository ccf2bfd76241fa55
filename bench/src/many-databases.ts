/** What do many databases take while they rest and while they are used, and how long does one that rests take to answer? */
import { join } from "node:path";
import type { Figure, Question, Run } from "./support/question.ts";
import { Rooms, sleep } from "./support/rooms.ts";

/** Long enough for those that are to be awake to be called in turn, short enough not to be waited for. */
const parkAfterMs = 4000;
const mebibyte = 1024 ** 2;

export const manyDatabases: Question = {
  name: "many-databases",
  workload:
    "1,000 databases with the chat in TypeScript and a silent client each: parked; 100 of them called each second; parked ones called one after another with two spare hosts, and 40 at once",
  unit: "MB of proportional set size, ms until the answer to a call is durable",
  expected: "150 MB for 1,000 at rest with front and spares, 5 GB for 100 that are used; wakes: p99 300 ms",
  run: async (run) => {
    const rooms = await Rooms.open(join(run.directory, "rooms"), run.isSmoke ? 300 : parkAfterMs);
    try {
      return await measure(run, rooms);
    } finally {
      await rooms.stop();
    }
  },
};

async function measure(run: Run, rooms: Rooms): Promise<readonly Figure[]> {
  const roomCount = run.isSmoke ? 5 : 1000;
  const usedCount = run.isSmoke ? 2 : 100;
  const wakeCount = run.isSmoke ? 2 : 200;
  const burstCount = run.isSmoke ? 3 : 40;

  const made: number[] = [];
  for (let number = 0; number < roomCount; number += 1) made.push(await rooms.add());
  await rooms.parked();
  const spares = await rooms.sparesAreThere(2);
  // What building them has left in the front is collected when it has nothing else to do.
  await sleep(run.isSmoke ? 0 : 30_000);
  const frontBytes = await rooms.bytesOf([rooms.front]);
  const spareBytes = await rooms.bytesOf(spares);
  run.say(`  ${roomCount} rooms are there; the front takes ${Math.round(frontBytes / mebibyte)} MB`);

  const wakes: number[] = [];
  for (let number = 0; number < wakeCount; number += 1) {
    await rooms.parked(10);
    await rooms.sparesAreThere(2);
    wakes.push(await rooms.call(number % roomCount));
  }
  await rooms.parked();
  await rooms.sparesAreThere(2);

  const burstFromMs = performance.now();
  const burst = await Promise.all(Array.from({ length: burstCount }, (_, number) => rooms.call(number % roomCount)));
  const burstMs = performance.now() - burstFromMs;

  const callsMin = run.isSmoke ? 1 : 10;
  const { awakeCount, awakeBytes } = await use(rooms, usedCount, callsMin);

  const quantile = (values: readonly number[], share: number): number =>
    values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
  return [
    { name: `create, p50 of ${roomCount}`, value: quantile(made, 0.5), unit: "ms" },
    {
      name: `${roomCount} at rest: front and spares`,
      value: (frontBytes + spareBytes) / mebibyte,
      unit: "MB",
      reach: "<= 150",
    },
    { name: "… of that the front", value: frontBytes / mebibyte, unit: "MB" },
    { name: "… of that a spare host", value: spareBytes / spares.length / mebibyte, unit: "MB" },
    { name: `${awakeCount} that are used`, value: awakeBytes / mebibyte, unit: "MB", reach: "<= 5,000 for 100" },
    { name: "wake within the spares, p50", value: quantile(wakes, 0.5), unit: "ms" },
    { name: "wake within the spares, p99", value: quantile(wakes, 0.99), unit: "ms", reach: "<= 300" },
    { name: `${burstCount} wakes at once, the last`, value: Math.max(...burst), unit: "ms" },
    { name: `${burstCount} wakes at once`, value: (burstCount / burstMs) * 1000, unit: "wakes/s" },
  ];
}

/** Calls rooms each second, and says what they take once each was called often enough. */
async function use(
  rooms: Rooms,
  count: number,
  callsMin: number,
): Promise<{ readonly awakeCount: number; readonly awakeBytes: number }> {
  const over = new AbortController();
  const calls = Array.from({ length: count }, () => 0);
  const users = calls.map(async (_, number) => {
    while (!over.signal.aborted) {
      await rooms.call(number);
      calls[number] = (calls[number] ?? 0) + 1;
      await sleep(1000);
    }
  });
  while (calls.some((callCount) => callCount < callsMin)) await Promise.race([sleep(100), ...users]);
  const { awake } = rooms;
  const awakeBytes = await rooms.bytesOf(awake);
  over.abort();
  await Promise.all(users);
  return { awakeCount: awake.length, awakeBytes };
}
