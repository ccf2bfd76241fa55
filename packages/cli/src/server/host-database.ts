/** What a host process runs: opens the database that its front names, with the files and clock of the machine. */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openDatabase, type Database, type DatabaseLimits, type Resume } from "@lightcone/database";
import { fromHex } from "@lightcone/sats";
import type { HostRecord } from "@lightcone/server";

/** What the front tells every host. */
export interface HostSettings {
  readonly limits: Partial<DatabaseLimits>;
}

export async function openHostDatabase(
  record: HostRecord,
  resume: Resume | undefined,
): Promise<{ readonly link: Database; readonly handles: Database["resumed"] }> {
  // `open-host.ts` wrote the settings.
  const { limits } = record.settings as HostSettings;
  const link = await openDatabase({
    identity: { database: identityBytes(record.identity), owner: identityBytes(record.owner) },
    directory: record.directory,
    fileSystem: realFileSystem,
    clock: realClock,
    limits,
    ...(resume === undefined ? {} : { resume }),
  });
  return { link, handles: link.resumed };
}

/** An identity's digits are big-endian, its bytes little-endian. */
function identityBytes(hex: string): Uint8Array {
  return fromHex(hex).reverse();
}
