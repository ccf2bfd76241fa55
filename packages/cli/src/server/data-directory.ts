/** A server's data, looked at by a command while no server has it. */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { makeServerLimits, makeServerLog, Registry } from "@lightcone/server";

/** The list of databases, which must be there. The caller holds the directory's lock, and closes it. */
export function openRegistry(dataDirectory: string): Promise<Registry> {
  const log = makeServerLog("silent");
  const limits = makeServerLimits();
  return Registry.open({ files: realFileSystem, clock: realClock, dataDirectory, mustExist: true, limits, log });
}
