/**
 * One process per directory, by a lock that the kernel holds and lets go of when the process is gone, however it went.
 *
 * Node offers no lock of files but SQLite's: an exclusive transaction on the file `lock` takes a POSIX record lock. That
 * belongs to the process, not to a descriptor, so no child inherits it, and neither process numbers, host names nor what
 * a crash left behind mean anything. Two rules come with it: the holder never opens `lock` by other means, since closing
 * any descriptor of it would let the lock go, and nobody ever removes the file, since two could then lock one each.
 *
 * Who holds it stands in `lock.holder`, for people alone: it may be out of date or of another machine.
 */
import os from "node:os";
import type { DatabaseSync } from "node:sqlite";
import type Sqlite from "node:sqlite";
import { fileFailure } from "./file-failure.ts";
import { isLightconeError, LightconeError } from "./lightcone-error.ts";
import { realFileSystem } from "./real-file-system.ts";
import type { Clock } from "./runtime.ts";
import { readWholeFile } from "./whole-file.ts";

export interface DirectoryLock {
  /** Lets the next process in. */
  release(): Promise<void>;
}

export interface LockOptions {
  readonly clock: Clock;
  /** How long a holder that is on its way out may take. */
  readonly waitMs: number;
  /** Is told once who holds it, when that takes a moment. */
  readonly onWait?: (held: LightconeError<"DataDirectoryLocked">) => void;
}

/** Those that nobody else need hold on to: one that is collected as garbage is let go of. */
const held = new Set<DatabaseSync>();
const tryMs = 20;
const quietMs = 500;
const holderName = "lock.holder";
const holderBytesMax = 1024;
/** SQLite's code for a lock that somebody else has; the low byte, whatever the reason. */
const busy = 5;

/**
 * Locks a directory, which must exist, until `release` or the end of this process.
 *
 * @throws {LightconeError} `DataDirectoryLocked` with what is known of the holder · `FileUnusable` · `DiskFull`
 */
export async function lockDirectory(path: string, options: LockOptions): Promise<DirectoryLock> {
  const { clock, waitMs, onWait } = options;
  const startedMs = clock.steadyMs();
  let isTold = false;
  const lock = await openLockFile(path);
  try {
    while (!tryLock(lock, path)) {
      const waitedMs = clock.steadyMs() - startedMs;
      if (waitedMs >= waitMs) throw await heldError(path);
      if (!isTold && waitedMs >= quietMs) {
        isTold = true;
        onWait?.(await heldError(path));
      }
      await new Promise<void>((resolve) => void clock.after(tryMs, resolve));
    }
  } catch (error) {
    lock.close();
    throw error;
  }
  held.add(lock);
  await noteHolder(path, clock);
  return {
    async release() {
      await realFileSystem.remove(`${path}/${holderName}`).catch(() => undefined); // it may never have been written
      held.delete(lock);
      lock.close();
    },
  };
}

async function openLockFile(path: string): Promise<DatabaseSync> {
  const sqlite = loadSqlite();
  try {
    await createFile(`${path}/lock`);
    return new sqlite.DatabaseSync(`${path}/lock`);
  } catch (cause) {
    throw cannotLock(path, cause);
  }
}

/** Makes a file that others cannot read, as SQLite would not. One that is there is not touched. */
async function createFile(path: string): Promise<void> {
  try {
    await (await realFileSystem.open(path, "create-new")).close();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function cannotLock(path: string, cause: unknown): unknown {
  const failure = fileFailure(cause);
  if (isLightconeError(failure, "DiskFull")) return failure;
  const isKnown = isLightconeError(failure, "Corrupt") || isLightconeError(failure, "FileUnusable");
  const why = isKnown ? failure.detail.reason : cause instanceof Error ? cause.message : String(cause);
  const reason = `it cannot be locked: ${why}`;
  return new LightconeError("FileUnusable", { file: `${path}/lock`, reason }, { cause });
}

/** Some releases of Node 24 say on standard error that this module is experimental. */
function loadSqlite(): typeof Sqlite {
  const emitWarning = Reflect.get(process, "emitWarning");
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Whether the lock is ours now. Nothing is ever written: the journal in memory leaves no file beside it. */
function tryLock(lock: DatabaseSync, path: string): boolean {
  try {
    lock.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return true;
  } catch (cause) {
    if (cause instanceof Error && "errcode" in cause && (Number(cause.errcode) & 0xff) === busy) return false;
    throw cannotLock(path, cause);
  }
}

async function noteHolder(path: string, clock: Clock): Promise<void> {
  const since = new Date(clock.nowMicros() / 1000).toISOString();
  const text = `${JSON.stringify({ pid: process.pid, host: os.hostname(), since })}\n`;
  try {
    const handle = await realFileSystem.open(`${path}/${holderName}`, "create");
    try {
      await handle.truncate(0);
      await handle.write(new TextEncoder().encode(text), 0);
    } finally {
      await handle.close();
    }
  } catch {
    // The lock holds all the same, and on a full disk nobody is told who has it.
  }
}

async function heldError(path: string): Promise<LightconeError<"DataDirectoryLocked">> {
  return new LightconeError("DataDirectoryLocked", { path, ...(await readHolder(path)) });
}

async function readHolder(path: string): Promise<{ pid?: number; host?: string; since?: string }> {
  try {
    const bytes = await readWholeFile(realFileSystem, `${path}/${holderName}`, holderBytesMax);
    const { pid, host, since }: Readonly<Record<string, unknown>> = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof pid === "number" && typeof host === "string" && typeof since === "string") return { pid, host, since };
  } catch {
    // Being written, or never was.
  }
  return {};
}
