/** Snapshots of a database while it runs: when one is due, and taking it. */
import {
  applyRetention,
  snapshotDue,
  type CommitLog,
  type SnapshotEntry,
  type SnapshotStore,
} from "@lightcone/commitlog";
import { LogLevel } from "@lightcone/host";
import type { DatabaseContext } from "../core/context.ts";

export class Snapshots {
  private readonly context: DatabaseContext;
  private readonly log: CommitLog;
  private readonly files: SnapshotStore;
  /** Gives what is kept beside the rows. */
  private readonly save: () => Uint8Array;
  /** Of the newest there is. */
  private byteCount: number;
  private offset: number;
  /** Where the last one was tried. One that failed is tried again when as much log has come as asks for one. */
  private triedOffset = -1;
  private taking: Promise<number> | undefined;

  constructor(
    context: DatabaseContext,
    log: CommitLog,
    files: SnapshotStore,
    newest: SnapshotEntry | undefined,
    save: () => Uint8Array,
  ) {
    this.context = context;
    this.log = log;
    this.files = files;
    this.byteCount = newest?.byteCount ?? 0;
    this.offset = newest?.offset ?? -1;
    this.save = save;
  }

  get isTaking(): boolean {
    return this.taking !== undefined;
  }

  /** Whether the newest has all that there is. */
  get isCurrent(): boolean {
    return this.offset === this.context.pipeline.offset;
  }

  /** Takes one of the present state while the database goes on. @returns its offset, -1 before any commit */
  take(): Promise<number> {
    this.taking ??= this.write().finally(() => (this.taking = undefined));
    return this.taking;
  }

  /** Takes one if enough log has come since the last. */
  takeIfDue(): void {
    if (this.isTaking) return;
    const logBytes = this.log.bytesAfter(Math.max(this.offset, this.triedOffset));
    if (snapshotDue(logBytes, this.byteCount)) void this.tryTake();
  }

  /** Takes one if it can. Without one the next start reads more of the log, and that is all. */
  async tryTake(): Promise<void> {
    try {
      await this.take();
    } catch (error) {
      this.context.log.note(LogLevel.warn, `no snapshot could be taken: ${String(error)}`);
    }
  }

  private async write(): Promise<number> {
    const { store, pipeline, loop } = this.context;
    // Pages that a migration has taken belong to no table yet: its job is at the head of the queue until it is done.
    if (store.catalog.isRemaking) await new Promise<void>((resolve) => loop.push({ run: resolve, timedOut: resolve }));
    const { offset } = pipeline;
    if (offset < 0) return offset;
    this.triedOffset = offset;
    const meta = this.save();
    const readView = store.openReadView();
    try {
      this.byteCount = await this.files.write({
        offset,
        meta,
        chunks: store.snapshotChunks(readView),
        durable: this.log.whenDurable(offset),
      });
      this.offset = offset;
    } finally {
      readView.close();
    }
    await applyRetention(this.log, this.files);
    return offset;
  }
}
