/**
 * The file `founded` says of a directory that all its parts were made: from then on what is missing there is lost, and
 * nothing may be made in its place.
 *
 * It is written last. A directory without it is unfinished, and no client was told of it, or it was made before this
 * file existed.
 */
import type { FileSystem } from "@lightcone/base";
import { LightconeError, readWholeFile, replaceWholeFile } from "@lightcone/base";

const foundedName = "founded";
const formatVersion = 1;
const fileBytesMax = 4096;

/**
 * Whether the directory is founded.
 *
 * @param owner who the directory is of: `server`, or a database's identity
 * @throws {LightconeError} `Corrupt` when it is somebody else's, `NewerFormat`
 */
export async function isFounded(fileSystem: FileSystem, directory: string, owner: string): Promise<boolean> {
  const file = `${directory}/${foundedName}`;
  if (!(await fileSystem.exists(file))) return false;
  const text = new TextDecoder().decode(await readWholeFile(fileSystem, file, fileBytesMax));
  const [, version, found] = /^lightcone (\d+) (\S+)\n$/.exec(text) ?? [];
  if (version === undefined || found === undefined) {
    throw new LightconeError("Corrupt", { file, at: 0, reason: "it does not say whose directory this is" });
  }
  if (Number(version) > formatVersion)
    throw new LightconeError("NewerFormat", { file, version: Number(version), versionMax: formatVersion });
  if (found !== owner)
    throw new LightconeError("Corrupt", { file, reason: `the directory is of ${found}, not of ${owner}` });
  return true;
}

/** Notes that all parts of the directory are made. */
export function markFounded(fileSystem: FileSystem, directory: string, owner: string): Promise<void> {
  const text = `lightcone ${formatVersion} ${owner}\n`;
  return replaceWholeFile(fileSystem, `${directory}/${foundedName}`, new TextEncoder().encode(text));
}
