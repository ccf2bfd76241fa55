/**
 * A host process before it has a database, and how it ends. The front and the process share a socket pair, file
 * descriptor 3 of the host; when the front dies the pair closes, and the process ends by itself. Descriptor 4 is another
 * pair, for notes of what runs: they must arrive even when nothing else does.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { LightconeError, type Clock } from "@lightcone/base";
import type { EndReason, Suspect } from "@lightcone/database/front";
import type { ServerLimits } from "../limits.ts";
import { noteDescriptor } from "./activity.ts";
import { HostNotes } from "./host-notes.ts";
import type { HostProgram } from "./host-program.ts";
import { type LinkedProcess, ProcessLink } from "./process-link.ts";
import type { Keeper } from "./keeper.ts";
import { canSeeMemory, type Supervised, type Supervisor } from "./supervisor.ts";

export interface SpawnOptions {
  readonly program: HostProgram;
  /** Flags for Node: memory limits, experimental features. */
  readonly nodeFlags: readonly string[];
  readonly memoryBytesMax: number;
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly keeper: Keeper;
  readonly supervisor: Supervisor;
  /** An argument that the process does not use: its command line is recognized by it. */
  readonly mark: string;
}

/** The size of the young generation. The default takes half as much as all the rest of an idle host. */
const youngMegabytesMax = 4;
/** How long the pipes of a process that has exited are read at most. */
const pipesEndMsMax = 1000;
const pipeDescriptor = 3;

export class SpawnedHost implements LinkedProcess, Supervised {
  readonly link: ProcessLink;
  /** Resolves when the process has ended and its pipes have been read to their end, with how. */
  readonly ended: Promise<string>;
  isEnded = false;
  /** The identity of the database that it has, 64 hex digits. */
  database: string | undefined;
  busySinceMs: number | undefined;
  /** How long the work that ran when the process ended had been running. */
  ranMs = 0;
  private readonly child: ChildProcess;
  readonly notes: HostNotes;
  /** Why this side ended it. */
  private endReason: EndReason = "crash";

  /** Starts one. @throws {LightconeError} `ProcessNotStarted` */
  static async start(options: SpawnOptions): Promise<SpawnedHost> {
    return new SpawnedHost(await startProcess(options), options);
  }

  private constructor(child: ChildProcess, options: SpawnOptions) {
    const { keeper, supervisor, clock } = options;
    this.child = child;
    this.ended = this.untilEnd(clock);
    // With "pipe" a descriptor is a socket pair, open in both directions.
    this.link = new ProcessLink(this, this.child.stdio[pipeDescriptor] as Duplex, options);
    this.notes = new HostNotes(this.child.stdio[noteDescriptor] as Duplex, () => {
      this.busySinceMs = this.notes.suspect === undefined ? undefined : clock.steadyMs();
      if (this.busySinceMs !== undefined) supervisor.began(this);
    });
    keeper.hold(this.pid);
    void this.ended.then(() => keeper.letGo(this.pid));
  }

  /** Whether it has loaded and warmed up everything. */
  get isWarm(): boolean {
    return this.link.isWarm;
  }

  /** Whether the process is gone, though its pipes may not have been read to their end. */
  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Why it was ended; "crash" if it ended otherwise. */
  get reason(): EndReason {
    return this.endReason === "crash" ? this.notes.reason : this.endReason;
  }

  /** The work that has been running for a while, or ran when the process ended. */
  get suspect(): Suspect | undefined {
    const { suspect } = this.notes;
    return suspect && { ...suspect, reason: this.reason };
  }

  /** Ends the process at once. */
  end(reason: EndReason): void {
    this.endReason = reason;
    this.kill();
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.child.kill(signal);
  }

  private untilEnd(clock: Clock): Promise<string> {
    const child = this.child;
    return new Promise<string>((resolve) => {
      child.once("exit", (code, signal) => {
        this.ranMs = this.busySinceMs === undefined ? 0 : clock.steadyMs() - this.busySinceMs;
        const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
        // Its last messages may still be in the pipe. They count, but another process may hold the pipe open.
        const cancel = clock.after(pipesEndMsMax, () => resolve(how));
        child.once("close", () => {
          cancel();
          resolve(how);
        });
      });
    }).finally(() => {
      this.isEnded = true;
      this.busySinceMs = undefined;
    });
  }
}

async function startProcess({ program, keeper, nodeFlags, memoryBytesMax, mark }: SpawnOptions): Promise<ChildProcess> {
  const watchesItself = !keeper.isThere || !canSeeMemory;
  let child: ChildProcess;
  try {
    child = spawn(
      process.execPath,
      [
        `--max-semi-space-size=${youngMegabytesMax}`,
        // Else the signal opens a debugger that every user of the machine may attach to.
        ...(process.env["LIGHTCONE_INSPECT"] === "1" ? [] : ["--disable-sigusr1"]),
        ...nodeFlags,
        program.main,
        program.factory,
        String(memoryBytesMax),
        watchesItself ? "watched" : "kept",
        mark,
      ],
      // In a process group of its own, so that signals of a terminal reach the front alone.
      { stdio: ["ignore", 2, 2, "pipe", "pipe"], env: hostEnvironment(process.env), detached: true },
    );
  } catch (error) {
    throw notStarted(error);
  }
  // An error later than this is one of `kill`, which `exit` makes up for.
  const failed = new Promise((resolve) => child.on("error", resolve));
  if (child.pid === undefined) throw notStarted(await failed);
  return child;
}

function notStarted(error: unknown): LightconeError {
  const reason = error instanceof Error ? error.message : String(error);
  return new LightconeError("ProcessNotStarted", { reason }, { cause: error });
}

/** The environment of a host: nothing that could be a secret. */
function hostEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = Object.entries(environment).filter(
    ([name]) => name === "TZ" || name === "LANG" || name.startsWith("LIGHTCONE_"),
  );
  // One malloc arena for all threads: they allocate little, and each arena keeps megabytes of freed memory.
  return { MALLOC_ARENA_MAX: "1", ...Object.fromEntries(passed) };
}
