/** What a host process opens: a database over the machine's files and clock. */
import { realClock } from "@lightcone/base";
import { checkPromiseHooks, lockDirectory, realFileSystem } from "@lightcone/base/node";
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

/** Opens the database, which is this process's until that ends. */
export async function openHostDatabase(record: HostRecord, resume: Resume, watch: Watch): Promise<OpenedDatabase> {
  if (record.isNew) await realFileSystem.makeDirectory(record.directory);
  // A directory that is missing holds nothing to lock; `openDatabase` refuses it.
  if (await realFileSystem.exists(record.directory))
    await lockDirectory(record.directory, { clock: realClock, waitMs: lockWaitMs });
  const { limits, procedureHttp } = settingsOf(record.settings);
  const database = await openDatabase({
    identity: { database: fromHex(record.identity).reverse(), owner: fromHex(record.owner).reverse() },
    directory: record.directory,
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
