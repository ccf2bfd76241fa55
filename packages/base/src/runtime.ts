/**
 * The outside world as interfaces: time, chance, files. Everything above takes them as arguments, so a
 * test can hand in its own and nothing sleeps. `real-*.ts` has the only implementations that touch the
 * machine.
 */

/** Wall and steady time. */
export interface Clock {
  /** Microseconds since 1970-01-01 UTC. A safe integer. May step back when the machine's clock is set. */
  nowMicros(): number;
  /** Milliseconds since some fixed point, never going back. For durations and deadlines. */
  steadyMs(): number;
  /** Calls `run` once, after `delayMs` or later. Returns what cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

/** Unpredictable bytes. */
export interface Random {
  /** Fills `target` with random bytes and returns it. */
  fill<T extends Uint8Array>(target: T): T;
}

/**
 * An open file. Positions and lengths are bytes. Writes may be lost by a crash until `datasync` is done, unless the
 * file was opened as `durable`.
 */
export interface FileHandle {
  /** Reads up to `length` bytes at `position` into `target` at `at`; returns how many, 0 at the end. */
  read(target: Uint8Array, at: number, length: number, position: number): Promise<number>;
  /** Writes the whole of `source` at `position`. */
  write(source: Uint8Array, position: number): Promise<void>;
  /** Writes the whole of every source, one after another from `position` on, in as few calls as possible. */
  writeMany(sources: readonly Uint8Array[], position: number): Promise<void>;
  /** Makes all that was written, and the file's length, survive a crash. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/**
 * A file that only grows, for lines of text. What was added is there when the process ends, however it does; a crash of
 * the machine may take it.
 */
export interface GrowingFile {
  /** Adds the whole of `source` before it returns. If that fails, nothing of it is there. */
  addNow(source: Uint8Array): void;
  /**
   * Adds sources one after another, without keeping the thread from its work meanwhile.
   *
   * @returns how many of them are there, each as a whole, and nothing of the others: not all when the system refuses one
   */
  add(sources: readonly Uint8Array[]): Promise<number>;
  close(): Promise<void>;
}

/**
 * `read`, `read-write` and `durable` want the file to exist, `create-new` wants it not to; all but `read` may write.
 * A write to a `durable` file is done when it survives a crash: one call where `write` and `datasync` are two.
 */
export type OpenMode = "read" | "read-write" | "durable" | "create" | "create-new";

/**
 * Files and directories. A created, renamed or removed entry is durable after `syncDirectory`.
 *
 * Failures are errors with the system's `code`: `ENOENT`, `EEXIST`, `ENOSPC`, `EIO` and the like.
 */
export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<FileHandle>;
  /** Opens a file to add to it, before it returns; makes it if it is not there. */
  openGrowing(path: string): GrowingFile;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /**
   * Creates the directory; nothing if it is there. On a machine the one above has to be there: whatever was moved away or
   * unmounted is not made anew, empty.
   */
  makeDirectory(path: string): Promise<void>;
  /** Removes an empty directory. */
  removeDirectory(path: string): Promise<void>;
  /** Entry names, in no order. */
  list(path: string): Promise<readonly string[]>;
  /** Whether something is there. Rejects when the system does not let that be known: that is no absence. */
  exists(path: string): Promise<boolean>;
  syncDirectory(path: string): Promise<void>;
  /** About how much more the file system that holds `path` will take. A quota may be met before. */
  freeBytes(path: string): Promise<number>;
  /** The same before it returns: a look at what the kernel has in memory. */
  freeBytesNow(path: string): number;
}
