// Goal: a log can be replayed outside of its database, from its first record or from a snapshot, and is left as it was.
// Method: a short life of a store, written to a log on the disk; what the script prints of it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openLog, openSnapshotStore } from "@lightcone/commitlog";
import { openStore } from "@lightcone/engine";
import { afterEach, beforeEach, expect, test } from "vitest";
import { live, snapshotAfter } from "../packages/engine/test/golden-steps.ts";

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "lightcone-replayed-"))));
afterEach(() => rmSync(directory, { recursive: true }));

/** Writes that life down: all of it in the log, or the beginning as a snapshot. */
async function write(isSnapshot: boolean): Promise<void> {
  const records: Uint8Array[] = [];
  live(openStore(), ({ bytes }) => records.push(bytes.slice()));
  const startOffset = isSnapshot ? snapshotAfter : 0;
  const log = await openLog({
    fileSystem: realFileSystem,
    clock: realClock,
    directory: `${directory}/log`,
    startOffset,
  });
  for (const [offset, record] of records.entries()) if (offset >= startOffset) log.append(record, offset);
  await log.whenDurable(records.length - 1);
  const snapshots = await openSnapshotStore(realFileSystem, `${directory}/snapshots`);
  if (isSnapshot) {
    const half = openStore();
    for (const record of records.slice(0, snapshotAfter)) half.release(half.apply(record));
    const chunks = half.snapshotChunks(half.openReadView());
    const durable = log.whenDurable(snapshotAfter - 1);
    await snapshots.write({ offset: snapshotAfter - 1, meta: new Uint8Array(0), chunks, durable });
  }
  await log.close();
}

function contents(): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), "hex")]));
}

test.each([
  { from: "its first record", isSnapshot: false, first: 0 },
  { from: "a snapshot", isSnapshot: true, first: snapshotAfter },
])("a log is replayed from $from", async ({ isSnapshot, first }) => {
  await write(isSnapshot);
  const before = contents();
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/replay-log.ts", directory, "--rows"], {
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
  const offsets = [...stdout.matchAll(/^(\d+) \d{4}-\S+Z /gm)].map(([, offset]) => Number(offset));
  expect(offsets).toEqual(Array.from({ length: 13 - first }, (_, index) => first + index));
  expect(stdout).toMatch(/schedule tick by [^]*\n {2}note: -0 \+1\n {4}\+ \{"text":"one","weight":1\.5\}\n/);
  expect(stdout).toMatch(/, 0 problems\n$/);
  expect(contents()).toEqual(before);
});

test("a record that does not replay is told with its offset and its place", async () => {
  const log = await openLog({ fileSystem: realFileSystem, clock: realClock, directory: `${directory}/log` });
  log.append(Uint8Array.of(255), 0);
  await log.whenDurable(0);
  await log.close();
  await openSnapshotStore(realFileSystem, `${directory}/snapshots`);
  const { status, stderr } = spawnSync(process.execPath, ["scripts/replay-log.ts", directory], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/offset 0, in \S+\.segment, batch at byte \d+/);
});
