import { shown } from "./value-codec.ts";

/** @throws {TypeError} when it is no function, which would be found out when it is to run */
export function checkListener(run: unknown): void {
  if (typeof run !== "function") throw new TypeError(`a listener is a function, not ${shown(run)}`);
}

/** Adds what is to run. Returns what takes it away. */
export function listen<Run>(listeners: Set<{ readonly run: Run }>, run: Run): () => void {
  checkListener(run);
  const listener = { run }; // one for each call, so that a function given twice runs twice
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
