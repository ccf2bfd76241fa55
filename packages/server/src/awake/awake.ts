/**
 * Decides when a database has a process: parks those that nobody uses, wakes those that are needed, in turn.
 *
 *   known ──call · connect · row is due · due time unknown────────────▶ WakeQueue ─▶ awake (Residents) ─▶ parked
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
  /** Memory that a process takes, in bytes; undefined when that is not known. */
  readonly memoryOf: (pid: number) => Promise<number | undefined>;
  /** Wakes a database, which may not have been opened since the server started. */
  readonly wake: (identityHex: string, why: WakeReason) => void;
}

/** How much of the machine's memory all hosts together may take, whatever their limit says. */
const memoryShareMax = 0.5;
/** Databases that are opened at a time only to learn when their rows are due. */
const looksMax = 2;
/** `wake-at` files that are read at a time. */
const readsMax = 16;
/** A database is woken this long before its first row is due, so that the row runs on time. */
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

  /** What decides about one database's process; made for each opening. */
  stayOf({ identity, owner, directory }: DatabaseRecord): Stay {
    const { clock, files, dataDirectory, log } = this.options;
    const path = `${dataDirectory}/${directory}`;
    return {
      enter: async (why) => {
        const opened = await this.queue.enter(directory, owner.hex, why);
        try {
          this.times.delete(identity.hex);
          // From here on its due times are known to its host alone, until it is parked again.
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
            // Without the file the next start of the server opens the database to find out.
            log.warn({ database: identity.hex, err: error }, "when to wake a database could not be noted"),
        );
      },
    };
  }

  /** Reads all `wake-at` files at the start of the server; opens the databases whose due time is unknown. */
  async lookAround(records: Iterable<DatabaseRecord>): Promise<void> {
    const { clock, files, dataDirectory, wake } = this.options;
    const left = [...records].values();
    const read = async (): Promise<void> => {
      for (const { identity, directory } of left) {
        if (this.isStopped) return;
        const wakeAt = await readWakeAt(files, `${dataDirectory}/${directory}`);
        if (this.isStopped) return;
        // Clients that were connected then are gone, and their disconnects have to run. A file from the future means that
        // the clock was set back: its due time cannot be relied on.
        const isKnown = wakeAt !== undefined && wakeAt.clients === 0 && wakeAt.atMicros <= clock.nowMicros();
        if (!isKnown) wake(identity.hex, "look");
        if (wakeAt?.nextDueMicros !== undefined) this.times.set(identity.hex, wakeAt.nextDueMicros - leadMicros);
      }
    };
    await Promise.all(Array.from({ length: readsMax }, read));
  }

  /** A database did not start, so its due time is unknown: it is opened again later. */
  lookAgain(identityHex: string, afterMs: number): void {
    if (!this.isStopped) this.times.set(identityHex, this.options.clock.nowMicros() + afterMs * 1000);
  }

  /** Forgets the due time of a database that was deleted. */
  forget(identityHex: string): void {
    this.times.delete(identityHex);
  }

  /** Stops waking and parking. */
  stop(): void {
    this.isStopped = true;
    this.times.stop();
    this.residents.stop();
    this.queue.stop();
  }
}
