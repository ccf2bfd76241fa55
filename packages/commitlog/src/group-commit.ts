/**
 * Group commit: while one write and its sync are under way, the next batch fills; when they are done, all of
 * it goes at once. The next write starts before anyone hears of the last one, so that the disk works while
 * replies are made.
 *
 *   append ─▶ sealing.ts ─ groups ─▶ local-writer.ts ─ synced ─▶ acceptance.ts ─▶ whoever waits
 *
 * Invariants: one write and sync at a time · `durableOffset` rises only after the sync of all up to it, and for the
 * first of a segment after the mark says so: what was acknowledged is never in a segment that the mark does not know
 * of · after a failure it never rises again.
 */
import type { Clock } from "@lightcone/base";
import { LightconeError, isLightconeError } from "@lightcone/base";
import { Acceptance } from "./acceptance.ts";
import { blockBytes } from "./block.ts";
import type { CommitLog, LogRecords, LogState } from "./commit-log.ts";
import type { LocalLog } from "./local-log.ts";
import { LocalWriter } from "./local-writer.ts";
import { type Group, Sealing } from "./sealing.ts";

export interface GroupCommitSetup {
  readonly clock: Clock;
  readonly local: LocalLog;
  readonly batchBytesMax: number;
  readonly markDelayMs: number;
}

/** A group that is being written. */
interface Writing {
  readonly group: Group;
  readonly written: Promise<void>;
}

export class GroupCommitLog implements CommitLog {
  private readonly local: LocalLog;
  private readonly batchBytesMax: number;
  private sealing: Sealing;
  private readonly writer: LocalWriter;
  private readonly acceptance: Acceptance;
  private readonly failedCallbacks = new Set<(error: LightconeError) => void>();
  private current: LogState = { kind: "open" };
  private isOpen = true;
  /** Payload of groups that are being written. */
  private writingBytes = 0;
  private writing: Promise<void> | undefined;

  constructor({ clock, local, batchBytesMax, markDelayMs }: GroupCommitSetup) {
    this.local = local;
    this.batchBytesMax = batchBytesMax;
    this.sealing = this.newSealing();
    this.writer = new LocalWriter(clock, local, markDelayMs, (error) => void this.fail(error));
    this.acceptance = new Acceptance(local.endOffset);
    this.writer.keepAhead();
  }

  private newSealing(): Sealing {
    return new Sealing(this.batchBytesMax, this.local.epoch, this.local.endOffset, this.local.endHash);
  }

  get state(): LogState {
    return this.current;
  }

  get firstOffset(): number {
    return this.local.firstOffset;
  }

  get appendedOffset(): number {
    return this.sealing.end - 1;
  }

  get durableOffset(): number {
    return this.acceptance.end - 1;
  }

  get pendingBytes(): number {
    return this.sealing.waitingBytes + this.writingBytes;
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
    return this.sealing.waitingBytes + this.local.unplacedBytes;
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
    this.sealing.append(record, offset);
  }

  flush(): void {
    if (this.writing !== undefined || !this.isOpen || this.sealing.isEmpty) return;
    this.writing = this.writeAll();
  }

  onDurable(callback: (offset: number) => void): () => void {
    return this.acceptance.onAccepted(callback);
  }

  onFull(callback: (full: LightconeError<"DiskFull"> | undefined) => void): () => void {
    return this.local.onFull(callback);
  }

  onFailed(callback: (error: LightconeError) => void): () => void {
    this.failedCallbacks.add(callback);
    return () => this.failedCallbacks.delete(callback);
  }

  whenDurable(offset: number): Promise<void> {
    if (offset < this.acceptance.end) return Promise.resolve();
    if (!this.isOpen) return Promise.reject(this.refusal ?? closedError());
    const settled = this.acceptance.when(offset);
    this.flush();
    return settled;
  }

  read(fromOffset: number): AsyncIterable<LogRecords> {
    return this.local.read(fromOffset, this.acceptance.end);
  }

  bytesAfter(offset: number): number {
    return this.local.bytesAfter(offset);
  }

  async retainFrom(offset: number): Promise<void> {
    await this.writer.restMark();
    if (!this.isOpen) return;
    try {
      // The mark must name a place that is still there.
      await this.writer.markNow();
      await this.local.retainFrom(Math.min(offset, this.acceptance.end));
    } catch (error) {
      throw this.fail(error);
    }
  }

  async truncateAfter(offset: number): Promise<void> {
    this.flush();
    await this.writing;
    if (!this.isOpen) throw this.refusal ?? closedError();
    await this.writer.restMark();
    try {
      await this.local.truncateAfter(offset);
    } catch (error) {
      throw this.fail(error);
    }
    this.acceptance.end = this.local.endOffset;
    this.writer.moved();
    this.sealing = this.newSealing();
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
    await this.writer.restMark();
    try {
      if (isSound) await this.writer.writeMark(true);
    } finally {
      if (this.current.kind === "open") this.current = { kind: "closed" };
      this.acceptance.reject(closedError());
      await this.local.close(isSound);
    }
  }

  /** Writes group after group until nothing is left to write. */
  private async writeAll(): Promise<void> {
    try {
      let next = this.begin();
      while (next !== undefined) {
        const { group, written } = next;
        await written;
        if (!this.isOpen) return;
        const marked = this.writer.settle(group);
        if (marked !== undefined) await marked;
        if (!this.isOpen) return;
        this.acceptance.end = group.endOffset;
        this.writingBytes -= group.payloadBytes;
        this.sealing.accepted(group);
        next = this.begin();
        this.writer.keepAhead();
        this.writer.markSoon();
        this.acceptance.tell();
        next ??= this.begin(); // what was appended by those who have just been told
      }
    } catch (error) {
      this.fail(error);
    } finally {
      this.writing = undefined;
    }
  }

  private begin(): Writing | undefined {
    const group = this.isOpen ? this.sealing.take() : undefined;
    if (group === undefined) return undefined;
    this.writingBytes += group.payloadBytes;
    return { group, written: this.writer.begin(group) };
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
    this.acceptance.reject(error);
    for (const callback of this.failedCallbacks) callback(error);
    return error;
  }
}

function closedError(): LightconeError {
  return new LightconeError("DatabaseStopped", { reason: "the log is closed" });
}
