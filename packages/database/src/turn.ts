/**
 * One armed stretch of work: what runs in it is ended when it takes too long.
 *
 * A `vm` time-out is the one means that ends a loop of JavaScript or WebAssembly in the same thread. It
 * passes every `catch` and `finally` of what it ends. Arming costs about 0.1 ms, so a turn runs many jobs.
 */
import { Script } from "node:vm";

const hook = Symbol.for("lightcone.turn");
const script = new Script(`globalThis[Symbol.for("lightcone.turn")]()`, { filename: "lightcone-turn" });

/** Runs `work`; returns false when it ran longer than `timeoutMs` and was ended. Other exceptions pass. */
export function runArmed(work: () => void, timeoutMs: number): boolean {
  Reflect.set(globalThis, hook, work);
  try {
    script.runInThisContext({ timeout: timeoutMs, displayErrors: false });
    return true;
  } catch (error) {
    if (isTimeout(error)) return false;
    throw error;
  }
}

/** Whether an exception is the time-out of an armed stretch. Nothing may swallow it. */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}
