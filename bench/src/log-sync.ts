/** How fast does this disk sync, and what does the log make of it? */
import { setTimeout as sleep } from "node:timers/promises";
import { mkdtemp, rm } from "node:fs/promises";
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openLog } from "@lightcone/commitlog";
import type { Question } from "./support/question.ts";

export const sync: Question = {
  name: "sync",
  workload:
    "4 KiB written and synced in a file written ahead, 1000 times; then 2,000,000 records of 150 bytes appended to a commit log as fast as 4 MiB may be pending, one flush a turn; then all read back",
  unit: "ms, records/s, MB/s",
  expected:
    "a sync from 0.1 ms (NVMe) to 10 ms (disk); above 1,000,000 durable records/s; read back at 500 MB/s or more",
  run: async (run) => {
    const times = await measureSync(run.directory, run.isSmoke ? 50 : 1000);
    const log = await measureLog(run.directory, run.isSmoke ? 50_000 : 2_000_000);
    return [
      { name: "fdatasync of 4 KiB, p50", value: times.p50Ms, unit: "ms" },
      { name: "fdatasync of 4 KiB, p99", value: times.p99Ms, unit: "ms" },
      { name: "appended and durable", value: log.recordsPerSecond, unit: "records/s", reach: ">= 1,000,000" },
      { name: "appended and durable, volume", value: log.megabytesPerSecond, unit: "MB/s" },
      { name: "records a sync", value: log.recordsPerSync, unit: "records" },
      { name: "opened and read back", value: log.replayRecordsPerSecond, unit: "records/s" },
      { name: "opened and read back, volume", value: log.replayMegabytesPerSecond, unit: "MB/s", reach: ">= 500" },
    ];
  },
};

export interface SyncTimes {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface LogRates {
  readonly recordsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly recordsPerSync: number;
  readonly replayMegabytesPerSecond: number;
  readonly replayRecordsPerSecond: number;
}

/**
 * The machine's time for a write of 4 KiB and its `fdatasync`, to print beside any figure that syncs.
 *
 * @param parent the directory whose disk is meant
 * @param pauseMs between one and the next: to look on while something else runs, without being a load
 */
export async function measureSync(parent = ".", count = 500, pauseMs = 0): Promise<SyncTimes> {
  const directory = await mkdtemp(`${parent}/.lightcone-sync-`);
  try {
    const handle = await realFileSystem.open(`${directory}/file`, "create-new");
    const block = new Uint8Array(4096);
    await handle.write(new Uint8Array(count * block.length), 0);
    await handle.datasync();
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const startedAt = realClock.steadyMs();
      await handle.write(block.fill(index & 0xff), index * block.length);
      await handle.datasync();
      times.push(realClock.steadyMs() - startedAt);
      if (pauseMs > 0) await sleep(pauseMs);
    }
    await handle.close();
    times.sort((a, b) => a - b);
    return { count, p50Ms: times[Math.floor(count * 0.5)] ?? 0, p99Ms: times[Math.floor(count * 0.99)] ?? 0 };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Durable records a second through the log, and how fast they are read back. */
async function measureLog(parent = ".", recordCount = 2_000_000): Promise<LogRates> {
  const directory = await mkdtemp(`${parent}/.lightcone-log-`);
  const record = new Uint8Array(150).fill(7);
  const pendingBytesMax = 4 << 20;
  try {
    const options = { fileSystem: realFileSystem, clock: realClock, directory: `${directory}/log` };
    const log = await openLog(options);
    let syncCount = 0;
    log.onDurable(() => (syncCount += 1));
    const startedAt = realClock.steadyMs();
    for (let offset = 0; offset < recordCount;) {
      for (let turn = 0; turn < 500 && offset < recordCount && log.pendingBytes < pendingBytesMax; turn += 1) {
        log.append(record, offset);
        offset += 1;
      }
      log.flush();
      await new Promise(setImmediate);
    }
    await log.whenDurable(recordCount - 1);
    const seconds = (realClock.steadyMs() - startedAt) / 1000;
    const byteCount = log.bytesAfter(-1);
    await log.close();

    const replayAt = realClock.steadyMs();
    const again = await openLog(options);
    let readCount = 0;
    for await (const { records } of again.read(0)) readCount += records.length;
    const replaySeconds = (realClock.steadyMs() - replayAt) / 1000;
    await again.close();
    if (readCount !== recordCount) throw new Error(`${recordCount} records written, ${readCount} read`);
    return {
      recordsPerSecond: recordCount / seconds,
      megabytesPerSecond: byteCount / seconds / 1e6,
      recordsPerSync: recordCount / syncCount,
      replayMegabytesPerSecond: byteCount / replaySeconds / 1e6,
      replayRecordsPerSecond: recordCount / replaySeconds,
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}
