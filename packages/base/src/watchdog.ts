/**
 * Work that can be ended from outside, and who ends it when it takes too long.
 *
 * V8 can end a loop of JavaScript or WebAssembly in its own thread, past every `catch` and `finally`. Node gives
 * that out through the options of a `vm` script alone.
 */
import { Script } from "node:vm";
import { runTimed } from "./timed-work.ts";
import { Asked, askedWord, CriticalSection, sectionMsMax } from "./critical-section.ts";

/** Ends work that takes too long. */
export interface Watchdog {
  /** How long a time slice should be, for what starting one costs to be little beside it. */
  readonly sliceMs: number;
  /** What the work may not be ended in. */
  readonly critical: CriticalSection;
  /**
   * Runs `work`; returns false when it ran longer than `budgetMs` and was ended. Exceptions pass.
   * `work` may not run anything interruptible of its own, but through `runWithin`.
   */
  run(work: () => void, budgetMs: number): boolean;
  /**
   * Runs `work` as `run` does, within work that runs, or outside of any. It has a budget of its own, during which that of the
   * work around it stands still; it may be ended although sections are open around it, and opens none itself: it is ended
   * right at its time. False without having run it when the work around it has to end.
   */
  runWithin(work: () => void, budgetMs: number): boolean;
}

/** What ends it: time, the process's SIGINT, or either, which starts a thread and costs 0.1 ms. */
export type Interrupts = { readonly timeout: number; readonly breakOnSigint?: true } | { readonly breakOnSigint: true };

// Kept: where a module is ended in a process of others, there is none.
const steadyClock = performance;
const hook = Symbol.for("lightcone.interruptible");
const script = new Script(`globalThis[Symbol.for("lightcone.interruptible")]()`, {
  filename: "lightcone-interruptible",
});

/** Runs `work`; returns false when it was ended. Exceptions pass. */
export function runInterruptible(work: () => void, by: Interrupts): boolean {
  if ("timeout" in by && by.breakOnSigint === undefined) {
    const isDone = runTimed(work, by.timeout);
    if (isDone !== undefined) return isDone;
  }
  Reflect.set(globalThis, hook, work);
  try {
    script.runInThisContext({ ...by, displayErrors: false });
    return true;
  } catch (error) {
    if (wasEnded(error)) return false;
    throw error;
  }
}

function wasEnded(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  return error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT" || error.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
}

/**
 * Runs `work`, which looks at the clock when it comes to a critical section. What comes to none is ended a while after its
 * time, when sections that were open by then are over.
 *
 * @param interrupts what ends it besides
 */
export function runByTheClock(
  work: () => void,
  budgetMs: number,
  critical: CriticalSection,
  interrupts?: { readonly breakOnSigint: true },
): boolean {
  const { untilMs, timerMs, words } = critical;
  const asked = words[askedWord] as number; // there are two words
  const timeout = budgetMs + sectionMsMax;
  critical.reset();
  const fromMs = steadyClock.now();
  critical.untilMs = fromMs + budgetMs;
  critical.timerMs = fromMs + timeout;
  words[askedWord] = Asked.toLookAtTheClock;
  try {
    return runInterruptible(work, { timeout, ...interrupts });
  } finally {
    // Work around this one goes on where it was.
    critical.untilMs = untilMs + steadyClock.now() - fromMs;
    critical.timerMs = timerMs;
    words[askedWord] = asked;
  }
}

/** Runs `work`, which opens no section, as `Watchdog.runWithin` says. Its time ends before the timer of the work around it does. */
export function runWithinByTheClock(
  work: () => void,
  budgetMs: number,
  critical: CriticalSection,
  interrupts?: { readonly breakOnSigint: true },
): boolean {
  const goOn = critical.setAside();
  const fromMs = steadyClock.now();
  const { untilMs, timerMs } = critical;
  // A timer that ends the work around this one would end it in the section that is set aside.
  const timeout = Math.floor(Math.min(budgetMs, timerMs - fromMs - timerMarginMs));
  try {
    return timeout > 0 && runInterruptible(work, { timeout, ...interrupts });
  } finally {
    critical.untilMs = untilMs + steadyClock.now() - fromMs;
    goOn();
  }
}

/** How late a timer may be. */
const timerMarginMs = 100;

/** Works in every process and thread. One for each database. */
export class TimeoutWatchdog implements Watchdog {
  readonly sliceMs: number = 3;
  readonly critical: CriticalSection = new CriticalSection();

  run(work: () => void, budgetMs: number): boolean {
    return runByTheClock(work, budgetMs, this.critical);
  }

  runWithin(work: () => void, budgetMs: number): boolean {
    return runWithinByTheClock(work, budgetMs, this.critical);
  }
}
