/**
 * The server's directory: the registry, the signing keys, `databases/`, and `founded` once the first two are made.
 *
 * Each bears witness for the others. When any says that a server kept data here, what is missing is lost: the server
 * does not start, and nothing is touched. Keys alone are no witness: they are brought along by whoever moves identities.
 */
import { LightconeError } from "@lightcone/base";
import { fileFailure } from "@lightcone/base/node";
import { isFounded, markFounded } from "@lightcone/commitlog";
import { openKeys } from "./auth/keys.ts";
import type { SigningKeys } from "./auth/keys.ts";
import { Registry } from "./registry/registry.ts";
import type { RegistryOptions } from "./registry/registry.ts";

const owner = "server";

export interface DataDirectory {
  readonly keys: SigningKeys;
  readonly registry: Registry;
}

/** @throws {LightconeError} `Corrupt`, `SigningKeys` or `FileUnusable` with what is missing or damaged, `NewerFormat`, `DiskFull` */
export function openDataDirectory(options: Omit<RegistryOptions, "mustExist">): Promise<DataDirectory> {
  return open(options).catch((error: unknown) => {
    throw fileFailure(error);
  });
}

async function open(options: Omit<RegistryOptions, "mustExist">): Promise<DataDirectory> {
  const { files, dataDirectory } = options;
  const founded = await isFounded(files, dataDirectory, owner);
  const databases = `${dataDirectory}/databases`;
  const hasDatabases = (await files.exists(databases)) && (await files.list(databases)).length > 0;
  const registry = await Registry.open({ ...options, mustExist: founded });
  try {
    const { state } = registry;
    if (state.databases.size > 0 && !hasDatabases) {
      const reason = `it is missing or empty, though ${state.databases.size} databases are registered`;
      throw new LightconeError("Corrupt", { file: databases, reason });
    }
    const hasEntries = state.databases.size + state.names.size > 0;
    const keys = await openKeys(files, dataDirectory, founded || hasDatabases || hasEntries);
    // While the server runs, nobody makes it: then it is gone if it is missing.
    await files.makeDirectory(databases);
    await files.syncDirectory(dataDirectory);
    if (!founded) await markFounded(files, dataDirectory, owner);
    return { keys, registry };
  } catch (error) {
    await registry.close();
    throw error;
  }
}
