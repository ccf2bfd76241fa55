/**
 * Snapshots in a directory: one file each, named by the last offset that it includes.
 *
 * A snapshot is written under another name, synced, and renamed once the log is durable past its offset;
 * then the directory is synced. So whatever has a snapshot's name was whole, and never ahead of the log.
 */
import type { FileSystem } from "@lightcone/base";
import { LightconeError, directoryOf, isLightconeError } from "@lightcone/base";
import { isDiskFull } from "./block.ts";
import { unreadable } from "./unreadable.ts";
import { SnapshotReader, SnapshotWriter } from "./snapshot-format.ts";

export interface SnapshotWrite {
  /** The last offset whose effect is included; one below the log's first for none. */
  readonly offset: number;
  /** What a reader must know before the content. Opaque here. */
  readonly meta: Uint8Array;
  /** The content. A chunk may be used again once the next is asked for. Where it is cut is not kept. */
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Settles when the log is durable up to `offset`; when it rejects, nothing is published. */
  readonly durable: Promise<void>;
}

export interface SnapshotEntry {
  readonly offset: number;
  readonly byteCount: number;
}

export interface Snapshot {
  readonly offset: number;
  readonly meta: Uint8Array;
  /**
   * The content, verified piece by piece; a piece is good until the next is asked for. Closes the file when it ends or is left.
   *
   * @throws {LightconeError} `Corrupt`, possibly after many good pieces
   */
  chunks(): AsyncIterable<Uint8Array>;
  readonly file: string;
  /** The byte of the file that was read up to. */
  readonly position: number;
  close(): Promise<void>;
}

export interface LoadedSnapshot<T> {
  /** What `load` made of the newest good one; undefined when there is none. */
  readonly loaded: { readonly offset: number; readonly byteCount: number; readonly value: T } | undefined;
  /** Newer ones that could not be read. For the server log. */
  readonly skipped: readonly { readonly offset: number; readonly error: LightconeError<"Corrupt"> }[];
}

export interface SnapshotStore {
  /**
   * Writes and publishes a snapshot.
   *
   * @returns its length in bytes
   * @throws {LightconeError} `DiskFull`, also when a long one would leave too little; nothing is left behind
   */
  write(snapshot: SnapshotWrite): Promise<number>;
  /** Newest first. */
  list(): Promise<readonly SnapshotEntry[]>;
  /** @throws {LightconeError} `Corrupt`, `NewerFormat` */
  open(offset: number): Promise<Snapshot>;
  /**
   * Loads the newest readable snapshot that is not after `offsetMax`.
   *
   * @param load builds the state from one snapshot; it is called afresh for an older one when it meets
   * `Corrupt`, or `Malformed` of what is whole and no state, and must then begin from nothing. Other errors are thrown on.
   */
  loadNewest<T>(offsetMax: number, load: (snapshot: Snapshot) => Promise<T>): Promise<LoadedSnapshot<T>>;
  /** Removes the snapshots that `isUnwanted` names. */
  remove(isUnwanted: (entry: SnapshotEntry) => boolean): Promise<void>;
  /** Removes the snapshots after a cut of the log. */
  discardAfter(offset: number): Promise<void>;
}

// One is added to the offset, which may be -1, so that every name is of digits alone.
function snapshotName(offset: number): string {
  return `${String(offset + 1).padStart(16, "0")}.snapshot`;
}

function offsetOf(name: string): number | undefined {
  const match = /^(\d{16})\.snapshot$/.exec(name);
  return match === null ? undefined : Number(match[1]) - 1;
}

/** The offsets of the snapshots in a directory, newest first; none when it is missing. Reads their names alone. */
export async function snapshotOffsets(fileSystem: FileSystem, directory: string): Promise<readonly number[]> {
  if (!(await fileSystem.exists(directory))) return [];
  const offsets = (await fileSystem.list(directory)).map(offsetOf).filter((offset) => offset !== undefined);
  return offsets.toSorted((a, b) => b - a);
}

/** Opens one snapshot of a directory. @throws {LightconeError} `Corrupt`, `NewerFormat` */
export async function openSnapshot(fileSystem: FileSystem, directory: string, offset: number): Promise<Snapshot> {
  const path = `${directory}/${snapshotName(offset)}`;
  const handle = await fileSystem.open(path, "read");
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await handle.close();
  };
  try {
    const reader = new SnapshotReader(handle, path);
    const header = await reader.header();
    if (header.offset !== offset)
      throw new LightconeError("Corrupt", { file: path, at: 8, reason: "the offset is not the one in the name" });
    return {
      offset,
      meta: header.meta,
      chunks: () => closingAfter(reader.pieces(), close),
      file: path,
      get position() {
        return reader.readTo;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens the snapshots of a directory, which is created when missing. What a crash left half written is removed. */
export async function openSnapshotStore(fileSystem: FileSystem, directory: string): Promise<SnapshotStore> {
  await fileSystem.makeDirectory(directory);
  await fileSystem.syncDirectory(directoryOf(directory));
  for (const name of await fileSystem.list(directory)) {
    if (name.endsWith(".new")) await fileSystem.remove(`${directory}/${name}`);
  }
  return new FileSnapshotStore(fileSystem, directory);
}

/** What a snapshot leaves free on the disk: the log needs it more. */
export const snapshotReserveBytes: number = 8 << 20;
/** How often it looks. */
const checkEachBytes = 4 << 20;

class FileSnapshotStore implements SnapshotStore {
  private readonly fileSystem: FileSystem;
  private readonly directory: string;

  constructor(fileSystem: FileSystem, directory: string) {
    this.fileSystem = fileSystem;
    this.directory = directory;
  }

  async write(snapshot: SnapshotWrite): Promise<number> {
    // It is awaited only after the content is written; a rejection before that is no unhandled one.
    snapshot.durable.catch(() => undefined);
    const path = `${this.directory}/${snapshotName(snapshot.offset)}`;
    const beside = `${path}.new`;
    let byteCount = 0;
    try {
      const handle = await this.fileSystem.open(beside, "create");
      try {
        await handle.truncate(0);
        const writer = new SnapshotWriter(handle);
        await writer.header(snapshot.offset, snapshot.meta);
        let unchecked = 0;
        for await (const chunk of snapshot.chunks) {
          await writer.add(chunk);
          unchecked += chunk.length;
          if (unchecked < checkEachBytes) continue;
          unchecked = 0;
          if ((await this.fileSystem.freeBytes(this.directory)) < snapshotReserveBytes)
            throw new LightconeError("DiskFull", { path: this.directory });
        }
        await writer.end();
        byteCount = await handle.size();
      } finally {
        await handle.close();
      }
      await snapshot.durable;
      await this.fileSystem.rename(beside, path);
    } catch (error) {
      await this.fileSystem.remove(beside).catch(() => undefined); // it may not even be there
      throw isDiskFull(error) ? new LightconeError("DiskFull", { path: this.directory }, { cause: error }) : error;
    }
    await this.fileSystem.syncDirectory(this.directory);
    return byteCount;
  }

  async list(): Promise<readonly SnapshotEntry[]> {
    const entries: SnapshotEntry[] = [];
    for (const offset of await snapshotOffsets(this.fileSystem, this.directory)) {
      const handle = await this.fileSystem.open(`${this.directory}/${snapshotName(offset)}`, "read");
      try {
        entries.push({ offset, byteCount: await handle.size() });
      } finally {
        await handle.close();
      }
    }
    return entries;
  }

  open(offset: number): Promise<Snapshot> {
    return openSnapshot(this.fileSystem, this.directory, offset);
  }

  async loadNewest<T>(offsetMax: number, load: (snapshot: Snapshot) => Promise<T>): Promise<LoadedSnapshot<T>> {
    const skipped: { offset: number; error: LightconeError<"Corrupt"> }[] = [];
    for (const { offset, byteCount } of await this.list()) {
      if (offset > offsetMax) continue;
      let snapshot: Snapshot | undefined;
      try {
        snapshot = await this.open(offset);
        return { loaded: { offset, byteCount, value: await load(snapshot) }, skipped };
      } catch (caught) {
        const error = snapshot === undefined ? caught : unreadable(caught, snapshot.file, snapshot.position);
        if (!isLightconeError(error, "Corrupt")) throw error;
        skipped.push({ offset, error });
      } finally {
        await snapshot?.close();
      }
    }
    return { loaded: undefined, skipped };
  }

  async remove(isUnwanted: (entry: SnapshotEntry) => boolean): Promise<void> {
    const unwanted = (await this.list()).filter(isUnwanted);
    for (const { offset } of unwanted) await this.fileSystem.remove(`${this.directory}/${snapshotName(offset)}`);
    if (unwanted.length > 0) await this.fileSystem.syncDirectory(this.directory);
  }

  discardAfter(offset: number): Promise<void> {
    return this.remove((entry) => entry.offset > offset);
  }
}

async function* closingAfter(
  pieces: AsyncIterable<Uint8Array>,
  close: () => Promise<void>,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* pieces;
  } finally {
    await close();
  }
}
