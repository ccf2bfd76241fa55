/** The memory of a host process. */
import { readFile } from "node:fs/promises";

/** The memory of a fresh host, used until it was measured. */
export const hostBytesGuess: number = 48 * 1024 ** 2;

/**
 * The proportional set size of a process: its private memory, and its share of what it has in common with others, such
 * as the code of Node. Undefined when the process is gone or the system does not tell.
 */
export async function proportionalBytes(pid: number): Promise<number | undefined> {
  if (process.platform !== "linux") return undefined;
  try {
    const found = /^Pss:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, "latin1"));
    return found === null ? undefined : Number(found[1]) * 1024;
  } catch {
    return undefined;
  }
}
