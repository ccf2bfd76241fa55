/**
 * A disk in memory that remembers what was synced: the ground of the test file systems.
 *
 * Per file it keeps what programs see, what would surely survive, and every version that each 4 KiB block has
 * had since the last sync; per directory the entries that would surely survive and the changes since. A crash
 * asks a `Fate` which of the unsynced ones survived. What a fate may choose is what a real disk may do: an
 * unsynced block is any of its versions or a mixture of two; a length is any it has had; unsynced changes of
 * directory entries survive or not, each for itself.
 */
import type { FileHandle, FileSystem, GrowingFile, OpenMode } from "@lightcone/base";
import { assert, defined, directoryOf } from "@lightcone/base";

export const simulatedBlockBytes = 4096;

/** Decides what a crash leaves of what was not synced. */
export interface Fate {
  /** One of the versions a block has had since the sync, oldest (the synced one) first. May mix two of them. */
  block(versions: readonly Uint8Array[]): Uint8Array;
  /** One of the lengths a file has had, oldest first. */
  length(lengths: readonly number[]): number;
  /** Whether an unsynced change of a directory survives. */
  entry(): boolean;
}

/** Everything unsynced is lost. */
export const worstFate: Fate = {
  block: (versions) => defined(versions[0], "the synced version"),
  length: (lengths) => defined(lengths[0], "the synced length"),
  entry: () => false,
};

/** Nothing is lost: the process ended and the machine went on. */
export const bestFate: Fate = {
  block: (versions) => defined(versions.at(-1), "the last version"),
  length: (lengths) => defined(lengths.at(-1), "the last length"),
  entry: () => true,
};

const zeroBlock = new Uint8Array(simulatedBlockBytes);

interface FileNode {
  readonly blocks: Map<number, Uint8Array>;
  length: number;
  /** Versions since the last sync, the synced one first. */
  readonly unsynced: Map<number, Uint8Array[]>;
  lengths: number[];
}

type EntryChange =
  | { readonly kind: "put"; readonly name: string; readonly node: FileNode }
  | { readonly kind: "drop"; readonly name: string; readonly node: FileNode }
  | { readonly kind: "move"; readonly from: string; readonly name: string; readonly node: FileNode };

interface DirectoryNode {
  entries: Map<string, FileNode>;
  synced: Map<string, FileNode>;
  changes: EntryChange[];
}

export type OperationKind =
  | "create"
  | "write"
  | "truncate"
  | "datasync"
  | "rename"
  | "remove"
  | "makeDirectory"
  | "syncDirectory";

/** An error as the system gives it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

/** Runs before an operation that changes something; throws to make it fail. `apply` does it (for a write, in part or whole) first. */
export type Interceptor = (kind: OperationKind, path: string, apply: () => void) => void;

/** The disk. `fileSystem` is what programs use. */
export class SimulatedDisk {
  private directories = new Map<string, DirectoryNode>([["/", newDirectory()]]);
  private generation = 0;
  /** Bytes of blocks that files may take before `ENOSPC`. */
  capacityBytes: number = Number.POSITIVE_INFINITY;
  intercept: Interceptor | undefined;

  readonly fileSystem: FileSystem = {
    open: (path, mode) => this.later(() => this.open(path, mode)),
    openGrowing: (path) => this.growing(path, this.openNode(path, "create")),
    rename: (from, to) => this.later(() => this.change("rename", from, () => this.rename(from, to))),
    remove: (path) => this.later(() => this.change("remove", path, () => this.remove(path))),
    makeDirectory: (path) => this.later(() => this.makeDirectory(path)),
    removeDirectory: (path) => this.later(() => this.removeDirectory(path)),
    list: (path) => this.later(() => [...this.directory(path).entries.keys(), ...this.childrenOf(path)]),
    exists: (path) =>
      this.later(
        () => this.directories.has(path) || this.directories.get(directoryOf(path))?.entries.has(nameOf(path)) === true,
      ),
    freeBytes: () => this.later(() => Math.max(0, this.capacityBytes - this.usedBytes)),
    freeBytesNow: () => Math.max(0, this.capacityBytes - this.usedBytes),
    syncDirectory: (path) =>
      this.later(() => {
        const directory = this.directory(path);
        this.change("syncDirectory", path, () => {
          directory.synced = new Map(directory.entries);
          directory.changes = [];
        });
      }),
  };

  /** Stops the machine and starts it again with what `fate` leaves. Handles from before are dead. */
  crash(fate: Fate): void {
    this.generation += 1;
    for (const directory of this.directories.values()) {
      const entries = new Map(directory.synced);
      for (const change of directory.changes) {
        if (!fate.entry()) continue;
        if (change.kind === "put") entries.set(change.name, change.node);
        else if (change.kind === "move") {
          if (entries.get(change.from) === change.node) entries.delete(change.from);
          entries.set(change.name, change.node);
        } else if (entries.get(change.name) === change.node) entries.delete(change.name);
      }
      directory.entries = entries;
      directory.synced = new Map(entries);
      directory.changes = [];
    }
    for (const node of this.nodes()) {
      for (const [index, versions] of node.unsynced) node.blocks.set(index, fate.block(versions));
      node.unsynced.clear();
      const length = fate.length(node.lengths);
      node.length = length;
      node.lengths = [length];
      clearAfter(node, length);
    }
  }

  /** Bytes of blocks that files take. */
  get usedBytes(): number {
    let count = 0;
    for (const node of this.nodes()) count += node.blocks.size;
    return count * simulatedBlockBytes;
  }

  /** A file as programs see it now. For tests that damage one. */
  peek(path: string): Uint8Array {
    const node = this.file(path);
    const bytes = new Uint8Array(node.length);
    readInto(node, bytes, 0);
    return bytes;
  }

  /** Replaces a file's content, synced: what a test does to it behind the program's back. */
  poke(path: string, content: Uint8Array): void {
    const directory = this.directory(directoryOf(path));
    const node = directory.entries.get(nameOf(path)) ?? newFile();
    node.blocks.clear();
    node.unsynced.clear();
    node.length = content.length;
    node.lengths = [content.length];
    for (let at = 0; at < content.length; at += simulatedBlockBytes) {
      const block = new Uint8Array(simulatedBlockBytes);
      block.set(content.subarray(at, at + simulatedBlockBytes));
      node.blocks.set(at / simulatedBlockBytes, block);
    }
    directory.entries.set(nameOf(path), node);
    directory.synced.set(nameOf(path), node);
  }

  /** An independent copy of all that programs see, everything synced. */
  copy(): SimulatedDisk {
    const other = new SimulatedDisk();
    for (const path of this.directories.keys()) other.directories.set(path, newDirectory());
    for (const [path, directory] of this.directories) {
      for (const name of directory.entries.keys()) other.poke(`${path}/${name}`, this.peek(`${path}/${name}`));
    }
    return other;
  }

  private nodes(): Set<FileNode> {
    const nodes = new Set<FileNode>();
    for (const directory of this.directories.values()) {
      for (const node of directory.entries.values()) nodes.add(node);
      for (const node of directory.synced.values()) nodes.add(node);
    }
    return nodes;
  }

  // Every call settles in a later microtask, as on a real machine, but in the order of the calls.
  private async later<T>(run: () => T): Promise<T> {
    const generation = this.generation;
    await Promise.resolve();
    if (generation !== this.generation) throw systemError("ECRASHED", "the machine has stopped");
    return run();
  }

  private change(kind: OperationKind, path: string, apply: () => void): void {
    if (this.intercept === undefined) apply();
    else {
      let isApplied = false;
      const once = (): void => {
        if (!isApplied) apply();
        isApplied = true;
      };
      this.intercept(kind, path, once);
      once();
    }
  }

  private directory(path: string): DirectoryNode {
    const directory = this.directories.get(path);
    if (directory === undefined) throw systemError("ENOENT", path);
    return directory;
  }

  private childrenOf(path: string): string[] {
    const names: string[] = [];
    for (const other of this.directories.keys())
      if (other !== path && other !== "/" && directoryOf(other) === path) names.push(nameOf(other));
    return names;
  }

  private file(path: string): FileNode {
    const node = this.directory(directoryOf(path)).entries.get(nameOf(path));
    if (node === undefined) throw systemError("ENOENT", path);
    return node;
  }

  private open(path: string, mode: OpenMode): FileHandle {
    return this.handle(path, this.openNode(path, mode), mode);
  }

  private openNode(path: string, mode: OpenMode): FileNode {
    const directory = this.directory(directoryOf(path));
    const name = nameOf(path);
    const present = directory.entries.get(name);
    if (present !== undefined && mode === "create-new") throw systemError("EEXIST", path);
    if (present === undefined && !mode.startsWith("create")) throw systemError("ENOENT", path);
    let node = present;
    if (node === undefined) {
      const made = newFile();
      node = made;
      this.change("create", path, () => {
        directory.entries.set(name, made);
        directory.changes.push({ kind: "put", name, node: made });
      });
    }
    return node;
  }

  private rename(from: string, to: string): void {
    const node = this.file(from);
    assert(directoryOf(from) === directoryOf(to), "the simulated disk renames within a directory");
    const directory = this.directory(directoryOf(from));
    directory.entries.delete(nameOf(from));
    directory.entries.set(nameOf(to), node);
    directory.changes.push({ kind: "move", from: nameOf(from), name: nameOf(to), node });
  }

  private remove(path: string): void {
    const node = this.file(path);
    const directory = this.directory(directoryOf(path));
    directory.entries.delete(nameOf(path));
    directory.changes.push({ kind: "drop", name: nameOf(path), node });
  }

  // Directories themselves are durable at once: what is in them is what this disk tests.
  private makeDirectory(path: string): void {
    if (this.directories.has(path)) return;
    if (path !== "/" && path !== ".") this.makeDirectory(directoryOf(path));
    this.change("makeDirectory", path, () => this.directories.set(path, newDirectory()));
  }

  private removeDirectory(path: string): void {
    if (this.directory(path).entries.size > 0 || this.childrenOf(path).length > 0) throw systemError("ENOTEMPTY", path);
    this.directories.delete(path);
  }

  private handle(path: string, node: FileNode, mode: OpenMode): FileHandle {
    const generation = this.generation;
    let isOpen = true;
    const later = <T>(run: () => T): Promise<T> => {
      if (generation !== this.generation) return Promise.reject(systemError("ECRASHED", path));
      if (!isOpen) return Promise.reject(systemError("EBADF", path));
      return this.later(run);
    };
    const writable = (): void => {
      if (mode === "read") throw systemError("EBADF", path);
    };
    const write = (sources: readonly Uint8Array[], position: number): void => {
      writable();
      this.write(path, node, sources, position);
      if (mode === "durable") sync();
    };
    const sync = (): void =>
      this.change("datasync", path, () => {
        node.unsynced.clear();
        node.lengths = [node.length];
      });
    return {
      read: (target, at, length, position) => later(() => readInto(node, target.subarray(at, at + length), position)),
      write: (source, position) => later(() => write([source], position)),
      writeMany: (sources, position) => later(() => write(sources, position)),
      datasync: () => later(sync),
      truncate: (length) =>
        later(() => {
          writable();
          this.change("truncate", path, () => {
            node.length = length;
            node.lengths.push(length);
            clearAfter(node, length);
          });
        }),
      size: () => later(() => node.length),
      close: async () => {
        isOpen = false;
      },
    };
  }

  private growing(path: string, node: FileNode): GrowingFile {
    const generation = this.generation;
    let isOpen = true;
    const addNow = (source: Uint8Array): void => {
      if (generation !== this.generation) throw systemError("ECRASHED", path);
      if (!isOpen) throw systemError("EBADF", path);
      this.write(path, node, [source], node.length);
    };
    return {
      addNow,
      add: (sources) =>
        this.later(() => {
          for (const [index, source] of sources.entries()) {
            try {
              addNow(source);
            } catch {
              return index;
            }
          }
          return sources.length;
        }),
      close: async () => {
        isOpen = false;
      },
    };
  }

  private write(path: string, node: FileNode, sources: readonly Uint8Array[], position: number): void {
    let byteCount = 0;
    for (const source of sources) byteCount += source.length;
    this.requireRoom(node, position, byteCount, path);
    this.change("write", path, () => {
      let at = position;
      for (const source of sources) {
        writeInto(node, source, at);
        at += source.length;
      }
    });
  }

  private requireRoom(node: FileNode, position: number, byteCount: number, path: string): void {
    if (this.capacityBytes === Number.POSITIVE_INFINITY) return;
    let fresh = 0;
    const last = Math.floor((position + byteCount - 1) / simulatedBlockBytes);
    for (let index = Math.floor(position / simulatedBlockBytes); index <= last; index += 1)
      if (!node.blocks.has(index)) fresh += simulatedBlockBytes;
    if (fresh > 0 && this.usedBytes + fresh > this.capacityBytes) throw systemError("ENOSPC", path);
  }
}

function newDirectory(): DirectoryNode {
  return { entries: new Map(), synced: new Map(), changes: [] };
}

function newFile(): FileNode {
  return { blocks: new Map(), length: 0, unsynced: new Map(), lengths: [0] };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function readInto(node: FileNode, target: Uint8Array, position: number): number {
  const count = Math.max(0, Math.min(target.length, node.length - position));
  for (let done = 0; done < count;) {
    const at = position + done;
    const within = at % simulatedBlockBytes;
    const length = Math.min(simulatedBlockBytes - within, count - done);
    const block = node.blocks.get(Math.floor(at / simulatedBlockBytes)) ?? zeroBlock;
    target.set(block.subarray(within, within + length), done);
    done += length;
  }
  return count;
}

function writeInto(node: FileNode, source: Uint8Array, position: number): void {
  for (let done = 0; done < source.length;) {
    const at = position + done;
    const index = Math.floor(at / simulatedBlockBytes);
    const within = at % simulatedBlockBytes;
    const length = Math.min(simulatedBlockBytes - within, source.length - done);
    const before = node.blocks.get(index) ?? zeroBlock;
    const versions = node.unsynced.get(index) ?? [before];
    const block = before.slice();
    block.set(source.subarray(done, done + length), within);
    versions.push(block);
    node.unsynced.set(index, versions);
    node.blocks.set(index, block);
    done += length;
  }
  if (position + source.length > node.length) {
    node.length = position + source.length;
    node.lengths.push(node.length);
  }
}

/** What is after the end of a file reads as zeros when the file grows again. */
function clearAfter(node: FileNode, length: number): void {
  const last = Math.floor(length / simulatedBlockBytes);
  for (const [index, block] of node.blocks) {
    if (index < last) continue;
    const keep = index === last ? length % simulatedBlockBytes : 0;
    if (keep === 0) node.blocks.delete(index);
    else {
      const cut = block.slice();
      cut.fill(0, keep);
      node.blocks.set(index, cut);
    }
  }
}
