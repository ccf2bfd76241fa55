/**
 * What the database sees of its log: records by offset, in order, and what of them is durable.
 *
 *   append (memory) ──▶ local (written and synced here) ──▶ accepted (what replies may wait for)
 *
 * In an embedded log, local *is* accepted. With a second log behind it, only what both have is accepted; the
 * database sees the same interface.
 */
import type { Clock, FileSystem, LightconeError } from "@lightcone/base";

export interface LogOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  /** Created when missing. Holds nothing but this log. */
  readonly directory: string;
  /** Whether there must be a log. A missing one is then lost data: no new one is begun. */
  readonly mustExist?: boolean;
  /**
   * The offsets of the snapshots beside the log. The log must agree with them: it exists, reaches the newest of them,
   * and continues where one of them ends or begins with the first record. Default: nothing is known of snapshots.
   */
  readonly snapshots?: readonly number[];
  /** The offset that a new log starts at; a restored database goes on after its snapshot. Default 0. */
  readonly startOffset?: number;
  /** Length of a segment under load. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Length of a segment at rest; one that a longer batch begins is as long as that takes. Default 256 KiB. */
  readonly segmentBytesFirst?: number;
  /** Length of a whole batch; a longer record goes out in parts. A multiple of 4096. Default 512 KiB. */
  readonly batchBytesMax?: number;
  /** What is left free on the disk when segments are written ahead; without as much the disk is full. Default 4 MiB. */
  readonly reserveBytes?: number;
  /** Is kept written ahead; with a full disk, writes are refused once less is left. Default 64 KiB. */
  readonly headroomBytes?: number;
  /** How long after a sync the acknowledged offset is noted in the mark. Default 500 ms. */
  readonly markDelayMs?: number;
  /** How often a full disk is looked at again. Default 250 ms. */
  readonly probeDelayMs?: number;
  /** How long what was appended waits for room on a full disk before the log fails with `DiskFull`. Default 5 s. */
  readonly graceMs?: number;
}

export type LogState =
  | { readonly kind: "open" }
  /** A write or a sync failed. Nothing becomes durable any more; open again to go through recovery. */
  | { readonly kind: "failed"; readonly error: LightconeError }
  | { readonly kind: "closed" };

/** Some records in a row. The bytes are good until the next ones are asked for. */
export interface LogRecords {
  /** The offset of `records[0]`; each next one is one higher. */
  readonly firstOffset: number;
  readonly records: readonly Uint8Array[];
  /** The file that they end in, and the byte there at which their batch begins. */
  readonly file: string;
  readonly at: number;
}

export interface CommitLog {
  readonly state: LogState;
  /** The lowest offset that `read` can start at. */
  readonly firstOffset: number;
  /** The last offset appended; one below the first when there is none. */
  readonly appendedOffset: number;
  /** The last offset that survives a crash. What clients are told must not be ahead of it. */
  readonly durableOffset: number;
  /** Bytes of records appended and not yet durable. The caller stops at its bound (64 MiB). */
  readonly pendingBytes: number;
  /** Why no new transaction may run: `DiskFull`, which ends by itself, or `DatabaseStopped`. */
  readonly refusal: LightconeError | undefined;

  /** Whether so much has to be written that what would append more should wait for the disk. It ends with a sync. */
  readonly isBehind: boolean;
  /**
   * Why a record of so many bytes must not be appended: `DiskFull` where the disk might not take it. What is appended all
   * the same waits for room. Cheap, unless there is little room or the record is long.
   */
  refusalOf(byteCount: number): LightconeError | undefined;

  /**
   * Copies a record into the open batch. Nothing is written before `flush`.
   *
   * @param offset one above `appendedOffset`
   * @throws {LightconeError} `DatabaseStopped` when the log failed or is closed
   *
   * Cost: the copy; no allocation, but one of the next batch each 512 KiB while the disk lags behind.
   */
  append(record: Uint8Array, offset: number): void;
  /**
   * Starts writing what was appended, unless a write is under way: then it follows at once when that is
   * synced, with all that was appended meanwhile. Call it when a turn ends.
   */
  flush(): void;
  /** Calls back each time `durableOffset` has risen. Returns what ends it. */
  onDurable(callback: (offset: number) => void): () => void;
  /** Calls back when the disk is found full, at once if it is, and when there is room again. Returns what ends it. */
  onFull(callback: (full: LightconeError<"DiskFull"> | undefined) => void): () => void;
  /** Calls back once, when a write or a sync has failed. Returns what ends it. */
  onFailed(callback: (error: LightconeError) => void): () => void;
  /** Settles when `offset` is durable. Rejects when it never will be. Starts a flush. */
  whenDurable(offset: number): Promise<void>;
  /**
   * The durable records from `fromOffset` to the last one at the time of the call. All are verified.
   *
   * @throws {LightconeError} `Corrupt`, with file and byte, at the first damage met
   */
  read(fromOffset: number): AsyncIterable<LogRecords>;
  /** About how many bytes of log there are after `offset`: what a recovery from there would read. */
  bytesAfter(offset: number): number;
  /** Lets go of the records before `offset`, as far as whole segments allow. Their room is used again. */
  retainFrom(offset: number): Promise<void>;
  /**
   * Forgets every record after `offset`, durable or not. The database's memory must be built anew.
   *
   * @param offset the last of some batch, or one below the log's first
   */
  truncateAfter(offset: number): Promise<void>;
  /** Writes and syncs what is left, notes the clean end, lets go of the files. */
  close(): Promise<void>;
}
