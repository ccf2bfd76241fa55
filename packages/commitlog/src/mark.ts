/**
 * The mark: a small file beside the segments that says how far the log was acknowledged.
 *
 * Two slots, each in a block of its own; the sound one with the higher sequence counts. A slot is synced
 * before the other is written, so a crash leaves at least one.
 *
 *    0  prefix         "LCM1", version
 *    8  sequence       u64
 *   16  epoch          u64  the log's latest
 *   24  epochFirst     u64  the first offset of that epoch: from here on, batches of earlier epochs are void
 *   32  acceptedEnd    u64  one above the last offset acknowledged
 *   40  acceptedHash   16   closes the batch which that offset ends
 *   56  clean          u32  1: nothing was written after it
 *   60  mode           u32  0: the log is this machine's alone, 1: it is shared with others by a topic
 *   64  topicId        16   of that topic; zeros without one
 *   80  topicPosition  u64  in that topic, of what is accepted
 *   88  zero           u64
 *   96  hash           16   of everything before it
 *
 * Version 1 has zeros from 60 on, and the hash of what is before it at 64. This release writes mode 0 alone, and opens
 * nothing else.
 *
 * It is written lazily: it may be behind the log, and never ahead of it. Damage before `acceptedEnd` is damage;
 * after it, it is a torn last write unless a later batch bears witness (`batch.ts`). Since `epochFirst` voids
 * what earlier epochs left behind, one write of the mark cuts the log.
 */
import type { FileHandle, FileSystem } from "@lightcone/base";
import { LightconeError } from "@lightcone/base";
import { blockBytes, getU64, getVersion, hashBytes, hashOf, sameBytes, setPrefix, setU64, viewOf } from "./block.ts";

const magic = 0x314d434c; // "LCM1"
export const markVersion = 2;
/** Where the hash stands, by version. */
const hashAt: Readonly<Record<number, number>> = { 1: 64, 2: 96 };
export const markName = "mark";

export interface Mark {
  readonly sequence: number;
  readonly epoch: number;
  readonly epochFirst: number;
  readonly acceptedEnd: number;
  readonly acceptedHash: Uint8Array;
  readonly clean: boolean;
}

function markSlot(mark: Mark): Uint8Array {
  const slot = new Uint8Array(blockBytes);
  const view = viewOf(slot);
  setPrefix(view, magic, markVersion);
  setU64(view, 8, mark.sequence);
  setU64(view, 16, mark.epoch);
  setU64(view, 24, mark.epochFirst);
  setU64(view, 32, mark.acceptedEnd);
  slot.set(mark.acceptedHash, 40);
  view.setUint32(56, mark.clean ? 1 : 0, true);
  slot.set(hashOf(slot.subarray(0, 96)), 96);
  return slot;
}

function readMarkSlot(slot: Uint8Array, file: string): Mark | undefined {
  const view = viewOf(slot);
  const at = hashAt[getVersion(view, magic, markVersion, file)];
  if (at === undefined || !sameBytes(hashOf(slot.subarray(0, at)), slot.subarray(at, at + hashBytes))) return undefined;
  if (view.getUint32(60, true) !== 0)
    throw new LightconeError("Corrupt", { file, at: 60, reason: "the log is one that machines share by a topic" });
  return {
    sequence: getU64(view, 8),
    epoch: getU64(view, 16),
    epochFirst: getU64(view, 24),
    acceptedEnd: getU64(view, 32),
    acceptedHash: slot.slice(40, 40 + hashBytes),
    clean: view.getUint32(56, true) === 1,
  };
}

/** The mark's file, open for writing. */
export class MarkFile {
  private readonly handle: FileHandle;
  /** What the file says; undefined when it says nothing sound. */
  current: Mark | undefined;

  constructor(handle: FileHandle, current: Mark | undefined) {
    this.handle = handle;
    this.current = current;
  }

  /** Replaces the older slot and syncs it. One call at a time. */
  async write(next: Omit<Mark, "sequence">): Promise<void> {
    const mark = { ...next, sequence: (this.current?.sequence ?? 0) + 1 };
    await this.handle.write(markSlot(mark), (mark.sequence % 2) * blockBytes);
    await this.handle.datasync();
    this.current = mark;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** Opens the mark; undefined when there is no such file. */
export async function openMark(fileSystem: FileSystem, directory: string): Promise<MarkFile | undefined> {
  const path = `${directory}/${markName}`;
  if (!(await fileSystem.exists(path))) return undefined;
  const handle = await fileSystem.open(path, "read-write");
  try {
    const bytes = new Uint8Array(2 * blockBytes);
    const count = await handle.read(bytes, 0, bytes.length, 0);
    const slots = [
      readMarkSlot(bytes.subarray(0, blockBytes), path),
      readMarkSlot(bytes.subarray(blockBytes, count), path),
    ];
    const sound = slots.filter((slot) => slot !== undefined).toSorted((a, b) => b.sequence - a.sequence);
    return new MarkFile(handle, sound[0]);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Creates the mark of a new log, durable with its directory entry. */
export async function createMark(
  fileSystem: FileSystem,
  directory: string,
  mark: Omit<Mark, "sequence">,
): Promise<MarkFile> {
  const path = `${directory}/${markName}`;
  const beside = `${path}.new`;
  const handle = await fileSystem.open(beside, "create");
  try {
    await handle.write(new Uint8Array(2 * blockBytes), 0);
    const file = new MarkFile(handle, undefined);
    await file.write(mark);
    await fileSystem.rename(beside, path);
    await fileSystem.syncDirectory(directory);
    return file;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The mark, which must be sound by now. */
export function soundMark(file: MarkFile, directory: string): Mark {
  if (file.current === undefined) {
    throw new LightconeError("Corrupt", { file: `${directory}/${markName}`, at: 0, reason: "neither slot is sound" });
  }
  return file.current;
}
