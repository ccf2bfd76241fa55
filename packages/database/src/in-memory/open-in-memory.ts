/** A database that begins empty, keeps nothing on a disk, and goes with the process: made at once, for tests of modules. */
import { TimeoutWatchdog } from "@lightcone/base/node";
import type { SnapshotStore } from "@lightcone/commitlog";
import { makeHashSeed, openStore } from "@lightcone/engine";
import type { HostPort } from "@lightcone/host";
import { realRandom } from "@lightcone/base";
import { Database, drawSeed, type DatabaseOptions } from "../database.ts";
import { defaultDatabaseLimits } from "../link/limits.ts";
import type { LineWriter } from "../module-log/log-writer.ts";
import { ModuleLog } from "../module-log/module-log.ts";
import { ReadPort } from "../views/read-port.ts";
import { IndexKeys, ReadSet } from "../views/read-set.ts";
import { MemoryLog } from "./memory-log.ts";

export interface InMemoryOptions extends Omit<
  DatabaseOptions,
  "directory" | "fileSystem" | "openLog" | "mustExist" | "resume"
> {
  /** Hears each line of the module's log, as JSON. */
  readonly line: (line: Uint8Array) => void;
}

export interface InMemory {
  readonly database: Database;
  readonly log: MemoryLog;
  /** Reads the rows of all tables as they are now, between two jobs. */
  readPort(): HostPort;
  /** Ends it: its memory is another's. */
  leave(): void;
}

/** Of so many reads nothing more is noted than which table. */
const readsMax = 100;

const refused = (): Promise<never> => Promise.reject(new TypeError("a database in memory has no snapshots"));
const noSnapshots: SnapshotStore = {
  write: refused,
  list: () => Promise.resolve([]),
  open: refused,
  loadNewest: () => Promise.resolve({ loaded: undefined, skipped: [] }),
  remove: () => Promise.resolve(),
  discardAfter: () => Promise.resolve(),
};

export async function openInMemory(options: InMemoryOptions): Promise<InMemory> {
  const { watchdog = new TimeoutWatchdog(), random = realRandom, clock } = options;
  const limits = { ...defaultDatabaseLimits, ...options.limits };
  const log = new MemoryLog();
  const lines: LineWriter = {
    addNow: options.line,
    add: (added) => {
      for (const line of added) options.line(line);
      return Promise.resolve(added.length);
    },
    settle: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  const database = new Database(options, limits, {
    store: openStore({
      bytesMax: limits.databaseBytesMax,
      seed: drawSeed(random),
      critical: watchdog.critical,
      isReadBack: false,
    }),
    log,
    snapshots: noSnapshots,
    newest: undefined,
    moduleLog: new ModuleLog({ clock, limits }, lines),
    watchdog,
  });
  await database.recover(undefined, [], []);
  const { store, relations } = database.context;
  const keys = new IndexKeys(makeHashSeed(0));
  const port = new ReadPort({
    store,
    databaseIdentity: options.identity.database,
    refusal: "world.db only reads: rows are written by reducers, or by world.sql",
    log: () => undefined,
    nowMicros: () => clock.nowMicros(),
  });
  const readPort = (): HostPort => {
    port.bind();
    port.begin(new ReadSet(keys, readsMax));
    return port;
  };
  const leave = (): void => {
    database.leave();
    store.discard();
    relations.discard();
  };
  return { database, log, readPort, leave };
}
