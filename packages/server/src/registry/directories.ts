/**
 * The directories of databases, `databases/IDENTITY/NUMBER`: made for a new database, removed after it is deleted.
 *
 * A directory is removed only if the registry marks it as doomed, and it keeps the mark until it is gone, over restarts
 * if need be. An unknown directory is logged and left alone: it may be the data of a registry that was lost.
 */
import { directoryOf, LightconeError } from "@lightcone/base";
import type { Clock, FileSystem } from "@lightcone/base";
import type { ServerLog } from "../log.ts";
import { clearDirectory } from "./decisions.ts";
import type { Registry } from "./registry.ts";

export interface DirectoriesOptions {
  readonly registry: Registry;
  readonly files: FileSystem;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: ServerLog;
}

/** How many unknown directories are named in the server's log. */
const namedMax = 20;
const treeDepthMax = 16;

export class DatabaseDirectories {
  private readonly options: DirectoriesOptions;
  private lastNumber = 0;
  private isStopping = false;
  private tidying: Promise<void> = Promise.resolve();

  constructor(options: DirectoriesOptions) {
    this.options = options;
  }

  /**
   * Chooses a directory that does not exist yet.
   *
   * @throws {LightconeError} `Corrupt` when `databases/` is gone, which every start sees to
   */
  async choose(identityHex: string): Promise<string> {
    const { files, dataDirectory, clock } = this.options;
    const databases = `${dataDirectory}/databases`;
    if (!(await files.exists(databases))) {
      const reason = "it is missing, though this server runs with it: the data was moved away or unmounted";
      throw new LightconeError("Corrupt", { file: databases, reason });
    }
    for (;;) {
      this.lastNumber = Math.max(clock.nowMicros(), this.lastNumber + 1);
      const directory = `databases/${identityHex}/${this.lastNumber}`;
      if (!(await files.exists(`${dataDirectory}/${directory}`))) return directory;
    }
  }

  /** Makes a directory and the identity's that it is in, durably. */
  async make(directory: string): Promise<void> {
    const { files, dataDirectory } = this.options;
    const path = `${dataDirectory}/${directory}`;
    for (const each of [directoryOf(path), path]) {
      await files.makeDirectory(each);
      await files.syncDirectory(directoryOf(each));
    }
  }

  /** Removes a doomed directory. What cannot be removed is logged and tried again at the next start. */
  async remove(directory: string): Promise<void> {
    const { registry, files, dataDirectory, log } = this.options;
    const path = `${dataDirectory}/${directory}`;
    try {
      // A failed write of the registry may still have reached the disk.
      await registry.certain();
      if (!registry.state.doomed.has(directory)) return;
      if (await files.exists(path)) await removeTree(files, path, 0);
      await this.removeEmptyAbove(directoryOf(path));
      await registry.change(clearDirectory(directory));
    } catch (error) {
      log.warn({ path, err: error }, "old files could not be removed; the next start of the server tries again");
    }
  }

  /** Removes the identity's directory with the last one in it. The removal is durable when this settles. */
  private async removeEmptyAbove(path: string): Promise<void> {
    const { files, dataDirectory } = this.options;
    if (!(await files.exists(path))) return;
    await files.syncDirectory(path);
    if ((await files.list(path)).length > 0) return;
    await files.removeDirectory(path);
    await files.syncDirectory(`${dataDirectory}/databases`);
  }

  /** Removes all doomed directories and logs the unknown ones. */
  tidyUp(): void {
    this.tidying = this.removeUnknown().catch((error: unknown) => {
      this.options.log.warn({ err: error }, "the directories of databases could not be looked through");
    });
  }

  tidied(): Promise<void> {
    return this.tidying;
  }

  /** Stops looking through directories; settles when that has ended. */
  stop(): Promise<void> {
    this.isStopping = true;
    return this.tidying;
  }

  private async removeUnknown(): Promise<void> {
    const { registry, log } = this.options;
    // Directories that this run makes are not among them.
    const doomed = [...registry.state.doomed];
    const unknown = await this.unknown();
    for (const directory of doomed) {
      if (this.isStopping) return;
      await this.remove(directory);
    }
    if (unknown.length === 0) return;
    log.warn(
      { directories: unknown.slice(0, namedMax), count: unknown.length },
      "directories that no database of the registry has; they are left alone",
    );
  }

  private async unknown(): Promise<readonly string[]> {
    const { registry, files, dataDirectory } = this.options;
    if (!(await files.exists(`${dataDirectory}/databases`))) return [];
    const unknown: string[] = [];
    for (const identityHex of await files.list(`${dataDirectory}/databases`)) {
      if (this.isStopping) return [];
      const numbers = await files.list(`${dataDirectory}/databases/${identityHex}`).catch(() => undefined);
      // A directory that is being made or removed is known, or not listed.
      if (numbers === undefined) continue;
      for (const number of numbers) {
        const directory = `databases/${identityHex}/${number}`;
        const isKnown = registry.get(identityHex)?.directory === directory || registry.state.doomed.has(directory);
        if (!isKnown) unknown.push(directory);
      }
    }
    return unknown;
  }
}

async function removeTree(files: FileSystem, directory: string, depth: number): Promise<void> {
  if (depth > treeDepthMax) return;
  for (const name of await files.list(directory)) {
    const path = `${directory}/${name}`;
    try {
      await files.remove(path);
    } catch {
      // It is a directory, which is emptied first; any other error shows when it is listed.
      await removeTree(files, path, depth + 1);
    }
  }
  await files.removeDirectory(directory);
}
