/**
 * The log that a module writes and its owner reads: one JSON object a line, a file a UTC day.
 *
 * It is for people, so it is neither synced nor rolled back: a line stays when its reducer failed. The
 * newest `logFilesMax` files are kept.
 */
import type { Clock, FileHandle, FileSystem } from "@lightcone/base";
import { LogLevel, type LogLine } from "@lightcone/host";
import type { LogQuery } from "./link.ts";

/** Days of which the lines are kept. */
export const logFilesMax = 7;
/** What is read back of a file at most, from its end: enough for any screen, bounded for any file. */
const readBytesMax = 16 * 1024 ** 2;
const newline = 10;

const levelNames = new Map<number, string>([
  [LogLevel.error, "Error"],
  [LogLevel.warn, "Warn"],
  [LogLevel.info, "Info"],
  [LogLevel.trace, "Trace"],
  [LogLevel.panic, "Panic"],
]);

export interface ModuleLogOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly clock: Clock;
  /** Lines that a follower may be behind before lines are dropped for it. */
  readonly followLinesMax: number;
}

type Follower = (line: Uint8Array) => void;

export class ModuleLog {
  readonly #options: ModuleLogOptions;
  readonly #encoder = new TextEncoder();
  readonly #followers = new Set<Follower>();
  #waiting: Uint8Array[] = [];
  #writing: Promise<void> | undefined;
  #file: { readonly day: string; readonly handle: FileHandle; size: number } | undefined;
  #closed = false;

  constructor(options: ModuleLogOptions) {
    this.#options = options;
  }

  /** Adds a line. It reaches the file soon, in order; a full disk loses lines and nothing else. */
  write(line: LogLine, functionName: string | undefined): void {
    const record = {
      level: levelNames.get(line.level) ?? "Debug",
      ts: this.#options.clock.nowMicros(),
      target: line.target,
      filename: line.file,
      line_number: line.line,
      function: functionName,
      message: line.message,
      trace:
        line.level === LogLevel.panic
          ? (line.trace ?? []).map((frame) => ({ module_name: frame.moduleName, func_name: frame.functionName }))
          : undefined,
    };
    const bytes = this.#encoder.encode(`${JSON.stringify(record)}\n`);
    this.#waiting.push(bytes);
    for (const follower of this.#followers) follower(bytes);
    this.#writing ??= this.#flush();
  }

  /** Adds a line of the database's own. */
  note(level: LogLevel, message: string): void {
    const own = "__spacetimedb__"; // the name that tools which filter such lines look for
    this.write({ level, message, target: own, file: own }, own);
  }

  /** The current file's lines, then, if asked, all that follow until the reader stops or the log closes. */
  async *read(query: LogQuery): AsyncIterable<Uint8Array> {
    const waiting: Uint8Array[] = [];
    let dropped = 0;
    let wake: (() => void) | undefined;
    const follower: Follower = (line) => {
      if (waiting.length >= this.#options.followLinesMax) dropped++;
      else waiting.push(line);
      wake?.();
    };
    await this.#writing;
    // From here to the first `await` below nothing can be written: no line is missed, none comes twice.
    const past = this.#tail(query.follow ? (query.lineCount ?? 0) : query.lineCount);
    if (query.follow) this.#followers.add(follower);
    try {
      const bytes = await past;
      if (bytes.length > 0) yield bytes;
      while (query.follow && !this.#closed) {
        if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        wake = undefined;
        const lines = waiting.splice(0);
        const lost = dropped; // came after these lines and before any that comes now
        dropped = 0;
        yield* lines;
        if (lost > 0) {
          const warning = { level: "Warn", message: `${lost} lines were dropped: read faster` };
          yield this.#encoder.encode(`${JSON.stringify(warning)}\n`);
        }
      }
    } finally {
      this.#followers.delete(follower);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const follower of this.#followers) follower(new Uint8Array(0));
    await this.#writing;
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  async #tail(lineCount: number | undefined): Promise<Uint8Array> {
    if (lineCount === 0) return new Uint8Array(0);
    const file = await this.#openToday();
    const size = file.size;
    const length = Math.min(size, readBytesMax);
    const bytes = new Uint8Array(length);
    await file.handle.read(bytes, 0, length, size - length);
    // A read from the middle of a large file starts inside a line: leave that one out.
    let from = length < size ? bytes.indexOf(newline) + 1 : 0;
    if (lineCount !== undefined) from = lastLines(bytes, from, lineCount);
    return bytes.subarray(from);
  }

  async #flush(): Promise<void> {
    // Whatever is written in the same turn goes in one write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      const bytes = new Uint8Array(lines.reduce((sum, line) => sum + line.length, 0));
      let at = 0;
      for (const line of lines) {
        bytes.set(line, at);
        at += line.length;
      }
      try {
        const file = await this.#openToday();
        await file.handle.write(bytes, file.size);
        file.size += bytes.length;
      } catch {
        // Followers have the lines; a log for people is no reason to stop a database.
      }
    }
    this.#writing = undefined;
  }

  async #openToday(): Promise<{ readonly handle: FileHandle; size: number }> {
    const day = new Date(Math.floor(this.#options.clock.nowMicros() / 1000)).toISOString().slice(0, 10);
    if (this.#file?.day === day) return this.#file;
    await this.#file?.handle.close();
    const { fileSystem, directory } = this.#options;
    await fileSystem.makeDirectory(directory);
    const handle = await fileSystem.open(`${directory}/${day}.ndjson`, "create");
    this.#file = { day, handle, size: await handle.size() };
    const files = (await fileSystem.list(directory)).filter((name) => name.endsWith(".ndjson")).sort();
    for (const name of files.slice(0, Math.max(0, files.length - logFilesMax)))
      await fileSystem.remove(`${directory}/${name}`);
    return this.#file;
  }
}

/** Where the last `count` lines of `bytes`, from `from` on, start. The last line ends with a newline. */
function lastLines(bytes: Uint8Array, from: number, count: number): number {
  let at = bytes.length;
  for (let left = count; left > 0 && at - 2 >= from; left--) {
    const before = bytes.lastIndexOf(newline, at - 2);
    if (before < from) return from;
    at = before + 1;
  }
  return at;
}
