/**
 * Databases that could not be opened. Each try costs a process, and anybody may ask. So requests are answered with the
 * error of the last try until the delay is over; the delay doubles with each failure.
 */
import type { Clock } from "@lightcone/base";

const firstMs = 1000;
const longestMs = 60_000;

interface Failed {
  readonly error: unknown;
  readonly againMs: number;
  /** The steady time before which it is not tried again. */
  readonly notBeforeMs: number;
}

export class FailedOpenings {
  private readonly clock: Clock;
  private readonly failed = new Map<string, Failed>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Notes a failure. @returns the delay until the next try, in milliseconds */
  add(identityHex: string, error: unknown): number {
    const before = this.failed.get(identityHex);
    const againMs = before === undefined ? firstMs : Math.min(longestMs, before.againMs * 2);
    this.failed.set(identityHex, { error, againMs, notBeforeMs: this.clock.steadyMs() + againMs });
    return againMs;
  }

  /** Forgets the failures of a database that is open or gone. */
  delete(identityHex: string): void {
    this.failed.delete(identityHex);
  }

  /** @throws {unknown} the error of the last try, while the delay lasts */
  check(identityHex: string): void {
    const failed = this.failed.get(identityHex);
    if (failed !== undefined && this.clock.steadyMs() < failed.notBeforeMs) throw failed.error;
  }
}
