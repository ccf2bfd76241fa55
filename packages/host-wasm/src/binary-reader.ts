/** Reads the primitives of a WebAssembly binary. Owns bounds and LEB128; refuses to read past its end. */
import { invalid } from "./invalid.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

export class BinaryReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined || this.at >= this.end) throw invalid(`the binary ends early, at byte ${this.at}`);
    this.at += 1;
    return value;
  }

  /** An unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw invalid(`a number at byte ${this.at} does not fit 32 bits`);
  }

  /** Steps over a signed LEB128 of at most 33 bits. */
  skipS33(): void {
    for (let count = 0; count < 5; count += 1) {
      if (this.byte() < 0x80) return;
    }
    throw invalid(`a number at byte ${this.at} does not fit 33 bits`);
  }

  skip(byteCount: number): void {
    if (byteCount > this.end - this.at) throw invalid(`the binary ends early, at byte ${this.end}`);
    this.at += byteCount;
  }

  /** A part of what is left, to be read by itself. */
  part(byteCount: number): BinaryReader {
    const start = this.at;
    this.skip(byteCount);
    return new BinaryReader(this.bytes, start, this.at);
  }

  name(): string {
    const byteCount = this.u32();
    const start = this.at;
    this.skip(byteCount);
    try {
      return decoder.decode(this.bytes.subarray(start, this.at));
    } catch (cause) {
      throw invalid(`a name at byte ${start} is not UTF-8`, cause);
    }
  }
}

/** The unsigned LEB128 of a number below 2^32. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}
