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
      const part = target.subarray(at, Math.min(at + 65_536, target.length));
      crypto.getRandomValues(part as Uint8Array<ArrayBuffer>); // shared memory would be refused as it runs
    }
    return target;
  },
};
