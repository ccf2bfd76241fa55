/**
 * How a host process is watched from inside. A watching thread takes 10 MB, and most databases are idle most of the
 * time. So the thread starts when the database runs more than some turns a second. Until then the database's own thread
 * sends a note before each piece of work, which the front supervises, and each turn has a time-out of its own. Both
 * cost a tenth of a millisecond a turn.
 */
import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { CriticalSection } from "@lightcone/base";
import { runByTheClock, runWithinByTheClock, type Watchdog } from "@lightcone/base/node";
import type { Activity, WorkKind } from "@lightcone/database/front";
import { noteDescriptor, SharedActivity } from "./activity.ts";
import { InterruptWatchdog } from "./interrupt-watchdog.ts";
import type { WatchData } from "./watch-main.ts";

/** Turns within `windowMs` that start the watcher. */
const turnsMax = 100;
const windowMs = 1000;
/** What runs for longer within other work has the watcher started. */
const withinMsMax = 100;
/** A time slice that is over after one job. */
const oneJobMs = -1;
/** A time slice as long as a turn with a time-out of its own needs. */
const alonePerSliceMs = 3;

export class HostWatch implements Watchdog, Activity {
  private readonly activity = new SharedActivity(tellFront);
  private readonly interrupts = new InterruptWatchdog();
  private readonly memoryBytesMax: number;
  private worker: Worker | undefined;
  private isWatching = false;
  private isClose = false;
  private turnCount = 0;
  private windowFromMs = 0;

  constructor(memoryBytesMax: number) {
    this.memoryBytesMax = memoryBytesMax;
    this.activity.isTelling = true;
  }

  get sliceMs(): number {
    if (this.isClose) return oneJobMs;
    return this.isWatching ? this.interrupts.sliceMs : alonePerSliceMs;
  }

  get critical(): CriticalSection {
    return this.interrupts.critical;
  }

  run(work: () => void, budgetMs: number): boolean {
    if (this.isWatching && !this.isClose) return this.interrupts.run(work, budgetMs);
    this.count();
    try {
      if (this.isWatching) return this.interrupts.run(work, budgetMs);
      // A front that wants to stop ends a turn by the signal, as the watcher does.
      return runByTheClock(work, budgetMs, this.critical, { breakOnSigint: true });
    } finally {
      this.activity.turnEnded();
    }
  }

  runWithin(work: () => void, budgetMs: number): boolean {
    if (this.isWatching) return this.interrupts.runWithin(work, budgetMs);
    const fromMs = performance.now();
    const isWhole = runWithinByTheClock(work, budgetMs, this.critical, { breakOnSigint: true });
    // The time of what is around it runs on meanwhile, which it does not for the watcher.
    if (performance.now() - fromMs > withinMsMax) this.start();
    return isWhole;
  }

  begin(kind: WorkKind, id: Uint8Array, number: number): void {
    this.activity.begin(kind, id, number);
  }

  end(): void {
    this.activity.end();
  }

  beginPart(kind: WorkKind, id: Uint8Array, number: number): void {
    this.activity.beginPart(kind, id, number);
  }

  endParts(): void {
    this.activity.endParts();
  }

  closely(isClose: boolean): void {
    if (this.isClose && !isClose) this.activity.tellThrough();
    this.isClose = isClose;
    this.activity.isTelling = isClose || !this.isWatching;
  }

  /** Starts the watching thread, which takes over once it watches. */
  start(): void {
    if (this.worker !== undefined) return;
    const data: WatchData = {
      activity: this.activity.buffer,
      turns: this.interrupts.buffer,
      memoryBytesMax: this.memoryBytesMax,
    };
    const worker = new Worker(new URL("./watch-main.ts", import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    });
    this.worker = worker;
    worker.unref();
    worker.once("message", () => this.watches(true));
    // It should end with the process only. If it ends before, this thread sends its own notes again.
    const ended = (): void => this.watches(false);
    worker.once("error", ended);
    worker.once("exit", ended);
  }

  private watches(isWatching: boolean): void {
    this.isWatching = isWatching;
    this.activity.isTelling = this.isClose || !isWatching;
  }

  private count(): void {
    const nowMs = performance.now();
    if (nowMs - this.windowFromMs > windowMs) {
      this.windowFromMs = nowMs;
      this.turnCount = 0;
    }
    this.turnCount += 1;
    if (this.turnCount > turnsMax) this.start();
  }
}

function tellFront(note: Uint8Array): void {
  try {
    writeSync(noteDescriptor, note);
  } catch {
    // The front is gone, and so is this process in a moment.
  }
}
