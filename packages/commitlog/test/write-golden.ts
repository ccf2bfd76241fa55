/**
 * Writes the golden directory of the present format version. Run it once when a version is born; what it made
 * is committed, and never made again.
 */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { applyRetention, openLog, openSnapshotStore } from "../src/index.ts";
import { goldenRecord } from "./golden-records.ts";

const directory = process.argv[2];
if (directory === undefined) throw new Error("name the directory to write");
const log = await openLog({
  fileSystem: realFileSystem,
  clock: realClock,
  directory: `${directory}/log`,
  batchBytesMax: 8192,
  segmentBytesFirst: 16_384,
  segmentBytes: 32_768,
});
const snapshots = await openSnapshotStore(realFileSystem, `${directory}/snapshots`);
for (let offset = 0; offset < 30; offset += 1) {
  log.append(goldenRecord(offset), offset);
  if (offset % 3 === 0) await log.whenDurable(offset);
  if (offset === 11 || offset === 21) {
    await snapshots.write({
      offset,
      meta: goldenRecord(1),
      chunks: [goldenRecord(offset), goldenRecord(7)],
      durable: log.whenDurable(offset),
    });
    await applyRetention(log, snapshots);
  }
}
await log.close();
