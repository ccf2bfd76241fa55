/** Time and chance from the machine. */
import type { Clock, Random } from "./runtime.ts";

/** The wall clock tells milliseconds alone. It was set if it differs by more than this from what the steady one says. */
const setMs = 20;
/** Two readings of the steady clock are of one moment if they differ by less. */
const momentMs = 1;
/** How often the clocks are read together at most: a process that is held up in between reads them again. */
const readsMax = 10;

/**
 * Microseconds since 1970, as fine as the steady clock has them and as the wall clock is set, also when it is set while
 * the process runs or the machine has slept, which the steady clock does not tell.
 */
export function wallClock(wallMs: () => number, steadyMs: () => number): () => number {
  let aheadMs = readAhead(wallMs, steadyMs);
  return () => {
    const steady = steadyMs();
    if (Math.abs(wallMs() - steady - aheadMs) > setMs) {
      const newAheadMs = readAhead(wallMs, steadyMs);
      // Else the process was held up between the two readings.
      if (Math.abs(newAheadMs - aheadMs) > setMs) aheadMs = newAheadMs;
    }
    return Math.round((steady + aheadMs) * 1000);
  };
}

/** How far the wall clock is ahead of the steady one. */
function readAhead(wallMs: () => number, steadyMs: () => number): number {
  let aheadMs = 0;
  for (let reads = 0; reads < readsMax; reads += 1) {
    const before = steadyMs();
    // It is in the middle of its millisecond.
    const wall = wallMs() + 0.5;
    const after = steadyMs();
    aheadMs = wall - (before + after) / 2;
    if (after - before < momentMs) break;
  }
  return aheadMs;
}

/** By the global name each reading would ask a getter first. */
const { performance } = globalThis;
const steadyMs = (): number => performance.now();

/** The machine's timers, and its wall clock as it is: in milliseconds. For pages, which carry every word. */
export const plainClock: Clock = {
  nowMicros: () => Date.now() * 1000,
  steadyMs,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** The machine's clock and timers. */
export const realClock: Clock = {
  ...plainClock,
  nowMicros: /* @__PURE__ */ wallClock(() => Date.now(), steadyMs),
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
