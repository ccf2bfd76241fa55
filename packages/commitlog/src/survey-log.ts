/**
 * What can still be read of a damaged log, so that somebody can choose what to keep. Changes nothing.
 *
 * A batch is closed by a hash of its own, so what comes after damage can be verified as well, though not what it
 * follows on. The log falls into runs: each is a chain without a gap, from its first whole record to its last.
 */
import type { FileSystem } from "@lightcone/base";
import type { FoundHeader } from "./batch.ts";
import { BatchFlag, isWholeBatch, previousHashOf, readBatchHeader } from "./batch.ts";
import { blockBytes, noHash, sameBytes, viewOf } from "./block.ts";
import { ChainReader, startOf, type ChainStart, type EpochRule } from "./chain-reader.ts";
import type { LogRecords } from "./commit-log.ts";
import { openMark } from "./mark.ts";
import { findSegments } from "./open-log.ts";
import { readRecords } from "./read-records.ts";
import { segmentName, type SegmentInfo } from "./segment.ts";

/** A part of a run, in segments that name one another. */
interface Stretch {
  readonly segments: readonly SegmentInfo[];
  readonly start: ChainStart;
  readonly firstOffset: number;
  readonly endOffset: number;
  /** What closes its last batch. */
  readonly endHash: Uint8Array;
}

/** Records in a row that are all sound. */
export interface LogRun {
  readonly firstOffset: number;
  /** One above the last. */
  readonly endOffset: number;
  readonly parts: readonly Stretch[];
}

export interface LogSurvey {
  /** By rising offset. */
  readonly runs: readonly LogRun[];
  /** One above the highest offset that anything says was acknowledged; 0 when nothing does. */
  readonly knownEnd: number;
  /** Whether the mark is sound. */
  readonly hasMark: boolean;
  readonly rule: EpochRule;
  /** Above all epochs that were seen. */
  readonly nextEpoch: number;
  /** Above all segments' numbers, with one left free. */
  readonly nextSequence: number;
}

/** Above every epoch that a lost mark can have opened. */
const epochsOfLostMark = 2 ** 32;

/** Looks through a log, which may be missing altogether. The caller holds the directory's lock. */
export async function surveyLog(fileSystem: FileSystem, directory: string): Promise<LogSurvey> {
  const nothing = { rule: { epoch: 0, first: 0 }, hasMark: false, runs: [], knownEnd: 0 };
  if (!(await fileSystem.exists(directory))) return { ...nothing, nextEpoch: 1, nextSequence: 1 };
  const markFile = await openMark(fileSystem, directory);
  await markFile?.close();
  const mark = markFile?.current;
  const rule = { epoch: mark?.epoch ?? 0, first: mark?.epochFirst ?? 0 };
  const { files, inUse, withHeader, epochMax } = await findSegments(fileSystem, directory, {
    epoch: rule.epoch,
    epochFirst: rule.first,
  });
  const segments: SegmentInfo[] = [];
  for (const { sequence, byteCount } of files) {
    const known = inUse.find((segment) => segment.sequence === sequence);
    if (known !== undefined) segments.push(known);
    // One whose first block is lost may hold batches all the same; one that is void holds none.
    else if (!withHeader.has(sequence)) segments.push(bareSegment(sequence, byteCount));
  }
  // A log that was rebuilt begins with a segment that follows nothing; what stands before it is of the one before.
  const begin = segments.findLastIndex(({ epoch, previousHash }) => epoch > 0 && sameBytes(previousHash, noHash));
  const walk = new Walk(fileSystem, directory, segments.slice(Math.max(0, begin)), rule);
  await walk.run();
  return {
    runs: joined(walk.stretches),
    knownEnd: Math.max(walk.knownEnd, mark?.acceptedEnd ?? 0),
    hasMark: mark !== undefined,
    rule,
    nextEpoch: Math.max(rule.epoch, walk.epochMax, epochMax) + (mark === undefined ? epochsOfLostMark : 1),
    nextSequence: (files.at(-1)?.sequence ?? -1) + 2,
  };
}

/** The records of a run from `fromOffset` up to, not including, `endOffset`. */
export async function* readRun(
  fileSystem: FileSystem,
  directory: string,
  { rule }: LogSurvey,
  run: LogRun,
  fromOffset: number,
  endOffset: number,
): AsyncGenerator<LogRecords, void, void> {
  for (const part of run.parts) {
    const from = Math.max(fromOffset, part.firstOffset);
    const end = Math.min(endOffset, part.endOffset);
    if (from < end) yield* readRecords(fileSystem, directory, part.segments, rule, from, end, part.start);
  }
}

function bareSegment(sequence: number, byteCount: number): SegmentInfo {
  return { sequence, byteCount, epoch: 0, firstOffset: 0, acceptedEnd: 0, previousHash: noHash, beginsInside: false };
}

/** Puts together what follows on by its hash though a segment's first block did not say so. */
function joined(stretches: readonly Stretch[]): readonly LogRun[] {
  const runs: LogRun[] = [];
  for (const stretch of stretches) {
    const before = runs.at(-1);
    const last = before?.parts.at(-1);
    const { firstOffset, endOffset } = stretch;
    if (
      before !== undefined &&
      last !== undefined &&
      last.endOffset === firstOffset &&
      sameBytes(last.endHash, stretch.start.hash)
    )
      runs[runs.length - 1] = { firstOffset: before.firstOffset, endOffset, parts: [...before.parts, stretch] };
    else runs.push({ firstOffset, endOffset, parts: [stretch] });
  }
  return runs;
}

/** One walk through all segments: chains as far as they go, then on to the next batch that is whole. */
class Walk {
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  private readonly segments: readonly SegmentInfo[];
  private readonly rule: EpochRule;
  readonly stretches: Stretch[] = [];
  knownEnd = 0;
  epochMax = 0;
  /** No record before this is looked for: what a used-again segment held before is older. */
  private offsetMin = 0;

  constructor(fileSystem: FileSystem, directory: string, segments: readonly SegmentInfo[], rule: EpochRule) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.segments = segments;
    this.rule = rule;
  }

  async run(): Promise<void> {
    let index = 0;
    let position = 0;
    while (index < this.segments.length) {
      const start = await this.findStart(index, position);
      if (start === undefined) {
        index += 1;
        position = 0;
        continue;
      }
      const end = await this.follow(index, start);
      index = this.segments.findIndex(({ sequence }) => sequence === end.sequence);
      position = end.position;
    }
  }

  /** The next place in a segment, from `position` on, where a chain may begin. */
  private async findStart(index: number, position: number): Promise<ChainStart | undefined> {
    const segment = this.segments[index];
    if (segment === undefined) return undefined;
    if (position === 0 && segment.epoch > 0 && segment.firstOffset >= this.offsetMin) return startOf(segment);
    const handle = await this.fileSystem.open(`${this.directory}/${segmentName(segment.sequence)}`, "read");
    try {
      const block = new Uint8Array(blockBytes);
      const view = viewOf(block);
      for (let at = Math.max(position, blockBytes); at < segment.byteCount; at += blockBytes) {
        if ((await handle.read(block, 0, blockBytes, at)) < blockBytes) return undefined;
        const header = readBatchHeader(view, 0);
        if (header === undefined || !this.isWanted(header) || at + header.byteCount > segment.byteCount) continue;
        const whole = new Uint8Array(header.byteCount);
        await handle.read(whole, 0, whole.length, at);
        if (!isWholeBatch(whole, header.payloadBytes)) continue;
        const inside = (header.flags & BatchFlag.beginsInside) !== 0;
        return { position: at, offset: header.firstOffset, hash: previousHashOf(whole).slice(), inside };
      }
      return undefined;
    } finally {
      await handle.close();
    }
  }

  private isWanted({ firstOffset, epoch }: FoundHeader): boolean {
    const isVoid = firstOffset >= this.rule.first && epoch < this.rule.epoch;
    return !isVoid && firstOffset >= this.offsetMin;
  }

  /** Follows a chain to its end and notes what whole records it has. */
  private async follow(
    index: number,
    start: ChainStart,
  ): Promise<{ readonly sequence: number; readonly position: number }> {
    const segments = this.segments.slice(index);
    const chain = new ChainReader(this.fileSystem, this.directory, segments, this.rule, start);
    let first: { readonly segments: readonly SegmentInfo[]; readonly start: ChainStart } | undefined;
    let endOffset = start.offset;
    let endHash = start.hash;
    try {
      let before = start.hash;
      while (await chain.next()) {
        const { header, batchAt: position } = chain;
        if (header === undefined) break;
        this.epochMax = Math.max(this.epochMax, header.epoch);
        this.knownEnd = Math.max(this.knownEnd, header.acceptedEnd);
        const { segment, offset, hash } = chain.place;
        if (first === undefined && (header.flags & BatchFlag.beginsInside) === 0) {
          const from = segments.findIndex(({ sequence }) => sequence === segment.sequence);
          first = {
            segments: segments.slice(from),
            start: { position, offset: header.firstOffset, hash: before, inside: false },
          };
        }
        before = hash;
        if ((header.flags & BatchFlag.goesOn) === 0) {
          endOffset = offset;
          endHash = hash;
        }
      }
      const { segment, position } = chain.place;
      if (first !== undefined && endOffset > first.start.offset) {
        this.stretches.push({ ...first, firstOffset: first.start.offset, endOffset, endHash });
        this.offsetMin = endOffset;
        this.knownEnd = Math.max(this.knownEnd, endOffset);
      }
      return { sequence: segment.sequence, position };
    } finally {
      await chain.close();
    }
  }
}
