// Goal: a snapshot that has its name is whole and not ahead of the log; an unreadable one gives way to an older
//   one; history is bounded.
// Method: snapshots on simulated disks, damaged at every byte, refused by the log, met by a full disk.
//   (Crashes while one is written are part of crash.test.ts.)
import { expect, test } from "vitest";
import type { FileSystem } from "@lightcone/base";
import type { Snapshot } from "./index.ts";
import { snapshotReserveBytes } from "./snapshot-store.ts";
import { applyRetention, openLog, openSnapshotStore, snapshotDue } from "./index.ts";
import { manualClock, memoryFileSystem } from "./testing/index.ts";

const directory = "/db/snapshots";
const durable = Promise.resolve();
const meta = new TextEncoder().encode("meta");

async function content(snapshot: Snapshot): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of snapshot.chunks()) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

function bytes(length: number, seed: number): Uint8Array {
  return new Uint8Array(length).map((_, index) => (index * 7 + seed) & 0xff);
}

test("content and meta come back, however the chunks were cut", async () => {
  const store = await openSnapshotStore(memoryFileSystem(), directory);
  const whole = bytes(3_300_000, 1);
  const cuts = [0, 1, 1, 5000, 1_200_000, 1_200_001, 3_300_000];
  const chunks = cuts.slice(1).map((end, index) => whole.subarray(cuts[index], end));
  const byteCount = await store.write({ offset: 41, meta, chunks, durable });
  await store.write({ offset: -1, meta: new Uint8Array(0), chunks: [], durable });
  expect(await store.list()).toEqual([
    { offset: 41, byteCount },
    { offset: -1, byteCount: 24 + 16 + 28 },
  ]);
  const snapshot = await store.open(41);
  expect(snapshot.meta).toEqual(meta);
  expect(Buffer.compare(await content(snapshot), whole)).toBe(0);
  expect(await content(await store.open(-1))).toHaveLength(0);
});

test("nothing is published before the log is durable, and nothing at all when it never is", async () => {
  const fileSystem = memoryFileSystem();
  const store = await openSnapshotStore(fileSystem, directory);
  const { promise: never, reject: refuse } = Promise.withResolvers<void>();
  const writing = store.write({ offset: 7, meta, chunks: [bytes(10, 1)], durable: never });
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
  expect(await store.list()).toEqual([]);
  refuse(new Error("the log failed"));
  await expect(writing).rejects.toThrow("the log failed");
  expect(await fileSystem.list(directory)).toEqual([]);
});

test("a damaged snapshot is skipped for an older one, whichever byte it is and however it is cut", async () => {
  const fileSystem = memoryFileSystem();
  const store = await openSnapshotStore(fileSystem, directory);
  await store.write({ offset: 5, meta, chunks: [bytes(50, 5)], durable });
  await store.write({ offset: 9, meta, chunks: [bytes(100, 9), bytes(30, 8)], durable });
  const path = `${directory}/0000000000000010.snapshot`;
  const sound = fileSystem.disk.peek(path);
  const damaged: Uint8Array[] = [];
  for (let at = 0; at < sound.length; at += 1) {
    const flipped = sound.slice();
    flipped[at] = (flipped[at] ?? 0) ^ 0x40;
    damaged.push(flipped, sound.slice(0, at));
  }
  for (const harm of damaged) {
    fileSystem.disk.poke(path, harm);
    const { loaded, skipped } = await store.loadNewest(100, content);
    expect([loaded?.offset, skipped.map(({ offset, error }) => [offset, error.code])]).toEqual([5, [[9, "Corrupt"]]]);
  }
  fileSystem.disk.poke(path, sound);
  expect((await store.loadNewest(100, content)).loaded?.offset).toBe(9);
  expect((await store.loadNewest(8, content)).loaded?.offset).toBe(5);
  expect((await store.loadNewest(4, content)).loaded).toBeUndefined();
  await store.discardAfter(8);
  expect((await store.list()).map(({ offset }) => offset)).toEqual([5]);
});

test("a newer format is refused, not skipped", async () => {
  const fileSystem = memoryFileSystem();
  const store = await openSnapshotStore(fileSystem, directory);
  await store.write({ offset: 5, meta, chunks: [], durable });
  const path = `${directory}/0000000000000006.snapshot`;
  const file = fileSystem.disk.peek(path);
  file.set([2, 0, 0xfd, 0xff], 4);
  fileSystem.disk.poke(path, file);
  await expect(store.loadNewest(100, content)).rejects.toMatchObject({ code: "NewerFormat", detail: { version: 2 } });
});

test("row 30: a long snapshot leaves 8 MiB of the disk free, a short one may have what there is", async () => {
  const fileSystem = memoryFileSystem();
  const store = await openSnapshotStore(fileSystem, directory);
  const { disk } = fileSystem;
  disk.capacityBytes = 30 << 20;
  expect(snapshotReserveBytes).toBe(8 << 20);
  let usedMax = 0;
  disk.intercept = () => (usedMax = Math.max(usedMax, disk.usedBytes));
  const chunks = Array.from({ length: 28 }, (_, index) => bytes(1 << 20, index));
  await expect(store.write({ offset: 5, meta, chunks, durable })).rejects.toMatchObject({ code: "DiskFull" });
  expect(usedMax).toBeLessThan(27 << 20);
  expect(await fileSystem.list(directory)).toEqual([]);
  await store.write({ offset: 6, meta, chunks: chunks.slice(0, 16), durable });
  disk.capacityBytes = disk.usedBytes + (3 << 20);
  await store.write({ offset: 7, meta, chunks: chunks.slice(0, 2), durable });
  expect((await store.list()).map(({ offset }) => offset)).toEqual([7, 6]);
});

test("a full disk leaves nothing behind", async () => {
  const fileSystem = memoryFileSystem();
  const store = await openSnapshotStore(fileSystem, directory);
  fileSystem.disk.capacityBytes = 1_500_000;
  await expect(store.write({ offset: 5, meta, chunks: [bytes(3_000_000, 1)], durable })).rejects.toMatchObject({
    code: "DiskFull",
  });
  expect(fileSystem.disk.usedBytes).toBe(0);
  expect(await fileSystem.list(directory)).toEqual([]);
});

async function withHistory(
  fileSystem: FileSystem,
  snapshotCount: number,
): Promise<{ offsets: number[]; firstOffset: number }> {
  const log = await openLog({
    fileSystem,
    clock: manualClock(),
    directory: "/db/log",
    batchBytesMax: 4096,
    segmentBytes: 16_384,
    segmentBytesFirst: 16_384,
  });
  const store = await openSnapshotStore(fileSystem, directory);
  for (let index = 0; index < snapshotCount; index += 1) {
    for (let count = 0; count < 10; count += 1) {
      log.append(new Uint8Array(3000), log.appendedOffset + 1);
      await log.whenDurable(log.appendedOffset);
    }
    await store.write({ offset: log.appendedOffset, meta, chunks: [], durable: log.whenDurable(log.appendedOffset) });
    await applyRetention(log, store);
  }
  return { offsets: (await store.list()).map(({ offset }) => offset), firstOffset: log.firstOffset };
}

test.each([
  { snapshotCount: 1, offsets: [9], first: [0, 0] },
  { snapshotCount: 2, offsets: [19, 9], first: [7, 10] },
  { snapshotCount: 5, offsets: [49, 39], first: [37, 40] },
])("retention after $snapshotCount snapshots", async ({ snapshotCount, offsets, first }) => {
  const fileSystem = memoryFileSystem();
  const history = await withHistory(fileSystem, snapshotCount);
  expect(history.offsets).toEqual(offsets);
  expect(history.firstOffset).toBeGreaterThanOrEqual(first[0] ?? 0);
  expect(history.firstOffset).toBeLessThanOrEqual(first[1] ?? 0);
  expect(fileSystem.disk.usedBytes).toBeLessThan(14 * 16_384);
});

test.each([
  { logMiB: 64, snapshotMiB: 0, due: false },
  { logMiB: 65, snapshotMiB: 0, due: true },
  { logMiB: 300, snapshotMiB: 400, due: false },
  { logMiB: 401, snapshotMiB: 400, due: true },
])("$logMiB MiB of log after a snapshot of $snapshotMiB: due $due", ({ logMiB, snapshotMiB, due }) => {
  expect(snapshotDue(logMiB << 20, snapshotMiB << 20)).toBe(due);
});
