/** What `lightcone start` starts database processes with, beside the bound of their heap. */
export const hostFlags: readonly string[] = ["--max-inlined-bytecode-size-cumulative=2000"];
