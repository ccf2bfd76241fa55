/** Time and chance from the machine. */
import type { Clock, Random } from "./runtime.ts";

/** The machine's clock and timers. */
export const realClock: Clock = {
  nowMicros: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
  steadyMs: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The machine's source of unpredictable bytes. */
export const realRandom: Random = {
  fill: (target) => {
    // The platform hands out at most 65,536 bytes a call.
    for (let at = 0; at < target.length; at += 65_536) {
      crypto.getRandomValues(target.subarray(at, Math.min(at + 65_536, target.length)));
    }
    return target;
  },
};
