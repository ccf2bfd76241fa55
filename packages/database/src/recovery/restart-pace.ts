/**
 * Whether and how soon a host follows one that ended: at once as a rule, and no more after some ends by the module's fault.
 * Those that somebody outside ends soon after they have opened, one behind the other, as a system does that has no memory
 * left, are followed later and later. Whoever asks is held meanwhile, so the delay has a bound.
 */
import type { Clock } from "@lightcone/base";

/** Ends by the module's fault count for so long. */
const crashesKeptMs = 600_000;
/** A host that has lived so long is put down to nothing. */
const longMs = 5000;
/** So many that live shorter are followed at once. */
const atOnceMax = 3;
const firstMs = 100;
const longestMs = 5000;

export class RestartPace {
  private readonly clock: Clock;
  private crashTimesMs: readonly number[] = [];
  private openedMs = 0;
  /** Hosts that were ended soon, one behind the other. */
  private endedCount = 0;
  /** Ends the wait for the next try. */
  hurry: () => void = () => undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** A host has opened. */
  opened(): void {
    this.openedMs = this.clock.steadyMs();
  }

  /** A host has ended. @returns after how many milliseconds the next is started */
  ended(isOutside: boolean): number {
    const isSoon = isOutside && this.clock.steadyMs() - this.openedMs < longMs;
    this.endedCount = isSoon ? this.endedCount + 1 : 0;
    if (this.endedCount <= atOnceMax) return 0;
    return Math.min(longestMs, firstMs * 2 ** (this.endedCount - atOnceMax - 1));
  }

  /** A host has ended by the module's fault, in no function that could be named. */
  crashed(): void {
    const nowMs = this.clock.steadyMs();
    this.crashTimesMs = [...this.crashTimesMs.filter((atMs) => atMs > nowMs - crashesKeptMs), nowMs];
  }

  /** Such ends that still count. */
  get crashCount(): number {
    const fromMs = this.clock.steadyMs() - crashesKeptMs;
    return this.crashTimesMs.filter((atMs) => atMs > fromMs).length;
  }

  /** There is a new program, which may not have the fault of the one before. */
  startAfresh(): void {
    this.crashTimesMs = [];
    this.hurry();
  }

  async wait(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.clock.after(delayMs, resolve);
      this.hurry = () => {
        cancel();
        resolve();
      };
    });
    this.hurry = () => undefined;
  }
}
