/**
 * Opening a log: find its end, cut what a crash tore, refuse what is damaged.
 *
 * 1. Read the mark and every segment's first block.
 * 2. Walk the chain from the segment in which the last acknowledged batch must be, to the chain's end. Older
 *    segments are verified when they are read, against the same chain.
 * 3. The chain ends before the mark, or a later batch bears witness that more was accepted: `Corrupt`. Else
 *    what is after it was never acknowledged and is void. What snapshots say of the log must be so too: one is
 *    published only when the log is durable past it. Up to here nothing has been changed.
 * 4. Sync what was walked: after a mere process crash it may be in the system's memory only.
 * 5. Take void segments out of use, then open the next epoch by writing the mark. That write voids whatever
 *    torn batches are left on disk, so nothing of them can ever join the chain again.
 */
import type { FileSystem } from "@lightcone/base";
import { LightconeError, assert, directoryOf } from "@lightcone/base";
import type { FoundHeader } from "./batch.ts";
import { BatchFlag, batchHeaderBytes, isWholeBatch, readBatchHeader } from "./batch.ts";
import { blockBytes, noHash, sameBytes, viewOf } from "./block.ts";
import type { ChainPlace, EpochRule } from "./chain-reader.ts";
import { ChainReader } from "./chain-reader.ts";
import type { CommitLog, LogOptions } from "./commit-log.ts";
import { GroupCommitLog } from "./group-commit.ts";
import type { SpareSegment } from "./local-log.ts";
import { LocalLog, blankSegment } from "./local-log.ts";
import type { Mark, MarkFile } from "./mark.ts";
import { createMark, markName, openMark, soundMark } from "./mark.ts";
import type { SegmentInfo } from "./segment.ts";
import { readSegmentHeader, segmentName, sequenceOf } from "./segment.ts";

const mebibyte = 1 << 20;

/**
 * Opens the log in a directory, or starts one there.
 *
 * The caller holds the directory's lock.
 *
 * @throws {LightconeError} `Corrupt` with file and byte when acknowledged records are damaged: nothing was
 * changed, and `surveyLog` and `rebuildLog` are the way on · `NewerFormat`
 */
export async function openLog(options: LogOptions): Promise<CommitLog> {
  const { fileSystem, clock, directory } = options;
  const batchBytesMax = options.batchBytesMax ?? mebibyte / 2;
  const segmentBytes = options.segmentBytes ?? 64 * mebibyte;
  const segmentBytesFirst = options.segmentBytesFirst ?? Math.min(mebibyte / 4, segmentBytes);
  assert(batchBytesMax % blockBytes === 0 && batchBytesMax >= blockBytes, "a batch is a number of blocks");
  assert(segmentBytesFirst % blockBytes === 0 && segmentBytes % blockBytes === 0, "a segment is a number of blocks");
  assert(segmentBytes >= batchBytesMax + blockBytes, "a segment takes any batch");

  const found = await findLog(options);
  try {
    const end = await findEnd(fileSystem, directory, found);
    const segments = segmentsBefore(found, end);
    if (options.snapshots !== undefined) checkSnapshots(directory, options.snapshots, segments, end);
    await syncWalked(fileSystem, directory, found, end);
    const { spares, strays } = await takeStock(fileSystem, directory, found, segments);
    const epoch = found.mark.epoch + 1;
    const rule: EpochRule = { epoch, first: end.offset };
    await found.markFile.write({
      epoch,
      epochFirst: end.offset,
      acceptedEnd: end.offset,
      acceptedHash: end.hash,
      clean: false,
    });
    const local = new LocalLog({
      fileSystem,
      clock,
      directory,
      segmentBytes,
      segmentBytesFirst,
      reserveBytes: options.reserveBytes ?? 4 * mebibyte,
      headroomBytes: options.headroomBytes ?? mebibyte / 16,
      probeDelayMs: options.probeDelayMs ?? 250,
      graceMs: options.graceMs ?? 5000,
      batchBytesMax,
      mark: found.markFile,
      rule,
      segments,
      spares,
      strays,
      position: end.position,
      endOffset: end.offset,
      endHash: end.hash,
    });
    return new GroupCommitLog({
      clock,
      local,
      batchBytesMax,
      markDelayMs: options.markDelayMs ?? 500,
    });
  } catch (error) {
    await found.markFile.close();
    throw error;
  }
}

/**
 * Checks whether a log that must be there would open. Changes nothing.
 *
 * @throws {LightconeError} as `openLog` does
 */
export async function inspectLog(
  options: Pick<LogOptions, "fileSystem" | "clock" | "directory" | "snapshots">,
): Promise<void> {
  const { fileSystem, directory, snapshots } = options;
  const found = await findLog({ ...options, mustExist: true });
  try {
    const end = await findEnd(fileSystem, directory, found);
    if (snapshots !== undefined) checkSnapshots(directory, snapshots, segmentsBefore(found, end), end);
  } finally {
    await found.markFile.close();
  }
}

/** What stands in the directory. */
interface FoundLog {
  readonly markFile: MarkFile;
  readonly mark: Mark;
  /** Every file with a segment's name, by rising sequence. */
  readonly files: readonly SpareSegment[];
  /** Those that are in use and not void, by rising sequence. */
  readonly inUse: readonly SegmentInfo[];
  /** Those whose first block is sound. */
  readonly withHeader: ReadonlySet<number>;
  /** The highest epoch that one of them says. */
  readonly epochMax: number;
}

/** Where the log ends. Without any segment, `segment` is undefined. */
interface LogEnd extends Omit<ChainPlace, "segment"> {
  readonly segment: SegmentInfo | undefined;
}

async function findLog(options: LogOptions): Promise<FoundLog> {
  const { fileSystem, directory } = options;
  const markFile = (await openMark(fileSystem, directory)) ?? (await beginLog(options));
  try {
    const mark = soundMark(markFile, directory);
    return { markFile, mark, ...(await findSegments(fileSystem, directory, mark)) };
  } catch (error) {
    await markFile.close();
    throw error;
  }
}

/** Begins a log where there is none, unless anything says that there was one. */
async function beginLog({ fileSystem, directory, ...options }: LogOptions): Promise<MarkFile> {
  const isThere = await fileSystem.exists(directory);
  const witness =
    isThere && (await fileSystem.list(directory)).some((name) => sequenceOf(name) !== undefined)
      ? "there are segments"
      : snapshotWitness(options.snapshots ?? []);
  if (witness !== undefined || options.mustExist === true) {
    const file = isThere ? `${directory}/${markName}` : directory;
    throw new LightconeError("Corrupt", { file, reason: `it is missing, though ${witness ?? "there was a log"}` });
  }
  await fileSystem.makeDirectory(directory);
  await fileSystem.syncDirectory(directoryOf(directory));
  const startOffset = options.startOffset ?? 0;
  return createMark(fileSystem, directory, {
    epoch: 0,
    epochFirst: startOffset,
    acceptedEnd: startOffset,
    acceptedHash: noHash,
    clean: true,
  });
}

/** What snapshots say of the log; undefined when there are none. */
function snapshotWitness(snapshots: readonly number[]): string | undefined {
  return snapshots.length === 0 ? undefined : `snapshots up to offset ${Math.max(...snapshots)} are there`;
}

/** Refuses a log that ends before a snapshot, or begins after all of them. */
function checkSnapshots(
  directory: string,
  snapshots: readonly number[],
  segments: readonly SegmentInfo[],
  end: LogEnd,
): void {
  const newest = Math.max(-1, ...snapshots);
  if (newest >= end.offset) {
    throw new LightconeError("Corrupt", {
      file: `${directory}/${segmentName(end.segment?.sequence ?? 1)}`,
      at: end.position,
      reason: `the log ends here, though ${snapshotWitness(snapshots)}`,
      goodOffset: end.offset - 1,
    });
  }
  const first = segments.find((segment) => !segment.beginsInside);
  const firstOffset = first?.firstOffset ?? end.offset;
  if (firstOffset <= newest + 1) return;
  const witness =
    newest < 0 ? "no snapshot stands for what was before" : `the newest snapshot ends at offset ${newest}`;
  const reason = `the log begins at offset ${firstOffset}, and ${witness}: a segment or a snapshot is missing`;
  throw new LightconeError("Corrupt", { file: directory, reason });
}

/** Reads every segment's first block. A mark of epoch 0 stands for one that is lost: it voids nothing. */
export async function findSegments(
  fileSystem: FileSystem,
  directory: string,
  mark: Pick<Mark, "epoch" | "epochFirst">,
): Promise<Omit<FoundLog, "markFile" | "mark">> {
  const names = await fileSystem.list(directory);
  const files: SpareSegment[] = [];
  const inUse: SegmentInfo[] = [];
  const withHeader = new Set<number>();
  let epochMax = 0;
  for (const name of names.toSorted()) {
    const sequence = sequenceOf(name);
    if (sequence === undefined) continue;
    const path = `${directory}/${name}`;
    const handle = await fileSystem.open(path, "read");
    try {
      const byteCount = Math.floor((await handle.size()) / blockBytes) * blockBytes;
      const block = new Uint8Array(blockBytes);
      await handle.read(block, 0, blockBytes, 0);
      const segment = readSegmentHeader(block, sequence, byteCount, path);
      files.push({ sequence, byteCount });
      if (segment === undefined) continue;
      withHeader.add(sequence);
      epochMax = Math.max(epochMax, segment.epoch);
      // One of a later epoch than the mark's is left of a rebuilding that did not come to its end.
      const isLate = mark.epoch > 0 && segment.epoch > mark.epoch;
      const isVoid = segment.epoch < mark.epoch && segment.firstOffset > mark.epochFirst;
      if (!isLate && !isVoid) inUse.push(segment);
    } finally {
      await handle.close();
    }
  }
  return { files, inUse, withHeader, epochMax };
}

/** The segments from the last that begins at or before `offset`, as far as they follow one another. */
function runFrom(inUse: readonly SegmentInfo[], offset: number): readonly SegmentInfo[] {
  const start = inUse.findLastIndex((segment) => segment.firstOffset <= offset && !segment.beginsInside);
  if (start < 0) return [];
  const rest = inUse.slice(start);
  const gap = rest.findIndex(
    (segment, index) => index > 0 && segment.sequence !== (rest[index - 1]?.sequence ?? 0) + 1,
  );
  return gap < 0 ? rest : rest.slice(0, gap);
}

async function findEnd(fileSystem: FileSystem, directory: string, found: FoundLog): Promise<LogEnd> {
  const { mark } = found;
  const run = runFrom(found.inUse, mark.acceptedEnd);
  const first = run[0];
  if (first === undefined) {
    // Nothing was ever acknowledged, or what was is gone with its segment.
    const isNew = sameBytes(mark.acceptedHash, noHash) && found.inUse.length === 0;
    if (!isNew || (await hasWitness(fileSystem, directory, found, undefined, mark.acceptedEnd))) {
      const lost = await nameLost(fileSystem, directory, found);
      throw lostSegment(directory, found, lost, `offset ${mark.acceptedEnd - 1} was acknowledged`);
    }
    return { segment: undefined, position: 0, offset: mark.acceptedEnd, hash: noHash };
  }
  const chain = new ChainReader(fileSystem, directory, run, { epoch: mark.epoch, first: mark.epochFirst });
  try {
    // A record whose last part is missing was never acknowledged: the log ends before its first part.
    let end = chain.place;
    let meetsMark = end.offset === mark.acceptedEnd && sameBytes(end.hash, mark.acceptedHash);
    while (await chain.next()) {
      if (chain.header !== undefined && (chain.header.flags & BatchFlag.goesOn) !== 0) continue;
      end = chain.place;
      meetsMark ||= end.offset === mark.acceptedEnd && sameBytes(end.hash, mark.acceptedHash);
    }
    const goodOffset = end.offset - 1;
    const witness =
      end.offset < mark.acceptedEnd
        ? `offset ${mark.acceptedEnd - 1} was acknowledged`
        : !(mark.clean && meetsMark && end.offset === mark.acceptedEnd) &&
            (await hasWitness(fileSystem, directory, found, chain.place, end.offset))
          ? "a later batch says that it was acknowledged"
          : undefined;
    if (witness !== undefined) {
      const lost = await lostAfter(fileSystem, directory, found, chain.place);
      if (lost !== undefined) throw lostSegment(directory, found, lost, witness, goodOffset);
      const reason = `${chain.endReason}, and ${witness}`;
      throw new LightconeError("Corrupt", { file: chain.file, at: chain.place.position, reason, goodOffset });
    }
    if (!meetsMark) {
      const reason = "the log is not the one that its mark was made for";
      throw new LightconeError("Corrupt", { file: chain.file, at: chain.place.position, reason, goodOffset });
    }
    return end;
  } finally {
    await chain.close();
  }
}

/** The segment after the one in which the chain ended, if that one ended as it should and the next is lost. */
async function lostAfter(
  fileSystem: FileSystem,
  directory: string,
  found: FoundLog,
  { segment, position, offset }: ChainPlace,
): Promise<number | undefined> {
  const next = segment.sequence + 1;
  if (found.inUse.some(({ sequence }) => sequence === next)) return undefined;
  const path = `${directory}/${segmentName(segment.sequence)}`;
  const isOfLater = (header: FoundHeader): boolean =>
    header.firstOffset >= offset && header.epoch >= segment.epoch && header.acceptedEnd <= header.firstOffset;
  const handle = await fileSystem.open(path, "read");
  try {
    const block = new Uint8Array(batchHeaderBytes);
    for (let at = position; at < segment.byteCount; at += blockBytes) {
      await handle.read(block, 0, block.length, at);
      const header = readBatchHeader(viewOf(block), 0);
      // A batch that should be here, or comes later, was written to this segment.
      if (header !== undefined && isOfLater(header)) return undefined;
    }
  } finally {
    await handle.close();
  }
  return next;
}

/** The segment that is lost when none is left that the mark can be in. */
async function nameLost(fileSystem: FileSystem, directory: string, found: FoundLog): Promise<number> {
  const [inUse] = found.inUse;
  if (inUse !== undefined) return inUse.sequence - 1;
  for (const { sequence } of found.files) {
    const block = new Uint8Array(2 * blockBytes);
    const handle = await fileSystem.open(`${directory}/${segmentName(sequence)}`, "read");
    try {
      await handle.read(block, 0, block.length, 0);
    } finally {
      await handle.close();
    }
    const header = readBatchHeader(viewOf(block), blockBytes);
    if (header !== undefined && header.epoch >= found.mark.epoch) return sequence;
  }
  return Math.max(1, (found.files[0]?.sequence ?? 1) - 1);
}

/** The refusal of a log whose segment `sequence` is not there, or has no sound first block. */
function lostSegment(
  directory: string,
  { files }: FoundLog,
  sequence: number,
  witness: string,
  goodOffset?: number,
): LightconeError {
  const file = `${directory}/${segmentName(sequence)}`;
  const good = goodOffset === undefined ? {} : { goodOffset };
  return files.some((each) => each.sequence === sequence)
    ? new LightconeError("Corrupt", { file, at: 0, reason: `its first block is lost, and ${witness}`, ...good })
    : new LightconeError("Corrupt", { file, reason: `it is missing, and ${witness}`, ...good });
}

/** Whether some sound batch or segment after `place`, or any if there is none, says that more than `endOffset` was accepted. */
async function hasWitness(
  fileSystem: FileSystem,
  directory: string,
  found: FoundLog,
  place: ChainPlace | undefined,
  endOffset: number,
): Promise<boolean> {
  const epochMin = found.mark.epoch;
  const placeSequence = place?.segment.sequence ?? 0;
  for (const segment of found.inUse) {
    if (segment.sequence > placeSequence && segment.epoch >= epochMin && segment.acceptedEnd > endOffset) return true;
  }
  for (const file of found.files) {
    if (file.sequence < placeSequence) continue;
    const from = file.sequence === place?.segment.sequence ? place.position : undefined;
    const path = `${directory}/${segmentName(file.sequence)}`;
    if (await scanForWitness(fileSystem, path, file.byteCount, from, epochMin, endOffset)) return true;
  }
  return false;
}

const scanBytes = 4 * mebibyte;

async function scanForWitness(
  fileSystem: FileSystem,
  path: string,
  byteCount: number,
  placeAt: number | undefined,
  epochMin: number,
  endOffset: number,
): Promise<boolean> {
  const handle = await fileSystem.open(path, "read");
  try {
    const from = placeAt ?? blockBytes;
    const buffer = new Uint8Array(Math.min(scanBytes, Math.max(byteCount - from, blockBytes)));
    const view = viewOf(buffer);
    for (let windowAt = from; windowAt < byteCount; windowAt += buffer.length) {
      const filled = await handle.read(buffer, 0, Math.min(buffer.length, byteCount - windowAt), windowAt);
      for (let at = 0; at + blockBytes <= filled; at += blockBytes) {
        const header = readBatchHeader(view, at);
        const isOfEpoch = header !== undefined && header.epoch >= epochMin;
        // A file after the one where the chain ended was entered in this epoch or never: its first batch tells.
        if (placeAt === undefined && windowAt + at === blockBytes && !isOfEpoch) return false;
        if (!isOfEpoch || header.acceptedEnd <= endOffset || windowAt + at + header.byteCount > byteCount) continue;
        const whole = new Uint8Array(header.byteCount);
        await handle.read(whole, 0, whole.length, windowAt + at);
        if (isWholeBatch(whole, header.payloadBytes)) return true;
      }
    }
    return false;
  } finally {
    await handle.close();
  }
}

/** The segments of the log, by rising sequence without gaps: those that its last one follows. */
function segmentsBefore(found: FoundLog, end: LogEnd): readonly SegmentInfo[] {
  const tail = end.segment?.sequence ?? 0;
  const segments: SegmentInfo[] = [];
  for (const segment of found.inUse.toReversed()) {
    if (segment.sequence > tail) continue;
    if (segment.sequence !== tail - segments.length) break;
    segments.unshift(segment);
  }
  return segments;
}

/** Makes what the walk has read survive a crash. */
async function syncWalked(fileSystem: FileSystem, directory: string, found: FoundLog, end: LogEnd): Promise<void> {
  for (const segment of runFrom(found.inUse, found.mark.acceptedEnd)) {
    if (end.segment === undefined || segment.sequence > end.segment.sequence) break;
    await syncFile(fileSystem, `${directory}/${segmentName(segment.sequence)}`);
  }
}

/** Sorts the other files into spares after the segments and strays before them. Removes what a crash left half made. */
async function takeStock(
  fileSystem: FileSystem,
  directory: string,
  found: FoundLog,
  segments: readonly SegmentInfo[],
): Promise<{ spares: readonly SpareSegment[]; strays: readonly number[] }> {
  for (const name of await fileSystem.list(directory))
    if (name.endsWith(".new")) await fileSystem.remove(`${directory}/${name}`);
  const tail = segments.at(-1)?.sequence ?? 0;
  const lowest = segments[0]?.sequence ?? tail + 1;
  const strays = found.files.filter((file) => file.sequence < lowest).map((file) => file.sequence);
  const spares: SpareSegment[] = [];
  let isDirectoryChanged = false;
  for (const file of found.files) {
    if (file.sequence <= tail) continue;
    const path = `${directory}/${segmentName(file.sequence)}`;
    if (file.byteCount < 2 * blockBytes) {
      await fileSystem.remove(path);
      isDirectoryChanged = true;
      continue;
    }
    if (found.withHeader.has(file.sequence)) await blankSegment(fileSystem, path);
    const sequence = tail + spares.length + 1;
    if (sequence !== file.sequence) {
      await fileSystem.rename(path, `${directory}/${segmentName(sequence)}`);
      isDirectoryChanged = true;
    }
    spares.push({ sequence, byteCount: file.byteCount });
  }
  if (isDirectoryChanged) await fileSystem.syncDirectory(directory);
  return { spares, strays };
}

async function syncFile(fileSystem: FileSystem, path: string): Promise<void> {
  const handle = await fileSystem.open(path, "read-write");
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
