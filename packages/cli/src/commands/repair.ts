/**
 * `repair`: cuts a damaged log where its owner says, with the server stopped. Nothing else ever cuts one. The log of the
 * registry, which says what databases there are, is one like theirs.
 */
import { realFileSystem } from "@lightcone/base/node";
import { openSnapshotStore, repairCutAt } from "@lightcone/commitlog";
import { clearDirectory } from "@lightcone/server";
import { CliFailure } from "../failure.ts";
import { lockData, openRegistry } from "../server/data-directory.ts";
import { confirm, declined, print } from "../terminal.ts";

export interface RepairFlags {
  readonly cutAt: string;
  readonly registry?: boolean | undefined;
  readonly dataDir?: string | undefined;
  readonly yes?: boolean | undefined;
}

export async function repair(database: string | undefined, flags: RepairFlags, dataDefault: string): Promise<void> {
  if ((database === undefined) !== (flags.registry === true))
    throw new CliFailure("repair takes the name of a database, or --registry", { exitCode: 2 });
  const offset = Number(flags.cutAt);
  if (!Number.isSafeInteger(offset) || offset < -1) {
    throw new CliFailure(`--cut-at takes the offset of the last record to keep, not ${flags.cutAt}`);
  }
  const dataDirectory = flags.dataDir ?? dataDefault;
  if (!(await realFileSystem.exists(dataDirectory))) {
    throw new CliFailure(`there is no data in ${dataDirectory}`, { hint: "Name the server's data with --data-dir." });
  }
  const lock = await lockData(dataDirectory);
  try {
    const directory = `${dataDirectory}/${database === undefined ? "registry" : await directoryOf(dataDirectory, database)}`;
    const what = database ?? "the registry";
    const question = `Cut the log of ${what} after offset ${offset}? What comes after it is lost for good.`;
    if (!(await confirm(question, flags.yes === true))) throw declined("Aborting");
    const { keptOffset } = await repairCutAt(realFileSystem, `${directory}/log`, offset);
    const snapshots = await openSnapshotStore(realFileSystem, `${directory}/snapshots`);
    await snapshots.discardAfter(keptOffset);
    if (database === undefined) await spareDirectories(dataDirectory);
    print(`The log of ${what} ends at offset ${keptOffset}. Start the server again.`);
  } finally {
    await lock.release();
  }
}

/** Where a database's files are, below the data directory. @throws {CliFailure} when there is no such database */
async function directoryOf(dataDirectory: string, database: string): Promise<string> {
  const registry = await openRegistry(dataDirectory);
  const record = registry.named(database) ?? registry.get(database);
  await registry.close();
  if (record !== undefined) return record.directory;
  throw new CliFailure(`there is no database ${database} in ${dataDirectory}`, {
    hint: "`lightcone list` shows names and identities while the server runs.",
  });
}

/**
 * A directory that was being filled where the registry's log was cut may since have become a database's: the next start
 * must not remove it as unfinished. It reports it, and leaves it alone.
 */
async function spareDirectories(dataDirectory: string): Promise<void> {
  const registry = await openRegistry(dataDirectory);
  for (const directory of [...registry.state.doomed]) await registry.change(clearDirectory(directory));
  await registry.close();
}
