/** A database in a process of its own that is started again when it ends. */
import type { Clock } from "@lightcone/base";
import { openResilient, type DatabaseLimits, type DatabaseLink } from "@lightcone/database/front";
import type { ServerLimits } from "../limits.ts";
import type { ServerLog } from "../log.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import type { HostSettings } from "./database-factory.ts";
import { openHostProcess } from "./open-host-process.ts";

export interface ResilientDatabaseOptions {
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly limits: ServerLimits;
  readonly databaseLimits: Partial<DatabaseLimits>;
  /** Flags for the host's Node, as `--max-old-space-size=…`. */
  readonly nodeFlags?: readonly string[];
  /** Is told the process of a host each time one is started. */
  readonly started?: (record: DatabaseRecord, pid: number) => void;
  /** Whether the database is being made. */
  readonly isNew: boolean;
}

/** Ends of a host by its module's fault after which the module is left alone until the next publish. */
const crashesMax = 3;
const factory = new URL("./database-factory.ts", import.meta.url).href;

export function openResilientDatabase(
  record: DatabaseRecord,
  directory: string,
  options: ResilientDatabaseOptions,
): Promise<DatabaseLink> {
  const { clock, log, limits, nodeFlags, isNew } = options;
  const settings: HostSettings = { limits: options.databaseLimits };
  return openResilient({
    clock,
    crashesMax,
    note: (message) => log.warn({ database: record.identity.hex }, message),
    openHost: async (resume) => {
      const host = await openHostProcess(
        record,
        directory,
        { factory, settings, clock, log, limits, isNew, ...(nodeFlags === undefined ? {} : { nodeFlags }) },
        resume,
      );
      options.started?.(record, host.pid);
      return host;
    },
  });
}
