/** Bytes that cross between host and guest in parts: sources that the guest reads, and the sink that it writes. */
import type { Traps } from "./traps.ts";

/** Sources that a call may open, its arguments included. */
export const byteSourcesMax = 65_536;
/** Bytes that a guest may write in a call: a description, a result or an error's text. */
export const sinkBytesMax = 64 * 1024 * 1024;

/** The sources of a call, by handle: 1, 2, 3, … An empty one has handle 0 as a rule, and is not opened. */
export class ByteSources {
  private count = 0;
  private readonly sources: (Uint8Array | undefined)[] = [];
  private readonly cursors: number[] = [];
  private readonly traps: Traps;

  constructor(traps: Traps) {
    this.traps = traps;
  }

  open(bytes: Uint8Array): number {
    return bytes.length === 0 ? 0 : this.openAlways(bytes);
  }

  /** Opens a source even of nothing. */
  openAlways(bytes: Uint8Array): number {
    if (this.count === byteSourcesMax) this.traps.throw(`more than ${byteSourcesMax} byte sources were opened`);
    this.count += 1;
    this.sources[this.count] = bytes;
    this.cursors[this.count] = 0;
    return this.count;
  }

  /** The source's bytes, undefined for a handle that names none. */
  data(handle: number): Uint8Array | undefined {
    return handle <= this.count && handle > 0 ? this.sources[handle] : undefined;
  }

  cursor(handle: number): number {
    return this.cursors[handle] ?? 0;
  }

  /** Moves on; a source that was read to its end is gone. */
  moveTo(handle: number, cursor: number, length: number): void {
    this.cursors[handle] = cursor;
    if (cursor === length) this.sources[handle] = undefined;
  }

  clear(): void {
    if (this.count > 16) {
      this.sources.length = 0;
      this.cursors.length = 0;
    }
    this.count = 0;
  }
}

/** What a call writes into. */
export class ByteSink {
  /** The first sink of a call, and the second, which handlers have. */
  static readonly handle = 1;
  static readonly bodyHandle = 2;
  private bytes = new Uint8Array(0);
  private length = 0;

  /** Appends; false when the limit is reached and nothing was taken. */
  write(bytes: Uint8Array, at: number, length: number): boolean {
    const needed = this.length + length;
    if (needed > sinkBytesMax) return false;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(256, needed, Math.min(this.bytes.length * 2, sinkBytesMax)));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(bytes.subarray(at, at + length), this.length);
    this.length = needed;
    return true;
  }

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** What was written, as a copy. */
  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > 65_536) this.bytes = new Uint8Array(0);
  }
}
