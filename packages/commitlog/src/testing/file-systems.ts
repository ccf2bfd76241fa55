/** The file systems that tests hand in: one that behaves, one that crashes and fails where it is told to. */
import type { FileSystem } from "@lightcone/base";
import { defined } from "@lightcone/base";
import type { Fate, OperationKind } from "./simulated-disk.ts";
import { SimulatedDisk, bestFate, systemError, worstFate } from "./simulated-disk.ts";
import { seededNumbers } from "./seeded-numbers.ts";

export interface MemoryFileSystem extends FileSystem {
  readonly disk: SimulatedDisk;
  /** Power loss: all that was not synced is gone. */
  crash(): void;
  /** The process ends, the machine goes on: what was written is there. */
  endProcess(): void;
}

/** A file system in memory. Deterministic. */
export function memoryFileSystem(disk: SimulatedDisk = new SimulatedDisk()): MemoryFileSystem {
  return {
    ...disk.fileSystem,
    disk,
    crash: () => disk.crash(worstFate),
    endProcess: () => disk.crash(bestFate),
  };
}

export interface Fault {
  /** Which of the operations that count, from 1 on. */
  readonly operation: number;
  readonly code: "EIO" | "ENOSPC";
  /** Only operations of these kinds count. Default: all. */
  readonly kinds?: readonly OperationKind[];
}

export interface FaultyFileSystem extends FileSystem {
  readonly disk: SimulatedDisk;
  /** Operations so far that change something or sync. */
  readonly operationCount: number;
  /** Whether the machine has stopped. */
  readonly isDown: boolean;
  /** The machine stops at this operation, from 1 on: it may take effect, its caller never hears. */
  crashAt: number | undefined;
  fault: Fault | undefined;
  /**
   * Starts the machine again. What was synced is there; of the rest blocks were dropped, torn and reordered,
   * and directory entries lost, as the seed decides.
   */
  restart(): void;
}

/** A file system in memory that loses what may be lost. The same seed and steps give the same outcome. */
export function faultyFileSystem(seed: number, disk: SimulatedDisk = new SimulatedDisk()): FaultyFileSystem {
  const next = seededNumbers(seed);
  let operationCount = 0;
  let faultCount = 0;
  let isDown = false;
  const system: FaultyFileSystem = {
    ...disk.fileSystem,
    disk,
    crashAt: undefined,
    fault: undefined,
    get operationCount() {
      return operationCount;
    },
    get isDown() {
      return isDown;
    },
    restart() {
      disk.crash(seededFate(next));
      isDown = false;
      system.crashAt = undefined;
    },
  };
  disk.intercept = (kind, path, apply) => {
    if (isDown) throw systemError("ECRASHED", path);
    operationCount += 1;
    const { fault } = system;
    if (fault !== undefined && (fault.kinds === undefined || fault.kinds.includes(kind))) {
      faultCount += 1;
      if (faultCount === fault.operation) throw systemError(fault.code, path);
    }
    if (operationCount !== system.crashAt) return;
    isDown = true;
    // A sync that was under way has promised nothing: what it would have made durable is left to fate.
    if (kind !== "datasync" && kind !== "syncDirectory") apply();
    throw systemError("ECRASHED", path);
  };
  return system;
}

/** The mutant that the crash suites must tell from the real thing: nothing that it writes is synced. */
export function withoutDatasync(fileSystem: FileSystem): FileSystem {
  return {
    ...fileSystem,
    open: async (path, mode) => ({
      ...(await fileSystem.open(path, mode === "durable" ? "read-write" : mode)),
      datasync: () => Promise.resolve(),
    }),
  };
}

/** The mutant whose directory entries are never synced. */
export function withoutDirectorySync(fileSystem: FileSystem): FileSystem {
  return { ...fileSystem, syncDirectory: () => Promise.resolve() };
}

function seededFate(next: () => number): Fate {
  const pick = (count: number): number => Math.min(count - 1, Math.floor(next() * count));
  return {
    block(versions) {
      const version = defined(versions[pick(versions.length)], "a version");
      if (next() < 0.7) return version;
      // Torn: the head of one version, the tail of another.
      const other = defined(versions[pick(versions.length)], "a version");
      const torn = version.slice();
      const at = pick(torn.length);
      torn.set(other.subarray(at), at);
      return torn;
    },
    length: (lengths) => defined(lengths[pick(lengths.length)], "a length"),
    entry: () => next() < 0.5,
  };
}
