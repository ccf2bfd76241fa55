/**
 * The file `wake-at` in the directory of a parked database: when it has to be woken.
 *
 *   { "format": 1, "nextDueMicros": 1796007237438726 | null, "clients": 0, "atMicros": 1796007207438726 }
 *
 * It is written after the database has ended cleanly and removed before it is opened again, both durably. Where it is
 * missing, as after a crash, the due time is unknown and the database has to be opened to find out.
 */
import { readWholeFile, replaceWholeFile, type FileSystem } from "@lightcone/base";

export interface WakeAt {
  /** When its first scheduled row is due; undefined for none. */
  readonly nextDueMicros: number | undefined;
  /** The number of connected clients. When the server ends they are gone, and their disconnects have yet to run. */
  readonly clients: number;
  /** When this was written. */
  readonly atMicros: number;
}

const name = "wake-at";
const format = 1;
const bytesMax = 4096;

export async function writeWakeAt(files: FileSystem, directory: string, wakeAt: WakeAt): Promise<void> {
  const { nextDueMicros = null, clients, atMicros } = wakeAt;
  const text = `${JSON.stringify({ format, nextDueMicros, clients, atMicros })}\n`;
  await replaceWholeFile(files, `${directory}/${name}`, new TextEncoder().encode(text));
}

/** The content of the file; undefined when it is missing or not whole. */
export async function readWakeAt(files: FileSystem, directory: string): Promise<WakeAt | undefined> {
  const path = `${directory}/${name}`;
  try {
    if (!(await files.exists(path))) return undefined;
    const read: Record<string, unknown> = JSON.parse(
      new TextDecoder().decode(await readWholeFile(files, path, bytesMax)),
    );
    const { nextDueMicros, clients, atMicros } = read;
    if (read["format"] !== format || typeof clients !== "number" || typeof atMicros !== "number") return undefined;
    if (nextDueMicros !== null && typeof nextDueMicros !== "number") return undefined;
    return { nextDueMicros: nextDueMicros ?? undefined, clients, atMicros };
  } catch {
    return undefined; // to look into the database is always right
  }
}

/** Removes the file, if there is one. */
export async function removeWakeAt(files: FileSystem, directory: string): Promise<void> {
  const path = `${directory}/${name}`;
  if (!(await files.exists(path))) return;
  await files.remove(path);
  await files.syncDirectory(directory);
}
