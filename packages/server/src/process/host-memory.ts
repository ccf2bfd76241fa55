/** What a host process takes of the machine's memory. */
import { readFile } from "node:fs/promises";

/** What a host counts with whose memory is not known: a fresh one. */
export const hostBytesGuess: number = 48 * 1024 ** 2;

/**
 * The proportional set size of a process: what it has for itself, and its share of what it has in common with others,
 * as all hosts have the code of Node. Undefined when the process is gone or the system does not say.
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
