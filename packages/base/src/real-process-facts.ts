/** Processes of the machine, told apart beyond their numbers. Linux has all facts; elsewhere the number alone decides. */
import os from "node:os";
import type { FileSystem, ProcessFacts, ProcessIdentity } from "./runtime.ts";
import { readWholeFile } from "./whole-file.ts";

/** The facts about processes of this machine, read through `fileSystem`. */
export function realProcessFacts(fileSystem: FileSystem): ProcessFacts {
  return {
    own: async (): Promise<ProcessIdentity> => ({
      pid: process.pid,
      startedAt: (await startTicks(fileSystem, process.pid)) ?? 0,
      bootId: (await readText(fileSystem, "/proc/sys/kernel/random/boot_id"))?.trim() ?? "unknown",
      host: os.hostname(),
    }),
    async isRunning(identity): Promise<boolean> {
      if (!hasProcess(identity.pid)) return false;
      const startedAt = await startTicks(fileSystem, identity.pid);
      // Where the start cannot be read, a process of that number must count as the one that was meant.
      return startedAt === undefined || startedAt === identity.startedAt;
    },
  };
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The process's start in clock ticks since the machine's, the 22nd field of its `stat`. */
async function startTicks(fileSystem: FileSystem, pid: number): Promise<number | undefined> {
  const stat = await readText(fileSystem, `/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in brackets and may hold anything, brackets and spaces too.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[19]);
  return Number.isSafeInteger(ticks) ? ticks : undefined;
}

async function readText(fileSystem: FileSystem, path: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await readWholeFile(fileSystem, path));
  } catch {
    return undefined; // not Linux, or the process is gone
  }
}
