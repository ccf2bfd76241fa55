/**
 * Bytes being written, little-endian: grows as needed, reusable after `reset`.
 *
 * `bytes` and `view` change when it grows: fetch them anew after each `reserve`.
 */
import { encodeUtf8Into } from "./utf8.ts";

/** Below this a loop beats the call into the platform. */
const shortMax = 24;

export class ByteWriter {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView<ArrayBuffer>;
  /** How many bytes are written. */
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Drops what was written and keeps the memory. */
  reset(): void {
    this.length = 0;
  }

  /** Makes room for `count` bytes and counts them as written; they hold whatever was there. Returns where they begin. */
  reserve(count: number): number {
    const at = this.length;
    const end = at + count;
    if (end > this.bytes.length) this.grow(end);
    this.length = end;
    return at;
  }

  private grow(needed: number): void {
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }
  u8(value: number): void {
    const at = this.reserve(1);
    this.bytes[at] = value;
  }
  u16(value: number): void {
    const at = this.reserve(2);
    this.view.setUint16(at, value, true);
  }
  u32(value: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, value, true);
  }
  /** Signed or unsigned: the low 64 bits, as for every wide integer here. */
  u64(value: bigint): void {
    const at = this.reserve(8);
    this.view.setBigUint64(at, value, true);
  }
  u128(value: bigint): void {
    const at = this.reserve(16);
    this.view.setBigUint64(at, value, true);
    this.view.setBigUint64(at + 8, value >> 64n, true);
  }
  u256(value: bigint): void {
    const at = this.reserve(32);
    this.view.setBigUint64(at, value, true);
    this.view.setBigUint64(at + 8, value >> 64n, true);
    this.view.setBigUint64(at + 16, value >> 128n, true);
    this.view.setBigUint64(at + 24, value >> 192n, true);
  }
  f32(value: number): void {
    const at = this.reserve(4);
    this.view.setFloat32(at, value, true);
  }
  f64(value: number): void {
    const at = this.reserve(8);
    this.view.setFloat64(at, value, true);
  }

  /** A whole number below 2^53 as u64. */
  u64Number(value: number): void {
    const at = this.reserve(8);
    this.setU64(at, value);
  }

  /** Puts a whole number below 2^53 where `reserve(8)` left room. */
  setU64(at: number, value: number): void {
    // Cut to 32 bits, which is what `%` would give at many times the cost.
    this.view.setUint32(at, value >>> 0, true);
    this.view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** Puts a u32 where `reserve(4)` left room. */
  setU32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  /** Byte count (u32), then UTF-8. */
  string(value: string): void {
    const countAt = this.reserve(4);
    this.setU32(countAt, this.utf8(value));
  }

  /** As `string`; false, with nothing written, when the text has half a surrogate pair, which UTF-8 cannot encode. */
  text(value: string): boolean {
    const countAt = this.reserve(4);
    if (this.shortAscii(value)) this.setU32(countAt, value.length);
    else if (value.isWellFormed()) this.setU32(countAt, this.utf8Long(value, this.length));
    else {
      this.length = countAt;
      return false;
    }
    return true;
  }

  /** UTF-8 without a count; returns how many bytes it took. */
  utf8(value: string): number {
    return this.shortAscii(value) ? value.length : this.utf8Long(value, this.length);
  }

  /** Writes a short text of ASCII; false, with nothing written, when it is another. */
  private shortAscii(value: string): boolean {
    const units = value.length;
    if (units > shortMax) return false;
    const at = this.reserve(units);
    const bytes = this.bytes;
    for (let index = 0; index < units; index += 1) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) {
        this.length = at;
        return false;
      }
      bytes[at + index] = code;
    }
    return true;
  }

  private utf8Long(value: string, start: number): number {
    let rest = value;
    for (;;) {
      // Room for ASCII first; what does not fit comes round again with room for the worst case.
      const room = rest === value ? rest.length + 3 : rest.length * 3;
      const at = this.reserve(room);
      const { read, written } = encodeUtf8Into(rest, this.bytes.subarray(at, at + room));
      this.length = at + written;
      if (read === rest.length) return this.length - start;
      rest = rest.slice(read);
    }
  }

  /** Count (u32), then the bytes. */
  byteArray(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
  }

  /** The bytes alone. */
  raw(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.bytes.set(value, at);
  }

  /** `length` bytes of `source` from `at`, alone. */
  rawRange(source: Uint8Array, at: number, length: number): void {
    const to = this.reserve(length);
    if (length <= 32) {
      const bytes = this.bytes;
      for (let index = 0; index < length; index += 1) bytes[to + index] = source[at + index] as number;
      return;
    }
    this.bytes.set(source.subarray(at, at + length), to);
  }

  /** What was written, as a view that the next write may change. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** What was written, as a copy. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}
