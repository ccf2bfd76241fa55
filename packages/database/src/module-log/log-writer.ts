/**
 * Adds lines to the files of a module's log (`log-files.ts`), begins files and removes the oldest.
 *
 * A line is added at once: what a call wrote is then there however its process ends, by a kill in the middle of that
 * call for one. So nothing here waits for anything before it writes, and nothing depends on having heard that it has
 * written: a call may be ended there too.
 */
import type { Clock, FileSystem, GrowingFile } from "@lightcone/base";
import type { DatabaseLimits } from "../link/limits.ts";
import { lastLineEnd, listLogFiles, logFileName, readLogFileName, sizeOf } from "./log-files.ts";

// Kept: where a module runs in a process of others, there is none while it does.
const soon = setImmediate;

/** Days of which the lines are kept. */
export const logDaysMax = 7;
const dayMicros = 24 * 60 * 60 * 1_000_000;

/** Where lines go. */
export interface LineWriter {
  /** Adds a line before it returns. @throws what the file system says; the line is not there then */
  addNow(line: Uint8Array): void;
  /** Adds lines, each whole. @returns how many of them, from the first on */
  add(lines: readonly Uint8Array[]): Promise<number>;
  /** Resolves when nothing is under way. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export interface LogWriterOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly clock: Clock;
  readonly limits: Pick<DatabaseLimits, "logFileBytesMax" | "logBytesMax">;
}

interface LogFile {
  readonly name: string;
  readonly day: string;
  readonly part: number;
  size: number;
}

interface PresentFile extends LogFile {
  readonly growing: GrowingFile;
  /** When its day ends. */
  readonly endMicros: number;
}

export class LogWriter implements LineWriter {
  private readonly options: LogWriterOptions;
  /** Full files, oldest first. */
  private older: LogFile[] = [];
  private file: PresentFile | undefined;
  /** Resolves when what is done to the files in its time is done. */
  private changing: Promise<void> = Promise.resolve();

  private constructor(options: LogWriterOptions) {
    this.options = options;
  }

  /** A log whose files cannot be read goes on in new ones: it is for people, and no reason to stop a database. */
  static async open(options: LogWriterOptions): Promise<LogWriter> {
    const writer = new LogWriter(options);
    await writer.resumePending().catch(() => undefined);
    return writer;
  }

  /** Takes up the file that was written last, without what a killed process left of a line. */
  private async resumePending(): Promise<void> {
    const { fileSystem, directory } = this.options;
    await fileSystem.makeDirectory(directory);
    for (const name of await listLogFiles(fileSystem, directory)) {
      const said = readLogFileName(name);
      if (said !== undefined)
        this.older.push({ ...said, name, size: await sizeOf(fileSystem, `${directory}/${name}`) });
    }
    const last = this.older.at(-1);
    if (last === undefined) return;
    const handle = await fileSystem.open(`${directory}/${last.name}`, "read-write");
    try {
      last.size = await lastLineEnd(handle);
      await handle.truncate(last.size);
    } finally {
      await handle.close();
    }
    this.older.pop();
    this.begin(last);
  }

  /** Adds a line before it returns. @throws what the file system says; the line is not there then */
  addNow(line: Uint8Array): void {
    const file = this.fileWithRoom();
    file.growing.addNow(line);
    file.size += line.length;
  }

  /** Adds lines, each whole in one file. @returns how many of them, from the first on, the disk took */
  async add(lines: readonly Uint8Array[]): Promise<number> {
    let next = 0;
    while (next < lines.length) {
      let file: PresentFile;
      try {
        file = this.fileWithRoom();
      } catch {
        return next;
      }
      let end = next;
      for (let { size } = file; end < lines.length && size < this.fileBytesMax; end += 1)
        size += lines[end]?.length ?? 0;
      const added = lines.slice(next, next + (await file.growing.add(lines.slice(next, end))));
      for (const line of added) file.size += line.length;
      next += added.length;
      if (next < end) return next;
    }
    return next;
  }

  /** Resolves when files that had to go have gone. */
  async settle(): Promise<void> {
    await this.changing;
  }

  async close(): Promise<void> {
    await this.changing;
    await this.file?.growing.close();
    this.file = undefined;
  }

  /** The size at which a file is left for the next. */
  private get fileBytesMax(): number {
    const { logFileBytesMax, logBytesMax } = this.options.limits;
    return Math.min(logFileBytesMax, logBytesMax / 2);
  }

  private fileWithRoom(): PresentFile {
    const nowMicros = this.options.clock.nowMicros();
    const present = this.file;
    // A clock that was set back does not take the log back with it.
    const isOfToday = present !== undefined && nowMicros < present.endMicros;
    if (isOfToday && present.size < this.fileBytesMax) return present;
    const day = isOfToday ? present.day : new Date(nowMicros / 1000).toISOString().slice(0, 10);
    const part = present?.day === day ? present.part + 1 : 0;
    const begun = this.begin({ name: logFileName(day, part), day, part, size: 0 });
    if (present !== undefined) {
      this.older.push(present);
      this.later(() => present.growing.close());
    }
    this.removeOldest(day);
    return begun;
  }

  private begin(file: LogFile): PresentFile {
    const { fileSystem, directory } = this.options;
    let growing: GrowingFile;
    try {
      growing = fileSystem.openGrowing(`${directory}/${file.name}`);
    } catch (error) {
      // Somebody may have removed the directory: there is one for the next line.
      this.later(() => fileSystem.makeDirectory(directory));
      throw error;
    }
    const endMicros = Date.parse(file.day) * 1000 + dayMicros;
    this.file = { ...file, growing, endMicros };
    return this.file;
  }

  /** Removes the oldest files until days and bytes are within their bounds, a whole new file included. */
  private removeOldest(day: string): void {
    const { fileSystem, directory, limits } = this.options;
    const days = new Set([day]);
    let bytes = this.fileBytesMax;
    let kept = this.older.length;
    for (; kept > 0; kept -= 1) {
      const file = this.older[kept - 1];
      if (file === undefined) break;
      bytes += file.size;
      days.add(file.day);
      if (days.size > logDaysMax || bytes > limits.logBytesMax) break;
    }
    const removed = this.older.slice(0, kept);
    this.older = this.older.slice(kept);
    for (const { name } of removed) this.later(() => fileSystem.remove(`${directory}/${name}`));
  }

  /**
   * Does something when what was begun before is done. What fails is tried again by the next process. Not by a
   * microtask: those that wait are run with the call's own when it ends, and are lost when it is ended.
   */
  private later(change: () => Promise<void>): void {
    const before = this.changing;
    this.changing = new Promise((resolve) => soon(() => void before.then(change).then(resolve, () => resolve())));
  }
}
