/** The operator's way on from a damaged log: give up what is after an offset. */
import type { FileSystem } from "@lightcone/base";
import { LightconeError } from "@lightcone/base";
import { BatchFlag } from "./batch.ts";
import { ChainReader } from "./chain-reader.ts";
import { createMark, openMark } from "./mark.ts";
import { findSegments, runFrom } from "./open-log.ts";

export interface RepairReport {
  /** The last offset that was kept: the asked one, or the end of the last batch before it. */
  readonly keptOffset: number;
  readonly epoch: number;
}

/** Above every epoch that a lost mark can have opened. */
const epochsOfLostMark = 2 ** 32;

/**
 * Cuts the log so that `offset` is its last, damaged or not after it. Records after it are lost for good.
 *
 * A log that is refused as `Corrupt` says in its detail which `goodOffset` can be kept. The log must be
 * closed, its directory locked by the caller; snapshots after the cut must go too (`discardAfter`).
 *
 * @throws {LightconeError} `Corrupt` when the log is damaged at or before `offset`; nothing is changed then
 */
export async function repairCutAt(fileSystem: FileSystem, directory: string, offset: number): Promise<RepairReport> {
  let markFile = await openMark(fileSystem, directory);
  try {
    const mark = markFile?.current;
    const rule = { epoch: mark?.epoch ?? 0, epochFirst: mark?.epochFirst ?? 0 };
    const { inUse } = await findSegments(fileSystem, directory, rule);
    const run = runFrom(inUse, offset + 1);
    if (run[0] === undefined) {
      throw new LightconeError("Corrupt", {
        file: directory,
        at: 0,
        reason: `no segment begins at or before offset ${offset}`,
      });
    }
    const chain = new ChainReader(fileSystem, directory, run, { epoch: rule.epoch, first: rule.epochFirst });
    let end = chain.place;
    try {
      while (chain.place.offset <= offset) {
        if (!(await chain.next())) {
          throw new LightconeError("Corrupt", {
            file: chain.file,
            at: chain.place.position,
            reason: chain.endReason,
            goodOffset: end.offset - 1,
          });
        }
        const goesOn = chain.header !== undefined && (chain.header.flags & BatchFlag.goesOn) !== 0;
        if (!goesOn && chain.place.offset <= offset + 1) end = chain.place;
      }
    } finally {
      await chain.close();
    }
    let epoch = rule.epoch;
    for (const segment of inUse) epoch = Math.max(epoch, segment.epoch);
    epoch += mark === undefined ? epochsOfLostMark : 1;
    const next = { epoch, epochFirst: end.offset, acceptedEnd: end.offset, acceptedHash: end.hash, clean: false };
    if (markFile === undefined) markFile = await createMark(fileSystem, directory, next);
    else await markFile.write(next);
    return { keptOffset: end.offset - 1, epoch };
  } finally {
    await markFile?.close();
  }
}
