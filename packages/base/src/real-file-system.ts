/**
 * Files of the machine. The only place that touches `node:fs`.
 *
 * The callback functions are used, not `fs.promises`: a descriptor is a number and a call costs half as
 * much, which shows in the time of a small write and its sync.
 */
import fs from "node:fs";
import { makeDirectory } from "./real-make-directory.ts";
import type { FileHandle, FileSystem, GrowingFile, OpenMode } from "./runtime.ts";

const { O_APPEND, O_CREAT, O_EXCL, O_RDWR, O_WRONLY } = fs.constants;
/** To open a pipe that stands in a file's place must not wait for its other end. Some systems have no such flag. */
const O_RDONLY = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
/** Where the system has no such flag, each write is followed by a sync. */
const O_DSYNC: number | undefined = fs.constants.O_DSYNC;

const flags: Record<OpenMode, number> = {
  read: O_RDONLY,
  "read-write": O_RDWR,
  durable: O_RDWR | (O_DSYNC ?? 0),
  create: O_RDWR | O_CREAT,
  "create-new": O_RDWR | O_CREAT | O_EXCL,
};

/** Only the owner may read and write. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** The system takes at most this many buffers in one call. */
const buffersMax = 1024;

type Done = (error: NodeJS.ErrnoException | null) => void;

/** Runs a call of `node:fs` that answers nothing. */
function settle(call: (done: Done) => void, path?: string): Promise<void> {
  return new Promise((resolve, reject) => call((error) => (error === null ? resolve() : reject(located(error, path)))));
}

/** The system does not name a file that it knows by its descriptor. */
function located(error: NodeJS.ErrnoException, path: string | undefined): NodeJS.ErrnoException {
  if (path !== undefined) error.path ??= path;
  return error;
}

class RealFileHandle implements FileHandle {
  private readonly descriptor: number;
  private readonly path: string;
  private readonly mustSync: boolean;

  constructor(descriptor: number, path: string, mode: OpenMode) {
    this.descriptor = descriptor;
    this.path = path;
    this.mustSync = mode === "durable" && O_DSYNC === undefined;
  }

  read(target: Uint8Array, at: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.descriptor, target, at, length, position, (error, count) =>
        error === null ? resolve(count) : reject(located(error, this.path)),
      );
    });
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    let written = await this.writeSome(source, position);
    // A write may stop short, at a signal for one.
    while (written < source.length) written += await this.writeSome(source.subarray(written), position + written);
    if (this.mustSync) await this.datasync();
  }

  private writeSome(source: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.write(this.descriptor, source, 0, source.length, position, (error, count) =>
        error === null ? resolve(count) : reject(located(error, this.path)),
      );
    });
  }

  async writeMany(sources: readonly Uint8Array[], position: number): Promise<void> {
    let rest = sources;
    let at = position;
    while (rest.length > 0) {
      const some = rest.length > buffersMax ? rest.slice(0, buffersMax) : rest;
      const written = await this.writeSomeOfMany(some, at);
      at += written;
      rest = after(rest, written);
    }
    if (this.mustSync) await this.datasync();
  }

  private writeSomeOfMany(sources: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.descriptor, sources, position, (error, count) =>
        error === null ? resolve(count) : reject(located(error, this.path)),
      );
    });
  }

  datasync(): Promise<void> {
    return settle((done) => fs.fdatasync(this.descriptor, done), this.path);
  }

  truncate(length: number): Promise<void> {
    return settle((done) => fs.ftruncate(this.descriptor, length, done), this.path);
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.fstat(this.descriptor, (error, stats) =>
        error === null ? resolve(stats.size) : reject(located(error, this.path)),
      );
    });
  }

  close(): Promise<void> {
    return settle((done) => fs.close(this.descriptor, done));
  }
}

/**
 * The system puts each write at the end: where that is need not be known here, and is right even if whoever wrote was
 * ended before it heard that it had.
 */
class RealGrowingFile implements GrowingFile {
  private readonly descriptor: number;

  constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  addNow(source: Uint8Array): void {
    let written = 0;
    try {
      do written += fs.writeSync(this.descriptor, source, written);
      while (written < source.length);
    } catch (error) {
      this.takeBack(written);
      throw error;
    }
  }

  async add(sources: readonly Uint8Array[]): Promise<number> {
    let rest = sources;
    try {
      while (rest.length > 0) {
        const written = await this.addSome(rest.length > buffersMax ? rest.slice(0, buffersMax) : rest);
        rest = after(rest, written);
      }
      return sources.length;
    } catch {
      const addedCount = sources.length - rest.length;
      this.takeBack((sources[addedCount]?.length ?? 0) - (rest[0]?.length ?? 0));
      return addedCount;
    }
  }

  private addSome(sources: readonly Uint8Array[]): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.descriptor, sources, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  /** Cuts off what was added last. */
  private takeBack(byteCount: number): void {
    if (byteCount > 0) fs.ftruncateSync(this.descriptor, fs.fstatSync(this.descriptor).size - byteCount);
  }

  close(): Promise<void> {
    return settle((done) => fs.close(this.descriptor, done));
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
    fs.open(path, flag, fileMode, (error, descriptor) => (error === null ? resolve(descriptor) : reject(error)));
  });
}

/** The machine's files and directories. What it creates, only the owner may read. */
export const realFileSystem: FileSystem = {
  open: async (path, mode) => new RealFileHandle(await openDescriptor(path, flags[mode]), path, mode),
  openGrowing: (path) => new RealGrowingFile(fs.openSync(path, O_WRONLY | O_CREAT | O_APPEND, fileMode)),
  rename: (from, to) => settle((done) => fs.rename(from, to, done)),
  remove: (path) => settle((done) => fs.unlink(path, done)),
  makeDirectory: (path) => makeDirectory(path, directoryMode),
  removeDirectory: (path) => settle((done) => fs.rmdir(path, done)),
  list: (path) =>
    new Promise((resolve, reject) =>
      fs.readdir(path, (error, names) => (error === null ? resolve(names) : reject(error))),
    ),
  freeBytes: (path) =>
    new Promise((resolve, reject) =>
      fs.statfs(path, (error, stats) => (error === null ? resolve(stats.bavail * stats.bsize) : reject(error))),
    ),
  freeBytesNow: (path) => {
    const { bavail, bsize } = fs.statfsSync(path);
    return bavail * bsize;
  },
  exists: (path) =>
    new Promise((resolve, reject) =>
      fs.access(path, (error) => {
        if (error === null || error.code === "ENOENT" || error.code === "ENOTDIR") resolve(error === null);
        else reject(error);
      }),
    ),
  async syncDirectory(path) {
    const descriptor = await openDescriptor(path, O_RDONLY);
    try {
      await settle((done) => fs.fsync(descriptor, done), path);
    } finally {
      await settle((done) => fs.close(descriptor, done));
    }
  },
};
