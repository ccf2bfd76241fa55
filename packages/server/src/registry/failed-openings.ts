/**
 * Databases that could not be opened. To try costs a process, and anybody may ask: so who asks is told what the last try
 * said, until it is time for another, and that time doubles with each.
 */
import type { Clock } from "@lightcone/base";

const firstMs = 1000;
const longestMs = 60_000;

interface Failed {
  readonly error: unknown;
  readonly againMs: number;
  /** When it may be tried again, by the steady clock. */
  readonly notBeforeMs: number;
}

export class FailedOpenings {
  private readonly clock: Clock;
  private readonly failed = new Map<string, Failed>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** A database could not be opened. @returns after what time it may be tried again */
  add(identityHex: string, error: unknown): number {
    const before = this.failed.get(identityHex);
    const againMs = before === undefined ? firstMs : Math.min(longestMs, before.againMs * 2);
    this.failed.set(identityHex, { error, againMs, notBeforeMs: this.clock.steadyMs() + againMs });
    return againMs;
  }

  /** It is open, or gone. */
  delete(identityHex: string): void {
    this.failed.delete(identityHex);
  }

  /** @throws {unknown} what the last try said, as long as it is too early for another */
  check(identityHex: string): void {
    const failed = this.failed.get(identityHex);
    if (failed !== undefined && this.clock.steadyMs() < failed.notBeforeMs) throw failed.error;
  }
}
