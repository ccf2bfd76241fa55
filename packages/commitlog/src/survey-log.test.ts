// Goal: of a damaged log everything is found that is sound, nothing that was not written, and what is chosen of it
// becomes the log, whatever happens meanwhile.
// Method: a log of several segments with short and long records; bytes are flipped and zeroed block by block, files
// removed, in pairs; what the survey finds is compared with what was written. Then a crash at every operation of a rebuild.
import { expect, test } from "vitest";
import type { FileSystem } from "@lightcone/base";
import { openLog } from "./index.ts";
import { rebuildLog } from "./rebuild-log.ts";
import { readRun, surveyLog, type LogRun } from "./survey-log.ts";
import { faultyFileSystem, manualClock, memoryFileSystem, seededNumbers, type SimulatedDisk } from "./testing/index.ts";

const directory = "/db/log";
const options = { directory, batchBytesMax: 8192, segmentBytesFirst: 32_768, segmentBytes: 65_536, headroomBytes: 0 };
const recordCount = 40;

/** Every seventh goes out in parts over several batches. */
function recordOf(offset: number): Uint8Array {
  return new Uint8Array(offset % 7 === 3 ? 30_000 : 100 + offset).fill(offset + 1);
}

/** Forty records, each a batch or more of its own. */
async function written(fileSystem: FileSystem): Promise<void> {
  const log = await openLog({ fileSystem, clock: manualClock(), ...options });
  for (let offset = 0; offset < recordCount; offset += 1) {
    log.append(recordOf(offset), offset);
    await log.whenDurable(offset);
  }
  await log.close();
}

async function contentOf(fileSystem: FileSystem, run: LogRun): Promise<number[]> {
  const survey = await surveyLog(fileSystem, directory);
  const offsets: number[] = [];
  for await (const { firstOffset, records } of readRun(
    fileSystem,
    directory,
    survey,
    run,
    run.firstOffset,
    run.endOffset,
  ))
    for (const [index, record] of records.entries()) {
      const offset = firstOffset + index;
      if (Buffer.compare(record, recordOf(offset)) !== 0) throw new Error(`record ${offset} is not what was written`);
      offsets.push(offset);
    }
  return offsets;
}

async function segmentsOf(disk: SimulatedDisk): Promise<string[]> {
  const names = await disk.fileSystem.list(directory);
  return names.filter((name) => name.endsWith(".segment")).toSorted();
}

/** Flips a bit of a short record. */
async function harmRecord(disk: SimulatedDisk, offset: number): Promise<void> {
  const record = recordOf(offset);
  for (const name of await segmentsOf(disk)) {
    const path = `${directory}/${name}`;
    const bytes = disk.peek(path);
    const at = Buffer.from(bytes).indexOf(record);
    if (at < 0) continue;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    disk.poke(path, bytes);
    return;
  }
  throw new Error("no such record");
}

test("row 10: a sound log is one run", async () => {
  const fileSystem = memoryFileSystem();
  await written(fileSystem);
  expect((await segmentsOf(fileSystem.disk)).length).toBeGreaterThan(4);
  const survey = await surveyLog(fileSystem, directory);
  expect(survey).toMatchObject({ hasMark: true, knownEnd: recordCount });
  expect(survey.runs.map(({ firstOffset, endOffset }) => [firstOffset, endOffset])).toEqual([[0, recordCount]]);
  await fileSystem.remove(`${directory}/mark`);
  const unmarked = await surveyLog(fileSystem, directory);
  expect(unmarked).toMatchObject({ hasMark: false, knownEnd: recordCount });
  expect(unmarked.runs).toHaveLength(1);
});

test("row 10: around damage everything sound is found, and nothing else", async () => {
  const fileSystem = memoryFileSystem();
  await written(fileSystem);
  const { disk } = fileSystem;
  const blocks = (await segmentsOf(disk)).flatMap((name) => {
    const path = `${directory}/${name}`;
    return Array.from({ length: disk.peek(path).length / 4096 }, (_, block) => ({ path, at: block * 4096 }));
  });
  const next = seededNumbers(7);
  for (const [index, first] of blocks.entries()) {
    const copy = disk.copy();
    const second = blocks[Math.floor(next() * blocks.length)] ?? first;
    const harmed = index % 2 === 0 ? [first] : [first, second];
    for (const { path, at } of harmed) {
      const bytes = copy.peek(path);
      if (next() < 0.5) bytes.fill(0, at, at + 4096);
      else bytes[at + 70] = (bytes[at + 70] ?? 0) ^ 1;
      copy.poke(path, bytes);
    }
    const what = harmed.map(({ path, at }) => `${path} at ${at}`).join(", ");
    const survey = await surveyLog(copy.fileSystem, directory);
    const found: number[] = [];
    for (const run of survey.runs) {
      const content = await contentOf(copy.fileSystem, run);
      expect(content, what).toEqual(
        Array.from({ length: run.endOffset - run.firstOffset }, (_, offset) => run.firstOffset + offset),
      );
      found.push(...content);
    }
    expect(new Set(found).size, what).toBe(found.length);
    // A block belongs to one record's batch, or to a segment's first block, which no record needs.
    expect(recordCount - found.length, what).toBeLessThanOrEqual(harmed.length);
    expect(survey.runs.length, what).toBeLessThanOrEqual(harmed.length + 1);
  }
});

test("row 10: without a segment the rest is found", async () => {
  const fileSystem = memoryFileSystem();
  await written(fileSystem);
  const names = await segmentsOf(fileSystem.disk);
  for (const name of names) {
    const copy = fileSystem.disk.copy();
    await copy.fileSystem.remove(`${directory}/${name}`);
    const { runs } = await surveyLog(copy.fileSystem, directory);
    let count = 0;
    for (const run of runs) count += (await contentOf(copy.fileSystem, run)).length;
    expect(runs.length).toBeLessThanOrEqual(2);
    expect(count).toBeGreaterThan(recordCount / 2);
    expect(count).toBeLessThan(recordCount);
  }
});

test.each([
  { keep: [0, 12], why: "the beginning" },
  { keep: [20, 40], why: "the end, after a snapshot" },
  { keep: [33, 33], why: "nothing, after a snapshot" },
])("row 10: a rebuilt log has $why, and a crash at any moment leaves the old or the new one", async ({ keep }) => {
  const [from = 0, end = 0] = keep;
  const sound = memoryFileSystem();
  await written(sound);
  await harmRecord(sound.disk, 15);
  const rebuild = async (fileSystem: FileSystem): Promise<void> => {
    const survey = await surveyLog(fileSystem, directory);
    const run = survey.runs.find((each) => each.firstOffset <= from && end <= each.endOffset);
    if (run === undefined) throw new Error("no run");
    await rebuildLog(fileSystem, directory, survey, from, readRun(fileSystem, directory, survey, run, from, end));
  };
  const open = (fileSystem: FileSystem) =>
    openLog({ fileSystem, clock: manualClock(), ...options, snapshots: from === 0 ? [] : [from - 1] });
  const dry = faultyFileSystem(1, sound.disk.copy());
  await expect(open(dry)).rejects.toMatchObject({ code: "Corrupt" });
  const before = dry.operationCount;
  await rebuild(dry);
  expect(dry.operationCount - before).toBeGreaterThan(5);
  for (let crashAt = 1; crashAt <= dry.operationCount - before + 1; crashAt += 1) {
    const fileSystem = faultyFileSystem(crashAt, sound.disk.copy());
    fileSystem.crashAt = crashAt;
    await rebuild(fileSystem).catch((error: unknown) => {
      if (!fileSystem.isDown) throw error;
    });
    fileSystem.restart();
    const opened = await open(fileSystem).catch((error: unknown) => error);
    if (opened instanceof Error) {
      expect(opened).toMatchObject({ code: "Corrupt" });
      // What is there is found as before, and the second attempt ends well.
      await rebuild(fileSystem);
    } else await (opened as Awaited<ReturnType<typeof open>>).close();
    const log = await open(fileSystem);
    expect([log.firstOffset, log.durableOffset], `crash at ${crashAt}`).toEqual([from, end - 1]);
    log.append(new Uint8Array(9000), end);
    await log.whenDurable(end);
    const read: number[] = [];
    for await (const { records } of log.read(from)) for (const record of records) read.push(record.length);
    expect(read).toEqual([...Array.from({ length: end - from }, (_, index) => recordOf(from + index).length), 9000]);
    // A snapshot later, the segments from before are gone.
    await log.retainFrom(end);
    await log.close();
    const names = await segmentsOf(fileSystem.disk);
    expect(names.length).toBeLessThanOrEqual(2);
    const again = await surveyLog(fileSystem, directory);
    expect(again.runs.at(-1)).toMatchObject({ endOffset: end + 1 });
  }
});
