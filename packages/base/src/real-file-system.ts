/**
 * Files of the machine. The only place that touches `node:fs`.
 *
 * The callback functions are used, not `fs.promises`: a descriptor is a number and a call costs half as
 * much, which shows in the time of a small write and its sync.
 */
import fs from "node:fs";
import type { FileHandle, FileSystem, OpenMode } from "./runtime.ts";

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } = fs.constants;
/** Where the system has no such flag, each write is followed by a sync. */
const O_DSYNC: number | undefined = fs.constants.O_DSYNC;

const flags: Record<OpenMode, number> = {
  read: O_RDONLY,
  "read-write": O_RDWR,
  durable: O_RDWR | (O_DSYNC ?? 0),
  create: O_RDWR | O_CREAT,
  "create-new": O_RDWR | O_CREAT | O_EXCL,
};

/** The system takes at most this many buffers in one call. */
const buffersMax = 1024;

type Done = (error: NodeJS.ErrnoException | null) => void;

/** Runs a call of `node:fs` that answers nothing. */
function settle(call: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error === null ? resolve() : reject(error))));
}

class RealFileHandle implements FileHandle {
  readonly #descriptor: number;
  readonly #mustSync: boolean;

  constructor(descriptor: number, mode: OpenMode) {
    this.#descriptor = descriptor;
    this.#mustSync = mode === "durable" && O_DSYNC === undefined;
  }

  read(target: Uint8Array, at: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#descriptor, target, at, length, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    let written = await this.#writeSome(source, position);
    // A write may stop short, at a signal for one.
    while (written < source.length) written += await this.#writeSome(source.subarray(written), position + written);
    if (this.#mustSync) await this.datasync();
  }

  #writeSome(source: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.#descriptor, source, 0, source.length, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }

  async writeMany(sources: readonly Uint8Array[], position: number): Promise<void> {
    let rest = sources;
    let at = position;
    while (rest.length > 0) {
      const some = rest.length > buffersMax ? rest.slice(0, buffersMax) : rest;
      const written = await this.#writeSomeOfMany(some, at);
      at += written;
      rest = after(rest, written);
    }
    if (this.#mustSync) await this.datasync();
  }

  #writeSomeOfMany(sources: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#descriptor, sources, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });
  }

  datasync(): Promise<void> {
    return settle((done) => fs.fdatasync(this.#descriptor, done));
  }

  truncate(length: number): Promise<void> {
    return settle((done) => fs.ftruncate(this.#descriptor, length, done));
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.#descriptor, (error, stats) => (error === null ? resolve(stats.size) : reject(error)));
    });
  }

  close(): Promise<void> {
    return settle((done) => fs.close(this.#descriptor, done));
  }
}

/** What is left of `sources` after their first `byteCount` bytes. */
function after(sources: readonly Uint8Array[], byteCount: number): readonly Uint8Array[] {
  let skip = byteCount;
  let index = 0;
  for (const source of sources) {
    if (skip < source.length) break;
    skip -= source.length;
    index += 1;
  }
  const rest = sources.slice(index);
  const first = rest[0];
  if (first !== undefined && skip > 0) rest[0] = first.subarray(skip);
  return rest;
}

function openDescriptor(path: string, flag: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.open(path, flag, 0o600, (error, descriptor) => (error === null ? resolve(descriptor) : reject(error)));
  });
}

/** The machine's files and directories. What it creates, only the owner may read. */
export const realFileSystem: FileSystem = {
  open: async (path, mode) => new RealFileHandle(await openDescriptor(path, flags[mode]), mode),
  rename: (from, to) => settle((done) => fs.rename(from, to, done)),
  remove: (path) => settle((done) => fs.unlink(path, done)),
  makeDirectory: (path) => settle((done) => fs.mkdir(path, { recursive: true, mode: 0o700 }, (error) => done(error))),
  removeDirectory: (path) => settle((done) => fs.rmdir(path, done)),
  list: (path) =>
    new Promise((resolve, reject) =>
      fs.readdir(path, (error, names) => (error === null ? resolve(names) : reject(error))),
    ),
  exists: (path) => new Promise((resolve) => fs.access(path, (error) => resolve(error === null))),
  async syncDirectory(path) {
    const descriptor = await openDescriptor(path, O_RDONLY);
    try {
      await settle((done) => fs.fsync(descriptor, done));
    } finally {
      await settle((done) => fs.close(descriptor, done));
    }
  },
};
