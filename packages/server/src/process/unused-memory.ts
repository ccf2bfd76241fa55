/**
 * Gives memory that a process no longer uses back to the system, once it has little to do.
 *
 * V8 keeps the pages that a heap has had and emptied, for as many to come: after a burst of work that is as much again
 * as all the rest of a front. Its collections let go of them only when memory has run out, or when asked for one as if it had.
 * That one takes long for its kind, some 50 ms: so it is made while nobody is likely to wait, and once for each time
 * that the process has grown.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Clock } from "@lightcone/base";

/** What is known of a process, and can be done with it. */
export interface ProcessMemory {
  /** Processor time that it has taken since it began. */
  cpuMs(): number;
  /** What it has of the machine's memory. */
  residentBytes(): number;
  /** What of that its heap has in use, garbage included. */
  heapBytes(): number;
  /** Gives back what is not in use. */
  collect(): void;
}

const lookMs = 10_000;
/** The most processor time between two looks of a process that has little to do. */
const quietCpuMsMax = 200;
/** A process that has grown by less than this since it last gave memory back keeps it. */
const grownBytesMin = 8 * 1024 ** 2;
/** With a larger heap it would take too long, for what is a smaller part. */
const heapBytesMax = 48 * 1024 ** 2;

export class UnusedMemory {
  private readonly clock: Clock;
  private readonly memory: ProcessMemory;
  private cpuMs: number;
  /** What the process had when it last gave memory back. */
  private residentBytes = 0;
  private cancel: () => void;

  constructor(clock: Clock, memory: ProcessMemory = thisProcess) {
    this.clock = clock;
    this.memory = memory;
    this.cpuMs = memory.cpuMs();
    this.cancel = clock.after(lookMs, () => this.look());
  }

  stop(): void {
    this.cancel();
  }

  private look(): void {
    const { memory } = this;
    const isQuiet = memory.cpuMs() - this.cpuMs <= quietCpuMsMax;
    if (isQuiet && memory.residentBytes() >= this.residentBytes + grownBytesMin && memory.heapBytes() <= heapBytesMax) {
      memory.collect();
      this.residentBytes = memory.residentBytes();
    }
    this.cpuMs = memory.cpuMs();
    this.cancel = this.clock.after(lookMs, () => this.look());
  }
}

const thisProcess: ProcessMemory = {
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  residentBytes: () => process.memoryUsage.rss(),
  heapBytes: () => process.memoryUsage().heapUsed,
  collect: () => {
    // Contexts that are made from here on have the function; it is of no use to anything else in a front.
    setFlagsFromString("--expose-gc");
    const collect: NodeJS.GCFunction | undefined = runInNewContext("globalThis.gc");
    collect?.({ type: "major", execution: "sync", flavor: "last-resort" });
  },
};
