/** A 128-bit id whose number is the big-endian reading of its text. */
import { fromHex, toHex } from "../hex.ts";
import { coerceBigint } from "./coerce.ts";
import type { Timestamp } from "./timestamp.ts";
import { inspected } from "./inspected.ts";

/** A u128 as 16 bytes, little-endian. */
export function encodeU128(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(32, "0")).reverse();
}

const textShape = /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/;

/** A UUID: 128 bits, whose text has the most significant first. */
export class Uuid {
  readonly __uuid__: bigint;

  static readonly NIL: Uuid = new Uuid(0n);
  static readonly MAX: Uuid = new Uuid((1n << 128n) - 1n);

  constructor(value: bigint | number | string) {
    const number = coerceBigint(value, "Uuid");
    if (BigInt.asUintN(128, number) !== number) throw new TypeError(`a Uuid is a u128, not ${number}`);
    this.__uuid__ = number;
  }

  /** From 8-4-4-4-12 or 32 bare hex digits. */
  static parse(text: string): Uuid {
    if (!textShape.test(text)) throw new TypeError(`not a Uuid: "${text.slice(0, 80)}"`);
    return new Uuid(BigInt(`0x${text.replaceAll("-", "")}`));
  }
  /** Version 4, from 16 random bytes. */
  static fromRandomBytesV4(random: Uint8Array): Uuid {
    if (random.length !== 16) throw new TypeError(`16 random bytes are needed, not ${random.length}`);
    const bytes = random.slice();
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    return Uuid.ofBytes(bytes);
  }
  /** Version 7: time, then `counter` (31 bits, raised by one), then 4 random bytes; so ids sort by when they were made. */
  static fromCounterV7(counter: { value: number }, now: Timestamp, random: Uint8Array): Uuid {
    if (random.length !== 4) throw new TypeError(`4 random bytes are needed, not ${random.length}`);
    if (now.microsSinceUnixEpoch < 0n) throw new TypeError("a Uuid of version 7 cannot lie before 1970");
    const count = counter.value & 0x7fff_ffff;
    counter.value = (count + 1) & 0x7fff_ffff;
    const bytes = new Uint8Array(16);
    let ms = Number(now.toMillis());
    for (let index = 5; index >= 0; index -= 1) {
      bytes[index] = ms % 256;
      ms = Math.floor(ms / 256);
    }
    bytes[6] = 0x70;
    bytes[7] = count >>> 23;
    bytes[8] = 0x80;
    bytes[9] = count >>> 15;
    bytes[10] = count >>> 7;
    bytes[11] = (count & 0x7f) << 1;
    bytes.set(random, 12);
    bytes[12] = (bytes[12] ?? 0) & 0x7f;
    return Uuid.ofBytes(bytes);
  }
  private static ofBytes(bytes: Uint8Array): Uuid {
    return new Uuid(BigInt(`0x${toHex(bytes)}`));
  }

  asBigInt(): bigint {
    return this.__uuid__;
  }
  /** The 16 bytes in the order of the text: big-endian. */
  toBytes(): Uint8Array {
    return encodeU128(this.__uuid__).reverse();
  }
  toString(): string {
    const hex = this.__uuid__.toString(16).padStart(32, "0");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
  toJSON(): string {
    return this.toString();
  }
  [inspected](): string {
    return `Uuid(${this.toString()})`;
  }
  /** `Nil`, `V4`, `V7` or `Max`; undefined for any other. */
  getVersion(): "Nil" | "V4" | "V7" | "Max" | undefined {
    if (this.__uuid__ === 0n) return "Nil";
    if (this.__uuid__ === Uuid.MAX.__uuid__) return "Max";
    const version = (this.toBytes()[6] ?? 0) >> 4;
    return version === 4 ? "V4" : version === 7 ? "V7" : undefined;
  }
  /** The counter of version 7. */
  getCounter(): number {
    const bytes = this.toBytes();
    const at = (index: number): number => bytes[index] ?? 0;
    return ((at(7) << 23) | (at(9) << 15) | (at(10) << 7) | (at(11) >> 1)) >>> 0;
  }
  compareTo(other: Uuid): number {
    return this.__uuid__ < other.__uuid__ ? -1 : this.__uuid__ > other.__uuid__ ? 1 : 0;
  }
  isEqual(other: Uuid): boolean {
    return this.__uuid__ === other.__uuid__;
  }
  equals(other: Uuid): boolean {
    return this.isEqual(other);
  }
}
