/** Adds what is to run. Returns what takes it away. */
export function listen<Run>(listeners: Set<{ readonly run: Run }>, run: Run): () => void {
  const listener = { run }; // one for each call, so that a function given twice runs twice
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
