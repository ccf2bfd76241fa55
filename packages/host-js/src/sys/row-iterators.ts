/** The row iterators that a bundle holds, by handle. A slot has the next row to deliver and the scan of those behind it. */
import { asRowRef } from "@lightcone/base";
import type { HostPort, RowScan } from "@lightcone/host";

/** Whole rows. */
export interface Chunk {
  readonly isDone: boolean;
  /** Until the next operation: the host's own. */
  readonly bytes: Uint8Array;
  /** Instead of rows: how long the next one is, which does not fit. */
  readonly needed: number;
}

/** Iterators that a call may hold open at a time. */
export const rowIteratorsMax = 65_536;
/** Bytes that one call delivers at most, but for a row that is longer alone. */
const chunkBytesMax = 1024 * 1024;
const chunkBytesMin = 64 * 1024;

const noRow = -1;

interface Open {
  /** The next row; `noRow` for none. */
  row: number;
  readonly scan: RowScan | undefined;
}

export class RowIterators {
  private readonly open = new Map<number, Open>();
  private readonly port: HostPort;
  /** The last handle that was given. */
  private handle = 0;
  private chunk = new Uint8Array(chunkBytesMin);

  constructor(port: HostPort) {
    this.port = port;
  }

  /** Gives a handle for one row, or for none. */
  openRow(row: number): number {
    return this.take({ row, scan: undefined });
  }

  openScan(scan: RowScan): number {
    return this.take({ row: scan.next(), scan });
  }

  private take(iterator: Open): number {
    if (this.open.size >= rowIteratorsMax) {
      iterator.scan?.close();
      throw new RangeError(
        `more than ${rowIteratorsMax} row iterators are open: close them, or read them to their end`,
      );
    }
    do this.handle = this.handle >= 0xffff_ffff ? 1 : this.handle + 1;
    while (this.open.has(this.handle));
    this.open.set(this.handle, iterator);
    return this.handle;
  }

  /** Whole rows of an iterator, `bytesMax` of bytes at most. One that is done is closed. Undefined where there is none. */
  next(handle: number, bytesMax: number): Chunk | undefined {
    const iterator = this.open.get(handle);
    if (iterator === undefined) return undefined;
    const room = Math.min(bytesMax, chunkBytesMax);
    if (this.chunk.length < room) this.chunk = new Uint8Array(room);
    const chunk = this.advance(handle, iterator, this.chunk, room);
    // The caller would take a row that is longer than what is given at a time.
    if (chunk.needed === 0 || chunk.needed > bytesMax) return chunk;
    return this.advance(handle, iterator, new Uint8Array(chunk.needed), chunk.needed);
  }

  private advance(handle: number, iterator: Open, target: Uint8Array, room: number): Chunk {
    const { port } = this;
    let length = 0;
    while (iterator.row !== noRow) {
      port.resolve(asRowRef(iterator.row));
      const { bytes, at, length: rowLength } = port.row;
      if (rowLength > room - length)
        return { isDone: false, bytes: target.subarray(0, length), needed: length === 0 ? rowLength : 0 };
      target.set(bytes.subarray(at, at + rowLength), length);
      length += rowLength;
      iterator.row = iterator.scan === undefined ? noRow : iterator.scan.next();
    }
    this.open.delete(handle);
    return { isDone: true, bytes: target.subarray(0, length), needed: 0 };
  }

  close(handle: number): boolean {
    const iterator = this.open.get(handle);
    iterator?.scan?.close();
    return this.open.delete(handle);
  }

  /** Closes what was left open, as at the end of a call. Handles begin anew. */
  clear(): void {
    for (const { scan } of this.open.values()) scan?.close();
    this.open.clear();
    this.handle = 0;
  }
}
