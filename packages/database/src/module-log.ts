/**
 * The log that a module writes and its owner reads: one JSON object a line, in the files of `log-files.ts`.
 *
 * It is for people, so it is neither synced nor rolled back: a line stays when its reducer failed. It is bounded in
 * every direction, since a module may write whatever it likes: a line, what one call writes, a file, all files.
 */
import { cutText, type Clock, type FileHandle, type FileSystem } from "@lightcone/base";
import { LogLevel, type LogLine } from "@lightcone/host";
import type { DatabaseLimits } from "./limits.ts";
import { lastLineEnd, listLogFiles, logFileName, readLogFileName, sizeOf } from "./log-files.ts";

/** Days of which the lines are kept. */
export const logDaysMax = 7;
/** The longest name of a file, a function or a target in a line; and frames of one line. */
const nameBytesMax = 256;
const framesMax = 64;
const minuteMicros = 60_000_000;

const levelNames = new Map<number, string>([
  [LogLevel.error, "Error"],
  [LogLevel.warn, "Warn"],
  [LogLevel.info, "Info"],
  [LogLevel.trace, "Trace"],
  [LogLevel.panic, "Panic"],
]);

/** What stands for a name in lines of the database's own; tools which filter such lines look for it. */
const own = "__spacetimedb__";

export interface ModuleLogOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly clock: Clock;
  readonly limits: Pick<
    DatabaseLimits,
    "logLineBytesMax" | "logWaitingBytesMax" | "logFileBytesMax" | "logBytesMax" | "logRefusalsPerMinuteMax"
  >;
}

interface LogFile {
  readonly day: string;
  readonly part: number;
  readonly handle: FileHandle;
  size: number;
}

export class ModuleLog {
  readonly #options: ModuleLogOptions;
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #file: LogFile | undefined;
  /** Lines that were left out since the last that says so. */
  #dropped = 0;
  /** Lines that the disk did not take. */
  #lost = 0;
  readonly #refusals = { minute: 0, count: 0 };
  #closed = false;

  constructor(options: ModuleLogOptions) {
    this.#options = options;
  }

  /** Adds a line of the module's. It reaches the file soon, in order, unless too much waits already. */
  write(line: LogLine, functionName: string | undefined): void {
    this.#add(line, functionName, this.#options.limits.logWaitingBytesMax);
  }

  /** Adds a line that says how a call ended. It comes in even where the call has written too much itself. */
  writeEnd(line: LogLine, functionName: string | undefined): void {
    this.#add(line, functionName, 2 * this.#options.limits.logWaitingBytesMax);
  }

  /** Notes that the module refused a call, unless as many refusals as are wanted have been noted in this minute. */
  writeRefusal(text: string, functionName: string, place: () => Pick<LogLine, "file" | "line"> | undefined): void {
    const { clock, limits } = this.#options;
    const minute = Math.floor(clock.nowMicros() / minuteMicros);
    const refusals = this.#refusals;
    if (minute !== refusals.minute) {
      this.#noteRefusals();
      refusals.minute = minute;
      refusals.count = 0;
    }
    refusals.count += 1;
    if (refusals.count <= limits.logRefusalsPerMinuteMax)
      this.writeEnd({ level: LogLevel.info, message: `refused: ${text}`, ...place() }, functionName);
  }

  /** Adds a line of the database's own. */
  note(level: LogLevel, message: string): void {
    this.writeEnd({ level, message, target: own, file: own }, own);
  }

  /** Resolves when the lines that were added before are in the files. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Writes what waits. What is added from now on is lost. */
  async close(): Promise<void> {
    this.#noteRefusals();
    this.#closed = true;
    await this.#writing;
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  /** Says how many refusals of the last minute left no line. */
  #noteRefusals(): void {
    const { logRefusalsPerMinuteMax: max } = this.#options.limits;
    const left = this.#refusals.count - max;
    this.#refusals.count = 0;
    if (max > 0 && left > 0)
      this.note(
        LogLevel.info,
        `${left} more refusals in the same minute left no line (logRefusalsPerMinuteMax: ${max})`,
      );
  }

  #add(line: LogLine, functionName: string | undefined, waitingBytesMax: number): void {
    if (this.#closed) return;
    const record = this.#encode(line, functionName);
    if (this.#waitingBytes + record.length > waitingBytesMax) this.#dropped += 1;
    else {
      this.#waiting.push(record);
      this.#waitingBytes += record.length;
    }
    this.#writing ??= this.#write();
  }

  #encode(line: LogLine, functionName: string | undefined): Uint8Array {
    const name = (text: string | undefined): string | undefined =>
      text === undefined ? undefined : cutText(text, nameBytesMax);
    const record = {
      level: levelNames.get(line.level) ?? "Debug",
      ts: this.#options.clock.nowMicros(),
      target: name(line.target),
      filename: name(line.file),
      line_number: line.line,
      function: name(functionName),
      message: cutText(line.message, this.#options.limits.logLineBytesMax),
      trace:
        line.level === LogLevel.panic
          ? (line.trace ?? [])
              .slice(0, framesMax)
              .map((frame) => ({ module_name: name(frame.moduleName), func_name: name(frame.functionName) }))
          : undefined,
    };
    return this.#encoder.encode(`${JSON.stringify(record)}\n`);
  }

  async #write(): Promise<void> {
    // Whatever is added in the same turn goes in one write. Not by a microtask: a call that is ended in its middle
    // takes those along that wait.
    await new Promise<void>((resolve) => void setImmediate(resolve));
    while (this.#waiting.length > 0 || this.#dropped > 0) {
      const lines = this.#waiting;
      const missing = { before: this.#lost, after: this.#dropped };
      this.#waiting = [];
      this.#waitingBytes = 0;
      this.#dropped = 0;
      try {
        await this.#writeLines(this.#withWhatIsMissing(lines, missing));
        this.#lost = 0;
      } catch {
        // A log for people is no reason to stop a database: what is missing is said when there is room again.
        this.#lost += lines.length + missing.after;
      }
    }
    this.#writing = undefined;
  }

  #withWhatIsMissing(
    lines: readonly Uint8Array[],
    missing: { readonly before: number; readonly after: number },
  ): readonly Uint8Array[] {
    const say = (message: string): Uint8Array =>
      this.#encode({ level: LogLevel.warn, message, target: own, file: own }, own);
    const { logWaitingBytesMax: max } = this.#options.limits;
    const { before, after } = missing;
    return [
      ...(before === 0 ? [] : [say(`${before} lines are missing here: the disk had no room for them, or failed`)]),
      ...lines,
      ...(after === 0
        ? []
        : [say(`${after} lines were left out here: over ${max} bytes at once (logWaitingBytesMax)`)]),
    ];
  }

  /** Writes lines to the files, each whole in one of them. */
  async #writeLines(lines: readonly Uint8Array[]): Promise<void> {
    for (let next = 0; next < lines.length;) {
      const file = await this.#fileWithRoom();
      const batch: Uint8Array[] = [];
      let size = file.size;
      while (next < lines.length && (size === 0 || size < this.#fileBytesMax)) {
        const line = lines[next++];
        if (line === undefined) break;
        batch.push(line);
        size += line.length;
      }
      await file.handle.writeMany(batch, file.size);
      file.size = size;
    }
  }

  /** The size at which a file is left for the next. */
  get #fileBytesMax(): number {
    const { logFileBytesMax, logBytesMax } = this.#options.limits;
    return Math.min(logFileBytesMax, logBytesMax / 2);
  }

  async #fileWithRoom(): Promise<LogFile> {
    const { fileSystem, directory, clock } = this.#options;
    const today = new Date(Math.floor(clock.nowMicros() / 1000)).toISOString().slice(0, 10);
    const present = this.#file ?? (await this.#lastFile());
    this.#file = present;
    // A clock that was set back does not take the log back with it.
    const day = present !== undefined && present.day > today ? present.day : today;
    if (present !== undefined && present.day === day && present.size < this.#fileBytesMax) return present;
    await present?.handle.close();
    this.#file = undefined;
    const part = present?.day === day ? present.part + 1 : 0;
    await fileSystem.makeDirectory(directory);
    await this.#removeOldest(day);
    const handle = await fileSystem.open(`${directory}/${logFileName(day, part)}`, "create");
    this.#file = { day, part, handle, size: 0 };
    return this.#file;
  }

  /** The file that was written last, without what a killed process left of a line. */
  async #lastFile(): Promise<LogFile | undefined> {
    const { fileSystem, directory } = this.#options;
    const name = (await listLogFiles(fileSystem, directory)).at(-1);
    const said = name === undefined ? undefined : readLogFileName(name);
    if (said === undefined) return undefined;
    const handle = await fileSystem.open(`${directory}/${name}`, "read-write");
    const size = await lastLineEnd(handle);
    await handle.truncate(size);
    return { ...said, handle, size };
  }

  /** Makes room for a file: removes the oldest until days and bytes are within their bounds. */
  async #removeOldest(day: string): Promise<void> {
    const { fileSystem, directory, limits } = this.#options;
    const names = [...(await listLogFiles(fileSystem, directory))];
    const sizes = await Promise.all(names.map((name) => sizeOf(fileSystem, `${directory}/${name}`)));
    const days = new Set([day]);
    let bytes = this.#fileBytesMax;
    while (names.length > 0) {
      const name = names.pop() ?? "";
      bytes += sizes.pop() ?? 0;
      days.add(readLogFileName(name)?.day ?? "");
      if (days.size > logDaysMax || bytes > limits.logBytesMax) await fileSystem.remove(`${directory}/${name}`);
    }
  }
}
