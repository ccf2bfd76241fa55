/**
 * How an operator leaves a damaged log behind: a new one is made of the records to keep.
 *
 * Its records stand in one segment behind all that are there, with a number left free between, so that nothing before
 * it belongs to the log any more. It gets its name once it is synced, and is valid from one write of the mark on; a
 * crash before that leaves the log as it was. The segments before it go with the next snapshot.
 */
import type { FileSystem } from "@lightcone/base";
import { LightconeError, directoryOf } from "@lightcone/base";
import { BatchBuilder } from "./batch-builder.ts";
import { blockBytes, isDiskFull, noHash } from "./block.ts";
import type { LogRecords } from "./commit-log.ts";
import { createMark, openMark } from "./mark.ts";
import { segmentHeader, segmentName } from "./segment.ts";
import type { LogSurvey } from "./survey-log.ts";

const batchBytesMax = 512 * 1024;
const syncEachBytes = 8 << 20;

/**
 * Makes `records`, and nothing else, the log.
 *
 * The log must be closed and its directory locked. Snapshots after the last record must go too (`discardAfter`).
 *
 * @param survey of the log as it is
 * @param startOffset of the first record; a snapshot must end right before it, unless it is 0
 * @throws {LightconeError} `DiskFull`; nothing is changed then
 */
export async function rebuildLog(
  fileSystem: FileSystem,
  directory: string,
  survey: LogSurvey,
  startOffset: number,
  records: AsyncIterable<LogRecords>,
): Promise<void> {
  await fileSystem.makeDirectory(directory);
  await fileSystem.syncDirectory(directoryOf(directory));
  const epoch = survey.nextEpoch;
  const path = `${directory}/${segmentName(survey.nextSequence)}`;
  const builder = new BatchBuilder(batchBytesMax, epoch, startOffset, noHash);
  let endOffset = startOffset;
  let endHash = noHash;
  try {
    const handle = await fileSystem.open(`${path}.new`, "create");
    try {
      await handle.truncate(0);
      const facts = { firstOffset: startOffset, acceptedEnd: startOffset, previousHash: noHash, beginsInside: false };
      await handle.write(segmentHeader({ ...facts, sequence: survey.nextSequence, epoch, byteCount: 0 }), 0);
      let position = blockBytes;
      let unsynced = 0;
      const drain = async (): Promise<void> => {
        const batches = builder.take();
        for (const batch of batches) {
          await handle.write(batch.bytes, position);
          position += batch.bytes.length;
          unsynced += batch.bytes.length;
          ({ endOffset, hash: endHash } = batch);
        }
        builder.recycle(batches);
        if (unsynced < syncEachBytes) return;
        await handle.datasync();
        unsynced = 0;
      };
      let waiting = 0;
      for await (const { records: some } of records) {
        for (const record of some) {
          builder.append(record);
          waiting += record.length;
        }
        if (waiting < batchBytesMax) continue;
        await drain();
        waiting = 0;
      }
      await drain();
      await handle.datasync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await fileSystem.remove(`${path}.new`).catch(() => undefined); // it may not even be there
    throw isDiskFull(error) ? new LightconeError("DiskFull", { path: directory }, { cause: error }) : error;
  }
  await fileSystem.rename(`${path}.new`, path);
  await fileSystem.syncDirectory(directory);
  const mark = { epoch, epochFirst: endOffset, acceptedEnd: endOffset, acceptedHash: endHash, clean: true };
  const markFile = await openMark(fileSystem, directory);
  if (markFile === undefined) {
    await (await createMark(fileSystem, directory, mark)).close();
    return;
  }
  try {
    await markFile.write(mark);
  } finally {
    await markFile.close();
  }
}
