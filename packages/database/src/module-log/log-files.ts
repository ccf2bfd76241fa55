/**
 * The files of a module's log, and reading them while they are written.
 *
 *   2026-11-30.ndjson         the first of a UTC day; one JSON object a line
 *   2026-11-30_000001.ndjson  the next, begun when that one was full
 *
 * Their names sort as they were written. Whoever reads needs nothing of the process that writes: lines can be read
 * of a database that does not run, and a reader goes on over every end of its host. A line counts once its newline
 * is there.
 */
import type { FileHandle, FileSystem } from "@lightcone/base";

const newline = 10;
/** What is read in one go; more than any line has that `module-log.ts` writes. */
const pieceBytes = 256 * 1024;
const blockBytes = 64 * 1024;

/** The name of a day's file, by its place among those of the day. */
export function logFileName(day: string, part: number): string {
  return part === 0 ? `${day}.ndjson` : `${day}_${String(part).padStart(6, "0")}.ndjson`;
}

/** What a name says; undefined for a file that is none of the log's. */
export function readLogFileName(name: string): { readonly day: string; readonly part: number } | undefined {
  const [, day, part] = /^(\d{4}-\d\d-\d\d)(?:_(\d{6,}))?\.ndjson$/.exec(name) ?? [];
  return day === undefined ? undefined : { day, part: Number(part ?? 0) };
}

/** The log's files, oldest first; none while there is no directory. */
export async function listLogFiles(fileSystem: FileSystem, directory: string): Promise<readonly string[]> {
  if (!(await fileSystem.exists(directory))) return [];
  const names = await fileSystem.list(directory);
  return names.filter((name) => readLogFileName(name) !== undefined).sort();
}

interface Place {
  readonly name: string;
  readonly at: number;
}

/** Reads a log's lines from somewhere on, whole lines at a time, as far as there are any. */
export class LogReader {
  /** Whether files were removed, to keep the log within its bounds, before they were read. */
  hasMissed = false;
  private readonly fileSystem: FileSystem;
  private readonly directory: string;
  /** The last byte that is wanted; undefined for all that come. */
  private readonly until: Place | undefined;
  private name: string;
  private at: number;
  private handle: FileHandle | undefined;

  private constructor(fileSystem: FileSystem, directory: string, from: Place, until: Place | undefined) {
    this.fileSystem = fileSystem;
    this.directory = directory;
    this.name = from.name;
    this.at = from.at;
    this.until = until;
  }

  /**
   * @param lineCount how many of the last lines; all there are if left out
   * @param follow whether lines that come later are wanted too
   */
  static async open(
    fileSystem: FileSystem,
    directory: string,
    query: { readonly lineCount: number | undefined; readonly follow: boolean },
  ): Promise<LogReader> {
    const names = await listLogFiles(fileSystem, directory);
    const last = names.at(-1) ?? "";
    const end: Place = { name: last, at: last === "" ? 0 : await sizeOf(fileSystem, `${directory}/${last}`) };
    const from = query.lineCount === undefined ? start : await lastLines(fileSystem, directory, names, query.lineCount);
    return new LogReader(fileSystem, directory, from, query.follow ? undefined : end);
  }

  /** The next lines; undefined when there are none at present. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const handle = this.handle ?? (await this.openNext());
      if (handle === undefined) return undefined;
      const size = await this.sizeOf(handle);
      const bytes = new Uint8Array(Math.max(0, Math.min(pieceBytes, size - this.at)));
      const length = await handle.read(bytes, 0, bytes.length, this.at);
      // A piece without any end of a line was written by something else: it is passed on as it is.
      const end = bytes.lastIndexOf(newline, length - 1) + 1 || (length === pieceBytes ? length : 0);
      if (end > 0) {
        this.at += end;
        return bytes.subarray(0, end);
      }
      if (this.name === this.until?.name) return undefined;
      const names = await listLogFiles(this.fileSystem, this.directory);
      if (!names.some((name) => name > this.name)) return undefined;
      // The writer has gone on to another file: what it wrote to this one before is all there now.
      if ((await this.sizeOf(handle)) > size) continue;
      if (!names.includes(this.name)) this.hasMissed = true;
      this.at = 0;
      await this.close();
    }
  }

  async close(): Promise<void> {
    const handle = this.handle;
    this.handle = undefined;
    await handle?.close();
  }

  private async sizeOf(handle: FileHandle): Promise<number> {
    const size = await handle.size();
    return this.name === this.until?.name ? Math.min(size, this.until.at) : size;
  }

  /** Opens the file that was begun with, or else the one after the last. */
  private async openNext(): Promise<FileHandle | undefined> {
    for (const name of await listLogFiles(this.fileSystem, this.directory)) {
      // A place within a file is where reading begins; a file that was read is left behind with a place of 0.
      if (name < this.name || (name === this.name && this.at === 0)) continue;
      if (this.until !== undefined && name > this.until.name) return undefined;
      const handle = await openIfThere(this.fileSystem, `${this.directory}/${name}`);
      if (handle === undefined) continue;
      if (name !== this.name) this.at = 0;
      this.name = name;
      this.handle = handle;
      return handle;
    }
    return undefined;
  }
}

/** Before every file. */
const start: Place = { name: "", at: 0 };

/** Where the last `count` lines begin. */
async function lastLines(
  fileSystem: FileSystem,
  directory: string,
  names: readonly string[],
  count: number,
): Promise<Place> {
  // The line before the first that is wanted ends with the newline after which that one begins.
  let left = count + 1;
  for (const name of names.toReversed()) {
    const handle = await openIfThere(fileSystem, `${directory}/${name}`);
    if (handle === undefined) continue;
    try {
      for await (const at of newlinesBackwards(handle)) {
        left -= 1;
        if (left === 0) return { name, at: at + 1 };
      }
    } finally {
      await handle.close();
    }
  }
  return start;
}

/** Where the last whole line of a file ends. */
export async function lastLineEnd(handle: FileHandle): Promise<number> {
  for await (const at of newlinesBackwards(handle)) return at + 1;
  return 0;
}

async function* newlinesBackwards(handle: FileHandle): AsyncGenerator<number> {
  const block = new Uint8Array(blockBytes);
  for (let end = await handle.size(); end > 0; end -= Math.min(end, blockBytes)) {
    const from = Math.max(0, end - blockBytes);
    const length = await handle.read(block, 0, end - from, from);
    for (let at = length; at > 0;) {
      at = block.lastIndexOf(newline, at - 1);
      if (at >= 0) yield from + at;
    }
  }
}

/** A file's size; 0 when it has been removed. */
export async function sizeOf(fileSystem: FileSystem, path: string): Promise<number> {
  const handle = await openIfThere(fileSystem, path);
  try {
    return (await handle?.size()) ?? 0;
  } finally {
    await handle?.close();
  }
}

/** A file to read; undefined when it has been removed meanwhile. */
async function openIfThere(fileSystem: FileSystem, path: string): Promise<FileHandle | undefined> {
  try {
    return await fileSystem.open(path, "read");
  } catch (error) {
    if (!(await fileSystem.exists(path))) return undefined;
    throw error;
  }
}
