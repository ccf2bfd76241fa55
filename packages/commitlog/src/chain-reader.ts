/**
 * Walks batches from the start of a segment, each verified against the one before it.
 *
 * The walk ends at the first block that does not hold the next batch of the chain. Only the caller, who knows how far
 * the log was acknowledged, can say whether that is the log's end, a torn write or damage.
 */
import type { FileHandle, FileSystem } from "@lightcone/base";
import { defined } from "@lightcone/base";
import type { FoundHeader } from "./batch.ts";
import {
  BatchFlag,
  batchBytesLimit,
  batchHeaderBytes,
  closingHashOf,
  isWholeBatch,
  previousHashOf,
  readBatchHeader,
} from "./batch.ts";
import { blockBytes, sameBytes, viewOf } from "./block.ts";
import type { SegmentInfo } from "./segment.ts";
import { segmentName } from "./segment.ts";

/** From `first` on, batches of an epoch before `epoch` are void. */
export interface EpochRule {
  readonly epoch: number;
  readonly first: number;
}

/** A place between two batches. */
export interface ChainPlace {
  readonly segment: SegmentInfo;
  /** Byte within the segment, at a block. */
  readonly position: number;
  /** The offset that comes next. */
  readonly offset: number;
  /** Closes the batch before. */
  readonly hash: Uint8Array;
}

/** Where a walk begins: before a batch whose predecessor need not be readable. */
export interface ChainStart {
  readonly position: number;
  readonly offset: number;
  /** What the first batch must say that it follows. */
  readonly hash: Uint8Array;
  /** Whether the first batch begins inside a record. */
  readonly inside: boolean;
}

/** Before a segment's first batch. */
export function startOf(segment: SegmentInfo): ChainStart {
  const { firstOffset, previousHash, beginsInside } = segment;
  return { position: blockBytes, offset: firstOffset, hash: previousHash, inside: beginsInside };
}

const readBytes = 2 << 20;

export class ChainReader {
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  private readonly segments: readonly SegmentInfo[];
  private readonly rule: EpochRule;
  private index = 0;
  private segment: SegmentInfo;
  private handle: FileHandle | undefined;
  private buffer: Uint8Array;
  private view: DataView;
  private windowAt = 0;
  private windowEnd = 0;
  private position: number;
  private offset: number;
  private hash: Uint8Array;
  private inside: boolean;

  /** The batch that `next` stepped over; its payload is good until the next step. */
  header: FoundHeader | undefined;
  payload: Uint8Array = new Uint8Array(0);
  /** Where that batch begins. */
  batchAt = 0;
  /** Why the walk ended. */
  endReason = "";

  /**
   * @param segments at least one, by rising sequence without gaps; the walk begins with the first
   * @param start where in the first; by default before its first batch
   */
  constructor(
    fileSystem: FileSystem,
    directory: string,
    segments: readonly SegmentInfo[],
    rule: EpochRule,
    start?: ChainStart,
  ) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.segments = segments;
    this.rule = rule;
    this.segment = defined(segments[0], "the first segment");
    const { position, offset, hash, inside } = start ?? startOf(this.segment);
    this.position = position;
    this.offset = offset;
    this.hash = hash;
    this.inside = inside;
    this.buffer = new Uint8Array(Math.min(readBytes, Math.max(this.segment.byteCount, 2 * blockBytes)));
    this.view = viewOf(this.buffer);
  }

  /** Where the walk stands: after the last batch, or at the bad block once it has ended. */
  get place(): ChainPlace {
    return { segment: this.segment, position: this.position, offset: this.offset, hash: this.hash };
  }

  /** The file that the walk stands in. */
  get file(): string {
    return `${this.directory}/${segmentName(this.segment.sequence)}`;
  }

  /** Steps over the next batch; false when the chain has ended. */
  async next(): Promise<boolean> {
    for (;;) {
      const reason = await this.step();
      if (reason === undefined) return true;
      const following = this.segments[this.index + 1];
      if (
        following === undefined ||
        following.firstOffset !== this.offset ||
        following.beginsInside !== this.inside ||
        !sameBytes(following.previousHash, this.hash)
      ) {
        this.endReason = reason;
        return false;
      }
      await this.close();
      this.index += 1;
      this.segment = following;
      this.position = blockBytes;
      this.windowEnd = 0;
    }
  }

  async close(): Promise<void> {
    const handle = this.handle;
    this.handle = undefined;
    if (handle !== undefined) await handle.close();
  }

  /** Verifies the batch at the position and steps over it; says why when it is none. */
  private async step(): Promise<string | undefined> {
    if (!(await this.fill(blockBytes))) return "the file ends here";
    const header = readBatchHeader(this.view, this.position - this.windowAt);
    if (header === undefined) return "no batch begins here";
    if (header.firstOffset !== this.offset)
      return `a batch of offset ${header.firstOffset} stands where ${this.offset} should`;
    if (header.firstOffset >= this.rule.first && header.epoch < this.rule.epoch)
      return "a batch of a void epoch stands here";
    if (((header.flags & BatchFlag.beginsInside) !== 0) !== this.inside) return "a record's parts do not meet";
    if (!(await this.fill(header.byteCount))) return "the batch is longer than its segment";
    const bytes = this.buffer.subarray(this.position - this.windowAt, this.position - this.windowAt + header.byteCount);
    if (!sameBytes(previousHashOf(bytes), this.hash)) return "the batch does not follow the one before it";
    if (!isWholeBatch(bytes, header.payloadBytes)) return "the batch does not match its hash";
    this.header = header;
    this.payload = bytes.subarray(batchHeaderBytes, batchHeaderBytes + header.payloadBytes);
    this.batchAt = this.position;
    this.position += header.byteCount;
    this.offset += header.recordCount;
    this.hash = closingHashOf(bytes, header.payloadBytes);
    this.inside = (header.flags & BatchFlag.goesOn) !== 0;
    return undefined;
  }

  /** Makes the next `byteCount` bytes stand in the buffer; false when the segment ends before. */
  private async fill(byteCount: number): Promise<boolean> {
    if (this.position + byteCount <= this.windowEnd) return true;
    if (this.position + byteCount > this.segment.byteCount) return false;
    if (byteCount > this.buffer.length) {
      if (byteCount > batchBytesLimit) return false;
      this.buffer = new Uint8Array(Math.max(byteCount, readBytes));
      this.view = viewOf(this.buffer);
    }
    this.handle ??= await this.fileSystem.open(this.file, "read");
    const wanted = Math.min(this.buffer.length, this.segment.byteCount - this.position);
    let filled = 0;
    while (filled < wanted) {
      const count = await this.handle.read(this.buffer, filled, wanted - filled, this.position + filled);
      if (count === 0) break;
      filled += count;
    }
    this.windowAt = this.position;
    this.windowEnd = this.position + filled;
    return filled >= byteCount;
  }
}
