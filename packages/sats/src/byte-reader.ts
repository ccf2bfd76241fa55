/**
 * Bytes being read, little-endian. Every read checks the end first; a count is trusted only when the bytes that it
 * counts are there.
 */
import { LightconeError } from "@lightcone/base";
import { zeroSizedElementsMax } from "./limits.ts";
import { tryDecodeUtf8 } from "./utf8.ts";

export class ByteReader {
  bytes: Uint8Array;
  view: DataView;
  /** Where the next read begins. */
  at: number;
  /** Where the input ends. */
  end: number;
  /** What is being read, for errors. */
  readonly what: string;

  constructor(bytes: Uint8Array, what = "value") {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.end = bytes.length;
    this.what = what;
  }

  /** Reads `bytes[at]` … `bytes[end]` next; `view` must cover the same bytes. Allocates nothing. */
  set(bytes: Uint8Array, view: DataView, at: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.at = at;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  /** Skips `count` bytes; returns where they begin. */
  take(count: number): number {
    const at = this.at;
    const next = at + count;
    if (next > this.end) this.short(count);
    this.at = next;
    return at;
  }

  private short(count: number): never {
    return this.fail(`${count} bytes are needed, ${this.remaining} are left`);
  }

  /** @throws {LightconeError} `Malformed`, always */
  fail(reason: string, at: number = this.at): never {
    throw new LightconeError("Malformed", { what: this.what, reason, at });
  }

  bool(): boolean {
    const byte = this.u8();
    if (byte > 1) this.fail(`a bool is 0 or 1, not ${byte}`, this.at - 1);
    return byte === 1;
  }
  u8(): number {
    return this.bytes[this.take(1)] as number;
  }
  i8(): number {
    return this.view.getInt8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  i16(): number {
    return this.view.getInt16(this.take(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }
  i64(): bigint {
    return this.view.getBigInt64(this.take(8), true);
  }
  u128(): bigint {
    return readU128(this.view, this.take(16));
  }
  i128(): bigint {
    return readI128(this.view, this.take(16));
  }
  u256(): bigint {
    return readU256(this.view, this.take(32));
  }
  i256(): bigint {
    return readI256(this.view, this.take(32));
  }
  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }
  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** Byte count (u32), then UTF-8. */
  string(): string {
    const length = this.u32();
    return this.utf8(length);
  }

  /** `length` bytes of UTF-8. */
  utf8(length: number): string {
    const at = this.take(length);
    const text = tryDecodeUtf8(this.bytes, at, at + length);
    return text ?? this.fail("the text is not UTF-8", at);
  }

  /** Count (u32), then bytes: a copy of them. */
  byteArray(): Uint8Array<ArrayBuffer> {
    return this.byteArrayView().slice();
  }

  /** Count (u32), then bytes: a view of the input. */
  byteArrayView(): Uint8Array {
    const length = this.u32();
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** An array's element count, refused when so many elements of `sizeMin` bytes cannot be there. */
  count(sizeMin: number): number {
    const count = this.u32();
    if (sizeMin === 0 ? count > zeroSizedElementsMax : count * sizeMin > this.end - this.at) {
      this.fail(`${count} elements cannot be in the ${this.remaining} bytes left`, this.at - 4);
    }
    return count;
  }

  /** @throws {LightconeError} `Malformed` unless all was read */
  expectEnd(): void {
    if (this.at !== this.end) this.fail(`${this.remaining} bytes are left over`);
  }
}

export function readU128(view: DataView, at: number): bigint {
  return (view.getBigUint64(at + 8, true) << 64n) | view.getBigUint64(at, true);
}
export function readI128(view: DataView, at: number): bigint {
  return (view.getBigInt64(at + 8, true) << 64n) | view.getBigUint64(at, true);
}
export function readU256(view: DataView, at: number): bigint {
  return (readU128(view, at + 16) << 128n) | readU128(view, at);
}
export function readI256(view: DataView, at: number): bigint {
  return (readI128(view, at + 16) << 128n) | readU128(view, at);
}
