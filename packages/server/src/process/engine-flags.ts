/**
 * What a host process asks of V8. Set while it runs: a version that no longer knows one goes on without it, where
 * one on the command line would keep the process from starting.
 */
import { setFlagsFromString } from "node:v8";

const flags: readonly string[] = [
  // A call passes through some twenty small functions; the default leaves half of them as calls (a fifth slower), 2000 some (a twentieth).
  "--max-inlined-bytecode-size-cumulative=3000",
  // Rows and messages lie outside the heap. By the default every few megabytes of them that come and go bring about a
  // full collection of a heap in which nothing has changed.
  "--external-memory-accounted-in-global-limit",
];

/** To be called before the code that it is meant for is loaded. */
export function setEngineFlags(): void {
  for (const flag of flags) setFlagsFromString(flag);
}
