// Goal: whatever a crash drops, tears or reorders of what was not synced, the log and the snapshots come back
//   with a prefix of what was appended that holds all that was acknowledged, and with no half record.
// Method: one seeded script of appends, flushes, snapshots, retention, cuts and reopenings runs on a disk that
//   stops at operation 1, 2, 3, … to the last; each time the machine restarts (now and then it stops again
//   during recovery), everything is read back and compared with a model, and the log must go on. Mutants that
//   leave out a sync must be found out.
import { runCount, testSeed } from "@lightcone/base/testing";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "@lightcone/base";
import { isLightconeError } from "@lightcone/base";
import type { CommitLog, SnapshotStore } from "./index.ts";
import { applyRetention, openLog, openSnapshotStore } from "./index.ts";
import {
  faultyFileSystem,
  manualClock,
  seededNumbers,
  withoutDatasync,
  withoutDirectorySync,
} from "./testing/index.ts";
import type { FaultyFileSystem, ManualClock } from "./testing/index.ts";

const seedFirst = testSeed(1);
const seedCount = runCount(2);

/** What should be in the log. */
interface Model {
  readonly records: Uint8Array[];
  acknowledged: number;
  incarnation: number;
}

class Loss extends Error {}

function check(fact: boolean, what: string): void {
  if (!fact) throw new Loss(what);
}

function makeRecord(offset: number, incarnation: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, offset);
  view.setUint32(4, incarnation);
  for (let at = 8; at < bytes.length; at += 1) bytes[at] = (offset * 31 + incarnation * 7 + at) & 0xff;
  return bytes;
}

function digest(records: readonly Uint8Array[], count: number): Uint8Array {
  let sum = 17;
  for (const record of records.slice(0, count)) for (const byte of record) sum = (Math.imul(sum, 31) + byte) >>> 0;
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, count);
  new DataView(bytes.buffer).setUint32(4, sum);
  return bytes;
}

const sameBytes = (a: Uint8Array, b: Uint8Array | undefined): boolean => b !== undefined && Buffer.compare(a, b) === 0;

/** The mark of every other seed is as good as never written by itself. */
async function open(
  fileSystem: FileSystem,
  clock: ManualClock,
  seed = 1,
): Promise<{ log: CommitLog; snapshots: SnapshotStore }> {
  const snapshots = await openSnapshotStore(fileSystem, "/db/snapshots");
  const log = await openLog({
    fileSystem,
    clock,
    directory: "/db/log",
    batchBytesMax: 8192,
    segmentBytesFirst: 16_384,
    segmentBytes: 32_768,
    markDelayMs: seed % 2 === 0 ? 100_000 : 5,
  });
  return { log, snapshots };
}

/** Compares all that can be read with the model, and takes over what is there. */
async function verify(log: CommitLog, snapshots: SnapshotStore, model: Model): Promise<void> {
  check(log.durableOffset >= model.acknowledged, `acknowledged ${model.acknowledged}, recovered ${log.durableOffset}`);
  check(log.durableOffset < model.records.length, "recovered more than was appended");
  const { loaded, skipped } = await snapshots.loadNewest(log.durableOffset, async (snapshot) => {
    const content: Uint8Array[] = [];
    for await (const piece of snapshot.chunks()) content.push(piece.slice());
    check(
      sameBytes(Buffer.concat(content).subarray(0, 8), digest(model.records, snapshot.offset + 1)),
      "a snapshot is of another history",
    );
    return undefined;
  });
  check(skipped.length === 0, "a published snapshot is not readable");
  let next = (loaded?.offset ?? -1) + 1;
  for await (const { firstOffset, records } of log.read(next)) {
    check(firstOffset === next, "records follow one another");
    for (const record of records) {
      check(sameBytes(record, model.records[next]), `record ${next} is not what was appended`);
      next += 1;
    }
  }
  check(next === log.durableOffset + 1, "the log reads back to its end");
  model.records.length = next;
  model.acknowledged = next - 1;
  model.incarnation += 1;
}

function append(log: CommitLog, model: Model, length: number): void {
  const offset = log.appendedOffset + 1;
  const record = makeRecord(offset, model.incarnation, length);
  model.records.length = offset;
  model.records.push(record);
  log.append(record, offset);
}

/** The same for every crash point, as far as it gets. */
async function script(fileSystem: FileSystem, seed: number, model: Model): Promise<void> {
  const next = seededNumbers(seed);
  const clock = manualClock();
  let { log, snapshots } = await open(fileSystem, clock, seed);
  const listen = (): void => {
    log.onDurable((offset) => (model.acknowledged = Math.max(model.acknowledged, offset)));
  };
  listen();
  for (let step = 0; step < 36; step += 1) {
    const kind = next();
    const burst = 1 + Math.floor(next() * 5);
    for (let index = 0; index < burst; index += 1)
      append(log, model, next() < 0.06 ? 20_000 : Math.floor(next() * 1500));
    log.flush();
    if (kind < 0.2) {
      // Goes on while the write is under way.
      for (let index = 0; index < 4; index += 1) append(log, model, 200);
      for (let turn = 0; turn < Math.floor(next() * 6); turn += 1) await Promise.resolve();
      log.flush();
    } else if (kind < 0.75) await log.whenDurable(log.appendedOffset);
    clock.advance(3);
    if (log.state.kind === "failed") throw log.state.error;
    if (step % 9 === 8) {
      const offset = log.appendedOffset;
      const content = digest(model.records, offset + 1);
      await snapshots.write({
        offset,
        meta: new Uint8Array(3),
        chunks: [content, new Uint8Array(5000)],
        durable: log.whenDurable(offset),
      });
      await applyRetention(log, snapshots);
    }
    if (step === 20) {
      await log.close();
      ({ log, snapshots } = await open(fileSystem, clock, seed));
      listen();
    }
  }
  await log.close();
}

function newModel(): Model {
  return { records: [], acknowledged: -1, incarnation: 1 };
}

/** Runs the script up to a crash, then checks the recovery. */
async function crashOnce(
  control: FaultyFileSystem,
  fileSystem: FileSystem,
  seed: number,
  crashAt: number,
): Promise<void> {
  const model = newModel();
  control.crashAt = crashAt;
  try {
    await script(fileSystem, seed, model);
  } catch (error) {
    if (!control.isDown) throw error;
  }
  const next = seededNumbers(seed * 7919 + crashAt);
  control.restart();
  if (next() < 0.4) {
    control.crashAt = control.operationCount + 1 + Math.floor(next() * 8);
    const again = await open(fileSystem, manualClock()).catch((error: unknown) => error);
    if (again instanceof Error && !control.isDown) throw again;
    control.restart();
  }
  const clock = manualClock();
  const { log, snapshots } = await open(fileSystem, clock);
  await verify(log, snapshots, model);
  // It goes on, and a clean stop loses nothing.
  for (let index = 0; index < 5; index += 1) append(log, model, 900 * index);
  await log.whenDurable(log.appendedOffset);
  model.acknowledged = log.durableOffset;
  await log.close();
  control.restart();
  const reopened = await open(fileSystem, manualClock());
  await verify(reopened.log, reopened.snapshots, model);
  await reopened.log.close();
}

async function countOperations(mutate: (fileSystem: FileSystem) => FileSystem, seed: number): Promise<number> {
  const dry = faultyFileSystem(seed);
  await script(mutate(dry), seed, newModel());
  return dry.operationCount;
}

/** Crashes at every operation; gives the first loss found, with the seed and operation to find it again. */
async function findLoss(
  mutate: (fileSystem: FileSystem) => FileSystem,
  seed: number,
): Promise<{ readonly loss: string | undefined; readonly crashes: number }> {
  const count = await countOperations(mutate, seed);
  for (let crashAt = 1; crashAt <= count; crashAt += 1) {
    const control = faultyFileSystem(seed * 1_000_003 + crashAt);
    try {
      await crashOnce(control, mutate(control), seed, crashAt);
    } catch (error) {
      if (!(error instanceof Loss) && !isLightconeError(error)) throw error;
      return { loss: `LIGHTCONE_SEED=${seed}, crash at operation ${crashAt}: ${error.message}`, crashes: crashAt };
    }
  }
  return { loss: undefined, crashes: count };
}

describe("a crash at every operation", () => {
  test.each(Array.from({ length: seedCount }, (_, index) => seedFirst + index))(
    "loses nothing acknowledged, seed %i",
    async (seed) => {
      const { loss, crashes } = await findLoss((fileSystem) => fileSystem, seed);
      expect(loss).toBeUndefined();
      expect(crashes).toBeGreaterThan(100);
    },
    120_000,
  );

  test.each([
    { mutant: "without fdatasync", mutate: withoutDatasync },
    { mutant: "without directory syncs", mutate: withoutDirectorySync },
  ])(
    "finds the loss of a mutant $mutant",
    async ({ mutate }) => {
      let loss: string | undefined;
      for (let seed = seedFirst; seed < seedFirst + 10 && loss === undefined; seed += 1)
        ({ loss } = await findLoss(mutate, seed));
      expect(loss).toBeDefined();
    },
    120_000,
  );
});
