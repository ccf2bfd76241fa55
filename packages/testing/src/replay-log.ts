/** `replayLog`: calls that a database has recorded, run again with the module that a test has imported. */
import { realClock } from "@lightcone/base";
import { lockDirectory, realFileSystem } from "@lightcone/base/node";
import { differenceText, rerunCalls } from "@lightcone/database";
import type { ModuleInstance } from "@lightcone/host";
import { fromHex } from "@lightcone/sats";
import { checkOptions } from "./helpful.ts";
import { loadedModuleOf } from "./loaded-module-of.ts";
import { removeCopy, copyLog } from "./real-copy.ts";
import type { ModuleExports } from "./types.ts";

/** Which part of a recorded log `replayLog` runs again: all of it unless said. */
export interface ReplayOptions {
  /** The identity of the database, where the data has several: 64 hex digits. */
  readonly database?: string;
  /** The first offset whose call is run again. */
  readonly from?: number;
  /** The last. */
  readonly to?: number;
}

/** What `replayLog` ran again. */
export interface ReplayReport {
  /** How many calls were run again, and changed the same rows to the byte. */
  readonly callCount: number;
  /** How many records were taken as they are: publishes, transactions of procedures. */
  readonly otherCount: number;
  readonly lastOffset: number;
}

/**
 * Runs the calls of a log again with the module as it is now: a test of it against what happened in production. Works on a copy.
 *
 * @param dataDirectory of a server that does not run, or of one of its databases
 * @throws {Error} naming the first row that differs; {LightconeError} `Corrupt`, `DataDirectoryLocked`
 *
 * @example
 * await replayLog(arena, "fixtures/production-data");
 */
export async function replayLog(
  exports: ModuleExports,
  dataDirectory: string,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  checkOptions("replayLog", options, { database: true, from: true, to: true });
  const module = loadedModuleOf(exports);
  const { directory, identity } = await findLog(dataDirectory, options.database);
  const lock = await lockDirectory(dataDirectory, { clock: realClock, waitMs: 1000 });
  let copy: string;
  try {
    copy = copyLog(directory);
  } finally {
    await lock.release();
  }
  const program = module.program();
  let instance: ModuleInstance | undefined;
  try {
    const { difference, rerunCount, otherCount, lastOffset } = await rerunCalls({
      fileSystem: realFileSystem,
      clock: realClock,
      directory: copy,
      identity: fromHex(identity).reverse(),
      from: options.from,
      to: options.to,
      // One for all calls: the module's own state lives in the test's process, whatever is opened.
      loadJs: () => ({ open: (port) => (instance ??= program.open(port)) }),
    });
    if (difference !== undefined) throw new Error(differenceText(difference));
    return { callCount: rerunCount, otherCount, lastOffset };
  } finally {
    program.release();
    removeCopy(copy);
  }
}

/** @throws {TypeError} that says what there is */
async function findLog(given: string, database: string | undefined): Promise<{ directory: string; identity: string }> {
  const own = /([0-9a-f]{64})[\\/][^\\/]+[\\/]?$/.exec(given);
  if (own !== null && (await realFileSystem.exists(`${given}/log`)))
    return { directory: given, identity: own[1] ?? "" };
  const databases = `${given}/databases`;
  const identities = (await realFileSystem.exists(databases)) ? await realFileSystem.list(databases) : [];
  const [identity, ...more] = database === undefined ? identities : identities.filter((each) => each === database);
  if (identity === undefined)
    throw new TypeError(
      `there is no database ${database ?? ""} in ${given}: replayLog takes the data directory of a server`,
    );
  if (more.length > 0)
    throw new TypeError(`there are ${identities.length} databases in ${given}: say which, { database: "${identity}" }`);
  const numbers = await realFileSystem.list(`${databases}/${identity}`);
  const number = Math.max(...numbers.map(Number));
  return { directory: `${databases}/${identity}/${number}`, identity };
}
