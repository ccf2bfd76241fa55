/** `repair`: cuts a damaged log where its owner says, with the server stopped. Nothing else ever cuts one. */
import { realFileSystem } from "@lightcone/base/node";
import { openSnapshotStore, repairCutAt } from "@lightcone/commitlog";
import { CliFailure } from "../failure.ts";
import { lockData, openRegistry } from "../server/data-directory.ts";
import { confirm, declined, print } from "../terminal.ts";

export interface RepairFlags {
  readonly cutAt: string;
  readonly dataDir?: string | undefined;
  readonly yes?: boolean | undefined;
}

export async function repair(database: string, flags: RepairFlags, dataDefault: string): Promise<void> {
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
    const registry = await openRegistry(dataDirectory);
    const record = registry.named(database) ?? registry.get(database);
    await registry.close();
    if (record === undefined) {
      throw new CliFailure(`there is no database ${database} in ${dataDirectory}`, {
        hint: "`lightcone list` shows names and identities while the server runs.",
      });
    }
    const question = `Cut the log of ${database} after offset ${offset}? What comes after it is lost for good.`;
    if (!(await confirm(question, flags.yes === true))) throw declined("Aborting");
    const directory = `${dataDirectory}/${record.directory}`;
    const { keptOffset } = await repairCutAt(realFileSystem, `${directory}/log`, offset);
    const snapshots = await openSnapshotStore(realFileSystem, `${directory}/snapshots`);
    await snapshots.discardAfter(keptOffset);
    print(`The log of ${database} ends at offset ${keptOffset}. Start the server again.`);
  } finally {
    await lock.release();
  }
}
