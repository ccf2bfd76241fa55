/**
 * When databases that rest want to be woken: one timer for them all. When the wall clock is set back, nobody knows any
 * more: a row that is due each minute would wait for as long as that was.
 */
import type { Clock } from "@lightcone/base";
import type { WakeReason } from "@lightcone/database/front";

/** A timer is set for no longer than this, so that a wall clock that is set is noticed. */
const timerMsMax = 5000;
/** One that was set back by less is as good as one that was not. */
const setBackMsMin = 1000;

export class WakeTimes {
  private readonly clock: Clock;
  private readonly wake: (identityHex: string, why: WakeReason) => void;
  /** Microseconds since 1970, by database. */
  private readonly due = new Map<string, number>();
  private cancel: (() => void) | undefined;
  private armedMicros = Infinity;
  /** How far the wall clock was ahead of the steady one when it was last looked at. */
  private aheadMs = -Infinity;

  /** @param wake is called once for each database whose time has come, or of which nobody knows when it comes */
  constructor(clock: Clock, wake: (identityHex: string, why: WakeReason) => void) {
    this.clock = clock;
    this.wake = wake;
  }

  set(identityHex: string, dueMicros: number): void {
    if (this.due.size === 0) this.aheadMs = this.readAhead();
    this.due.set(identityHex, dueMicros);
    if (dueMicros < this.armedMicros) this.arm(dueMicros);
  }

  /** A timer that is set for it finds nothing to do. */
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
