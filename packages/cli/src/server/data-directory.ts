/** A server's data, looked at by a command while no server has it. */
import { realClock } from "@lightcone/base";
import { lockDirectory, realFileSystem, type DirectoryLock } from "@lightcone/base/node";
import { makeServerLimits, makeServerLog, Registry, type DatabaseRecord } from "@lightcone/server";
import { CliFailure } from "../failure.ts";

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

/** A database by its name or identity. The caller holds the directory's lock. @throws {CliFailure} when there is none */
export async function findDatabase(dataDirectory: string, database: string): Promise<DatabaseRecord> {
  const registry = await openRegistry(dataDirectory);
  const record = registry.named(database) ?? registry.get(database);
  await registry.close();
  if (record !== undefined) return record;
  throw new CliFailure(`there is no database ${database} in ${dataDirectory}`, {
    hint: "`lightcone list` shows names and identities while the server runs.",
  });
}
