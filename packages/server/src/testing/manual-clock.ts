/** A clock that moves when a test says so. */
import type { Clock } from "@lightcone/base";

export class ManualClock implements Clock {
  nowMs = 1_750_000_000_000;
  /** How far the wall clock is ahead of the steady one. */
  aheadMs = 0;
  private readonly timers: { readonly atMs: number; readonly run: () => void }[] = [];

  nowMicros(): number {
    return (this.nowMs + this.aheadMs) * 1000;
  }
  steadyMs(): number {
    return this.nowMs;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, run };
    this.timers.push(timer);
    return () => {
      const at = this.timers.indexOf(timer);
      if (at >= 0) this.timers.splice(at, 1);
    };
  }

  /** Moves on, running what falls due on the way, in order. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      let next: { readonly atMs: number; readonly run: () => void } | undefined;
      for (const timer of this.timers) if (timer.atMs <= endMs && timer.atMs < (next?.atMs ?? Infinity)) next = timer;
      if (next === undefined) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }
}
