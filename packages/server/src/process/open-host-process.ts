/**
 * Runs a database in a process of its own: a heap that runs away, or a module that ends its process, takes
 * nobody else with it. The front and the process share one socket pair, which is file descriptor 3 over there;
 * when the front dies the pair closes, and the process ends by itself.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import type { Clock } from "@lightcone/base";
import { HostEnded } from "@lightcone/database/front";
import type { ConnectionHandle, EndReason, Resume, Suspect } from "@lightcone/database/front";
import type { ServerLimits } from "../limits.ts";
import type { ServerLog } from "../log.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import { noteBytes, readNote, type Note } from "./activity.ts";
import { HostLink } from "./host-link.ts";

/** What a host process is told about the database it opens. */
export interface HostRecord {
  /** 64 hex digits each. */
  readonly identity: string;
  readonly owner: string;
  readonly hostType: "wasm" | "js";
  readonly initialProgram: string;
  readonly directory: string;
  /** Whether the database is being made: only then may its directory be empty. */
  readonly isNew: boolean;
  /** Whatever the factory wants to know: limits, log level. JSON. */
  readonly settings: unknown;
}

export interface HostProcessOptions {
  /** The URL of a module that exports `openHostDatabase(record: HostRecord, resume: Resume | undefined, watch: Watch)`. */
  readonly factory: string;
  readonly settings?: unknown;
  readonly isNew: boolean;
  /** Flags for Node: memory limits, experimental features. */
  readonly nodeFlags?: readonly string[];
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly limits: ServerLimits;
}

/** A database in its own process. */
export interface HostProcess {
  readonly link: HostLink;
  /** Handles of the resumed connections, in their order. */
  readonly handles: readonly ConnectionHandle[];
  /** The last offset of which every client has been told. */
  readonly releasedOffset: number;
  readonly pid: number;
  /** The message that has been running for a while, if there is one. */
  readonly suspect: Suspect | undefined;
  /** Resolves when the process has ended, with how. */
  readonly ended: Promise<string>;
  /** Ends the process at once. */
  kill(): void;
}

/** How much of the machine's memory one process may take, whatever its limit says. */
const memoryShareMax = 0.8;
/** How long after `withinMs` a process that does not end is ended. */
const killAfterMs = 1000;
/** How often a call that goes on after its time is ended again: another may have come after it. */
const endCallAgainMs = 250;
/** How long the pipes of a process that has ended are read at most. */
const pipesEndMsMax = 1000;
const pipeDescriptor = 3;
const noteDescriptor = 4;

/**
 * Starts a process and opens the database in it.
 *
 * @throws {Error} the database's own reason when it cannot be opened; the process has ended then
 */
export async function openHostProcess(
  record: DatabaseRecord,
  directory: string,
  options: HostProcessOptions,
  resume?: Resume,
): Promise<HostProcess> {
  const child = spawn(
    process.execPath,
    [
      ...(options.nodeFlags ?? []),
      fileURLToPath(new URL("./host-main.ts", import.meta.url)),
      options.factory,
      String(Math.min(options.limits.hostMemoryBytesMax, Math.floor(totalmem() * memoryShareMax))),
    ],
    // A group of its own: what a terminal sends to everyone in it is for the front to deal with.
    { stdio: ["ignore", 2, 2, "pipe", "pipe"], env: hostEnvironment(process.env), detached: true },
  );
  const ended = endOf(child, options.clock);
  // A descriptor asked for as "pipe" is a socket pair, open both ways.
  const socket = child.stdio[pipeDescriptor] as Duplex;
  const notes = new NoteReader(child.stdio[noteDescriptor] as Duplex);
  const link = new ProcessLink(socket, child, ended, notes, options);
  void ended.then((how) => {
    options.log.debug({ pid: child.pid, database: record.identity.hex, how }, "database process ended");
    const { reason } = notes.last;
    const why = reason === "crash" ? how : endReasons[reason];
    link.over(new HostEnded(`the database's process ended: ${why}`, notes.suspect, isModulesFault(how, reason)));
  });
  const told: HostRecord = {
    identity: record.identity.hex,
    owner: record.owner.hex,
    hostType: record.hostType,
    initialProgram: record.initialProgram,
    directory,
    // A host that takes over finds what the one before has made.
    isNew: options.isNew && resume === undefined,
    settings: options.settings ?? null,
  };
  const handles = link.open(JSON.stringify(told), resume);
  try {
    await link.opened;
  } catch (error) {
    child.kill("SIGKILL");
    await ended;
    throw error;
  }
  return {
    link,
    handles,
    get releasedOffset() {
      return link.releasedOffset;
    },
    pid: child.pid ?? 0,
    get suspect() {
      return notes.suspect;
    },
    ended,
    kill: () => void child.kill("SIGKILL"),
  };
}

/** A link that ends its process when it is stopped. */
class ProcessLink extends HostLink {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  readonly #clock: Clock;
  readonly #notes: NoteReader;
  readonly #callTimeoutMs: number;
  #failure: Error | undefined;

  constructor(
    socket: Duplex,
    child: ChildProcess,
    ended: Promise<string>,
    notes: NoteReader,
    options: HostProcessOptions,
  ) {
    super(socket, {
      clock: options.clock,
      connectionBytesMax: options.limits.linkConnectionBytesMax,
      bytesMax: options.limits.linkBytesMax,
    });
    this.#child = child;
    this.#ended = ended;
    this.#clock = options.clock;
    this.#notes = notes;
    this.#callTimeoutMs = options.limits.stopCallTimeoutMs;
  }

  /** The pipe ends a moment before the process: how that ended says more. A pipe that broke ends the process. */
  protected override pipeGone(): void {
    this.#child.kill("SIGKILL");
  }

  /** The next host may open the same files: this one must be gone first. */
  protected override hostFailed(error: Error): void {
    this.#failure ??= error;
    this.#child.kill("SIGKILL");
  }

  /** The process has ended; the database's own account of why goes before the system's. */
  over(ended: Error): void {
    this.gone(this.#failure ?? ended);
  }

  override async stop(withinMs: number): Promise<void> {
    const cancel = this.#clock.after(withinMs + killAfterMs, () => void this.#child.kill("SIGKILL"));
    // A call that does not end keeps its process from hearing that it is to stop. SIGINT ends a turn there.
    const endCall = (): void => {
      if (this.#notes.suspect !== undefined) this.#child.kill("SIGINT");
      cancelNext = this.#clock.after(endCallAgainMs, endCall);
    };
    let cancelNext = this.#clock.after(Math.min(this.#callTimeoutMs, withinMs), endCall);
    await super.stop(withinMs);
    await this.#ended;
    cancelNext();
    cancel();
  }
}

/** What a process had to be ended for. */
const endReasons: Readonly<Record<Exclude<EndReason, "crash">, string>> = {
  memory: "it took more memory than it may (`hostMemoryBytesMax`)",
  time: "a call went on after its time, in an operation that cannot be interrupted",
};

/** Resolves when a process has ended and its pipes have been read to their end, with how. */
function endOf(child: ChildProcess, clock: Clock): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`it did not start: ${error.message}`));
    child.once("exit", (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      // What it said last is on its way. It counts, but nobody waits for a pipe that something else holds open.
      const cancel = clock.after(pipesEndMsMax, () => resolve(how));
      child.once("close", () => {
        cancel();
        resolve(how);
      });
    });
  });
}

/** Keeps the last note of a host's watching thread. */
class NoteReader {
  last: Note = { work: undefined, reason: "crash" };
  readonly #note: Uint8Array<ArrayBuffer> = new Uint8Array(noteBytes);
  #length = 0;

  constructor(pipe: Duplex) {
    pipe.on("error", () => pipe.destroy());
    pipe.on("data", (chunk: Uint8Array) => {
      for (const byte of chunk) {
        this.#note[this.#length] = byte;
        this.#length += 1;
        if (this.#length < noteBytes) continue;
        this.#length = 0;
        this.last = readNote(this.#note);
      }
    });
  }

  /** What has been running for a while, or ran when the process had to be ended. */
  get suspect(): Suspect | undefined {
    const { work, reason } = this.last;
    return work === undefined ? undefined : { ...work, reason };
  }
}

/**
 * Whether the way a process ended says that its module did it: it had to be ended, a full heap aborts, a broken one
 * traps, what nobody caught exits. A kill comes from outside.
 */
function isModulesFault(how: string, reason: EndReason): boolean {
  return reason !== "crash" || !/^signal SIG(KILL|TERM|INT|HUP|QUIT)$/.test(how);
}

/** What a host sees of the environment: nothing that could be a secret. */
function hostEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = Object.entries(environment).filter(
    ([name]) => name === "TZ" || name === "LANG" || name.startsWith("LIGHTCONE_"),
  );
  return Object.fromEntries(passed);
}
