/** A server's data, looked at by a command while no server has it. */
import { realClock } from "@lightcone/base";
import { lockDirectory, realFileSystem, type DirectoryLock } from "@lightcone/base/node";
import { makeServerLimits, makeServerLog, Registry } from "@lightcone/server";

/** A server that was killed may take a moment to be gone. */
const lockWaitMs = 1000;

/** Keeps servers and other commands out. */
export function lockData(dataDirectory: string): Promise<DirectoryLock> {
  return lockDirectory(dataDirectory, { clock: realClock, waitMs: lockWaitMs });
}

/** The list of databases, which must be there. The caller holds the directory's lock, and closes it. */
export function openRegistry(dataDirectory: string): Promise<Registry> {
  const log = makeServerLog("silent");
  const limits = makeServerLimits();
  return Registry.open({ files: realFileSystem, clock: realClock, dataDirectory, mustExist: true, limits, log });
}
