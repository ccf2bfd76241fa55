/**
 * Makes a directory and those above it. Node's own way (`recursive`) never returns where the system says that a path is
 * missing although the directory above it is there, as it does below `/proc`.
 */
import fs from "node:fs";
import { dirname } from "node:path";

/**
 * Does nothing if it is there.
 *
 * @throws {NodeJS.ErrnoException} of the first directory that cannot be made
 */
export function makeDirectoryNow(path: string, mode = 0o777): void {
  if (isDirectory(path)) return;
  if (dirname(path) !== path) makeDirectoryNow(dirname(path), mode);
  try {
    fs.mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else may just have made it.
    if (!isDirectory(path)) throw error;
  }
}

/** The same, while others go on. */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  const error = await tryMake(path, mode);
  if (error === null || isDirectory(path)) return;
  if (error.code !== "ENOENT" || dirname(path) === path) throw error;
  await makeDirectory(dirname(path), mode);
  const second = await tryMake(path, mode);
  if (second !== null && !isDirectory(path)) throw second;
}

function tryMake(path: string, mode: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => fs.mkdir(path, { mode }, resolve));
}

function isDirectory(path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false; // making it says what stands in the way
  }
}
