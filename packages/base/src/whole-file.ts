/** Small files read and replaced whole. For keys, configuration and records, not for data that grows. */
import { LightconeError } from "./lightcone-error.ts";
import type { FileSystem } from "./runtime.ts";

/**
 * Reads a file to its end.
 *
 * @param bytesMax refuses a longer file
 * @throws {LightconeError} `Corrupt` when the file is longer
 */
export async function readWholeFile(fileSystem: FileSystem, path: string, bytesMax = 1 << 20): Promise<Uint8Array> {
  const handle = await fileSystem.open(path, "read");
  try {
    // Files of `/proc` say that they are empty: the length is learnt by reading.
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const chunk = new Uint8Array(Math.min(16_384, bytesMax + 1));
      const count = await handle.read(chunk, 0, chunk.length, length);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      length += count;
      if (length > bytesMax)
        throw new LightconeError("Corrupt", { file: path, at: bytesMax, reason: "it is longer than such a file gets" });
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a file so that a crash leaves the old content or the new, never a mixture: written beside,
 * synced, renamed, directory synced.
 */
export async function replaceWholeFile(fileSystem: FileSystem, path: string, content: Uint8Array): Promise<void> {
  const beside = `${path}.new`;
  const handle = await fileSystem.open(beside, "create");
  try {
    await handle.truncate(0);
    await handle.write(content, 0);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await fileSystem.rename(beside, path);
  await fileSystem.syncDirectory(directoryOf(path));
}

/** The directory that holds `path`. */
export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash < 0) return ".";
  return slash === 0 ? "/" : path.slice(0, slash);
}
