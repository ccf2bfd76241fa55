/**
 * The second third of group commit: groups into the log on this machine, one write and its sync at a time, and the mark
 * behind them. A second log has a writer of its own.
 *
 * What `write` has settled for is synced, and in no segment that the mark does not know of.
 */
import type { Clock } from "@lightcone/base";
import type { LocalLog } from "./local-log.ts";
import type { Group } from "./sealing.ts";

export class LocalWriter {
  private readonly clock: Clock;
  private readonly local: LocalLog;
  private readonly markDelayMs: number;
  private readonly fail: (error: unknown) => void;
  /** What is written and synced. */
  private syncedEnd: number;
  private syncedHash: Uint8Array;
  private cancelMark: (() => void) | undefined;
  private marking: Promise<void> | undefined;

  /** @param fail hears of what fails while nobody waits for it */
  constructor(clock: Clock, local: LocalLog, markDelayMs: number, fail: (error: unknown) => void) {
    this.clock = clock;
    this.local = local;
    this.markDelayMs = markDelayMs;
    this.fail = fail;
    this.syncedEnd = local.endOffset;
    this.syncedHash = local.endHash;
  }

  /** Begins to write. Settles when all of it is synced: `settle` then makes it count. */
  begin({ batches }: Group): Promise<void> {
    const { local } = this;
    const written = local.append(batches, local.epoch, local.endHash);
    // Awaited later; until then a failure must not count as unhandled.
    written.catch(() => undefined);
    return written;
  }

  /** Notes that a group is synced; undefined when the mark need not be written before it counts. */
  settle({ endOffset, endHash }: Group): Promise<void> | undefined {
    this.syncedEnd = endOffset;
    this.syncedHash = endHash;
    return this.local.markIsBehind ? this.markNow() : undefined;
  }

  /** Has a segment written ahead, if one is wanted. */
  keepAhead(): void {
    if (!this.local.wantsSpare) return;
    this.local.keepAhead().catch((error: unknown) => this.fail(error));
  }

  /** The log was cut. Only while the mark rests. */
  moved(): void {
    this.syncedEnd = this.local.endOffset;
    this.syncedHash = this.local.endHash;
  }

  /** Writes the mark at once, for all that is synced by then. */
  async markNow(): Promise<void> {
    await this.restMark();
    // Two that rested at once may both be here: the first sets what the second waits for.
    while (this.marking !== undefined) await this.marking;
    this.marking = this.writeMark(false).finally(() => (this.marking = undefined));
    await this.marking;
  }

  writeMark(clean: boolean): Promise<void> {
    return this.local.writeMark(clean, this.syncedEnd, this.syncedHash);
  }

  /** Has the mark written in a while, unless it is about to be. */
  markSoon(): void {
    if (this.cancelMark !== undefined || this.marking !== undefined) return;
    this.cancelMark = this.clock.after(this.markDelayMs, () => {
      this.cancelMark = undefined;
      this.marking = this.writeMark(false)
        .catch((error: unknown) => this.fail(error))
        .finally(() => (this.marking = undefined));
    });
  }

  /** Lets no mark be written from now on, and waits for one that is. */
  async restMark(): Promise<void> {
    this.cancelMark?.();
    this.cancelMark = undefined;
    // Whoever wrote it hears of its failure.
    while (this.marking !== undefined) await this.marking.catch(() => undefined);
  }
}
