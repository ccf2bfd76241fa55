/**
 * The log that a module writes and its owner reads: one JSON object a line, in the files of `log-files.ts`.
 *
 * It is for people, so it is neither synced nor rolled back: a line stays when its reducer failed. A line is in its file
 * before the module goes on, so that it stays when the process ends in that call as well; a module that writes so much
 * that this would take its time has its lines gathered until the end of the turn. The log is bounded in every direction,
 * since a module may write whatever it likes: a line, what one call writes, a file, all files.
 */
import { cutText } from "@lightcone/base";
import { LogLevel, type LogLine } from "@lightcone/host";
import type { DatabaseLimits } from "../link/limits.ts";
import { LogWriter, type LineWriter, type LogWriterOptions } from "./log-writer.ts";

/**
 * How much of its time a database gives to writing lines at once, and how much of that can be saved up. Writing one takes
 * 10 µs: this is a thousand in each second, and ten thousand after ten seconds of silence.
 */
const writingShare = 0.01;
const writingMsMax = 100;
/** The longest name of a file, a function or a target in a line; and frames of one line. */
const nameBytesMax = 256;
const framesMax = 64;
// Kept: where a module runs in a process of others, there is none while it does.
const later = setImmediate;
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
  readonly clock: LogWriterOptions["clock"];
  readonly limits: Pick<DatabaseLimits, "logLineBytesMax" | "logWaitingBytesMax" | "logRefusalsPerMinuteMax">;
}

export class ModuleLog {
  private readonly options: ModuleLogOptions;
  private readonly writer: LineWriter;
  private readonly encoder = new TextEncoder();
  /** Lines that are gathered, and their bytes. */
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private writing: Promise<void> | undefined;
  /** Bytes of the lines that were written at once in this turn. */
  private turnBytes = 0;
  private isTurnNoted = false;
  /** What is left of the time for writing at once, as of `countedMs`. */
  private writingMs = writingMsMax;
  private countedMs = 0;
  /** Lines that were left out since the last that says so. */
  private dropped = 0;
  /** Lines that the disk did not take. */
  private lost = 0;
  private readonly refusals = { minute: 0, count: 0 };
  private closed = false;

  constructor(options: ModuleLogOptions, writer: LineWriter) {
    this.options = options;
    this.writer = writer;
  }

  static async open(options: ModuleLogOptions & LogWriterOptions): Promise<ModuleLog> {
    return new ModuleLog(options, await LogWriter.open(options));
  }

  /** Adds a line of the module's, unless its call has written too much already. */
  write(line: LogLine, functionName: string | undefined): void {
    if (this.closed) return;
    const record = this.dropped > 0 ? undefined : this.encode(line, functionName);
    if (record === undefined || !this.hasRoom(record, this.options.limits.logWaitingBytesMax)) this.drop();
    else this.put(record);
  }

  /** Adds a line that says how a call ended. It comes in even where the call has written too much itself. */
  writeEnd(line: LogLine, functionName: string | undefined): void {
    if (this.closed) return;
    const record = this.encode(line, functionName);
    if (!this.hasRoom(record, this.endBytesMax)) {
      this.drop();
      return;
    }
    this.sayDropped();
    this.put(record);
  }

  /** Notes that the module refused a call, unless as many refusals as are wanted have been noted in this minute. */
  writeRefusal(text: string, functionName: string, place: () => Pick<LogLine, "file" | "line"> | undefined): void {
    const { clock, limits } = this.options;
    const minute = Math.floor(clock.nowMicros() / minuteMicros);
    const refusals = this.refusals;
    if (minute !== refusals.minute) {
      this.noteRefusals();
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
    this.endTurn();
    await this.writing;
    await this.writer.settle();
  }

  /** Writes what waits. What is added from now on is lost. */
  async close(): Promise<void> {
    this.noteRefusals();
    this.endTurn();
    this.closed = true;
    await this.writing;
    await this.writer.close();
  }

  /** Says how many refusals of the last minute left no line. */
  private noteRefusals(): void {
    const { logRefusalsPerMinuteMax: max } = this.options.limits;
    const left = this.refusals.count - max;
    this.refusals.count = 0;
    if (max > 0 && left > 0)
      this.note(
        LogLevel.info,
        `${left} more refusals in the same minute left no line (logRefusalsPerMinuteMax: ${max})`,
      );
  }

  private get endBytesMax(): number {
    return 2 * this.options.limits.logWaitingBytesMax;
  }

  private hasRoom(record: Uint8Array, bytesMax: number): boolean {
    return this.turnBytes + this.waitingBytes + record.length <= bytesMax;
  }

  private drop(): void {
    this.dropped += 1;
    this.noteTurn();
  }

  private put(record: Uint8Array): void {
    if (this.waiting.length > 0 || this.writing !== undefined || !this.hasTime()) {
      this.waiting.push(record);
      this.waitingBytes += record.length;
    } else {
      this.turnBytes += record.length;
      const fromMs = this.countedMs;
      this.writeNow(record);
      this.countedMs = this.options.clock.steadyMs();
      this.writingMs = Math.max(-writingMsMax, this.writingMs + fromMs - this.countedMs);
    }
    this.noteTurn();
  }

  /** Whether there is time for a line to be written at once. */
  private hasTime(): boolean {
    const nowMs = this.options.clock.steadyMs();
    this.writingMs = Math.min(writingMsMax, this.writingMs + writingShare * (nowMs - this.countedMs));
    this.countedMs = nowMs;
    return this.writingMs > 0;
  }

  private writeNow(record: Uint8Array): void {
    try {
      if (this.lost > 0) this.writer.addNow(this.lostLine());
      this.lost = 0;
      this.writer.addNow(record);
    } catch {
      // A log for people is no reason to stop a database: what is missing is said when there is room again.
      this.lost += 1;
    }
  }

  /** Has the turn's end noticed. Not by a microtask: a call that is ended in its middle takes those along that wait. */
  private noteTurn(): void {
    if (this.isTurnNoted) return;
    later(() => this.endTurn());
    this.isTurnNoted = true;
  }

  private endTurn(): void {
    this.isTurnNoted = false;
    this.turnBytes = 0;
    this.sayDropped();
    if (this.waiting.length > 0) this.writing ??= this.writeWaiting();
  }

  private async writeWaiting(): Promise<void> {
    while (this.waiting.length > 0) {
      const lines = this.waiting;
      this.waiting = [];
      this.waitingBytes = 0;
      const before = this.lost === 0 ? [] : [this.lostLine()];
      const added = await this.writer.add([...before, ...lines]);
      this.lost = added < before.length ? this.lost + lines.length : before.length + lines.length - added;
      this.sayDropped();
    }
    this.writing = undefined;
  }

  private sayDropped(): void {
    // While the disk takes nothing, what was left out is counted together.
    if (this.dropped === 0 || this.waitingBytes > this.endBytesMax) return;
    const { logWaitingBytesMax: max } = this.options.limits;
    const record = this.ownLine(
      `${this.dropped} lines were left out here: over ${max} bytes at once (logWaitingBytesMax)`,
    );
    this.dropped = 0;
    this.put(record);
  }

  private lostLine(): Uint8Array {
    return this.ownLine(`${this.lost} lines are missing here: the disk had no room for them, or failed`);
  }

  private ownLine(message: string): Uint8Array {
    return this.encode({ level: LogLevel.warn, message, target: own, file: own }, own);
  }

  private encode(line: LogLine, functionName: string | undefined): Uint8Array {
    const name = (text: string | undefined): string | undefined =>
      text === undefined ? undefined : cutText(text, nameBytesMax);
    const record = {
      level: levelNames.get(line.level) ?? "Debug",
      ts: this.options.clock.nowMicros(),
      target: name(line.target),
      filename: name(line.file),
      line_number: line.line,
      function: name(functionName),
      message: cutText(line.message, this.options.limits.logLineBytesMax),
      trace:
        line.level === LogLevel.panic
          ? (line.trace ?? [])
              .slice(0, framesMax)
              .map((frame) => ({ module_name: name(frame.moduleName), func_name: name(frame.functionName) }))
          : undefined,
    };
    return this.encoder.encode(`${JSON.stringify(record)}\n`);
  }
}
