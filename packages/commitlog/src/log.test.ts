// Goal: the log keeps records in order, tells durable from pending, refuses damage with its place, uses its
//   segments again, and stops or waits when the disk does.
// Method: small segments on simulated disks, which can be looked into, damaged and filled; the same basic
//   steps once more on the machine's files.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, describe, expect, test } from "vitest";
import type { FileSystem } from "@lightcone/base";
import { isLightconeError, realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import type { CommitLog, LogOptions } from "./index.ts";
import { openLog } from "./index.ts";
import { markVersion } from "./mark.ts";
import { segmentVersion } from "./segment.ts";
import { rebuildLog } from "./rebuild-log.ts";
import { readRun, surveyLog } from "./survey-log.ts";
import { faultyFileSystem, manualClock, memoryFileSystem } from "./testing/index.ts";
import type { SimulatedDisk } from "./testing/index.ts";

const directory = "/db/log";
const small = { directory, batchBytesMax: 8192, segmentBytesFirst: 16_384, segmentBytes: 32_768, headroomBytes: 0 };

function openSmall(fileSystem: FileSystem, more: Partial<LogOptions> = {}): Promise<CommitLog> {
  return openLog({ fileSystem, clock: manualClock(), ...small, ...more });
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function readAll(log: CommitLog, from = log.firstOffset): Promise<string[]> {
  const all: string[] = [];
  let next = from;
  for await (const { firstOffset, records } of log.read(from)) {
    expect(firstOffset).toBe(next);
    for (const record of records) all.push(new TextDecoder().decode(record));
    next += records.length;
  }
  return all;
}

/** Appends one record and waits until it is durable: one batch, one block or more. */
async function put(log: CommitLog, value: string): Promise<void> {
  log.append(text(value), log.appendedOffset + 1);
  await log.whenDurable(log.appendedOffset);
}

function segmentNames(disk: SimulatedDisk): Promise<readonly string[]> {
  return disk.fileSystem.list(directory).then((names) => names.filter((name) => name.endsWith(".segment")).toSorted());
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => "it succeeded",
    (error: unknown) => error,
  );
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
}

describe("on every file system", () => {
  const made: string[] = [];
  afterAll(async () => {
    for (const path of made) await rm(path, { recursive: true });
  });
  const kinds: readonly { name: string; make: () => Promise<{ fileSystem: FileSystem; path: string }> }[] = [
    { name: "memory", make: async () => ({ fileSystem: memoryFileSystem(), path: "/db/log" }) },
    {
      name: "machine",
      make: async () => {
        const path = await mkdtemp(`${tmpdir()}/lightcone-log-`);
        made.push(path);
        return { fileSystem: realFileSystem, path: `${path}/log` };
      },
    },
  ];

  test.each(kinds)("$name: what was durable is read back after reopening, whatever its length", async ({ make }) => {
    const { fileSystem, path } = await make();
    const options = { fileSystem, clock: realClock, ...small, directory: path };
    const lengths = [0, 1, 100, 4000, 8100, 8108, 8109, 8200, 50_000, 3, 100_000];
    let log = await openLog(options);
    expect(log.appendedOffset).toBe(-1);
    for (const [index, length] of lengths.entries()) {
      log.append(new Uint8Array(length).fill(index + 1), index);
      if (index % 3 === 0) log.flush();
    }
    await log.whenDurable(lengths.length - 1);
    expect(log.pendingBytes).toBe(0);
    await log.close();
    log = await openLog(options);
    expect([log.firstOffset, log.appendedOffset, log.durableOffset]).toEqual([
      0,
      lengths.length - 1,
      lengths.length - 1,
    ]);
    for (const from of [0, 4, 8, 10]) {
      const seen: [number, number][] = [];
      for await (const { records } of log.read(from))
        for (const record of records) seen.push([record.length, record[0] ?? -1]);
      expect(seen).toEqual(lengths.slice(from).map((length, index) => [length, length === 0 ? -1 : from + index + 1]));
    }
    await log.close();
  });
});

describe("durability", () => {
  test("offsets are told in order, after the sync, and all that came during one sync shares the next", async () => {
    const fileSystem = memoryFileSystem();
    const log = await openSmall(fileSystem);
    const done: string[] = [];
    fileSystem.disk.intercept = (kind, path) => {
      if (path === `${directory}/0000000000000001.segment`) done.push(kind);
    };
    await settle();
    const told: number[] = [];
    log.onDurable((offset) => told.push(offset));
    done.length = 0;
    log.append(text("a"), 0);
    log.flush();
    for (let offset = 1; offset < 50; offset += 1) {
      log.append(text("b"), offset);
      log.flush();
    }
    expect(told).toEqual([]);
    expect(log.durableOffset).toBe(-1);
    await log.whenDurable(49);
    expect(told).toEqual([0, 49]);
    expect(done).toEqual(["write", "datasync", "write", "datasync"]);
  });

  test("a restored log starts where it is told", async () => {
    const log = await openSmall(memoryFileSystem(), { startOffset: 1000 });
    expect([log.firstOffset, log.appendedOffset, log.durableOffset]).toEqual([1000, 999, 999]);
    await put(log, "x");
    expect(await readAll(log)).toEqual(["x"]);
    expect(() => log.append(text("y"), 1000)).toThrow("offsets rise by one");
  });

  test("the mark follows the log without anyone waiting for it", async () => {
    const fileSystem = memoryFileSystem();
    const clock = manualClock();
    const log = await openSmall(fileSystem, { clock });
    await put(log, "a");
    await settle();
    const before = fileSystem.disk.peek(`${directory}/mark`);
    clock.advance(500);
    await settle();
    expect(Buffer.compare(before, fileSystem.disk.peek(`${directory}/mark`))).not.toBe(0);
    expect(clock.waitingCount).toBe(0);
  });
});

/** Opens a log; undefined when it is refused as damaged. */
async function openSound(fileSystem: FileSystem): Promise<CommitLog | undefined> {
  try {
    return await openSmall(fileSystem);
  } catch (error) {
    if (isLightconeError(error, "Corrupt")) return undefined;
    throw error;
  }
}

/** Gives up what comes after an offset, of a log that is sound from its beginning up to there. */
async function keepUpTo(fileSystem: FileSystem, offset: number): Promise<void> {
  const survey = await surveyLog(fileSystem, directory);
  const [run] = survey.runs;
  if (run === undefined) throw new Error("no run");
  expect(run.firstOffset).toBe(0);
  await rebuildLog(fileSystem, directory, survey, 0, readRun(fileSystem, directory, survey, run, 0, offset + 1));
}

/** Five records, a block each, in one segment of which the first `markedCount` are marked as acknowledged. */
async function fiveRecords(markedCount: number): Promise<SimulatedDisk> {
  const fileSystem = memoryFileSystem();
  const clock = manualClock();
  const log = await openSmall(fileSystem, { clock, segmentBytesFirst: 32_768 });
  for (let index = 0; index < 5; index += 1) {
    if (index === markedCount) {
      clock.advance(500);
      await settle();
    }
    await put(log, `record ${index}`);
  }
  await settle();
  fileSystem.endProcess();
  return fileSystem.disk;
}

describe("damage", () => {
  const segment = `${directory}/0000000000000001.segment`;

  test("a log cut short at any length starts when the cut is after the mark, and is refused before it", async () => {
    const disk = await fiveRecords(2);
    const whole = disk.peek(segment);
    // The mark was written when two records were durable: up to the end of the second was acknowledged.
    const needed = 2 * 4096 + 64 + 12 + 16;
    const all = ["record 0", "record 1", "record 2", "record 3", "record 4"];
    let refusedLengthMax = 0;
    let startedLengthMin = Number.POSITIVE_INFINITY;
    for (let length = 0; length <= 6 * 4096; length += 97) {
      const cut = disk.copy();
      cut.poke(segment, whole.slice(0, length));
      const log = await openSound(cut.fileSystem);
      if (log === undefined) {
        refusedLengthMax = length;
        continue;
      }
      startedLengthMin = Math.min(startedLengthMin, length);
      const kept = Math.min(5, Math.floor(length / 4096) - 1);
      expect(await readAll(log)).toEqual(all.slice(0, kept));
      await put(log, "after");
      await log.close();
    }
    expect(refusedLengthMax).toBeLessThan(3 * 4096);
    expect(refusedLengthMax).toBeGreaterThan(3 * 4096 - 98);
    expect(startedLengthMin).toBeGreaterThanOrEqual(needed);
    expect(startedLengthMin).toBeLessThan(3 * 4096 + 97);
  });

  test("a flipped byte before the last batch is refused with its place, even after the mark", async () => {
    const disk = await fiveRecords(1);
    for (const at of [
      4096,
      4097,
      4100,
      4110,
      4140,
      4165,
      8192 + 3,
      8192 + 70,
      3 * 4096 + 66,
      4 * 4096 + 1,
      4 * 4096 + 80,
    ]) {
      const flipped = disk.copy();
      const bytes = flipped.peek(segment);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      flipped.poke(segment, bytes);
      const error = await failure(openSmall(flipped.fileSystem));
      expect(isLightconeError(error, "Corrupt") && error.detail).toMatchObject({
        file: segment,
        at: Math.floor(at / 4096) * 4096,
        goodOffset: Math.floor(at / 4096) - 2,
      });
      expect(Buffer.compare(flipped.peek(segment), bytes)).toBe(0);
    }
  });

  test("a flipped byte anywhere never yields a record that was not written", async () => {
    const disk = await fiveRecords(1);
    for (let at = 0; at < 6 * 4096; at += 61) {
      const flipped = disk.copy();
      const bytes = flipped.peek(segment);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      flipped.poke(segment, bytes);
      const log = await openSound(flipped.fileSystem);
      if (log === undefined) continue;
      const records = await readAll(log);
      expect(["record 0", "record 1", "record 2", "record 3", "record 4"].slice(0, records.length)).toEqual(records);
      expect(records.length).toBeGreaterThanOrEqual(4); // only the last batch has no witness
    }
  });

  test("damage in an older segment is met when it is read", async () => {
    const fileSystem = memoryFileSystem();
    let log = await openSmall(fileSystem);
    for (let index = 0; index < 20; index += 1) await put(log, `record ${index}`);
    await log.close();
    const bytes = fileSystem.disk.peek(segment);
    bytes[4096 + 66] = 1;
    fileSystem.disk.poke(segment, bytes);
    log = await openSmall(fileSystem);
    expect(await failure(readAll(log, 0))).toMatchObject({
      code: "Corrupt",
      detail: { file: segment, at: 4096, goodOffset: -1 },
    });
    expect(await readAll(log, 10)).toHaveLength(10);
  });

  test("a batch that a torn write left behind stays void, even when the batch before it is written again alike", async () => {
    const fileSystem = memoryFileSystem();
    const { disk } = fileSystem;
    let log = await openSmall(fileSystem, { segmentBytesFirst: 32_768 });
    await settle();
    await put(log, "0");
    disk.intercept = (kind) => {
      if (kind === "datasync") throw Object.assign(new Error("EIO"), { code: "EIO" });
    };
    const alike = new Uint8Array(8100);
    log.append(alike, 1);
    log.append(alike, 2);
    expect(await failure(log.whenDurable(2))).toMatchObject({ code: "DatabaseStopped" });
    disk.intercept = undefined;
    let blockCount = 0;
    disk.crash({
      // Of the two batches of two blocks each, the first is lost and the second is kept.
      block: (versions) => versions.at((blockCount += 1) <= 2 ? 0 : -1) ?? new Uint8Array(0),
      length: (lengths) => lengths.at(-1) ?? 0,
      entry: () => true,
    });
    expect(blockCount).toBe(4);
    log = await openSmall(fileSystem, { segmentBytesFirst: 32_768 });
    expect(log.durableOffset).toBe(0);
    log.append(alike, 1);
    await log.whenDurable(1);
    fileSystem.crash();
    log = await openSmall(fileSystem, { segmentBytesFirst: 32_768 });
    expect(log.durableOffset).toBe(1);
  });

  test("a lost first block of the only segment is refused, even when the mark knows of nothing", async () => {
    const disk = await fiveRecords(-1);
    const bytes = disk.peek(segment);
    bytes.fill(0, 0, 100);
    disk.poke(segment, bytes);
    expect(await failure(openSmall(disk.fileSystem))).toMatchObject({
      code: "Corrupt",
      detail: { file: segment, at: 0 },
    });
  });

  test.each([
    { what: "a segment", harm: (disk: SimulatedDisk) => disk.fileSystem.remove(segment) },
    { what: "the mark", harm: (disk: SimulatedDisk) => disk.fileSystem.remove(`${directory}/mark`) },
    {
      what: "both slots of the mark",
      harm: async (disk: SimulatedDisk) => disk.poke(`${directory}/mark`, new Uint8Array(8192)),
    },
  ])("$what lost is refused", async ({ harm }) => {
    const disk = await fiveRecords(3);
    await harm(disk);
    expect(await failure(openSmall(disk.fileSystem))).toMatchObject({ code: "Corrupt" });
  });

  test.each([
    { file: segment, version: segmentVersion + 1 },
    { file: `${directory}/mark`, version: 77 },
  ])("a newer format of $file is refused as such", async ({ file, version }) => {
    const disk = await fiveRecords(3);
    const bytes = disk.peek(file);
    for (const at of file === segment ? [0] : [0, 4096])
      new DataView(bytes.buffer).setUint32(at + 4, (version | ((~version & 0xffff) << 16)) >>> 0, true);
    disk.poke(file, bytes);
    expect(await failure(openSmall(disk.fileSystem))).toMatchObject({
      code: "NewerFormat",
      detail: { file, version, versionMax: file === segment ? segmentVersion : markVersion },
    });
  });

  test("a rebuilt log has what was kept, and goes on from there", async () => {
    const disk = await fiveRecords(4);
    const bytes = disk.peek(segment);
    bytes[3 * 4096 + 70] = 0xaa; // record 2
    disk.poke(segment, bytes);
    expect(await failure(openSmall(disk.fileSystem))).toMatchObject({ code: "Corrupt", detail: { goodOffset: 1 } });
    await keepUpTo(disk.fileSystem, 1);
    let log = await openSmall(disk.fileSystem);
    expect(await readAll(log)).toEqual(["record 0", "record 1"]);
    await put(log, "new 2");
    disk.crash({
      block: (versions) => versions[0] ?? new Uint8Array(0),
      length: (lengths) => lengths[0] ?? 0,
      entry: () => false,
    });
    log = await openSmall(disk.fileSystem);
    expect(await readAll(log)).toEqual(["record 0", "record 1", "new 2"]);
  });

  test("row 10: a log is rebuilt without a mark", async () => {
    const disk = await fiveRecords(4);
    await disk.fileSystem.remove(`${directory}/mark`);
    await keepUpTo(disk.fileSystem, 3);
    expect(await readAll(await openSmall(disk.fileSystem))).toHaveLength(4);
  });
});

describe("segments", () => {
  test("are used again, and what they held before never comes back", async () => {
    const fileSystem = memoryFileSystem();
    let log = await openSmall(fileSystem, { segmentBytesFirst: 32_768 });
    let created = 0;
    const path = new Set<string>();
    for (let round = 0; round < 12; round += 1) {
      for (let index = 0; index < 9; index += 1) await put(log, `${log.appendedOffset + 1}`);
      await log.retainFrom(log.durableOffset - 6);
      for (const name of await segmentNames(fileSystem.disk)) path.add(name);
      expect((await segmentNames(fileSystem.disk)).length).toBeLessThanOrEqual(5);
      const end = log.durableOffset;
      if (round % 3 === 2) {
        fileSystem.crash();
        log = await openSmall(fileSystem, { segmentBytesFirst: 32_768 });
        created += 1;
      }
      expect(log.durableOffset).toBe(end);
      const first = log.firstOffset;
      expect(first).toBeGreaterThan(end - 6 - 2 * 7);
      expect(first).toBeLessThanOrEqual(end - 6);
      expect(await readAll(log)).toEqual(Array.from({ length: end - first + 1 }, (_, index) => `${first + index}`));
    }
    expect(await failure(readAll(log, log.firstOffset - 1))).toMatchObject({ code: "Corrupt" });
    expect(created).toBe(4);
    expect(path.size).toBeGreaterThan(12);
    expect(fileSystem.disk.usedBytes).toBeLessThan(8 * 32_768);
  });

  test("grow to their full length, and a long record spans several", async () => {
    const fileSystem = memoryFileSystem();
    const log = await openSmall(fileSystem, { segmentBytes: 131_072 });
    const long = new Uint8Array(600_000).map((_, index) => index & 0xff);
    log.append(text("before"), 0);
    log.append(long, 1);
    log.append(text("after"), 2);
    await log.whenDurable(2);
    const records: Uint8Array[] = [];
    for await (const some of log.read(1)) for (const record of some.records) records.push(record.slice());
    expect(records.map((record) => record.length)).toEqual([600_000, 5]);
    expect(Buffer.compare(records[0] ?? long.subarray(1), long)).toBe(0);
    expect(fileSystem.disk.peek(`${directory}/0000000000000004.segment`).length).toBe(131_072);
    await log.retainFrom(2);
    expect(await readAll(log, 2)).toEqual(["after"]);
  });

  test("are kept while they are read", async () => {
    const fileSystem = memoryFileSystem();
    const log = await openSmall(fileSystem);
    for (let index = 0; index < 20; index += 1) await put(log, `${index}`);
    const read: string[] = [];
    for await (const { records } of log.read(0)) {
      for (const record of records) read.push(new TextDecoder().decode(record));
      await log.retainFrom(19);
    }
    expect(read).toHaveLength(20);
    await log.retainFrom(19);
    expect(log.firstOffset).toBeGreaterThan(10);
  });

  test("tell about how much comes after an offset", async () => {
    const log = await openSmall(memoryFileSystem());
    for (let index = 0; index < 20; index += 1) await put(log, `${index}`);
    expect(log.bytesAfter(19)).toBe(0);
    expect(log.bytesAfter(-1)).toBeGreaterThan(20 * 4096);
    expect(log.bytesAfter(9)).toBeGreaterThan(9 * 4096);
    expect(log.bytesAfter(9)).toBeLessThan(15 * 4096);
  });
});

describe("a cut", () => {
  test.each([-1, 0, 2, 6, 12])("after offset %i holds, through crashes too", async (offset) => {
    const fileSystem = memoryFileSystem();
    let log = await openSmall(fileSystem);
    for (let index = 0; index < 20; index += 1) await put(log, `old ${index}`);
    await log.truncateAfter(offset);
    expect([log.appendedOffset, log.durableOffset]).toEqual([offset, offset]);
    fileSystem.crash();
    log = await openSmall(fileSystem);
    expect(log.durableOffset).toBe(offset);
    await put(log, "new");
    expect(await readAll(log, 0)).toEqual([...Array.from({ length: offset + 1 }, (_, index) => `old ${index}`), "new"]);
    fileSystem.crash();
    log = await openSmall(fileSystem);
    expect(log.durableOffset).toBe(offset + 1);
  });
});

// The sizes of every database: a log at rest is small, one under load waits for nothing.
const openUsual = (
  fileSystem: FileSystem,
  clock = manualClock(),
  options: Partial<LogOptions> = {},
): Promise<CommitLog> => openLog({ fileSystem, clock, directory, ...options });

describe("room", () => {
  const kibibyte = 1024;
  const lengths = async (disk: SimulatedDisk): Promise<number[]> =>
    (await segmentNames(disk)).map((name) => disk.peek(`${directory}/${name}`).length);
  test("row 17: a log at rest has one short segment", async () => {
    const fileSystem = memoryFileSystem();
    const clock = manualClock();
    let log = await openUsual(fileSystem, clock);
    await settle();
    expect(fileSystem.disk.usedBytes).toBe((8 + 256) * kibibyte);
    for (let minute = 0; minute < 40; minute += 1) {
      await put(log, "now and then");
      clock.advance(60_000);
    }
    await settle();
    expect(await lengths(fileSystem.disk)).toEqual([256 * kibibyte]);
    await log.close();
    log = await openUsual(fileSystem, clock);
    await put(log, "again");
    await settle();
    expect(await lengths(fileSystem.disk)).toEqual([256 * kibibyte]);
  });

  test("row 17: under load no record waits for a segment to be made, and they are as long as what comes", async () => {
    const fileSystem = memoryFileSystem();
    const clock = manualClock();
    const log = await openUsual(fileSystem, clock);
    const record = new Uint8Array(100_000);
    const made: number[] = [];
    fileSystem.disk.intercept = (kind, path) => {
      if (kind === "create" && path.endsWith(".segment.new")) made.push(log.appendedOffset);
    };
    const waitedFor: number[] = [];
    for (let offset = 0; offset < 2000; offset += 1) {
      const countBefore = made.length;
      log.append(record, offset);
      await log.whenDurable(offset);
      if (made.length > countBefore) waitedFor.push(offset);
      clock.advance(10); // 10 MB a second
      await settle();
    }
    // The first ones begin from nothing; then there is always one ahead.
    expect(waitedFor.filter((offset) => offset > 50)).toEqual([]);
    expect((await lengths(fileSystem.disk)).slice(4)).toEqual(expect.arrayContaining([64 << 20]));
    await log.close();
    // What was written ahead goes when the log does.
    expect((await lengths(fileSystem.disk)).reduce((sum, length) => sum + length)).toBeLessThan((200_000_000 * 3) / 2);
  });

  test("a batch longer than a segment at rest finds one that takes it, also when a shorter one waits", async () => {
    const fileSystem = memoryFileSystem();
    const clock = manualClock();
    const log = await openUsual(fileSystem, clock);
    log.append(new Uint8Array(400_000), 0);
    await log.whenDurable(0);
    expect((await lengths(fileSystem.disk))[0]).toBeGreaterThan(400_000);
    await log.close();
    // A spare of the shortest length, as a crash leaves it.
    const next = String((await segmentNames(fileSystem.disk)).length + 1).padStart(16, "0");
    fileSystem.disk.poke(`${directory}/${next}.segment`, new Uint8Array(256 * kibibyte));
    const reopened = await openUsual(fileSystem, clock);
    for (let index = 1; index < 5; index += 1) reopened.append(new Uint8Array(500_000).fill(index), index);
    await reopened.whenDurable(4);
    expect((await segmentNames(fileSystem.disk))[1]).toBe(`${next}.segment`);
    fileSystem.crash();
    const again = await openUsual(fileSystem, clock);
    const read: number[] = [];
    for await (const { records } of again.read(1)) for (const each of records) read.push(each[499_999] ?? -1);
    expect(read).toEqual([1, 2, 3, 4]);
  });

  test("row 30: a disk is full when 4 MiB are left, and no longer once more are", async () => {
    const fileSystem = memoryFileSystem();
    const { disk } = fileSystem;
    const clock = manualClock();
    const mebibyte = 1 << 20;
    let log = await openUsual(fileSystem, clock);
    await put(log, "0");
    await settle();
    disk.capacityBytes = disk.usedBytes + 12 * mebibyte;
    const free = (): number => disk.capacityBytes - disk.usedBytes;
    let count = 1;
    while (log.refusal === undefined) {
      log.append(new Uint8Array(20_000), count);
      await log.whenDurable(count);
      clock.advance(3);
      await settle();
      count += 1;
    }
    expect(log.refusal?.code).toBe("DiskFull");
    expect(free()).toBeGreaterThanOrEqual(4 * mebibyte);
    expect(free()).toBeLessThan(4 * mebibyte + 512 * kibibyte);
    // The 8 MiB above what is left free held records.
    expect(count * 20_480).toBeGreaterThan(7 * mebibyte);
    // What was executed before the disk was known for full may take what is left free.
    log.append(new Uint8Array(2 * mebibyte), count);
    await log.whenDurable(count);
    await settle();
    for (count += 1; log.refusal === undefined; count += 1) {
      await put(log, "little");
      await settle();
    }
    // A start on a full disk knows it.
    await log.close();
    disk.capacityBytes = disk.usedBytes + 4 * mebibyte;
    log = await openUsual(fileSystem, clock);
    await settle();
    expect(log.refusal?.code).toBe("DiskFull");
    disk.capacityBytes += 8 * mebibyte;
    clock.advance(249);
    await settle();
    expect(log.refusal?.code).toBe("DiskFull");
    clock.advance(1);
    await settle();
    expect(log.refusal).toBeUndefined();
    await put(log, "after");
    await log.close();
  });
});

describe("row 30: a record that may not fit", () => {
  const mebibyte = 1 << 20;
  const sizes = [5000, 60_000, 600_000, mebibyte, 4_000_000, 20 * mebibyte];
  const freeAtFirst = [5 * mebibyte, 9 * mebibyte, 40 * mebibyte];
  const cases = sizes.flatMap((size) => freeAtFirst.map((free) => ({ size, free })));
  test.each(cases)("of $size bytes, $free bytes free: what is admitted never waits", async ({ size, free }) => {
    const fileSystem = memoryFileSystem();
    const { disk } = fileSystem;
    const clock = manualClock();
    const log = await openUsual(fileSystem, clock);
    const told: (string | undefined)[] = [];
    log.onFull((full) => told.push(full?.code));
    disk.capacityBytes = disk.usedBytes + free;
    await settle();
    let count = 0;
    while (log.refusal === undefined && log.refusalOf(size) === undefined) {
      log.append(new Uint8Array(size), count);
      await log.whenDurable(count);
      clock.advance(20);
      await settle();
      count += 1;
    }
    expect((log.refusal ?? log.refusalOf(size))?.code).toBe("DiskFull");
    expect(log.state.kind).toBe("open");
    // What is not used is what is left free, a record, and what segments and halves of the rest round up.
    const unused = disk.capacityBytes - disk.usedBytes - 4 * mebibyte;
    expect(unused).toBeLessThan(2 * size + mebibyte);
    // What is short still goes in, so that a client that has left is no longer there.
    expect(log.refusalOf(200)).toBeUndefined();
    disk.capacityBytes += 2 * size + 8 * mebibyte;
    clock.advance(1000);
    await settle();
    expect(log.refusal).toBeUndefined();
    expect(log.refusalOf(size)).toBeUndefined();
    log.append(new Uint8Array(size), count);
    await log.whenDurable(count);
    expect(told).toEqual(told.length === 0 ? [] : ["DiskFull", undefined]);
    await log.close();
  });

  test("waits no longer than the grace when somebody else takes the room that there was", async () => {
    const fileSystem = memoryFileSystem();
    const { disk } = fileSystem;
    const clock = manualClock();
    const log = await openUsual(fileSystem, clock, { graceMs: 3000 });
    await settle();
    expect(log.refusalOf(mebibyte)).toBeUndefined();
    disk.capacityBytes = disk.usedBytes;
    log.append(new Uint8Array(mebibyte), 0);
    const durable = failure(log.whenDurable(0));
    await settle();
    clock.advance(2500);
    await settle();
    expect(log.state.kind).toBe("open");
    for (let time = 0; time < 4; time += 1) {
      clock.advance(250);
      await settle();
    }
    expect(await durable).toMatchObject({ code: "DiskFull" });
    expect(log.state.kind).toBe("failed");
    await log.close();
    const again = await openUsual(fileSystem, clock);
    await settle();
    expect(again.durableOffset).toBe(-1);
    expect(again.refusalOf(mebibyte)?.code).toBe("DiskFull");
  });
});

describe("a disk that does not do", () => {
  test.each([
    { kind: "write" as const, code: "EIO" as const },
    { kind: "datasync" as const, code: "EIO" as const },
    { kind: "write" as const, code: "ENOSPC" as const },
  ])("a failed $kind ($code) stops the log for good", async ({ kind, code }) => {
    const fileSystem = faultyFileSystem(3);
    const log = await openSmall(fileSystem);
    await settle();
    await put(log, "a");
    await settle();
    const told: number[] = [];
    const failed: string[] = [];
    log.onDurable((offset) => told.push(offset));
    log.onFailed((error) => failed.push(error.code));
    fileSystem.fault = { operation: 1, code, kinds: [kind] };
    log.append(text("b"), 1);
    log.append(text("c"), 2);
    expect(await failure(log.whenDurable(1))).toMatchObject({ code: "DatabaseStopped" });
    await settle();
    expect({ told, failed, durable: log.durableOffset, state: log.state.kind, refusal: log.refusal?.code }).toEqual({
      told: [],
      failed: ["DatabaseStopped"],
      durable: 0,
      state: "failed",
      refusal: "DatabaseStopped",
    });
    expect(() => log.append(text("d"), 3)).toThrow(log.refusal);
    log.flush();
    await log.close();
    expect(log.state.kind).toBe("failed");
    // Recovery finds what was acknowledged; of the rest, a prefix.
    fileSystem.restart();
    const again = await openSmall(fileSystem);
    expect(again.durableOffset).toBeGreaterThanOrEqual(0);
    expect((await readAll(again)).slice(0, 1)).toEqual(["a"]);
  });

  test("a full disk is met ahead: writes are refused, reads go on, and it ends by itself", async () => {
    const fileSystem = memoryFileSystem();
    const clock = manualClock();
    const log = await openSmall(fileSystem, { clock, headroomBytes: 8192 });
    await put(log, "0");
    await settle();
    fileSystem.disk.capacityBytes = fileSystem.disk.usedBytes;
    let count = 1;
    while (log.refusal === undefined && count < 100) {
      await put(log, `${count}`);
      await settle();
      count += 1;
    }
    expect(count).toBeGreaterThanOrEqual(2);
    expect(count).toBeLessThan(30);
    expect(log.refusal?.code).toBe("DiskFull");
    expect(log.state.kind).toBe("open");
    expect(await readAll(log)).toHaveLength(count);
    clock.advance(1000);
    await settle();
    expect(log.refusal?.code).toBe("DiskFull");
    fileSystem.disk.capacityBytes = Number.POSITIVE_INFINITY;
    clock.advance(1000);
    await settle();
    expect(log.refusal).toBeUndefined();
    await put(log, "last");
    await log.close();
    expect(await readAll(await openSmall(fileSystem))).toHaveLength(count + 1);
  });

  test("what is pending on a full disk waits, and is durable once there is room", async () => {
    const fileSystem = memoryFileSystem();
    const clock = manualClock();
    const log = await openSmall(fileSystem, { clock });
    await settle();
    fileSystem.disk.capacityBytes = fileSystem.disk.usedBytes;
    log.append(new Uint8Array(100_000), 0);
    const durable = log.whenDurable(0);
    await settle();
    expect(log.durableOffset).toBe(-1);
    expect(log.state.kind).toBe("open");
    fileSystem.disk.capacityBytes = Number.POSITIVE_INFINITY;
    clock.advance(1000);
    await durable;
    expect(log.durableOffset).toBe(0);
  });

  test("closing on a full disk does not hang", async () => {
    const fileSystem = memoryFileSystem();
    const log = await openSmall(fileSystem);
    await settle();
    fileSystem.disk.capacityBytes = fileSystem.disk.usedBytes;
    log.append(new Uint8Array(100_000), 0);
    const durable = failure(log.whenDurable(0));
    await settle();
    await log.close();
    expect(await durable).toMatchObject({ code: "DatabaseStopped" });
    fileSystem.disk.capacityBytes = Number.POSITIVE_INFINITY;
    expect((await openSmall(fileSystem)).durableOffset).toBe(-1);
  });
});
