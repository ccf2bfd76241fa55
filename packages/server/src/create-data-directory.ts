/** Creates a data directory of one database whose files are made elsewhere, such as in a test. */
import { defined, directoryOf, type Clock } from "@lightcone/base";
import { lockDirectory, realFileSystem } from "@lightcone/base/node";
import { identityFromHex, programHash, type Identity } from "./auth/identity.ts";
import { openDataDirectory } from "./data-directory.ts";
import { makeServerLimits } from "./limits.ts";
import { makeServerLog } from "./log.ts";
import { beginDirectory, createDatabase } from "./registry/decisions.ts";
import type { DatabaseRecord } from "./registry/state.ts";

export interface InitialDatabase extends Pick<DatabaseRecord, "hostType"> {
  /** 64 hex digits each. */
  readonly identity: string;
  readonly owner: string;
  readonly name: string;
  readonly program: Uint8Array;
}

const lockWaitMs = 1000;

/**
 * Creates a data directory, and has `fill` make the database's files in the folder that it is given.
 *
 * @throws {LightconeError} `DataDirectoryLocked`, `FileUnusable`, `DiskFull`
 */
export async function createDataDirectory(
  dataDirectory: string,
  { identity, owner, name, hostType, program }: InitialDatabase,
  clock: Clock,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  const files = realFileSystem;
  const lock = await lockDirectory(dataDirectory, { clock, waitMs: lockWaitMs });
  try {
    const log = makeServerLog("silent");
    const { registry } = await openDataDirectory({ files, clock, dataDirectory, limits: makeServerLimits(), log });
    try {
      const directory = `databases/${identity}/${clock.nowMicros()}`;
      await registry.change(beginDirectory(directory));
      const path = `${dataDirectory}/${directory}`;
      for (const each of [directoryOf(path), path]) {
        await files.makeDirectory(each);
        await files.syncDirectory(directoryOf(each));
      }
      await fill(path);
      const record: DatabaseRecord = {
        identity: identityOfHex(identity),
        owner: identityOfHex(owner),
        coOwners: [],
        hostType,
        initialProgram: programHash(program),
        directory,
        locked: false,
      };
      await registry.change(createDatabase(record, name));
    } finally {
      await registry.close();
    }
  } finally {
    await lock.release();
  }
}

const identityOfHex = (hex: string): Identity => defined(identityFromHex(hex), "an identity");
