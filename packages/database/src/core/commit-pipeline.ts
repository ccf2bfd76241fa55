/**
 * The single writer: work becomes a transaction, a transaction becomes a commit, and each commit goes the same way:
 * to the log, then to the listeners, then its memory is freed.
 */
import { assert, isLightconeError, type CriticalSection, type LightconeError } from "@lightcone/base";
import type { CommitLog } from "@lightcone/commitlog";
import type { Commit, CommitKind, Store } from "@lightcone/engine";
import type { CallOutcome } from "@lightcone/host";
import type { Call } from "./call.ts";
import type { JobClock } from "./job-clock.ts";

/** Hears of every commit, live or replayed, before its memory is freed. */
export interface CommitListener {
  /** @param call what the commit was made for; of one that is replayed, only if somebody waits for it */
  committed(commit: Commit, call: Call | undefined): void;
}

export type Transacted =
  | { readonly kind: "committed"; readonly changed: boolean }
  | Exclude<CallOutcome, { readonly kind: "ok" }>
  /** The engine or the query refused; what ran was left in the middle. */
  | { readonly kind: "refused"; readonly error: LightconeError };

const unchanged: Transacted = { kind: "committed", changed: false };
const changed: Transacted = { kind: "committed", changed: true };
export const ok: CallOutcome = { kind: "ok" };

export class CommitPipeline {
  readonly store: Store;
  private readonly log: CommitLog;
  private readonly critical: CriticalSection;
  private readonly time: JobClock;
  private readonly listeners: readonly CommitListener[];
  /** Throws unless the log is sure to take a record of that length. */
  private readonly admit: (byteCount: number) => void;
  private lastMicros = 0;
  /** The last offset of which every listener has heard. */
  toldOffset: number;

  constructor(
    store: Store,
    log: CommitLog,
    critical: CriticalSection,
    time: JobClock,
    listeners: readonly CommitListener[],
  ) {
    this.store = store;
    this.log = log;
    this.critical = critical;
    this.time = time;
    this.listeners = listeners;
    this.admit = (byteCount) => {
      const refusal = log.refusalOf(byteCount);
      if (refusal !== undefined) throw refusal;
    };
    this.lastMicros = store.timestampMicros;
    this.toldOffset = store.offset - 1;
  }

  /** The last offset that was executed: what a reader sees now. -1 before the first. */
  get offset(): number {
    return this.store.offset - 1;
  }

  /** Whether every listener has heard of the last commit. If not between jobs, it was cut short. */
  get isTold(): boolean {
    return this.toldOffset === this.offset;
  }

  /** Why new transactions are refused at the moment, as with a full disk; undefined when they are not. */
  get refusal(): LightconeError | undefined {
    return this.log.refusal;
  }

  /** Resolves when all that was executed until now is durable. */
  whenDurable(): Promise<void> {
    return this.log.whenDurable(this.offset);
  }

  /** Now, in microseconds; never before what any transaction saw. */
  nowMicros(): number {
    const now = this.time.nowMicros();
    if (now > this.lastMicros) this.lastMicros = now;
    return this.lastMicros;
  }

  /**
   * Runs `body` in a transaction of its own; commits when it says `ok`.
   *
   * What `body` throws ends the transaction as a panic. A time-out passes through: call `abort` then. A time-out that comes
   * when `body` has succeeded is too late: the job is brought to its end.
   *
   * @param isRecorded whether the log has it even if it changes no row
   */
  transact(call: Call, body: () => CallOutcome, isRecorded = false): Transacted {
    this.critical.letGo();
    this.store.begin();
    try {
      const outcome = body();
      if (outcome.kind !== "ok") {
        this.abort();
        return outcome;
      }
      this.critical.hold();
      return this.finish(call, isRecorded) ? changed : unchanged;
    } catch (error) {
      this.abort();
      if (isLightconeError(error)) return { kind: "refused", error };
      return { kind: "panic", message: textOf(error), fatal: true };
    }
  }

  /**
   * Commits the open transaction and tells everyone. Returns whether it changed anything.
   *
   * @throws {LightconeError} `DiskFull` when it is rolled back since the log might not take it
   */
  finish(call: Call, isRecorded = false): boolean {
    this.critical.enter();
    try {
      const commit = this.store.commit(call, this.admit, isRecorded);
      if (commit === undefined) return false;
      this.log.append(commit.bytes, commit.offset);
      this.tell(commit, call);
      return true;
    } finally {
      this.critical.leave();
    }
  }

  /**
   * Replays a record of the log: the same way as a new commit.
   *
   * @param callOf the call that the commit answers, if somebody waits for it
   * @returns what caused it
   */
  replay(record: Uint8Array, offset: number, callOf?: (commit: Commit) => Call | undefined): CommitKind {
    assert(offset === this.store.offset, `record ${offset} comes after ${this.store.offset - 1}`);
    const commit = this.store.apply(record);
    const call = callOf?.(commit);
    const { kind, timestampMicros } = commit.meta;
    this.lastMicros = Math.max(this.lastMicros, timestampMicros);
    this.tell(commit, call);
    return kind;
  }

  /** Ends what a time-out or an exception left open. A poisoned store cannot be rolled back; its database ends. */
  abort(): void {
    if (!this.store.isOpen || this.store.poisoned) return;
    this.critical.enter();
    this.store.rollback();
    this.critical.leave();
  }

  private tell(commit: Commit, call: Call | undefined): void {
    for (const listener of this.listeners) listener.committed(commit, call);
    this.store.release(commit);
    this.toldOffset = commit.offset;
  }
}

/** What was thrown, as text. It may have come through a module, and be anything. */
function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? (error.stack ?? error.message) : error);
  } catch {
    return "an error that cannot be read";
  }
}
