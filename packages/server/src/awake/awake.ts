/**
 * When databases have a process: opened in turn, parked when nobody uses them, and woken when they are wanted.
 *
 *   known ──call · connect · its time has come · nobody knows when──▶ WakeQueue ─▶ awake (Residents) ─▶ parked
 *     ▲                                                                                                  │
 *     └──────────────────────── WakeTimes, and the file `wake-at` for the next start ◀───────────────────┘
 */
import { availableParallelism, totalmem } from "node:os";
import type { Clock, FileSystem } from "@lightcone/base";
import type { Rest, Resting, Stay, WakeReason } from "@lightcone/database/front";
import type { ServerLimits } from "../limits.ts";
import type { ServerLog } from "../log.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import { Residents } from "./residents.ts";
import { readWakeAt, removeWakeAt, writeWakeAt } from "./wake-at.ts";
import { WakeQueue } from "./wake-queue.ts";
import { WakeTimes } from "./wake-times.ts";

export interface AwakeOptions {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly dataDirectory: string;
  readonly log: ServerLog;
  readonly limits: ServerLimits;
  /** What a process takes; undefined when that is not known. */
  readonly memoryOf: (pid: number) => Promise<number | undefined>;
  /** Wakes a database that may not have been opened yet. */
  readonly wake: (identityHex: string, why: WakeReason) => void;
}

/** How much of the machine's memory all hosts together may take, whatever their limit says. */
const memoryShareMax = 0.5;
/** Databases that are looked into at a time. */
const looksMax = 2;
/** Files that are read at a time. */
const readsMax = 16;
/** A database is woken so long before its first row is due: then it runs on time. */
const leadMicros = 2_000_000;

export class Awake {
  private readonly options: AwakeOptions;
  private readonly queue: WakeQueue;
  private readonly residents: Residents;
  private readonly times: WakeTimes;
  private isStopped = false;

  constructor(options: AwakeOptions) {
    this.options = options;
    const { clock, log, limits, memoryOf, wake } = options;
    this.residents = new Residents({
      clock,
      log,
      memoryOf,
      memoryBytesMax: Math.min(limits.awakeMemoryBytesMax, Math.floor(totalmem() * memoryShareMax)),
      ownerAwakeMax: limits.ownerAwakeMax,
      parkAfterMs: limits.parkAfterMs,
      wakeTimesMin: limits.parkWakeTimesMin,
      roomMade: () => this.queue.pump(),
    });
    this.queue = new WakeQueue({
      clock,
      openingsMax: availableParallelism(),
      looksMax,
      waitMsMax: limits.wakeWaitMs,
      hasRoom: (owner) => this.residents.hasRoom(owner),
    });
    this.times = new WakeTimes(clock, wake);
  }

  /** What a database asks that is about to be opened. */
  stayOf({ identity, owner, directory }: DatabaseRecord): Stay {
    const { clock, files, dataDirectory, log } = this.options;
    const path = `${dataDirectory}/${directory}`;
    return {
      enter: async (why) => {
        const opened = await this.queue.enter(directory, owner.hex, why);
        try {
          this.times.delete(identity.hex);
          // From here on nobody knows when it has to be woken, until it rests again.
          await removeWakeAt(files, path);
        } catch (error) {
          opened();
          throw error;
        }
        return opened;
      },
      hurry: (why) => this.queue.hurry(directory, why),
      giveUp: () => this.queue.giveUp(directory),
      woke: (database: Resting, ms, why) => this.residents.woke(directory, owner.hex, database, ms, why === "look"),
      left: () => this.residents.left(directory),
      rested: async ({ nextDueMicros }: Rest, clients) => {
        if (nextDueMicros !== undefined) this.times.set(identity.hex, nextDueMicros - leadMicros);
        await writeWakeAt(files, path, { nextDueMicros, clients, atMicros: clock.nowMicros() }).catch(
          (error: unknown) =>
            // The next start of the server looks into the database, then.
            log.warn({ database: identity.hex, err: error }, "when to wake a database could not be noted"),
        );
      },
    };
  }

  /** A server has started: learns when databases want to be woken, and wakes those of which nobody knows. */
  async lookAround(records: Iterable<DatabaseRecord>): Promise<void> {
    const { clock, files, dataDirectory, wake } = this.options;
    const left = [...records].values();
    const read = async (): Promise<void> => {
      for (const { identity, directory } of left) {
        if (this.isStopped) return;
        const wakeAt = await readWakeAt(files, `${dataDirectory}/${directory}`);
        if (this.isStopped) return;
        // Clients that were connected then are gone: the database has to say so to the others.
        // A clock that was set back meanwhile says nothing of when it wanted to be woken.
        const isKnown = wakeAt !== undefined && wakeAt.clients === 0 && wakeAt.atMicros <= clock.nowMicros();
        if (!isKnown) wake(identity.hex, "look");
        if (wakeAt?.nextDueMicros !== undefined) this.times.set(identity.hex, wakeAt.nextDueMicros - leadMicros);
      }
    };
    await Promise.all(Array.from({ length: readsMax }, read));
  }

  /** A database did not start, so nobody knows when it has to be woken: it is tried again. */
  lookAgain(identityHex: string, afterMs: number): void {
    if (!this.isStopped) this.times.set(identityHex, this.options.clock.nowMicros() + afterMs * 1000);
  }

  /** A database is deleted. */
  forget(identityHex: string): void {
    this.times.delete(identityHex);
  }

  /** Wakes and parks nobody any more. */
  stop(): void {
    this.isStopped = true;
    this.times.stop();
    this.residents.stop();
    this.queue.stop();
  }
}
