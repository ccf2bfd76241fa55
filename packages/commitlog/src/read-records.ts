/** Records out of verified batches, parts put together. */
import type { FileSystem } from "@lightcone/base";
import { LightconeError } from "@lightcone/base";
import { BatchFlag, noteFlags, splitRecords } from "./batch.ts";
import { viewOf } from "./block.ts";
import type { ChainStart, EpochRule } from "./chain-reader.ts";
import { ChainReader } from "./chain-reader.ts";
import type { LogRecords } from "./commit-log.ts";
import type { SegmentInfo } from "./segment.ts";

/**
 * The records from `fromOffset` up to, not including, `endOffset`, all of which should be there.
 *
 * @param segments the first must begin at or before `fromOffset`, and not inside a record
 * @param start where in the first to begin instead
 * @throws {LightconeError} `Corrupt` where the chain ends too soon
 */
export async function* readRecords(
  fileSystem: FileSystem,
  directory: string,
  segments: readonly SegmentInfo[],
  rule: EpochRule,
  fromOffset: number,
  endOffset: number,
  start?: ChainStart,
): AsyncGenerator<LogRecords, void, void> {
  const chain = new ChainReader(fileSystem, directory, segments, rule, start);
  let parts: Uint8Array[] = [];
  try {
    while (chain.place.offset < endOffset) {
      if (!(await chain.next()) || chain.header === undefined) {
        const { offset, position } = chain.place;
        throw new LightconeError("Corrupt", {
          file: chain.file,
          at: position,
          reason: chain.endReason,
          goodOffset: offset - 1,
        });
      }
      const { flags, firstOffset, recordCount } = chain.header;
      if ((flags & noteFlags) !== 0) continue;
      let records: Uint8Array[] | undefined;
      if ((flags & (BatchFlag.beginsInside | BatchFlag.goesOn)) === 0) {
        records = splitRecords(chain.payload, recordCount);
      } else {
        parts.push(chain.payload.slice());
        if ((flags & BatchFlag.goesOn) !== 0) continue;
        records = joinParts(parts);
        parts = [];
      }
      if (records === undefined) {
        throw new LightconeError("Corrupt", {
          file: chain.file,
          at: chain.batchAt,
          reason: "the records do not fill the batch",
          goodOffset: firstOffset - 1,
        });
      }
      const skip = Math.max(0, fromOffset - firstOffset);
      const keep = Math.min(records.length, endOffset - firstOffset);
      if (skip >= keep) continue;
      yield {
        firstOffset: firstOffset + skip,
        records: skip === 0 && keep === records.length ? records : records.slice(skip, keep),
        file: chain.file,
        at: chain.batchAt,
      };
    }
  } finally {
    await chain.close();
  }
}

/** The one record that the parts hold; undefined when their length is not what the first says. */
function joinParts(parts: readonly Uint8Array[]): Uint8Array[] | undefined {
  let byteCount = 0;
  for (const part of parts) byteCount += part.length;
  const whole = new Uint8Array(byteCount);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  if (byteCount < 4 || viewOf(whole).getUint32(0, true) !== byteCount - 4) return undefined;
  return [whole.subarray(4)];
}
