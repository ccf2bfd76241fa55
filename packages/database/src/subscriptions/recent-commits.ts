/**
 * The last commits, as the log has them, for clients that come back with rows of a state before.
 *
 *   commit ─▶ the newest chunk … the oldest chunk ─▶ forgotten          at most `resumeBytesMax` in all
 *   log ─▶ chunks before the oldest: once, when a client asks for more than has been kept since the start
 *
 * Nothing is kept before the first client comes that can ask for it. A chunk is never written again where it was written, so
 * whoever reads one may go on when it is forgotten.
 */
import { defined } from "@lightcone/base";
import type { CommitLog } from "@lightcone/commitlog";
import { CommitKind, timestampOf, type Commit } from "@lightcone/engine";
import type { CommitListener } from "../core/commit-pipeline.ts";

/** A chunk is as long as all before it, within these. */
const chunkBytesMin = 16 * 1024;
const chunkBytesMax = 256 * 1024;

/** How many clients' changes are gathered at the same time. Each may take several times `resumeBytesMax` of memory. */
const gatheredMax = 4;

/** Records one behind the other, each behind its length: u32. */
interface Chunk {
  /** Of its first record. */
  readonly firstOffset: number;
  /** When the commit before that was made. */
  readonly beforeMicros: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  length: number;
  count: number;
}

/** Some commits in a row. */
export interface CommitRun {
  /** The next record; a view that is good for as long as anybody holds it. Undefined after the last. */
  next(): Uint8Array | undefined;
}

/** All commits after a place; `later` while the log is being read for them; `gone` when they are not kept: asking again is no use. */
export type Found = CommitRun | "later" | "gone";

/** Where a client stands. */
export interface Stand {
  readonly offset: number;
  readonly timestampMicros: number;
}

export class RecentCommits implements CommitListener {
  private readonly log: CommitLog;
  private readonly bytesMax: number;
  private chunks: Chunk[] = [];
  private byteCount = 0;
  /** The last commit; undefined while nothing is kept. */
  private last: Stand | undefined;
  /** Of the last publish that is known of. */
  private publishOffset = -1;
  private fill: "not begun" | "under way" | "over" = "not begun";
  private gathered = 0;
  private readonly failed: (error: unknown) => void;

  /** @param failed is told why the log could not be read */
  constructor(log: CommitLog, bytesMax: number, failed: (error: unknown) => void) {
    this.log = log;
    this.bytesMax = bytesMax;
    this.failed = failed;
  }

  /** From now on commits are kept. @param now where the database stands */
  begin(now: Stand): void {
    this.last ??= now;
  }

  committed({ bytes, offset, meta }: Commit): void {
    if (this.last === undefined) return;
    const chunk = this.chunks.at(-1);
    if (chunk !== undefined && chunk.length + 4 + bytes.length <= chunk.bytes.length) put(chunk, bytes);
    else this.addChunk(chunkOf(offset, this.last.timestampMicros, bytes, this.byteCount));
    this.last = { offset, timestampMicros: meta.timestampMicros };
    if (meta.kind === CommitKind.publish) this.publishOffset = offset;
  }

  /** The first that is kept, or the next. */
  private get firstOffset(): number {
    return this.chunks[0]?.firstOffset ?? (this.last?.offset ?? -1) + 1;
  }

  private addChunk(chunk: Chunk): void {
    this.chunks.push(chunk);
    this.byteCount += chunk.bytes.length;
    this.forget();
  }

  private forget(): void {
    while (this.byteCount > this.bytesMax) this.byteCount -= this.chunks.shift()?.bytes.length ?? 0;
  }

  /** Whether the changes of one more client may be gathered now. If so, call `endGathering` when they are. */
  beginGathering(): boolean {
    if (this.gathered === gatheredMax) return false;
    this.gathered += 1;
    return true;
  }

  endGathering(): void {
    this.gathered -= 1;
  }

  /** The commits after a place, up to the last; `gone` also when another commit stands at that offset, or a publish behind it. */
  after(stand: Stand): Found {
    const { last } = this;
    if (last === undefined || stand.offset > last.offset || stand.offset < this.publishOffset) return "gone";
    if (stand.offset === last.offset) return stand.timestampMicros === last.timestampMicros ? nothing : "gone";
    const { firstOffset } = this;
    if (stand.offset + 1 < firstOffset) {
      if (this.fill === "not begun") void this.fillFrom(firstOffset);
      return this.fill === "under way" ? "later" : "gone";
    }
    const from = this.chunks.findLastIndex((chunk) => chunk.firstOffset <= stand.offset + 1);
    const run = new Run(this.chunks.slice(from), last.offset);
    if (run.skipTo(stand.offset + 1) !== stand.timestampMicros) return "gone";
    return run;
  }

  /** Reads what the log has before the oldest chunk, as far as there is room. */
  private async fillFrom(firstOffset: number): Promise<void> {
    const { log } = this;
    const from = this.earliest(firstOffset);
    if (from >= firstOffset - 1) {
      this.fill = "over";
      return;
    }
    this.fill = "under way";
    try {
      await log.whenDurable(firstOffset - 1);
      const chunks: Chunk[] = [];
      let beforeMicros: number | undefined;
      for await (const { firstOffset: first, records } of log.read(from)) {
        for (const [index, record] of records.entries()) {
          const offset = first + index;
          if (offset >= firstOffset) break;
          const chunk = chunks.at(-1);
          // The first says only when it was made.
          if (beforeMicros !== undefined) {
            if (chunk !== undefined && chunk.length + 4 + record.length <= chunk.bytes.length) put(chunk, record);
            else chunks.push(chunkOf(offset, beforeMicros, record, chunkBytesMax));
          }
          beforeMicros = timestampOf(record);
          if (record[1] === CommitKind.publish) this.publishOffset = Math.max(this.publishOffset, offset);
        }
        if (first + records.length >= firstOffset) break;
      }
      // What was kept since may have been forgotten already: then these are no good.
      if (this.firstOffset === firstOffset) {
        this.chunks.unshift(...chunks);
        for (const { bytes } of chunks) this.byteCount += bytes.length;
        this.forget();
      }
    } catch (error) {
      this.failed(error);
    }
    this.fill = "over";
  }

  /** The lowest offset from which on the log is not longer than there is room for. */
  private earliest(firstOffset: number): number {
    const { log } = this;
    const room = this.bytesMax - this.byteCount;
    let [low, high] = [log.firstOffset, firstOffset];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (log.bytesAfter(middle) <= room) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function chunkOf(firstOffset: number, beforeMicros: number, record: Uint8Array, byteCount: number): Chunk {
  const usual = Math.min(chunkBytesMax, Math.max(chunkBytesMin, byteCount));
  const bytes = new Uint8Array(Math.max(usual, record.length + 4));
  const chunk = { firstOffset, beforeMicros, bytes, view: new DataView(bytes.buffer), length: 0, count: 0 };
  put(chunk, record);
  return chunk;
}

function put(chunk: Chunk, record: Uint8Array): void {
  chunk.view.setUint32(chunk.length, record.length);
  chunk.bytes.set(record, chunk.length + 4);
  chunk.length += 4 + record.length;
  chunk.count += 1;
}

const nothing: CommitRun = { next: () => undefined };

/** Records up to an offset: more may come behind them meanwhile. */
class Run implements CommitRun {
  private readonly chunks: readonly Chunk[];
  private readonly lastOffset: number;
  private chunk = 0;
  private at = 0;
  private offset: number;

  constructor(chunks: readonly Chunk[], lastOffset: number) {
    this.chunks = chunks;
    this.lastOffset = lastOffset;
    this.offset = defined(chunks[0], "a chunk").firstOffset;
  }

  next(): Uint8Array | undefined {
    if (this.offset > this.lastOffset) return undefined;
    let chunk = defined(this.chunks[this.chunk], "a chunk");
    if (this.offset === chunk.firstOffset + chunk.count) {
      this.chunk += 1;
      this.at = 0;
      chunk = defined(this.chunks[this.chunk], "the next chunk");
    }
    const length = chunk.view.getUint32(this.at);
    const record = chunk.bytes.subarray(this.at + 4, this.at + 4 + length);
    this.at += 4 + length;
    this.offset += 1;
    return record;
  }

  /** @returns when the commit before that offset was made */
  skipTo(offset: number): number {
    let before: Uint8Array | undefined;
    while (this.offset < offset) before = this.next();
    return before === undefined ? defined(this.chunks[0], "a chunk").beforeMicros : timestampOf(before);
  }
}
