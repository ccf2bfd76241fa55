/**
 * When parked databases have to be woken, with one timer for all. When the wall clock is set back, the times are no longer
 * valid: a row that runs each minute would wait for as long as the clock was set back. All are then looked into.
 */
import type { Clock } from "@lightcone/base";
import type { WakeReason } from "@lightcone/database/front";

/** The longest timer, so that a change of the wall clock is noticed. */
const timerMsMax = 5000;
/** Smaller steps back are ignored. */
const setBackMsMin = 1000;

export class WakeTimes {
  private readonly clock: Clock;
  private readonly wake: (identityHex: string, why: WakeReason) => void;
  /** Microseconds since 1970, by database. */
  private readonly due = new Map<string, number>();
  private cancel: (() => void) | undefined;
  private armedMicros = Infinity;
  /** The difference of wall clock and steady clock when it was last read. */
  private aheadMs = -Infinity;

  /** @param wake is called once for each database that is due, and for all when the clock was set back */
  constructor(clock: Clock, wake: (identityHex: string, why: WakeReason) => void) {
    this.clock = clock;
    this.wake = wake;
  }

  set(identityHex: string, dueMicros: number): void {
    if (this.due.size === 0) this.aheadMs = this.readAhead();
    this.due.set(identityHex, dueMicros);
    if (dueMicros < this.armedMicros) this.arm(dueMicros);
  }

  /** Forgets a database; the timer may still fire, and does nothing. */
  delete(identityHex: string): void {
    this.due.delete(identityHex);
  }

  stop(): void {
    this.cancel?.();
    this.due.clear();
  }

  private arm(dueMicros: number): void {
    this.cancel?.();
    this.armedMicros = dueMicros;
    const delayMs = Math.max(0, (dueMicros - this.clock.nowMicros()) / 1000);
    this.cancel = this.clock.after(Math.min(delayMs, timerMsMax), () => this.ring());
  }

  private ring(): void {
    this.armedMicros = Infinity;
    const aheadMs = this.readAhead();
    const wasSetBack = aheadMs < this.aheadMs - setBackMsMin;
    this.aheadMs = aheadMs;
    const nowMicros = this.clock.nowMicros();
    const due: string[] = [];
    let next = Infinity;
    for (const [identityHex, dueMicros] of this.due) {
      if (wasSetBack || dueMicros <= nowMicros) due.push(identityHex);
      else next = Math.min(next, dueMicros);
    }
    for (const identityHex of due) this.due.delete(identityHex);
    if (next < Infinity) this.arm(next);
    for (const identityHex of due) this.wake(identityHex, wasSetBack ? "look" : "schedule");
  }

  private readAhead(): number {
    return this.clock.nowMicros() / 1000 - this.clock.steadyMs();
  }
}
