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

/** Makes a directory in one that is there, while others go on. */
export function makeDirectory(path: string, mode: number): Promise<void> {
  return new Promise((resolve, reject) =>
    fs.mkdir(path, { mode }, (error) => (error === null || isDirectory(path) ? resolve() : reject(error))),
  );
}

function isDirectory(path: string): boolean {
  try {
    return fs.statSync(path).isDirectory();
  } catch {
    return false; // making it says what stands in the way
  }
}
