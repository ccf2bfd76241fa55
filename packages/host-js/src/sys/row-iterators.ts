/** The row iterators that a bundle holds, by handle. A slot has the next row to deliver and the scan of those behind it. */
import { asRowRef } from "@lightcone/base";
import type { HostPort, RowScan } from "@lightcone/host";

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

export type Advanced =
  | { readonly kind: "rows"; readonly length: number; readonly isDone: boolean }
  | { readonly kind: "too small"; readonly needed: number }
  | { readonly kind: "no such iterator" };

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

  /** Copies whole rows to the start of `target` while they fit. An iterator that is done is closed. */
  advance(handle: number, target: Uint8Array): Advanced {
    const iterator = this.open.get(handle);
    if (iterator === undefined) return { kind: "no such iterator" };
    const { port } = this;
    const capacity = target.length;
    let length = 0;
    while (iterator.row !== noRow) {
      port.resolve(asRowRef(iterator.row));
      const { bytes, at, length: rowLength } = port.row;
      if (rowLength > capacity - length) {
        return length === 0 ? { kind: "too small", needed: rowLength } : { kind: "rows", length, isDone: false };
      }
      target.set(bytes.subarray(at, at + rowLength), length);
      length += rowLength;
      iterator.row = iterator.scan === undefined ? noRow : iterator.scan.next();
    }
    this.open.delete(handle);
    return { kind: "rows", length, isDone: true };
  }

  /** The same into bytes of the host's own, `bytesMax` at most; what is delivered is a copy. */
  next(handle: number, bytesMax: number): { readonly advanced: Advanced; readonly bytes: Uint8Array } {
    const room = Math.min(bytesMax, chunkBytesMax);
    if (this.chunk.length < room) this.chunk = new Uint8Array(room);
    let advanced = this.advance(handle, this.chunk.subarray(0, room));
    // The caller would take a row that is longer than what is copied at a time.
    if (advanced.kind === "too small" && advanced.needed <= bytesMax) {
      const whole = new Uint8Array(advanced.needed);
      advanced = this.advance(handle, whole);
      return { advanced, bytes: whole };
    }
    return { advanced, bytes: advanced.kind === "rows" ? this.chunk.slice(0, advanced.length) : this.chunk };
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
