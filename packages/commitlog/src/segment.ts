/**
 * A segment: a file of fixed length, written ahead with zeros (or with an older segment's bytes, when it is
 * used again), whose first block says what it is and whose other blocks hold batches back to back.
 *
 *    0  prefix         "LCS1", version
 *    8  sequence       u64  as in the file's name; another one means that the file is not in use
 *   16  epoch          u64  in which it was entered
 *   24  firstOffset    u64  of its first batch
 *   32  acceptedEnd    u64  all below was accepted when it was entered
 *   40  previousHash   16   the hash that closes the last batch of the segment before
 *   56  flags          u32  1: its first batch begins inside a record
 *   60  zero           u32
 *   64  hash           16   of everything before it; zeros to the end of the block
 *
 * A file is made under its number with `.new` behind, and gets its name once it is filled and synced, so a
 * named file is always as long as it should be. It is entered by writing the block together with its first
 * batch: no directory changes while commits wait.
 */
import type { FileHandle, FileSystem } from "@lightcone/base";
import { blockBytes, getU64, getVersion, hashBytes, hashOf, sameBytes, setPrefix, setU64, viewOf } from "./block.ts";

const magic = 0x3153434c; // "LCS1"
/** Of the segment and the batches in it; one that was begun in version 1 may go on in version 2. */
export const segmentVersion = 2;

/** A segment in use. */
export interface SegmentInfo {
  readonly sequence: number;
  readonly epoch: number;
  readonly firstOffset: number;
  readonly acceptedEnd: number;
  readonly previousHash: Uint8Array;
  readonly beginsInside: boolean;
  /** Of the whole file. */
  readonly byteCount: number;
}

export function segmentName(sequence: number): string {
  return `${String(sequence).padStart(16, "0")}.segment`;
}

/** The sequence number in a file's name; undefined when it is not a segment's. */
export function sequenceOf(name: string): number | undefined {
  const match = /^(\d{16})\.segment$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The first block of a segment. */
export function segmentHeader(segment: SegmentInfo): Uint8Array {
  const block = new Uint8Array(blockBytes);
  const view = viewOf(block);
  setPrefix(view, magic, segmentVersion);
  setU64(view, 8, segment.sequence);
  setU64(view, 16, segment.epoch);
  setU64(view, 24, segment.firstOffset);
  setU64(view, 32, segment.acceptedEnd);
  block.set(segment.previousHash, 40);
  view.setUint32(56, segment.beginsInside ? 1 : 0, true);
  block.set(hashOf(block.subarray(0, 64)), 64);
  return block;
}

/** Reads what `segmentHeader` made; undefined when the file is not in use, or its first block is damaged. */
export function readSegmentHeader(
  block: Uint8Array,
  sequence: number,
  byteCount: number,
  file: string,
): SegmentInfo | undefined {
  const view = viewOf(block);
  if (block.length < 64 + hashBytes || getVersion(view, magic, segmentVersion, file) === 0) return undefined;
  if (!sameBytes(hashOf(block.subarray(0, 64)), block.subarray(64, 64 + hashBytes))) return undefined;
  if (getU64(view, 8) !== sequence) return undefined;
  return {
    sequence,
    epoch: getU64(view, 16),
    firstOffset: getU64(view, 24),
    acceptedEnd: getU64(view, 32),
    previousHash: block.slice(40, 40 + hashBytes),
    beginsInside: (view.getUint32(56, true) & 1) !== 0,
    byteCount,
  };
}

const zeros = new Uint8Array(1 << 20);

/**
 * Makes a file of `byteCount` zeros under its final name, durable but for its directory entry.
 *
 * Each mebibyte is synced before the next, so that commits which sync meanwhile never wait for all of it.
 *
 * @param written told how much stands on the disk, each time that more does
 */
export async function writeAhead(
  fileSystem: FileSystem,
  path: string,
  byteCount: number,
  written?: (byteCount: number) => void,
): Promise<void> {
  const beside = `${path}.new`;
  try {
    const handle = await fileSystem.open(beside, "create");
    try {
      await writeZeros(handle, 0, byteCount, written);
    } finally {
      await handle.close();
    }
  } catch (error) {
    // A disk that is full must get back what this took of it. That the file may not even be there is no news.
    await fileSystem.remove(beside).catch(() => undefined);
    throw error;
  }
  await fileSystem.rename(beside, path);
}

/** Makes a file that is not in use yet as long as a batch needs. */
export async function lengthen(fileSystem: FileSystem, path: string, from: number, byteCount: number): Promise<void> {
  const handle = await fileSystem.open(path, "read-write");
  try {
    await writeZeros(handle, from, byteCount);
  } catch (error) {
    await handle.truncate(from);
    throw error;
  } finally {
    await handle.close();
  }
}

async function writeZeros(
  handle: FileHandle,
  from: number,
  end: number,
  written?: (byteCount: number) => void,
): Promise<void> {
  for (let at = from; at < end; at += zeros.length) {
    const byteCount = Math.min(zeros.length, end - at);
    await handle.write(zeros.subarray(0, byteCount), at);
    await handle.datasync();
    written?.(at + byteCount);
  }
}
