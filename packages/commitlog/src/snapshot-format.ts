/**
 * A snapshot file: a stream of bytes in pieces, each verified against the one before it.
 *
 *   header   prefix "LCN1", version | offset + 1 u64 | metaBytes u32 | zero u32 | meta | hash 16
 *   piece    byteCount u32 (1 … pieceBytesMax) | bytes | hash 16                       any number of them
 *   end      0 u32 | byteCount u64 of all pieces | hash 16
 *
 * The header's hash is of everything before it; every later hash is of the hash before and the bytes between.
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "@lightcone/base";
import { LightconeError } from "@lightcone/base";
import { getU64, getVersion, hashBytes, sameBytes, setPrefix, setU64, viewOf } from "./block.ts";

const magic = 0x314e434c; // "LCN1"
export const snapshotVersion = 1;
const headerBytes = 24;
/** A longer chunk is cut into pieces of this length. */
export const pieceBytesMax: number = 1 << 20;
/** What the description beside the content may take. */
export const metaBytesMax: number = 16 << 20;
const syncEachBytes = 8 << 20;
/** Pieces are written no longer than this: hashing and handing over one holds up everything else in the thread. */
const writtenBytesMax = 128 * 1024;

function chain(previous: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(previous).update(bytes).digest().subarray(0, hashBytes);
}

const nothing = new Uint8Array(0);

/** Writes a snapshot to an open, empty file. Call `header`, then `add` any number of times, then `end`. */
export class SnapshotWriter {
  private readonly handle: FileHandle;
  private readonly buffer: Uint8Array = new Uint8Array(writtenBytesMax + 4 + hashBytes);
  private readonly view: DataView = viewOf(this.buffer);
  private filled = 0;
  private position = 0;
  private unsynced = 0;
  private hash: Uint8Array = nothing;
  private byteCount = 0;

  constructor(handle: FileHandle) {
    this.handle = handle;
  }

  async header(offset: number, meta: Uint8Array): Promise<void> {
    if (meta.length > metaBytesMax)
      throw new LightconeError("LimitExceeded", { limit: "snapshot meta", value: meta.length, max: metaBytesMax });
    const bytes = new Uint8Array(headerBytes + meta.length + hashBytes);
    const view = viewOf(bytes);
    setPrefix(view, magic, snapshotVersion);
    setU64(view, 8, offset + 1);
    view.setUint32(16, meta.length, true);
    bytes.set(meta, headerBytes);
    this.hash = chain(nothing, bytes.subarray(0, headerBytes + meta.length));
    bytes.set(this.hash, headerBytes + meta.length);
    await this.handle.write(bytes, 0);
    this.position = bytes.length;
  }

  async add(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length; from += writtenBytesMax) {
      const piece = chunk.subarray(from, Math.min(from + writtenBytesMax, chunk.length));
      await this.frame(piece.length, piece);
      this.byteCount += piece.length;
    }
  }

  async end(): Promise<void> {
    const total = new Uint8Array(8);
    setU64(viewOf(total), 0, this.byteCount);
    await this.frame(0, total);
    await this.drain();
    await this.handle.datasync();
  }

  private async frame(byteCount: number, bytes: Uint8Array): Promise<void> {
    if (this.filled + 4 + bytes.length + hashBytes > this.buffer.length) await this.drain();
    const at = this.filled;
    this.view.setUint32(at, byteCount, true);
    this.buffer.set(bytes, at + 4);
    const hashAt = at + 4 + bytes.length;
    this.hash = chain(this.hash, this.buffer.subarray(at, hashAt));
    this.buffer.set(this.hash, hashAt);
    this.filled = hashAt + hashBytes;
  }

  private async drain(): Promise<void> {
    await this.handle.write(this.buffer.subarray(0, this.filled), this.position);
    this.position += this.filled;
    this.unsynced += this.filled;
    this.filled = 0;
    // In slices: commits that sync meanwhile should not wait for the whole of it.
    if (this.unsynced >= syncEachBytes) {
      await this.handle.datasync();
      this.unsynced = 0;
    }
  }
}

/** Reads what `SnapshotWriter` wrote, verifying as it goes. */
export class SnapshotReader {
  private readonly handle: FileHandle;
  private readonly file: string;
  private buffer: Uint8Array = new Uint8Array(pieceBytesMax + 4096);
  private at = 0;
  private filled = 0;
  private position = 0;
  private hash: Uint8Array = nothing;

  constructor(handle: FileHandle, file: string) {
    this.handle = handle;
    this.file = file;
  }

  /** Reads the header. */
  async header(): Promise<{ readonly offset: number; readonly meta: Uint8Array }> {
    const head = await this.take(headerBytes);
    const view = viewOf(head);
    if (getVersion(view, magic, snapshotVersion, this.file) === 0) throw this.damaged("no snapshot begins here");
    const offset = getU64(view, 8) - 1;
    const metaBytes = view.getUint32(16, true);
    if (metaBytes > metaBytesMax) throw this.damaged("the meta is too long");
    const fixed = head.slice();
    const whole = new Uint8Array(headerBytes + metaBytes);
    whole.set(fixed);
    whole.set(await this.take(metaBytes), headerBytes);
    this.hash = chain(nothing, whole);
    if (!sameBytes(await this.take(hashBytes), this.hash)) throw this.damaged("the header does not match its hash");
    return { offset, meta: whole.subarray(headerBytes) };
  }

  /** The pieces, in order; each is good until the next is asked for. Only their end says that all were there. */
  async *pieces(): AsyncGenerator<Uint8Array, void, void> {
    let total = 0;
    for (;;) {
      const byteCount = viewOf(await this.take(4)).getUint32(0, true);
      if (byteCount > pieceBytesMax) throw this.damaged("a piece is too long");
      const length = byteCount === 0 ? 8 : byteCount;
      this.at -= 4; // the count is part of what is hashed
      const frame = await this.take(4 + length + hashBytes);
      this.hash = chain(this.hash, frame.subarray(0, 4 + length));
      if (!sameBytes(frame.subarray(4 + length), this.hash)) throw this.damaged("a piece does not match its hash");
      if (byteCount === 0) {
        if (getU64(viewOf(frame), 4) !== total) throw this.damaged("the pieces are not as long as the end says");
        return;
      }
      total += byteCount;
      yield frame.subarray(4, 4 + length);
    }
  }

  /** The next bytes of the file, good until the next call. */
  private async take(byteCount: number): Promise<Uint8Array> {
    if (this.at + byteCount > this.filled) {
      const rest = this.filled - this.at;
      const source = this.buffer;
      if (byteCount > source.length) this.buffer = new Uint8Array(byteCount);
      this.buffer.set(source.subarray(this.at, this.filled));
      this.at = 0;
      this.filled = rest;
      while (this.filled < byteCount) {
        const count = await this.handle.read(this.buffer, this.filled, this.buffer.length - this.filled, this.position);
        if (count === 0) throw this.damaged("the file ends too soon");
        this.filled += count;
        this.position += count;
      }
    }
    const taken = this.buffer.subarray(this.at, this.at + byteCount);
    this.at += byteCount;
    return taken;
  }

  /** The byte of the file that is read next. */
  get readTo(): number {
    return this.position - this.filled + this.at;
  }

  private damaged(reason: string): LightconeError<"Corrupt"> {
    return new LightconeError("Corrupt", { file: this.file, at: this.readTo, reason });
  }
}
