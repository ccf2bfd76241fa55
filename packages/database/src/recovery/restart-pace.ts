/**
 * How soon a host follows one that somebody outside ended: at once as a rule, and later and later where each is ended soon
 * after it has opened, as by a system that has no memory left. Whoever asks is held meanwhile, so the delay has a bound.
 */
import type { Clock } from "@lightcone/base";

/** A host that has lived so long is put down to nothing. */
const longMs = 5000;
/** So many that live shorter are followed at once. */
const atOnceMax = 3;
const firstMs = 100;
const longestMs = 5000;

export class RestartPace {
  private readonly clock: Clock;
  private openedMs = 0;
  /** Hosts that were ended soon, one behind the other. */
  private endedCount = 0;

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
    return isSoon && this.endedCount > atOnceMax
      ? Math.min(longestMs, firstMs * 2 ** (this.endedCount - atOnceMax - 1))
      : 0;
  }
}
