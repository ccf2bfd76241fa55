/** What a host process opens: a database over the machine's files and clock. */
import { LightconeError, realClock } from "@lightcone/base";
import { checkPromiseHooks, fileFailure, lockDirectory, realFileSystem } from "@lightcone/base/node";
import { prepareSandbox } from "@lightcone/host-js";
import { openDatabase, type DatabaseLimits, type Resume } from "@lightcone/database";
import { fromHex } from "@lightcone/sats";
import { ProcedureHttp, type HttpReach } from "../outgoing/procedure-http.ts";
import type { OpenedDatabase } from "./host-driver.ts";
import type { HostRecord } from "./open-host-process.ts";
import type { Watch } from "./watch.ts";

/** What a front tells its hosts beside the record. */
export interface HostSettings {
  readonly limits: Partial<DatabaseLimits>;
  readonly procedureHttp: HttpReach;
}

/** How long a host whose front ended may take to end as well. */
const lockWaitMs = 5000;

/** Makes ready what every database needs, and shows that this Node can keep its modules. */
export async function prepareHost(): Promise<void> {
  await checkPromiseHooks();
  prepareSandbox();
}

/**
 * Opens the database, which is this process's until that ends.
 *
 * @throws {LightconeError} also where the system refuses a file
 */
export function openHostDatabase(record: HostRecord, resume: Resume, watch: Watch): Promise<OpenedDatabase> {
  return open(record, resume, watch).catch((error: unknown) => {
    throw fileFailure(error);
  });
}

async function open(record: HostRecord, resume: Resume, watch: Watch): Promise<OpenedDatabase> {
  const { directory } = record;
  // The front has made it, of a new one too.
  if (!(await realFileSystem.exists(directory)))
    throw new LightconeError("Corrupt", { file: directory, reason: "the directory of a database is missing" });
  await lockDirectory(directory, { clock: realClock, waitMs: lockWaitMs });
  const { limits, procedureHttp } = settingsOf(record.settings);
  const database = await openDatabase({
    identity: { database: fromHex(record.identity).reverse(), owner: fromHex(record.owner).reverse() },
    directory,
    fileSystem: realFileSystem,
    clock: realClock,
    mustExist: !record.isNew,
    limits,
    http: new ProcedureHttp(realClock, procedureHttp),
    resume,
    ...watch,
  });
  return { link: database, handles: database.resumed, ends: database.ends };
}

function settingsOf(settings: unknown): HostSettings {
  return settings !== null && typeof settings === "object" && "limits" in settings
    ? (settings as HostSettings)
    : { limits: {}, procedureHttp: "off" };
}
