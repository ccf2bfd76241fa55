/**
 * Group commit: while one write and its sync are under way, the next batch fills; when they are done, all of
 * it goes at once. The next write starts before anyone hears of the last one, so that the disk works while
 * replies are made.
 *
 * Invariants: one write and sync at a time · `durableOffset` rises only after the sync of all up to it, and for the
 * first of a segment after the mark says so: what was acknowledged is never in a segment that the mark does not know
 * of · after a failure it never rises again.
 */
import type { Clock } from "@lightcone/base";
import { LightconeError, assert, isLightconeError } from "@lightcone/base";
import { BatchBuilder } from "./batch-builder.ts";
import type { SealedBatch } from "./batch.ts";
import { blockBytes } from "./block.ts";
import type { CommitLog, LogRecords, LogState } from "./commit-log.ts";
import type { LocalLog } from "./local-log.ts";

export interface GroupCommitSetup {
  readonly clock: Clock;
  readonly local: LocalLog;
  readonly batchBytesMax: number;
  readonly markDelayMs: number;
}

/** A write under way. */
interface Group {
  readonly batches: readonly SealedBatch[];
  readonly endOffset: number;
  readonly endHash: Uint8Array;
  readonly payloadBytes: number;
  readonly written: Promise<void>;
}

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: LightconeError) => void;
}

export class GroupCommitLog implements CommitLog {
  private readonly clock: Clock;
  private readonly local: LocalLog;
  private readonly batchBytesMax: number;
  private readonly markDelayMs: number;
  private readonly durableCallbacks = new Set<(offset: number) => void>();
  private readonly failedCallbacks = new Set<(error: LightconeError) => void>();
  private builder: BatchBuilder;
  private current: LogState = { kind: "open" };
  private isOpen = true;
  private appendedEnd: number;
  private durableEnd: number;
  /** What is written and synced: `durableEnd`, but for a moment before it is told. */
  private syncedEnd: number;
  private syncedHash: Uint8Array;
  /** Payload handed to the builder, and payload of it that is durable. */
  private appendedBytes = 0;
  /** Payload that was handed on to be written. */
  private takenBytes = 0;
  private durableBytes = 0;
  private writing: Promise<void> | undefined;
  private waiters: Waiter[] = [];
  private cancelMark: (() => void) | undefined;
  private marking: Promise<void> | undefined;

  constructor(setup: GroupCommitSetup) {
    this.clock = setup.clock;
    this.local = setup.local;
    this.batchBytesMax = setup.batchBytesMax;
    this.markDelayMs = setup.markDelayMs;
    this.appendedEnd = setup.local.endOffset;
    this.durableEnd = setup.local.endOffset;
    this.syncedEnd = setup.local.endOffset;
    this.syncedHash = setup.local.endHash;
    this.builder = this.newBuilder();
    this.keepAhead();
  }

  private newBuilder(): BatchBuilder {
    return new BatchBuilder(this.batchBytesMax, this.local.epoch, this.local.endOffset, this.local.endHash);
  }

  get state(): LogState {
    return this.current;
  }

  get firstOffset(): number {
    return this.local.firstOffset;
  }

  get appendedOffset(): number {
    return this.appendedEnd - 1;
  }

  get durableOffset(): number {
    return this.durableEnd - 1;
  }

  get pendingBytes(): number {
    return this.appendedBytes - this.durableBytes;
  }

  get refusal(): LightconeError | undefined {
    if (this.current.kind === "failed") return this.current.error;
    if (this.current.kind === "closed") return closedError();
    // Whether there is room matters only once no more can be made.
    const { full } = this.local;
    return full !== undefined && this.local.isShortOf(this.unplacedBytes) ? full : undefined;
  }

  /** Payload that has no place in a segment yet. */
  private get unplacedBytes(): number {
    return this.appendedBytes - this.takenBytes + this.local.unplacedBytes;
  }

  get isBehind(): boolean {
    // On a full disk what writes is refused instead, and what reads goes on.
    const { unplacedBytes, local } = this;
    return unplacedBytes > 0 && local.full === undefined && !local.hasRoomFor(unplacedBytes);
  }

  refusalOf(byteCount: number): LightconeError | undefined {
    const { local } = this;
    // What is short, such as the note that a client has gone, is never refused: some of what is left free is for it.
    if (byteCount <= blockBytes) return undefined;
    const wanted = this.unplacedBytes + byteCount;
    if (local.hasRoomFor(wanted) || local.canMakeRoomFor(wanted)) return undefined;
    return local.full ?? local.makeFull();
  }

  append(record: Uint8Array, offset: number): void {
    if (!this.isOpen) throw this.refusal ?? closedError();
    assert(offset === this.appendedEnd, "offsets rise by one");
    this.builder.append(record);
    this.appendedEnd = offset + 1;
    this.appendedBytes += record.length + 4;
  }

  flush(): void {
    if (this.writing !== undefined || !this.isOpen || this.builder.isEmpty) return;
    this.writing = this.writeAll();
  }

  onDurable(callback: (offset: number) => void): () => void {
    this.durableCallbacks.add(callback);
    return () => this.durableCallbacks.delete(callback);
  }

  onFull(callback: (full: LightconeError<"DiskFull"> | undefined) => void): () => void {
    return this.local.onFull(callback);
  }

  onFailed(callback: (error: LightconeError) => void): () => void {
    this.failedCallbacks.add(callback);
    return () => this.failedCallbacks.delete(callback);
  }

  whenDurable(offset: number): Promise<void> {
    if (offset < this.durableEnd) return Promise.resolve();
    if (!this.isOpen) return Promise.reject(this.refusal ?? closedError());
    const settled = new Promise<void>((resolve, reject) => this.waiters.push({ offset, resolve, reject }));
    this.flush();
    return settled;
  }

  read(fromOffset: number): AsyncIterable<LogRecords> {
    return this.local.read(fromOffset, this.durableEnd);
  }

  bytesAfter(offset: number): number {
    return this.local.bytesAfter(offset);
  }

  async retainFrom(offset: number): Promise<void> {
    await this.restMark();
    if (!this.isOpen) return;
    try {
      // The mark must name a place that is still there.
      await this.markNow();
      await this.local.retainFrom(Math.min(offset, this.durableEnd));
    } catch (error) {
      throw this.fail(error);
    }
  }

  async truncateAfter(offset: number): Promise<void> {
    this.flush();
    await this.writing;
    if (!this.isOpen) throw this.refusal ?? closedError();
    await this.restMark();
    try {
      await this.local.truncateAfter(offset);
    } catch (error) {
      throw this.fail(error);
    }
    this.appendedEnd = this.local.endOffset;
    this.durableEnd = this.local.endOffset;
    this.syncedEnd = this.local.endOffset;
    this.syncedHash = this.local.endHash;
    this.builder = this.newBuilder();
  }

  async close(): Promise<void> {
    if (this.current.kind === "closed") return;
    if (this.isOpen) {
      // With a full disk what is pending may wait for ever; then it is given up, and was never acknowledged.
      if (this.local.full !== undefined) this.local.beginClose();
      this.flush();
      await this.writing;
    }
    const isSound = this.isOpen;
    this.isOpen = false;
    await this.restMark();
    try {
      if (isSound) await this.writeMark(true);
    } finally {
      if (this.current.kind === "open") this.current = { kind: "closed" };
      this.rejectWaiters(closedError());
      await this.local.close(isSound);
    }
  }

  /** Writes group after group until nothing is left to write. */
  private async writeAll(): Promise<void> {
    try {
      let group = this.startGroup();
      while (group !== undefined) {
        await group.written;
        if (!this.isOpen) return;
        this.syncedEnd = group.endOffset;
        this.syncedHash = group.endHash;
        if (this.local.markIsBehind) await this.markNow();
        if (!this.isOpen) return;
        this.durableEnd = group.endOffset;
        this.durableBytes += group.payloadBytes;
        this.builder.acceptedEnd = group.endOffset;
        this.builder.recycle(group.batches);
        group = this.startGroup();
        this.keepAhead();
        this.markSoon();
        this.tellDurable();
        group ??= this.startGroup(); // what was appended by those who have just been told
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.writing = undefined;
    }
  }

  private startGroup(): Group | undefined {
    if (this.builder.isEmpty || !this.isOpen) return undefined;
    const previousHash = this.local.endHash;
    const batches = this.builder.take();
    const last = batches.at(-1);
    assert(last !== undefined, "what is not empty seals to a batch");
    let payloadBytes = 0;
    for (const batch of batches) payloadBytes += batch.payloadBytes;
    this.takenBytes += payloadBytes;
    const written = this.local.append(batches, this.local.epoch, previousHash);
    // Awaited later; until then a failure must not count as unhandled.
    written.catch(() => undefined);
    return { batches, endOffset: last.endOffset, endHash: last.hash, payloadBytes, written };
  }

  private tellDurable(): void {
    const offset = this.durableEnd - 1;
    for (const callback of this.durableCallbacks) callback(offset);
    if (this.waiters.length === 0) return;
    const due = this.waiters.filter((waiter) => waiter.offset <= offset);
    this.waiters = this.waiters.filter((waiter) => waiter.offset > offset);
    for (const waiter of due) waiter.resolve();
  }

  private keepAhead(): void {
    if (!this.local.wantsSpare) return;
    this.local.keepAhead().catch((error: unknown) => this.fail(error));
  }

  /** Writes the mark at once, for all that is synced by then. */
  private async markNow(): Promise<void> {
    await this.restMark();
    // Two that rested at once may both be here: the first sets what the second waits for.
    while (this.marking !== undefined) await this.marking;
    this.marking = this.writeMark(false).finally(() => (this.marking = undefined));
    await this.marking;
  }

  private writeMark(clean: boolean): Promise<void> {
    return this.local.writeMark(clean, this.syncedEnd, this.syncedHash);
  }

  private markSoon(): void {
    if (this.cancelMark !== undefined || this.marking !== undefined || !this.isOpen) return;
    this.cancelMark = this.clock.after(this.markDelayMs, () => {
      this.cancelMark = undefined;
      this.marking = this.writeMark(false)
        .catch((error: unknown) => void this.fail(error))
        .finally(() => (this.marking = undefined));
    });
  }

  /** Lets no mark be written from now on, and waits for one that is. */
  private async restMark(): Promise<void> {
    this.cancelMark?.();
    this.cancelMark = undefined;
    // Whoever wrote it hears of its failure.
    while (this.marking !== undefined) await this.marking.catch(() => undefined);
  }

  /** Stops the log for good and gives the error that it stopped with. */
  private fail(cause: unknown): LightconeError {
    if (this.current.kind === "failed") return this.current.error;
    // The cause names a file of the machine; clients are told the reason.
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    const error = isLightconeError(cause)
      ? cause
      : new LightconeError("DatabaseStopped", { reason: `the log could not be written${code}` }, { cause });
    if (this.current.kind === "closed") return error;
    this.isOpen = false;
    this.current = { kind: "failed", error };
    this.local.beginClose();
    this.rejectWaiters(error);
    for (const callback of this.failedCallbacks) callback(error);
    return error;
  }

  private rejectWaiters(error: LightconeError): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }
}

function closedError(): LightconeError {
  return new LightconeError("DatabaseStopped", { reason: "the log is closed" });
}
