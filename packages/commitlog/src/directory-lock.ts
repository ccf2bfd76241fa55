/**
 * One process per data directory.
 *
 * The lock is a file whose *name* is the whole record of its holder: process number, start of the process,
 * start of the machine, host. Whoever wants the directory creates a file of its own, then lists the others:
 * a file whose process no longer runs is removed, one whose process does is reason to give way. Since each
 * creates before it lists, of two that come at once at least one sees the other: never two holders, at worst
 * none. There is no moment at which a file stands without its content, and nothing is ever taken over, so
 * `kill -9` at any point, numbers that are used again and a machine that restarted need no special care.
 */
import type { FileSystem, ProcessFacts, ProcessIdentity } from "@lightcone/base";
import { LightconeError } from "@lightcone/base";
import { systemCode } from "./block.ts";

export interface DirectoryLock {
  /** Lets the next process in. */
  release(): Promise<void>;
}

function lockName(identity: ProcessIdentity): string {
  const bootId = encodeURIComponent(identity.bootId.slice(0, 40)).replaceAll(".", "%2E");
  const host = encodeURIComponent(identity.host.slice(0, 40)).replaceAll(".", "%2E");
  return `lock.${identity.pid}.${identity.startedAt}.${bootId}.${host}`;
}

/**
 * Locks a directory, which must exist.
 *
 * A holder on another host cannot be asked whether it still runs and counts as running.
 *
 * @throws {LightconeError} `DataDirectoryLocked` with the holder's process number
 */
export async function lockDirectory(fileSystem: FileSystem, path: string, facts: ProcessFacts): Promise<DirectoryLock> {
  const own = await facts.own();
  const ownName = lockName(own);
  const [, , , ownBoot, ownHost] = ownName.split(".");
  const ownPath = `${path}/${ownName}`;
  try {
    await (await fileSystem.open(ownPath, "create-new")).close();
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
    throw new LightconeError("DataDirectoryLocked", { path, pid: own.pid }, { cause: error });
  }
  try {
    await fileSystem.syncDirectory(path);
    for (const name of await fileSystem.list(path)) {
      if (name === ownName) continue;
      const match = /^lock\.(\d+)\.(\d+)\.([^.]*)\.([^.]*)$/.exec(name);
      if (match === null) continue;
      const [, pidText, startedText, boot, host] = match;
      const pid = Number(pidText);
      const isSameHost = host === ownHost;
      const isSameBoot = boot === ownBoot;
      const other: ProcessIdentity = { pid, startedAt: Number(startedText), bootId: own.bootId, host: own.host };
      if (!isSameHost)
        throw new LightconeError("DataDirectoryLocked", { path, pid, host: (host ?? "").replaceAll("%2E", ".") });
      if (isSameBoot && (await facts.isRunning(other))) throw new LightconeError("DataDirectoryLocked", { path, pid });
      await removeIfThere(fileSystem, `${path}/${name}`);
    }
  } catch (error) {
    await removeIfThere(fileSystem, ownPath);
    throw error;
  }
  return {
    async release(): Promise<void> {
      await removeIfThere(fileSystem, ownPath);
      await fileSystem.syncDirectory(path);
    },
  };
}

/** Two that come at once may both remove the same dead file. */
async function removeIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.remove(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}
