/**
 * Work that is ended at its time without a thread of its own.
 *
 * A `vm` script with a time-out starts and ends a thread each time, which costs more than a small call does. V8's inspector ends
 * what it evaluates as well, by a timer that the process has already. It is asked from within this thread: no port is opened, and
 * nobody outside sees it.
 *
 *   runTimed ─▶ Runtime.evaluate("work()", timeout), in a context that has only `work` ─▶ work
 *
 * While the inspector evaluates, V8 runs no microtasks of the context that it evaluates in. That one has a queue of its own, so
 * that what modules leave to promises can be run within the work (`module-promises.ts`).
 */
import { Session, url } from "node:inspector";
import { createContext } from "node:vm";

interface Evaluator {
  /** Ends `work` of the context past every `catch` and `finally` when it takes longer. */
  evaluate(work: () => void, timeoutMs: number): void;
}

const name = "lightcone-timed";
const nothing = (): void => undefined;

function makeEvaluator(): Evaluator | undefined {
  const globals = { work: nothing };
  try {
    const session = new Session();
    session.connect();
    createContext(globals, { name, microtaskMode: "afterEvaluate" });
    let contextId: number | undefined;
    session.on("Runtime.executionContextCreated", ({ params: { context } }) => {
      if (context.name === name) ({ id: contextId } = context);
    });
    session.post("Runtime.enable"); // tells all contexts
    session.post("Runtime.disable");
    if (contextId === undefined) return undefined;
    const params = { expression: `work()\n//# sourceURL=${name}`, silent: true, contextId };
    return {
      evaluate: (work, timeout) => {
        globals.work = work;
        session.post("Runtime.evaluate", { ...params, timeout });
        globals.work = nothing;
      },
    };
  } catch {
    return undefined; // a Node without an inspector, or one that does not give it out
  }
}

/** Of this thread; undefined before it is first needed, and where there is none. */
let evaluator: Evaluator | undefined;
let isMade = false;

/**
 * Runs `work`, which is ended past every `catch` and `finally` when it takes longer.
 *
 * @returns whether it came to its end; undefined when it was not run: this process has no inspector, or somebody debugs it by that,
 *   and time goes on at a break point
 * @throws whatever it throws
 */
export function runTimed(work: () => void, timeoutMs: number): boolean | undefined {
  if (url() !== undefined) return undefined;
  if (!isMade) {
    isMade = true;
    evaluator = makeEvaluator();
  }
  if (evaluator === undefined) return undefined;
  const outcome: { hasBegun: boolean; isDone: boolean; thrown?: { readonly error: unknown } } = {
    hasBegun: false,
    isDone: false,
  };
  evaluator.evaluate(() => {
    outcome.hasBegun = true;
    try {
      work();
    } catch (error) {
      outcome.thrown = { error };
    }
    outcome.isDone = true;
  }, timeoutMs);
  const { hasBegun, isDone, thrown } = outcome;
  if (thrown !== undefined) throw thrown.error;
  return hasBegun ? isDone : undefined;
}
