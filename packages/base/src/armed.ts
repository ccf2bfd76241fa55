/**
 * An armed stretch of work: what runs in it can be ended from outside.
 *
 * V8 can end a loop of JavaScript or WebAssembly in its own thread, past every `catch` and `finally`. Node gives
 * that out through the options of a `vm` script alone.
 */
import { Script } from "node:vm";

/** Ends work that takes too long. */
export interface Guard {
  /** How long a stretch should be, for what arming costs to be little beside it. */
  readonly stretchMs: number;
  /**
   * Runs `work`; returns false when it ran longer than `budgetMs` and was ended. Exceptions pass.
   * `work` may not ask for a stretch of its own.
   */
  run(work: () => void, budgetMs: number): boolean;
}

/** How a stretch is ended: by time, which starts a thread and costs 0.1 ms, by the process's SIGINT, or by either. */
export type Arming = { readonly timeout: number; readonly breakOnSigint?: true } | { readonly breakOnSigint: true };

const hook = Symbol.for("lightcone.armed");
const script = new Script(`globalThis[Symbol.for("lightcone.armed")]()`, { filename: "lightcone-armed" });

/** Runs `work`; returns false when it was ended. Exceptions pass. */
export function runArmed(work: () => void, arming: Arming): boolean {
  Reflect.set(globalThis, hook, work);
  try {
    script.runInThisContext({ ...arming, displayErrors: false });
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

/** Works in every process and thread. */
export const timeoutGuard: Guard = {
  stretchMs: 3,
  run: (work, budgetMs) => runArmed(work, { timeout: budgetMs }),
};
