/**
 * A guest's linear memory as a host function sees it: bounds-checked, little-endian, never aligned.
 *
 * Invariant: every host function calls `sync` before it touches the memory, since any call of the guest may
 * have grown it, which detaches the buffer that the views are on. Nothing grows it while a host function runs.
 * A null pointer traps, also with length 0; so does a slice that does not lie inside.
 */
import type { RowView } from "@lightcone/host";
import type { GuestMemoryObject } from "./engine.ts";
import type { Traps } from "./traps.ts";

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

export class GuestMemory {
  u8: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(new ArrayBuffer(0));
  private memory: GuestMemoryObject | undefined = undefined;
  private readonly traps: Traps;

  constructor(traps: Traps) {
    this.traps = traps;
  }

  attach(memory: GuestMemoryObject): void {
    this.memory = memory;
    this.refresh();
  }

  /** Makes the views good again. A detached buffer has length 0, which costs less to see than `memory.buffer`. */
  sync(): void {
    if (this.u8.length === 0) this.refresh();
  }

  private refresh(): void {
    if (this.memory === undefined) this.traps.throw("the module called its host before it had started");
    this.u8 = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
  }

  /** Traps unless `length` bytes at `at` lie inside. */
  need(at: number, length: number): void {
    if (at === 0 || at + length > this.u8.length) this.fault(at, length);
  }

  private fault(at: number, length: number): never {
    this.traps.throw(
      at === 0 ? "a null pointer" : `${length} bytes at ${at} lie outside of the memory of ${this.u8.length} bytes`,
    );
  }

  readU32(at: number): number {
    this.need(at, 4);
    return this.view.getUint32(at, true);
  }

  writeU32(at: number, value: number): void {
    this.need(at, 4);
    this.view.setUint32(at, value, true);
  }

  /** Writes a safe integer that is not negative as u64. */
  writeU64(at: number, value: number): void {
    this.need(at, 8);
    this.view.setUint32(at, value, true);
    this.view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** Copies bytes in. Short ones go one by one: a view on the source would cost more. */
  write(at: number, bytes: Uint8Array, from: number, length: number): void {
    this.need(at, length);
    const u8 = this.u8;
    if (length <= 64) {
      for (let step = 0; step < length; step += 1) u8[at + step] = bytes[from + step] as number; // the caller's bounds
    } else {
      u8.set(bytes.subarray(from, from + length), at);
    }
  }

  /** Copies a row in, word by word while it is short. */
  writeRow(at: number, row: RowView): void {
    const { length, at: from } = row;
    this.need(at, length);
    if (length > 128) {
      this.u8.set(row.bytes.subarray(from, from + length), at);
      return;
    }
    const source = row.view;
    const target = this.view;
    let step = 0;
    // Compiled to plain loads and stores: no number is made of the eight bytes.
    for (; step + 8 <= length; step += 8) target.setBigInt64(at + step, source.getBigInt64(from + step, true), true);
    for (; step + 4 <= length; step += 4) target.setUint32(at + step, source.getUint32(from + step, true), true);
    for (; step < length; step += 1) target.setUint8(at + step, source.getUint8(from + step));
  }

  /** A view on the guest's own bytes: gone when the guest runs again. */
  bytes(at: number, length: number): Uint8Array {
    this.need(at, length);
    return this.u8.subarray(at, at + length);
  }

  copy(at: number, length: number): Uint8Array {
    this.need(at, length);
    return this.u8.slice(at, at + length);
  }

  /** Text that names something: it must be UTF-8. */
  name(at: number, length: number): string {
    const bytes = this.bytes(at, length);
    try {
      return strict.decode(bytes);
    } catch {
      return this.traps.throw(`a name at ${at} is not UTF-8`);
    }
  }

  /** Text for people: what is not UTF-8 becomes U+FFFD. */
  text(at: number, length: number): string {
    return lossy.decode(this.bytes(at, length));
  }

  /** Whether `need` would let the slice pass. */
  has(at: number, length: number): boolean {
    return at !== 0 && at + length <= this.u8.length;
  }
}
