/**
 * Module logs over HTTP: lines of JSON, read from their files by the front itself.
 *
 * A log can so be read while its database does not run, is busy or is left alone after crashes, which is when it is
 * wanted most; and who follows one hears nothing of hosts that come and go. What ends a follower is told by a last
 * line, whose `end` names the reason.
 */
import type { Clock, FileSystem } from "@lightcone/base";
import { LogReader } from "@lightcone/database/front";
import type { Databases } from "../registry/databases.ts";
import type { Registry } from "../registry/registry.ts";
import { mayManage } from "../registry/state.ts";
import type { DatabaseRecord } from "../registry/state.ts";

export interface LogQuery {
  /** Lines to begin with; undefined for all there are. */
  readonly lineCount: number | undefined;
  readonly follow: boolean;
  /** Who reads it; whoever follows does so for as long as they may. */
  readonly reader: string;
}

export interface ModuleLogsOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly databases: Databases;
}

/** How long a reader waits for a database that may be busy to write what it has. */
const flushWithinMs = 250;
/** How often a follower looks for new lines. */
const lookEveryMs = 100;
/** How long a server that stops waits for its followers to take the last line. */
const stopWithinMs = 500;

/** Why a follower's log is at its end. */
interface Ending {
  readonly end: "ServerStopping" | "DatabaseDeleted" | "NotYours" | "Quarantined";
  readonly message: string;
}

export class ModuleLogs {
  private readonly options: ModuleLogsOptions;
  private readonly followers = new Set<Follower>();
  private isStopping = false;

  constructor(options: ModuleLogsOptions) {
    this.options = options;
  }

  /** The log of a database, as far as is asked for. */
  async open(record: DatabaseRecord, query: LogQuery): Promise<ReadableStream<Uint8Array>> {
    const { files, clock, databases } = this.options;
    await within(clock, flushWithinMs, databases.flushLog(record));
    const reader = await LogReader.open(files, databases.logDirectory(record), query);
    if (!query.follow) return streamOf(allOf(reader), () => undefined);
    const follower = new Follower(clock);
    this.followers.add(follower);
    return streamOf(this.follow(record, reader, follower, query.reader), () => follower.leave());
  }

  /** Tells every follower that the server stops. Once the databases have: their last lines are told before. */
  async stop(): Promise<void> {
    this.isStopping = true;
    for (const follower of this.followers) follower.wake();
    await within(this.options.clock, stopWithinMs, Promise.all([...this.followers].map((each) => each.ended)));
  }

  private async *follow(
    first: DatabaseRecord,
    firstReader: LogReader,
    follower: Follower,
    who: string,
  ): AsyncGenerator<Uint8Array> {
    let [record, reader] = [first, firstReader];
    try {
      while (!follower.hasLeft) {
        // Asked before what is there is read: nothing that came before the end is left out.
        const present = this.options.registry.get(record.identity.hex);
        const ending = this.endingOf(present);
        if (present !== undefined && !mayManage(present, who)) {
          yield this.line({ end: "NotYours", message: "the log ends here: the database is not yours any more" });
          return;
        }
        const lines = await reader.next();
        if (reader.hasMissed) {
          reader.hasMissed = false;
          yield this.line({ message: "lines are missing here: they were removed before they were read" });
        }
        if (lines !== undefined) yield lines;
        else if (ending !== undefined) {
          yield this.line(ending);
          return;
        } else if (present !== undefined && present.directory !== record.directory) {
          yield this.line({ message: "the database was published anew without its data: its log begins here" });
          await reader.close();
          record = present;
          reader = await this.reopen(record);
        } else await follower.pause(lookEveryMs);
      }
    } finally {
      await reader.close();
      this.followers.delete(follower);
      follower.end();
    }
  }

  private reopen(record: DatabaseRecord): Promise<LogReader> {
    const { files, databases } = this.options;
    return LogReader.open(files, databases.logDirectory(record), { lineCount: undefined, follow: true });
  }

  private endingOf(record: DatabaseRecord | undefined): Ending | undefined {
    if (this.isStopping) return { end: "ServerStopping", message: "the log ends here: the server is stopping" };
    if (record === undefined) return { end: "DatabaseDeleted", message: "the log ends here: the database was deleted" };
    const quarantine = this.options.databases.quarantine(record);
    if (quarantine === undefined) return undefined;
    return { end: "Quarantined", message: `the log ends here: ${quarantine.message}. ${quarantine.hint}` };
  }

  /** A line of the server's own: it is in no file. */
  private line(line: { readonly message: string; readonly end?: string }): Uint8Array {
    const own = "__spacetimedb__"; // the name that tools which filter such lines look for
    const ts = this.options.clock.nowMicros();
    const { message, end } = line;
    return new TextEncoder().encode(
      `${JSON.stringify({ level: "Warn", ts, target: own, filename: own, function: own, message, end })}\n`,
    );
  }
}

/** One who follows: waits, is woken, goes away. */
class Follower {
  readonly ended: Promise<void>;
  hasLeft = false;
  end: () => void = () => undefined;
  wake: () => void = () => undefined;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  pause(forMs: number): Promise<void> {
    if (this.hasLeft) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.clock.after(forMs, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
  }

  leave(): void {
    this.hasLeft = true;
    this.wake();
  }
}

async function* allOf(reader: LogReader): AsyncGenerator<Uint8Array> {
  try {
    for (let lines = await reader.next(); lines !== undefined; lines = await reader.next()) yield lines;
  } finally {
    await reader.close();
  }
}

/** Pulls as the client reads; a client that goes away ends the source. */
function streamOf(lines: AsyncGenerator<Uint8Array>, leave: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const next = await lines.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      leave();
      await lines.return(undefined);
    },
  });
}

/** Waits for some work, but no longer than so long; what it fails with is nobody's concern here. */
async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = clock.after(ms, resolve);
    void Promise.allSettled([work]).then(() => {
      cancel();
      resolve();
    });
  });
}
