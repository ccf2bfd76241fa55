/** What a host process opens: a database over the machine's files and clock. */
import { isLightconeError, realClock } from "@lightcone/base";
import { realFileSystem, realProcessFacts } from "@lightcone/base/node";
import { lockDirectory } from "@lightcone/commitlog";
import { prepareSandbox } from "@lightcone/host-js";
import { openDatabase, type DatabaseLimits, type Resume } from "@lightcone/database";
import { fromHex } from "@lightcone/sats";
import type { OpenedDatabase } from "./host-driver.ts";
import type { HostRecord } from "./open-host-process.ts";
import type { Watch } from "./watch.ts";

/** What a front tells its hosts beside the record. */
export interface HostSettings {
  readonly limits: Partial<DatabaseLimits>;
}

/** Makes ready what every database needs. */
export function prepareHost(): void {
  prepareSandbox();
}

export async function openHostDatabase(
  record: HostRecord,
  resume: Resume | undefined,
  watch: Watch,
): Promise<OpenedDatabase> {
  if (record.isNew) await realFileSystem.makeDirectory(record.directory);
  // A directory that is missing holds nothing to lock; `openDatabase` refuses it.
  if (await realFileSystem.exists(record.directory)) await lockWhenFree(record.directory);
  const database = await openDatabase({
    identity: { database: fromHex(record.identity).reverse(), owner: fromHex(record.owner).reverse() },
    directory: record.directory,
    fileSystem: realFileSystem,
    clock: realClock,
    mustExist: !record.isNew,
    limits: settingsOf(record.settings).limits,
    resume,
    ...watch,
  });
  return { link: database, handles: database.resumed };
}

/** How long a host whose front ended may take to end as well. */
const lockWaitMs = 5000;
const lockTryMs = 20;

/** Locks a database's files until this process ends; a host that is on its way out is waited for. */
async function lockWhenFree(directory: string): Promise<void> {
  const until = realClock.steadyMs() + lockWaitMs;
  for (;;) {
    try {
      await lockDirectory(realFileSystem, directory, realProcessFacts(realFileSystem));
      return;
    } catch (error) {
      if (!isLightconeError(error, "DataDirectoryLocked") || realClock.steadyMs() > until) throw error;
      await new Promise<void>((resolve) => void realClock.after(lockTryMs, resolve));
    }
  }
}

function settingsOf(settings: unknown): HostSettings {
  return settings !== null && typeof settings === "object" && "limits" in settings
    ? (settings as HostSettings)
    : { limits: {} };
}
