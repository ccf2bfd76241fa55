/**
 * The time as the job that runs sees it.
 *
 * Reading the machine's clock costs as much as a small part of a call, and jobs follow each other at once: so the
 * end of one is the beginning of the next, and each reads the clock once. Between turns every question reads it.
 */
import type { Clock } from "@lightcone/base";

export class JobClock {
  private readonly clock: Clock;
  private isInTurn = false;
  private steadyMs = 0;
  /** What the steady clock lags behind the wall's, in this turn. */
  private aheadMicros = 0;
  private jobFromMs = 0;
  /** Whether the clock was read since the job began. */
  private wasRead = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  turnStarts(): void {
    this.isInTurn = true;
    this.aheadMicros = this.clock.nowMicros() - this.look() * 1000;
  }

  turnEnds(): void {
    this.isInTurn = false;
  }

  jobStarts(): void {
    if (!this.wasRead) this.look();
    this.jobFromMs = this.steadyMs;
    this.wasRead = false;
  }

  /** What the clock said when it was last read: when the present job began, or later. */
  get latestMs(): number {
    return this.steadyMs;
  }

  /** Reads the clock: milliseconds that never go back. */
  look(): number {
    this.steadyMs = this.clock.steadyMs();
    this.wasRead = true;
    return this.steadyMs;
  }

  /** How long the present job has run. */
  durationMicros(): number {
    return Math.round((this.look() - this.jobFromMs) * 1000);
  }

  /** Now, in microseconds since 1970; within a job, when it began. */
  nowMicros(): number {
    return this.isInTurn ? Math.round(this.steadyMs * 1000 + this.aheadMicros) : this.clock.nowMicros();
  }
}
