/**
 * Opens a database in a process of its own, so that a full heap, or a module that ends its process, affects no other
 * database.
 */
import { HostEnded } from "@lightcone/database/front";
import type { ConnectionHandle, EndReason, FunctionEnd, Resume, Suspect } from "@lightcone/database/front";
import type { ServerLog } from "../log.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import type { HostLink } from "./host-link.ts";
import type { SpawnedHost } from "./spawn-host.ts";

/** What a host process gets to know of the database that it opens. */
export interface HostRecord {
  /** 64 hex digits each. */
  readonly identity: string;
  readonly owner: string;
  readonly hostType: "wasm" | "js";
  readonly initialProgram: string;
  readonly directory: string;
  /** Whether the database is being made: only then may its directory be empty. */
  readonly isNew: boolean;
  /** What the factory wants to know, such as limits; JSON. */
  readonly settings: unknown;
}

export interface OpenOptions {
  readonly settings: unknown;
  readonly isNew: boolean;
  readonly log: ServerLog;
}

/** A database in its own process. */
export interface HostProcess {
  readonly link: HostLink;
  /** Handles of the resumed connections, in their order. */
  readonly handles: readonly ConnectionHandle[];
  /** The last offset of which every client has been told. */
  readonly releasedOffset: number;
  readonly pid: number;
  /** The functions in which hosts have ended, those of its predecessor included. */
  readonly ends: readonly FunctionEnd[];
  /** Work that it was given again and has begun. */
  readonly begun: ReadonlySet<string>;
  /** Whether it has gone through all that it was given again. */
  readonly isThrough: boolean;
  /** What has been running for a while, if anything. */
  readonly suspect: Suspect | undefined;
  /** Resolves when the process has ended, with how. */
  readonly ended: Promise<string>;
  /** Ends the process at once. */
  kill(): void;
}

/** Work is blamed for a kill from outside only if it had been running for this long. */
const suspectMsMin = 500;

/**
 * Opens a database in a process that waits for one.
 *
 * @throws {Error} the database's own reason when it cannot be opened; the process has ended then
 */
export async function openInHost(
  host: SpawnedHost,
  record: DatabaseRecord,
  directory: string,
  options: OpenOptions,
  resume: Resume,
): Promise<HostProcess> {
  const { link } = host;
  link.onOperator = (level, message) => options.log[level]({ database: record.identity.hex }, message);
  void host.ended.then((how) => {
    options.log.debug({ pid: host.pid, database: record.identity.hex, how }, "database process ended");
    const isOutside = host.reason === "crash" && cameFromOutside(how);
    // A kill during something short is taken for chance, but not twice for the same work.
    const isChance = isOutside && host.ranMs < suspectMsMin && host.notes.isThrough;
    const suspect = isChance ? undefined : host.suspect;
    const why = host.reason === "crash" ? how : endTexts[host.reason];
    link.over(new HostEnded(`the database's process ended: ${why}`, suspect, !isOutside));
  });
  const told: HostRecord = {
    identity: record.identity.hex,
    owner: record.owner.hex,
    hostType: record.hostType,
    initialProgram: record.initialProgram,
    directory,
    // A host that takes over finds the files of the one before.
    isNew: options.isNew && resume.length === 0,
    settings: options.settings ?? null,
  };
  if (resume.some(({ isCareful }) => isCareful)) host.notes.keepBegun();
  const handles = link.open(JSON.stringify(told), resume);
  try {
    await link.opened;
  } catch (error) {
    host.kill();
    await host.ended;
    throw error;
  }
  return {
    link,
    handles,
    get releasedOffset() {
      return link.releasedOffset;
    },
    pid: host.pid,
    get ends() {
      return link.ends;
    },
    begun: host.notes.begun,
    get isThrough() {
      return host.notes.isThrough;
    },
    get suspect() {
      return host.suspect;
    },
    ended: host.ended,
    kill: () => host.kill(),
  };
}

/** Why a process was ended, in words. */
const endTexts: Readonly<Record<Exclude<EndReason, "crash">, string>> = {
  memory: "it took more memory than it may (`hostMemoryBytesMax`)",
  time: "a call went on after its time, in an operation that cannot be interrupted",
};

/**
 * Whether a process was ended from outside, and not by its module: a full heap aborts, a broken one traps, an uncaught
 * exception exits.
 */
function cameFromOutside(how: string): boolean {
  return /^signal SIG(KILL|TERM|INT|HUP|QUIT)$/.test(how);
}
