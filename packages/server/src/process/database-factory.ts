/** What a host process opens: a database over the machine's files and clock. */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openDatabase, type DatabaseLimits, type Resume } from "@lightcone/database";
import { fromHex } from "@lightcone/sats";
import type { Activity } from "./activity.ts";
import type { OpenedDatabase } from "./host-driver.ts";
import type { HostRecord } from "./open-host-process.ts";

/** What a front tells its hosts beside the record. */
export interface HostSettings {
  readonly limits: Partial<DatabaseLimits>;
}

export async function openHostDatabase(
  record: HostRecord,
  resume: Resume | undefined,
  activity: Activity,
): Promise<OpenedDatabase> {
  const database = await openDatabase({
    identity: { database: fromHex(record.identity).reverse(), owner: fromHex(record.owner).reverse() },
    directory: record.directory,
    fileSystem: realFileSystem,
    clock: realClock,
    limits: settingsOf(record.settings).limits,
    resume,
    activity,
  });
  return { link: database, handles: database.resumed };
}

function settingsOf(settings: unknown): HostSettings {
  return settings !== null && typeof settings === "object" && "limits" in settings
    ? (settings as HostSettings)
    : { limits: {} };
}
