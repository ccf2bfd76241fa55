/** How this program runs databases: each in a process of its own, started again when that ends. */
import { realClock } from "@lightcone/base";
import { openResilient, type DatabaseLimits } from "@lightcone/database";
import { openHostProcess, type ServerLimits, type ServerLog, type ServerOptions } from "@lightcone/server";
import type { HostSettings } from "./host-database.ts";

export interface HostOptions {
  readonly log: ServerLog;
  readonly limits: ServerLimits;
  readonly databaseLimits: Partial<DatabaseLimits>;
}

/** Ends by the module's own fault after which a database waits for the next publish. */
const crashesMax = 3;
/** A host's JavaScript heap: rows are not on it, so it is the module's and the host's working memory. */
const heapMegabytesMax = 1024;

/** What `openServer` opens databases with. */
export function hostsInProcesses(options: HostOptions): ServerOptions["openDatabase"] {
  const { log, limits } = options;
  const settings: HostSettings = { limits: options.databaseLimits };
  return (record, directory) =>
    openResilient({
      openHost: (resume) =>
        openHostProcess(
          record,
          directory,
          {
            factory: new URL("./host-database.ts", import.meta.url).href,
            settings,
            nodeFlags: [`--max-old-space-size=${heapMegabytesMax}`],
            clock: realClock,
            log,
            limits,
          },
          resume,
        ),
      clock: realClock,
      crashesMax,
      note: (message) => log.warn({ database: record.identity.hex }, message),
    });
}
