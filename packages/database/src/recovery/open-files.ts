/**
 * A database's directory: `log/`, `snapshots/`, `module-log/`, and `founded` once the first two are made.
 *
 * Each of them shows that there was a database. If one is there, or the caller knows of the database, whatever else is
 * missing is lost: opening is refused and nothing is touched. Only a directory with none of them becomes a new database;
 * a crash meanwhile leaves one that still becomes one.
 */
import type { Clock, FileSystem } from "@lightcone/base";
import { LightconeError } from "@lightcone/base";
import {
  isFounded,
  markFounded,
  openLog,
  openSnapshotStore,
  snapshotOffsets,
  type CommitLog,
  type SnapshotStore,
} from "@lightcone/commitlog";
import { toHexReversed } from "@lightcone/sats";
import { defaultDatabaseLimits, type DatabaseLimits } from "../link/limits.ts";
import type { DatabaseIdentity } from "../link/link.ts";

export interface DatabaseDirectory {
  readonly identity: DatabaseIdentity;
  /** Holds this database's log, snapshots and module log. */
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  /** Whether the database was made before, as its caller knows. Default: what stands in the directory says it. */
  readonly mustExist?: boolean;
  /** Opens the log in its directory. Default: one on this machine alone. */
  readonly openLog?: typeof openLog;
  readonly limits?: Partial<DatabaseLimits>;
}

export function moduleLogIn(directory: string): string {
  return `${directory}/module-log`;
}

/** @throws {LightconeError} `Corrupt` with what is missing or damaged, `NewerFormat` */
export async function openFiles(options: DatabaseDirectory): Promise<{ log: CommitLog; snapshots: SnapshotStore }> {
  const { fileSystem, clock, directory, mustExist = false } = options;
  const limits = { ...defaultDatabaseLimits, ...options.limits };
  if (mustExist && !(await fileSystem.exists(directory)))
    throw new LightconeError("Corrupt", { file: directory, reason: "the directory of a database is missing" });
  const owner = toHexReversed(options.identity.database);
  const founded = await isFounded(fileSystem, directory, owner);
  const log = await (options.openLog ?? openLog)({
    fileSystem,
    clock,
    directory: `${directory}/log`,
    reserveBytes: limits.diskReserveBytes,
    headroomBytes: limits.diskHeadroomBytes,
    probeDelayMs: limits.diskProbeMs,
    graceMs: limits.diskGraceMs,
    mustExist: mustExist || founded || (await hasEntries(fileSystem, moduleLogIn(directory))),
    snapshots: await snapshotOffsets(fileSystem, `${directory}/snapshots`),
  });
  try {
    const snapshots = await openSnapshotStore(fileSystem, `${directory}/snapshots`);
    if (!founded) await markFounded(fileSystem, directory, owner);
    return { log, snapshots };
  } catch (error) {
    await log.close();
    throw error;
  }
}

async function hasEntries(fileSystem: FileSystem, directory: string): Promise<boolean> {
  return (await fileSystem.exists(directory)) && (await fileSystem.list(directory)).length > 0;
}
