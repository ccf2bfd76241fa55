/** A clock that stands until it is told to go on. */
import type { Clock } from "@lightcone/base";

export interface ManualClock extends Clock {
  /** Lets time pass, and runs what falls due, in order. */
  advance(ms: number): void;
  /** How many timers wait. */
  readonly waitingCount: number;
}

export function manualClock(startMicros = 1_700_000_000_000_000): ManualClock {
  let nowMs = 0;
  let timers: { readonly dueMs: number; readonly run: () => void }[] = [];
  return {
    nowMicros: () => startMicros + Math.round(nowMs * 1000),
    steadyMs: () => nowMs,
    after(delayMs, run) {
      const timer = { dueMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const [next] = timers.filter((timer) => timer.dueMs <= endMs).toSorted((a, b) => a.dueMs - b.dueMs);
        if (next === undefined) break;
        nowMs = next.dueMs;
        timers = timers.filter((timer) => timer !== next);
        next.run();
      }
      nowMs = endMs;
    },
    get waitingCount() {
      return timers.length;
    },
  };
}
