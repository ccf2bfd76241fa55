/**
 * A batch: some records in a row, sealed once and the same bytes in every log that holds it.
 *
 *    0  prefix         "LCB1", version                      little-endian throughout
 *    8  epoch          u64
 *   16  firstOffset    u64  of the record that its payload begins with
 *   24  acceptedEnd    u64  all below was accepted when this was sealed
 *   32  previousHash   16   the hash that closes the batch before
 *   48  recordCount    u32  records that end in it
 *   52  flags          u32  1: begins inside a record, 2: its record goes on in the next batch, 4 and 8: a note
 *   56  byteCount      u32  of the payload
 *   60  zero           u32
 *   64  payload             per record: byteCount u32 | bytes
 *    +  hash           16   of everything before it
 *
 * A record that no batch can hold goes out alone in batches of their own: byteCount u32 and the first
 * bytes, then further bytes; all but the last say "goes on", all but the first "begins inside".
 *
 * A note holds no record: its payload says, as JSON, who leads from here on (4, an epoch is opened) or hands over (8). Only
 * logs that machines share begin or end with one. This release writes none, and reads past them. Version 1 has no notes, and is otherwise the same.
 *
 * On disk a batch starts at a block and is padded with zeros to whole blocks, which are not part of it.
 * `acceptedEnd` makes every batch a witness: a sound batch behind a bad one, whose `acceptedEnd` is past that, proves
 * damage; otherwise the bad one may be a torn last write.
 */
import { getU64, hashBytes, hashOf, sameBytes, setPrefix, setU64, viewOf, wholeBlocks } from "./block.ts";

export const batchHeaderBytes = 64;
/** What a batch holds besides its payload. */
export const batchOverheadBytes: number = batchHeaderBytes + hashBytes;
/** No batch of any log is longer; a reader refuses one that says so. */
export const batchBytesLimit: number = 16 << 20;

const magic = 0x3142434c; // "LCB1"
const version = 2;

export const BatchFlag = { beginsInside: 1, goesOn: 2, opensEpoch: 4, yields: 8 } as const;
/** Flags of a batch that holds no record. */
export const noteFlags: number = BatchFlag.opensEpoch | BatchFlag.yields;

/** A batch as it goes to the log. */
export interface SealedBatch {
  /** Whole blocks: the batch and its padding. */
  readonly bytes: Uint8Array;
  readonly firstOffset: number;
  /** One above the last record that ends here. */
  readonly endOffset: number;
  readonly flags: number;
  readonly payloadBytes: number;
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
}

export interface BatchHeader {
  readonly epoch: number;
  readonly firstOffset: number;
  readonly acceptedEnd: number;
  readonly recordCount: number;
  readonly flags: number;
}

/**
 * Closes a batch whose payload stands in `buffer` already.
 *
 * @param buffer of whole blocks, with the payload from `batchHeaderBytes` on
 */
export function sealBatch(
  buffer: Uint8Array,
  view: DataView,
  header: BatchHeader,
  payloadBytes: number,
  previousHash: Uint8Array,
): SealedBatch {
  setPrefix(view, magic, version);
  setU64(view, 8, header.epoch);
  setU64(view, 16, header.firstOffset);
  setU64(view, 24, header.acceptedEnd);
  buffer.set(previousHash, 32);
  view.setUint32(48, header.recordCount, true);
  view.setUint32(52, header.flags, true);
  view.setUint32(56, payloadBytes, true);
  view.setUint32(60, 0, true);
  const hashAt = batchHeaderBytes + payloadBytes;
  const hash = hashOf(buffer.subarray(0, hashAt));
  buffer.set(hash, hashAt);
  const byteCount = wholeBlocks(hashAt + hashBytes);
  buffer.fill(0, hashAt + hashBytes, byteCount);
  return {
    bytes: buffer.subarray(0, byteCount),
    firstOffset: header.firstOffset,
    endOffset: header.firstOffset + header.recordCount,
    flags: header.flags,
    payloadBytes,
    previousHash,
    hash,
  };
}

/** A batch's header as found on disk. Nothing but the prefix and the plausible length has been verified. */
export interface FoundHeader extends BatchHeader {
  readonly payloadBytes: number;
  /** Whole blocks. */
  readonly byteCount: number;
}

/** Reads what `sealBatch` put before the payload; undefined when no batch can stand here. */
export function readBatchHeader(view: DataView, at: number): FoundHeader | undefined {
  const found = view.getUint16(at + 4, true);
  const isKnown = found >= 1 && found <= version && view.getUint16(at + 6, true) === (~found & 0xffff);
  if (view.getUint32(at, true) !== magic || !isKnown) return undefined;
  const payloadBytes = view.getUint32(at + 56, true);
  if (payloadBytes > batchBytesLimit - batchOverheadBytes) return undefined;
  return {
    epoch: getU64(view, at + 8),
    firstOffset: getU64(view, at + 16),
    acceptedEnd: getU64(view, at + 24),
    recordCount: view.getUint32(at + 48, true),
    flags: view.getUint32(at + 52, true),
    payloadBytes,
    byteCount: wholeBlocks(payloadBytes + batchOverheadBytes),
  };
}

/** Whether the batch at the start of `bytes` is whole: its hash is that of its bytes. */
export function isWholeBatch(bytes: Uint8Array, payloadBytes: number): boolean {
  const hashAt = batchHeaderBytes + payloadBytes;
  return sameBytes(hashOf(bytes.subarray(0, hashAt)), bytes.subarray(hashAt, hashAt + hashBytes));
}

/** The hash that the batch at the start of `bytes` says it follows. */
export function previousHashOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(32, 32 + hashBytes);
}

/** The hash that closes the batch at the start of `bytes`, copied. */
export function closingHashOf(bytes: Uint8Array, payloadBytes: number): Uint8Array {
  return bytes.slice(batchHeaderBytes + payloadBytes, batchHeaderBytes + payloadBytes + hashBytes);
}

/**
 * The records of a batch that holds whole ones, as views of its payload; undefined when they do not fill
 * the payload exactly.
 */
export function splitRecords(payload: Uint8Array, recordCount: number): Uint8Array[] | undefined {
  const view = viewOf(payload);
  const records: Uint8Array[] = [];
  let at = 0;
  for (let index = 0; index < recordCount; index += 1) {
    if (payload.length - at < 4) return undefined;
    const byteCount = view.getUint32(at, true);
    at += 4;
    if (payload.length - at < byteCount) return undefined;
    records.push(payload.subarray(at, at + byteCount));
    at += byteCount;
  }
  return at === payload.length ? records : undefined;
}
