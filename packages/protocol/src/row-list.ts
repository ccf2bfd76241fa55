/**
 * A list of rows on the wire: docs/wire/websocket-v1.md.
 *
 *   list = hint | byteCount u32 | rows back to back
 *   hint = 0, width u16                       every row is `width` bytes, never 0
 *        | 1, count u32, count × start u64    any other rows
 *
 * The hint stands first and depends on all rows, so a list is gathered here and written when complete.
 */
import { empty } from "@lightcone/base";
import { ByteWriter, writeView } from "@lightcone/sats";

const widthMax = 0xffff;
/** Rows are kept in chunks of this: a list of many megabytes is never moved. */
const chunkBytes = 256 * 1024;

/** Gathers rows, then writes them as one list. Reused: `clear` starts the next. */
export class RowListBuilder {
  private rows = new ByteWriter(1024);
  /** Chunks of rows that are full, before `rows`. */
  private readonly full: Uint8Array[] = [];
  private fullBytes = 0;
  private readonly starts = new ByteWriter(256);
  private rowCount = 0;
  /** The width of all rows so far; 0 before the first; -1 when they differ or no hint can say it. */
  private width = 0;

  /** Rows gathered. */
  get count(): number {
    return this.rowCount;
  }

  /** Bytes of the rows gathered. */
  get rowBytes(): number {
    return this.fullBytes + this.rows.length;
  }

  clear(): void {
    this.rows.reset();
    empty(this.full);
    this.fullBytes = 0;
    this.starts.reset();
    this.rowCount = 0;
    this.width = 0;
  }

  /** Adds the row `source[at … at + length)`. */
  add(source: Uint8Array, at: number, length: number): void {
    if (this.rowCount === 0) this.width = length > 0 && length <= widthMax ? length : -1;
    else if (this.width !== length && this.width > 0) this.fillStarts();
    if (this.width < 0) this.starts.u64Number(this.rowBytes);
    if (this.rows.length + length > chunkBytes && this.rows.length > 0) this.beginChunk();
    this.rows.rawRange(source, at, length);
    this.rowCount++;
  }

  private beginChunk(): void {
    this.full.push(this.rows.written());
    this.fullBytes += this.rows.length;
    this.rows = new ByteWriter(chunkBytes);
  }

  /** Records where the rows so far begin: from here on widths differ, and the list needs them. */
  private fillStarts(): void {
    for (let row = 0; row < this.rowCount; row++) this.starts.u64Number(row * this.width);
    this.width = -1;
  }

  writeTo(out: ByteWriter): void {
    if (this.width > 0) {
      out.u8(0);
      out.u16(this.width);
    } else {
      out.u8(1);
      out.u32(this.rowCount);
      out.rawRange(this.starts.bytes, 0, this.starts.length);
    }
    out.u32(this.rowBytes);
    for (const chunk of this.full) out.raw(chunk);
    out.rawRange(this.rows.bytes, 0, this.rows.length);
  }

  /** The list as parts that follow each other: none is copied. The builder must not be used again. */
  parts(): readonly Uint8Array[] {
    const head = new ByteWriter(16);
    const parts: Uint8Array[] = [];
    if (this.width > 0) {
      head.u8(0);
      head.u16(this.width);
    } else {
      head.u8(1);
      head.u32(this.rowCount);
      parts.push(head.toBytes(), this.starts.written());
      head.reset();
    }
    head.u32(this.rowBytes);
    parts.push(head.toBytes(), ...this.full);
    if (this.rows.length > 0) parts.push(this.rows.written());
    return parts;
  }
}

/** Writes a list of one row, as the builder does. */
export function writeLoneRow(out: ByteWriter, source: DataView, at: number, length: number): void {
  if (length > 0 && length <= widthMax) {
    const head = out.reserve(7);
    out.bytes[head] = 0;
    out.view.setUint16(head + 1, length, true);
    out.setU32(head + 3, length);
  } else {
    out.u8(1);
    out.u32(1);
    out.u64Number(0);
    out.u32(length);
  }
  writeView(out, source, at, length);
}

/** Writes a list without rows. */
export function writeEmptyRowList(out: ByteWriter): void {
  out.u8(1);
  out.u32(0);
  out.u32(0);
}
