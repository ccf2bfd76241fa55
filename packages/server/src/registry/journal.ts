/**
 * The registry on disk: a log of records and snapshots of the state, as every database has them (docs/formats/).
 *
 *   registry.json         says that the registry is in `registry/`
 *   registry/log          one record a change
 *   registry/snapshots    the two newest
 *
 * A change costs one small write, whatever the size of the registry. A snapshot is taken when the log since the last one
 * is longer than that one, so the disk holds a few times the registry, and a start reads about as much.
 *
 * A missing file never counts as a first start: the caller, the directories of databases, a snapshot and
 * `registry.json` may each show that there was a registry.
 */
import { LightconeError, isLightconeError } from "@lightcone/base";
import type { Clock, FileSystem } from "@lightcone/base";
import { applyRetention, openLog, openSnapshotStore, snapshotOffsets } from "@lightcone/commitlog";
import type { CommitLog, SnapshotStore } from "@lightcone/commitlog";
import type { ServerLog } from "../log.ts";
import { readMarker, writeMarker } from "./earlier-format.ts";
import type { Marker } from "./earlier-format.ts";
import { encodeRecord, snapshotMeta } from "./record-codec.ts";
import { chunksOf, restore, type Restored } from "./restore.ts";
import type { FoldedState, RegistryRecord } from "./state.ts";

export interface JournalOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly dataDirectory: string;
  /** Whether there must be a registry: then a missing one is `Corrupt`. */
  readonly mustExist?: boolean;
  readonly sizes?: JournalSizes;
  readonly log: Pick<ServerLog, "warn">;
}

export interface JournalSizes {
  readonly segmentBytes: number;
  readonly segmentBytesFirst: number;
  readonly batchBytesMax: number;
  /** Space that is left free on the disk when log segments are made ahead. */
  readonly reserveBytes: number;
  /** The part of the space made ahead that, on a full disk, is kept for changes that free space. */
  readonly headroomBytes: number;
  /** The least length of log between two snapshots. */
  readonly snapshotAfterBytes: number;
}

/** A change is a few hundred bytes, and takes a block of 4 KiB in the log. */
const defaultSizes: JournalSizes = {
  segmentBytes: 1 << 20,
  segmentBytesFirst: 1 << 18,
  batchBytesMax: 1 << 16,
  reserveBytes: 1 << 20,
  headroomBytes: 1 << 17,
  snapshotAfterBytes: 4 << 20,
};
export class Journal {
  private readonly log: CommitLog;
  private readonly snapshots: SnapshotStore;
  private readonly sizes: JournalSizes;
  /** Bytes written since the disk is full. */
  private headroomUsed = 0;
  private snapshotOffset: number;
  private snapshotBytes: number;

  private constructor(log: CommitLog, snapshots: SnapshotStore, sizes: JournalSizes, restored: Restored) {
    this.log = log;
    this.snapshots = snapshots;
    this.sizes = sizes;
    this.snapshotOffset = restored.offset;
    this.snapshotBytes = restored.byteCount;
  }

  /** @throws {LightconeError} `Corrupt` when something is damaged or missing; nothing is changed · `NewerFormat` */
  static async open(options: JournalOptions): Promise<{ readonly journal: Journal; readonly state: FoldedState }> {
    const { files, clock, dataDirectory, mustExist = false, sizes = defaultSizes } = options;
    const { snapshotAfterBytes: _, ...logSizes } = sizes;
    const directory = `${dataDirectory}/registry`;
    const marker = await readMarker(files, dataDirectory);
    await refuseWhatIsMissing(files, dataDirectory, marker, mustExist);
    await files.makeDirectory(directory);
    const log = await openLog({
      fileSystem: files,
      clock,
      directory: `${directory}/log`,
      snapshots: await snapshotOffsets(files, `${directory}/snapshots`),
      ...logSizes,
    });
    try {
      const snapshots = await openSnapshotStore(files, `${directory}/snapshots`);
      const restored = await restore(log, snapshots, directory);
      const { state } = restored;
      const journal = new Journal(log, snapshots, sizes, restored);
      log.onFull((full) => {
        if (full === undefined) options.log.warn({}, "the registry of databases: the disk has room again");
        else options.log.warn({}, `the registry of databases: ${full.message}. ${full.hint}`);
      });
      if (marker.kind === "earlier") await journal.takeOver(marker.record, state, dataDirectory);
      if (marker.kind !== "moved") await writeMarker(files, dataDirectory);
      return { journal, state };
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /** Whether a write has failed: nothing more is written until the disk was read again. */
  get hasFailed(): boolean {
    return this.log.state.kind === "failed";
  }

  /**
   * Settles when the record survives a crash.
   *
   * @param makesRoom whether it may use the space that a full disk keeps for changes that free space
   * @throws {LightconeError} `DiskFull`: it was not written · anything else: unknown, and `hasFailed`
   */
  async append(record: RegistryRecord, makesRoom = false): Promise<void> {
    const bytes = encodeRecord(record);
    const { refusal } = this.log;
    if (refusal === undefined) this.headroomUsed = 0;
    else if (!makesRoom || !isLightconeError(refusal, "DiskFull") || !this.useHeadroom(bytes.length)) throw refusal;
    const offset = this.log.appendedOffset + 1;
    this.log.append(bytes, offset);
    await this.log.whenDurable(offset);
  }

  private useHeadroom(recordBytes: number): boolean {
    const used = this.headroomUsed + wholeBlocks(recordBytes + batchBytesMin);
    // The last blocks may not take a whole batch.
    if (used + this.sizes.headroomBytes / 4 > this.sizes.headroomBytes) return false;
    this.headroomUsed = used;
    return true;
  }

  get isSnapshotDue(): boolean {
    return this.log.bytesAfter(this.snapshotOffset) > Math.max(this.sizes.snapshotAfterBytes, this.snapshotBytes);
  }

  /** Writes a snapshot of the state, and removes the log before the last snapshot but one. */
  async takeSnapshot(state: FoldedState): Promise<void> {
    const offset = this.log.durableOffset;
    const durable = Promise.resolve();
    try {
      this.snapshotBytes = await this.snapshots.write({
        offset,
        meta: snapshotMeta(),
        chunks: chunksOf(state),
        durable,
      });
      await applyRetention(this.log, this.snapshots);
    } finally {
      // After a failure, too, the next try waits for as much log again.
      this.snapshotOffset = offset;
    }
  }

  async close(): Promise<void> {
    await this.log.close();
  }

  /** An earlier release's registry becomes the first record. It may be there: then only `registry.json` was not replaced yet. */
  private async takeOver(record: RegistryRecord, state: FoldedState, dataDirectory: string): Promise<void> {
    if (this.log.appendedOffset > 0 || this.snapshotOffset >= 0)
      throw new LightconeError("Corrupt", {
        file: `${dataDirectory}/registry.json`,
        at: 0,
        reason: "it is of an earlier release, and registry/ goes on after it: put one of the two aside",
      });
    if (this.log.appendedOffset === 0) return;
    await this.append(record);
    state.fold(record);
  }
}

/** What a batch of one record takes beside it, at most, and the blocks that it begins at. */
const batchBytesMin = 128;
const blockBytes = 4096;

function wholeBlocks(byteCount: number): number {
  return Math.ceil(byteCount / blockBytes) * blockBytes;
}

/** Absence is never newness. @throws {LightconeError} `Corrupt` naming what is missing and what says that it was there */
async function refuseWhatIsMissing(
  files: FileSystem,
  dataDirectory: string,
  marker: Marker,
  mustExist: boolean,
): Promise<void> {
  const names = async (path: string): Promise<readonly string[]> =>
    (await files.exists(path)) ? (await files.list(path)).filter((name) => !name.endsWith(".new")) : [];
  if ((await names(`${dataDirectory}/registry/log`)).length > 0) return;
  const witness =
    marker.kind === "moved"
      ? "registry.json says that it was there"
      : (await names(`${dataDirectory}/registry/snapshots`)).length > 0
        ? "its snapshots are there"
        : marker.kind === "missing" && (await names(`${dataDirectory}/databases`)).length > 0
          ? "databases/ is not empty"
          : mustExist && marker.kind === "missing"
            ? "a server has kept data here"
            : undefined;
  if (witness === undefined) return;
  const file = `${dataDirectory}/registry/log`;
  throw new LightconeError("Corrupt", { file, reason: `the list of databases is missing, and ${witness}` });
}
