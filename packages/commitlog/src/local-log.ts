/**
 * The log on this machine: sealed batches in segments.
 *
 *   [header batch batch …][header batch …][spare]        the last but the spares is being written
 *
 * A batch that does not fit into what is left of a segment begins the next one, which was written ahead
 * under its name, so that no commit waits for a directory or for room. Such a spare is made when little is left, or
 * when the segment will be full within ten seconds at the pace of the last writes, and holds as much as ten seconds
 * bring: a log at rest has one short segment and no spare, or two. Every write is durable
 * before the next begins; the witness rule of `batch.ts` rests on that.
 *
 * A disk that is full is met here, while a spare is made, when nothing is at stake: what was written ahead
 * still takes batches, one that does not fit may have what is otherwise left free, and the making is tried again
 * until it succeeds. A record that may be longer than all of that is looked at before it is appended: `hasRoomFor` by
 * what is known, `canMakeRoomFor` by what the disk says then. Only when somebody else takes that room meanwhile does a
 * batch wait; after `graceMs` the log gives up, and whoever opens it again begins with a full disk.
 */
import type { Clock, FileHandle, FileSystem } from "@lightcone/base";
import { LightconeError, assert, defined } from "@lightcone/base";
import type { SealedBatch } from "./batch.ts";
import { BatchFlag } from "./batch.ts";
import { blockBytes, isDiskFull, sameBytes } from "./block.ts";
import type { EpochRule } from "./chain-reader.ts";
import { ChainReader } from "./chain-reader.ts";
import type { LogRecords } from "./commit-log.ts";
import type { MarkFile } from "./mark.ts";
import { readRecords } from "./read-records.ts";
import type { SegmentInfo } from "./segment.ts";
import { lengthen, segmentHeader, segmentName, writeAhead } from "./segment.ts";

/** A log that takes batches. The seam at which a second one can stand beside the local one. */
export interface BatchLog {
  /** Settles when all are durable here. They must follow the batch that `expectedPreviousHash` closes. */
  append(batches: readonly SealedBatch[], epoch: number, expectedPreviousHash: Uint8Array): Promise<void>;
  /** Forgets what is after `offset` and opens the next epoch. */
  truncateAfter(offset: number): Promise<void>;
}

/** Segments are used again until this many wait; the rest go. */
const sparesMax = 2;
/** How far ahead room is made, at the present pace. */
const aheadMs = 10_000;
/** Writes of less time than this tell no pace. */
const paceMsMin = 1000;
/** A segment that took less is no sign of load. */
const quietBytes = 1 << 20;

/** A file written ahead. */
export interface SpareSegment {
  readonly sequence: number;
  readonly byteCount: number;
}

export interface LocalLogSetup {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly directory: string;
  readonly segmentBytes: number;
  readonly segmentBytesFirst: number;
  readonly reserveBytes: number;
  readonly headroomBytes: number;
  readonly probeDelayMs: number;
  readonly graceMs: number;
  readonly batchBytesMax: number;
  readonly mark: MarkFile;
  readonly rule: EpochRule;
  /** In use, by rising sequence without gaps; may be none. */
  readonly segments: readonly SegmentInfo[];
  /** Their sequences go on after the segments'. */
  readonly spares: readonly SpareSegment[];
  /** Files before the segments that nothing needs. */
  readonly strays: readonly number[];
  /** Where the next batch goes in the last segment. */
  readonly position: number;
  readonly endOffset: number;
  readonly endHash: Uint8Array;
}

export class LocalLog implements BatchLog {
  private readonly setup: LocalLogSetup;
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  private readonly mark: MarkFile;
  private rule: EpochRule;
  private segments: SegmentInfo[];
  private spares: SpareSegment[];
  private strays: number[];
  private handle: FileHandle | undefined;
  private position: number;
  /** Where and since when this log writes to the last segment. */
  private writtenFrom: number;
  private enteredMs: number;
  /** The pace is that of the last segment and of the one before it. */
  private paceSinceMs: number;
  private bytesBefore = 0;
  private nextOffset: number;
  private lastHash: Uint8Array;
  private endsInside = false;
  /** Lowest sequence that each running read may still open. */
  private readonly reading = new Set<{ readonly sequence: number }>();
  /** What changes the directory goes one after another. */
  private directoryWork: Promise<void> = Promise.resolve();
  private fullError: LightconeError<"DiskFull"> | undefined;
  private wakeProbe: (() => void) | undefined;
  private ahead: Promise<void> | undefined;
  /** What a batch that waits for a segment needs; 0 while none does. */
  private spareBytesMin = 0;
  /** Since when it waits for one on a full disk. */
  private waitsSinceMs: number | undefined;
  /** Payload of batches that were handed in and have no place yet. */
  unplacedBytes = 0;
  /** What the disk had free when a segment was last made. */
  private seenFreeBytes: number;
  /** How much of the segment that is being made stands on the disk. */
  private makingBytes = 0;
  private readonly fullCallbacks = new Set<(full: LightconeError<"DiskFull"> | undefined) => void>();
  private isClosing = false;
  private isMarkBehind = false;

  constructor(setup: LocalLogSetup) {
    this.setup = setup;
    this.fileSystem = setup.fileSystem;
    this.directory = setup.directory;
    this.mark = setup.mark;
    this.rule = setup.rule;
    this.segments = [...setup.segments];
    this.spares = [...setup.spares];
    this.strays = [...setup.strays];
    this.position = setup.position;
    this.writtenFrom = setup.position;
    this.enteredMs = setup.clock.steadyMs();
    this.seenFreeBytes = setup.fileSystem.freeBytesNow(setup.directory);
    this.paceSinceMs = this.enteredMs;
    this.nextOffset = setup.endOffset;
    this.lastHash = setup.endHash;
  }

  get epoch(): number {
    return this.rule.epoch;
  }

  get endOffset(): number {
    return this.nextOffset;
  }

  get endHash(): Uint8Array {
    return this.lastHash;
  }

  /** The lowest offset that a read can start at. */
  get firstOffset(): number {
    const first = this.segments.find((segment) => !segment.beginsInside);
    return first?.firstOffset ?? this.nextOffset;
  }

  /** Bytes written ahead and not used. */
  get roomBytes(): number {
    const last = this.segments.at(-1);
    let room = last === undefined ? 0 : last.byteCount - this.position;
    for (const spare of this.spares) room += spare.byteCount - blockBytes;
    return room;
  }

  /** Whether room should be made: little is left, or the present pace asks for more than there is. */
  get wantsSpare(): boolean {
    if (this.spares.length > 0 || this.ahead !== undefined || this.isClosing) return false;
    const room = this.roomBytes;
    if (room < this.setup.headroomBytes) return true;
    return this.position - this.writtenFrom >= quietBytes && room < this.pacedBytes();
  }

  /** What comes in `aheadMs` at the present pace. */
  private pacedBytes(): number {
    const elapsedMs = Math.max(paceMsMin, this.setup.clock.steadyMs() - this.paceSinceMs);
    return ((this.bytesBefore + this.position - this.writtenFrom) * aheadMs) / elapsedMs;
  }

  /** Whether the mark lies before a segment that was entered: were that lost, nothing would tell. */
  get markIsBehind(): boolean {
    return this.isMarkBehind;
  }

  /** Whether so many bytes of records go into what is written ahead, or half of what is left free. */
  hasRoomFor(byteCount: number): boolean {
    const wanted = this.onDisk(byteCount);
    const last = this.segments.at(-1);
    const isOneBatch = wanted <= this.setup.batchBytesMax;
    if (isOneBatch && last !== undefined && wanted <= last.byteCount - this.position) return true;
    if (isOneBatch && this.spares.some((spare) => wanted <= spare.byteCount - blockBytes)) return true;
    // The other half is for what is short, and for what others take meanwhile.
    const half = this.setup.reserveBytes / 2;
    return wanted <= this.sureBytes + Math.min(half, Math.max(0, this.seenFreeBytes - half));
  }

  /** Whether they go into what is written ahead and what the disk takes now, but for what is left free. */
  canMakeRoomFor(byteCount: number): boolean {
    const free = this.fileSystem.freeBytesNow(this.directory) + this.makingBytes - this.setup.reserveBytes;
    return this.onDisk(byteCount) <= this.sureBytes + free;
  }

  /** What is written ahead takes of many batches, however much is lost where one does not fit into the rest of a segment. */
  private get sureBytes(): number {
    const { batchBytesMax } = this.setup;
    const last = this.segments.at(-1);
    let sure = last === undefined ? 0 : Math.max(0, last.byteCount - this.position - batchBytesMax);
    for (const { byteCount } of this.spares) sure += Math.max(0, byteCount - blockBytes - batchBytesMax);
    return sure;
  }

  /** What records take at most: of each batch, its frame and what is rounded up, and a segment that it begins. */
  private onDisk(byteCount: number): number {
    return byteCount + (Math.floor(byteCount / this.setup.batchBytesMax) + 1) * 4 * blockBytes;
  }

  makeFull(): LightconeError<"DiskFull"> {
    return new LightconeError("DiskFull", { path: this.directory });
  }

  onFull(callback: (full: LightconeError<"DiskFull"> | undefined) => void): () => void {
    this.fullCallbacks.add(callback);
    if (this.fullError !== undefined) callback(this.fullError);
    return () => this.fullCallbacks.delete(callback);
  }

  private setFull(isFull: boolean): void {
    if (isFull === (this.fullError !== undefined)) return;
    this.fullError = isFull ? this.makeFull() : undefined;
    for (const callback of this.fullCallbacks) callback(this.fullError);
  }

  /** Set while the disk has no room for another segment. */
  get full(): LightconeError<"DiskFull"> | undefined {
    return this.fullError;
  }

  private path(sequence: number): string {
    return `${this.directory}/${segmentName(sequence)}`;
  }

  async append(batches: readonly SealedBatch[], epoch: number, expectedPreviousHash: Uint8Array): Promise<void> {
    assert(epoch === this.rule.epoch, "batches are of the log's epoch");
    assert(sameBytes(expectedPreviousHash, this.lastHash), "batches follow the log's last one");
    const accepted = this.nextOffset; // every write before this one was synced
    let run: Uint8Array[] = [];
    let runAt = this.position;
    for (const { payloadBytes } of batches) this.unplacedBytes += payloadBytes;
    for (const batch of batches) {
      const last = this.segments.at(-1);
      if (last === undefined || this.position + batch.bytes.length > last.byteCount) {
        await this.write(run, runAt);
        run = [await this.enterNext(batch, accepted)];
        runAt = 0;
      }
      run.push(batch.bytes);
      this.position += batch.bytes.length;
      this.unplacedBytes -= batch.payloadBytes;
      this.nextOffset = batch.endOffset;
      this.lastHash = batch.hash;
      this.endsInside = (batch.flags & BatchFlag.goesOn) !== 0;
    }
    await this.write(run, runAt);
  }

  private async write(run: readonly Uint8Array[], position: number): Promise<void> {
    const only = run[0];
    if (only === undefined) return;
    const last = defined(this.segments.at(-1), "the segment to write to");
    this.handle ??= await this.fileSystem.open(this.path(last.sequence), "durable");
    if (run.length === 1) await this.handle.write(only, position);
    else await this.handle.writeMany(run, position);
  }

  /** Takes a spare into use, once there is one, and gives the block that must be written to it. */
  private async enterNext(batch: SealedBatch, acceptedEnd: number): Promise<Uint8Array> {
    this.spareBytesMin = batch.bytes.length + blockBytes;
    this.waitsSinceMs = this.setup.clock.steadyMs();
    while (this.needsSpare()) {
      if (this.isClosing)
        throw new LightconeError("DatabaseStopped", { reason: "the log was closed while the disk was full" });
      // What waits may have what is otherwise left free: there is no need to wait for more.
      this.wakeProbe?.();
      await this.keepAhead();
    }
    this.spareBytesMin = 0;
    this.waitsSinceMs = undefined;
    const spare = defined(this.spares.shift(), "a spare segment");
    const handle = this.handle;
    this.handle = undefined;
    if (handle !== undefined) await handle.close();
    const segment: SegmentInfo = {
      sequence: spare.sequence,
      epoch: this.rule.epoch,
      firstOffset: batch.firstOffset,
      acceptedEnd,
      previousHash: batch.previousHash,
      beginsInside: this.endsInside,
      byteCount: spare.byteCount,
    };
    this.segments.push(segment);
    this.bytesBefore = this.position - this.writtenFrom;
    this.paceSinceMs = this.enteredMs;
    this.enteredMs = this.setup.clock.steadyMs();
    this.position = blockBytes;
    this.writtenFrom = blockBytes;
    this.isMarkBehind = true;
    return segmentHeader(segment);
  }

  /** Whether so little is left of what was written ahead that writes must be refused if the disk is full. */
  isShortOf(pendingBytes: number): boolean {
    return this.roomBytes - pendingBytes < this.setup.headroomBytes;
  }

  /** Sees to it that a segment is written ahead. Settles when one is; while the disk is full it keeps trying. */
  keepAhead(): Promise<void> {
    this.ahead ??= this.tryAhead().finally(() => (this.ahead = undefined));
    return this.ahead;
  }

  /** Whether no segment is written ahead, or one that is too short for what waits. */
  private needsSpare(): boolean {
    const [spare] = this.spares;
    return spare === undefined || spare.byteCount < this.spareBytesMin;
  }

  private async tryAhead(): Promise<void> {
    while (this.needsSpare() && !this.isClosing) {
      await this.inTurn(() => this.makeSpare());
      if (this.fullError === undefined) continue;
      await this.untilProbe();
      const { clock, graceMs } = this.setup;
      if (this.waitsSinceMs !== undefined && clock.steadyMs() - this.waitsSinceMs > graceMs) throw this.fullError;
    }
  }

  /** Writes a segment ahead if one is needed, as long as is wanted and the disk will take. A full disk is noted, not thrown. */
  private async makeSpare(): Promise<void> {
    if (!this.needsSpare() || this.isClosing) return;
    const { segmentBytesFirst, reserveBytes } = this.setup;
    const shortest = Math.max(segmentBytesFirst, this.spareBytesMin);
    const present = this.spares[0]?.byteCount ?? 0;
    // A disk that was full is tried with as little as will do.
    let byteCount = this.fullError === undefined ? Math.max(shortest, this.nextByteCount()) : shortest;
    for (;;) {
      // What is left free is for a batch that waits, and no more of it than that needs.
      const reserved = this.spareBytesMin > 0 && byteCount === shortest ? 0 : reserveBytes;
      const isMade = byteCount - present <= (await this.freeBytes()) - reserved && (await this.tryMake(byteCount));
      if (isMade || byteCount === shortest) {
        this.seenFreeBytes = await this.freeBytes();
        this.setFull(!isMade);
        return;
      }
      byteCount = Math.max(shortest, Math.floor(byteCount / 2 / blockBytes) * blockBytes);
    }
  }

  /** Makes a spare, or a short one longer; false when the disk does not take it. */
  private async tryMake(byteCount: number): Promise<boolean> {
    const [present] = this.spares;
    const sequence = present?.sequence ?? this.nextSequence();
    const path = this.path(sequence);
    try {
      if (present === undefined) {
        await writeAhead(this.fileSystem, path, byteCount, (bytes) => (this.makingBytes = bytes));
        await this.fileSystem.syncDirectory(this.directory);
      } else await lengthen(this.fileSystem, path, present.byteCount, byteCount);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return false;
    } finally {
      this.makingBytes = 0;
    }
    this.spares[0] = { sequence, byteCount };
    return true;
  }

  private freeBytes(): Promise<number> {
    return this.fileSystem.freeBytes(this.directory);
  }

  /** Waits until a full disk should be tried again. */
  private async untilProbe(): Promise<void> {
    if (this.isClosing) return;
    await new Promise<void>((resolve) => {
      const cancel = this.setup.clock.after(this.setup.probeDelayMs, resolve);
      this.wakeProbe = () => {
        cancel();
        resolve();
      };
    });
    this.wakeProbe = undefined;
  }

  private nextSequence(): number {
    return Math.max(this.segments.at(-1)?.sequence ?? 0, this.spares.at(-1)?.sequence ?? 0) + 1;
  }

  /** The next segment's length: what comes within `aheadMs`, as a power of two of the shortest. */
  private nextByteCount(): number {
    const { segmentBytes, segmentBytesFirst } = this.setup;
    const pacedBytes = this.pacedBytes();
    let byteCount = segmentBytesFirst;
    while (byteCount < pacedBytes) byteCount *= 2;
    return Math.min(byteCount, segmentBytes);
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.directoryWork.then(work);
    // The next in turn goes on whatever became of this one; its caller hears of it.
    this.directoryWork = done.catch(() => undefined);
    return done;
  }

  /** The segments that a read from `offset` goes through; none when the log begins later. */
  private segmentsFrom(offset: number): readonly SegmentInfo[] {
    const start = this.segments.findLastIndex((segment) => segment.firstOffset <= offset && !segment.beginsInside);
    return start < 0 ? [] : this.segments.slice(start);
  }

  async *read(fromOffset: number, endOffset: number): AsyncGenerator<LogRecords, void, void> {
    if (fromOffset >= endOffset) return;
    const segments = this.segmentsFrom(fromOffset);
    const first = segments[0];
    if (first === undefined) {
      const file = this.path(this.segments[0]?.sequence ?? 0);
      throw new LightconeError("Corrupt", {
        file,
        at: 0,
        reason: `the log begins at offset ${this.firstOffset}, after ${fromOffset}`,
      });
    }
    const pin = { sequence: first.sequence };
    this.reading.add(pin);
    try {
      yield* readRecords(this.fileSystem, this.directory, segments, this.rule, fromOffset, endOffset);
    } finally {
      this.reading.delete(pin);
    }
  }

  /** About how many bytes of batches come after `offset`: whole segments, and a share of the one it is in. */
  bytesAfter(offset: number): number {
    let byteCount = 0;
    for (const [index, segment] of this.segments.entries()) {
      const following = this.segments[index + 1];
      const end = following?.firstOffset ?? this.nextOffset;
      if (end <= offset + 1) continue;
      const used = following === undefined ? this.position : segment.byteCount;
      byteCount +=
        segment.firstOffset > offset ? used : Math.ceil((used * (end - offset - 1)) / (end - segment.firstOffset));
    }
    return byteCount;
  }

  /** Lets go of segments that only hold what is before `offset`: they become spares, or go. */
  retainFrom(offset: number): Promise<void> {
    return this.inTurn(async () => {
      const first = this.segmentsFrom(offset)[0];
      if (first === undefined || this.isClosing) return;
      let lowest = first.sequence;
      for (const pin of this.reading) lowest = Math.min(lowest, pin.sequence);
      const freed = this.segments.filter((segment) => segment.sequence < lowest);
      this.segments = this.segments.filter((segment) => segment.sequence >= lowest);
      const strays = this.strays;
      this.strays = [];
      if (freed.length === 0 && strays.length === 0) return;
      for (const sequence of strays) await this.fileSystem.remove(this.path(sequence));
      const recycled: SpareSegment[] = [];
      const wanted = this.nextByteCount();
      for (const segment of freed) {
        const isOfUse = segment.byteCount >= wanted && segment.byteCount <= 2 * wanted;
        if (isOfUse && this.spares.length + recycled.length < sparesMax) {
          const sequence = Math.max(this.nextSequence(), (recycled.at(-1)?.sequence ?? 0) + 1);
          await this.fileSystem.rename(this.path(segment.sequence), this.path(sequence));
          recycled.push({ sequence, byteCount: segment.byteCount });
        } else {
          await this.fileSystem.remove(this.path(segment.sequence));
        }
      }
      await this.fileSystem.syncDirectory(this.directory);
      this.spares.push(...recycled);
      if (recycled.length > 0) this.fullError = undefined;
      // Room was freed, whether or not it became a spare.
      this.wakeProbe?.();
    });
  }

  async truncateAfter(offset: number): Promise<void> {
    const end = offset + 1;
    if (end === this.nextOffset) return;
    const start = this.segments.findLastIndex((segment) => segment.firstOffset <= end && !segment.beginsInside);
    assert(start >= 0 && end < this.nextOffset, "the log is cut within what it holds");
    const chain = new ChainReader(this.fileSystem, this.directory, this.segments.slice(start), this.rule);
    try {
      while (chain.place.offset < end) assert(await chain.next(), "the log reads back up to the cut");
      assert(chain.place.offset === end, "the log is cut where a batch ends");
    } finally {
      await chain.close();
    }
    await this.handle?.close();
    this.handle = undefined;
    const { segment, position, hash } = chain.place;
    // This one write is the cut; what comes after only tidies.
    const epoch = this.rule.epoch + 1;
    await this.mark.write({ epoch, epochFirst: end, acceptedEnd: end, acceptedHash: hash, clean: false });
    this.rule = { epoch, first: end };
    const cut = this.segments.filter((each) => each.sequence > segment.sequence);
    for (const each of cut) await blankSegment(this.fileSystem, this.path(each.sequence));
    this.segments = this.segments.filter((each) => each.sequence <= segment.sequence);
    this.spares = [...cut.map(({ sequence, byteCount }) => ({ sequence, byteCount })), ...this.spares];
    this.position = position;
    this.writtenFrom = position;
    this.bytesBefore = 0;
    this.enteredMs = this.setup.clock.steadyMs();
    this.paceSinceMs = this.enteredMs;
    this.nextOffset = end;
    this.lastHash = hash;
    this.endsInside = false;
  }

  /** Notes how far the log is acknowledged. One call at a time. */
  async writeMark(clean: boolean, acceptedEnd: number, acceptedHash: Uint8Array): Promise<void> {
    this.isMarkBehind = false;
    await this.mark.write({ epoch: this.rule.epoch, epochFirst: this.rule.first, acceptedEnd, acceptedHash, clean });
  }

  /** Stops waiting for room on a full disk. */
  beginClose(): void {
    this.isClosing = true;
    this.wakeProbe?.();
  }

  /** @param isSound whether what was written ahead may go: a log at rest takes no more room than it needs */
  async close(isSound: boolean): Promise<void> {
    this.beginClose();
    await this.ahead?.catch(() => undefined); // whoever asked for it has heard
    await this.directoryWork;
    await this.handle?.close();
    this.handle = undefined;
    await this.mark.close();
    if (!isSound) return;
    // One that cannot be removed costs room, and is found again.
    for (const { sequence } of this.spares.splice(0))
      await this.fileSystem.remove(this.path(sequence)).catch(() => undefined);
  }
}

/** Takes a segment out of use: its first block becomes zeros. */
export async function blankSegment(fileSystem: FileSystem, path: string): Promise<void> {
  const handle = await fileSystem.open(path, "read-write");
  try {
    await handle.write(new Uint8Array(blockBytes), 0);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
