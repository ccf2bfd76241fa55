/** A 128-bit id whose number is the big-endian reading of its text. */
import { ByteWriter } from "../byte-writer.ts";
import { toHex } from "../hex.ts";
import { coerceBigint } from "./coerce.ts";
import type { Timestamp } from "./timestamp.ts";
import { inspected } from "./inspected.ts";

/** A u128 as 16 bytes, little-endian. */
export function encodeU128(value: bigint): Uint8Array {
  const out = new ByteWriter(16);
  out.u128(value);
  return out.bytes;
}

const textShape = /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/;

/** The lowest bit of the four that tell the version, and of the two that tell its family. */
const [versionAt, familyAt] = [76n, 62n];

/** The number with a version in it, in place of what is there. */
function stamped(number: bigint, version: bigint): bigint {
  return (number & ~((15n << versionAt) | (3n << familyAt))) | (version << versionAt) | (2n << familyAt);
}

/** The number whose bytes these are, the most significant first. */
function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

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
    return new Uuid(stamped(numberOf(random), 4n));
  }
  /** Version 7: time, then `counter` (31 bits, raised by one), then 4 random bytes; so ids sort by when they were made. */
  static fromCounterV7(counter: { value: number }, now: Timestamp, random: Uint8Array): Uuid {
    if (random.length !== 4) throw new TypeError(`4 random bytes are needed, not ${random.length}`);
    if (now.microsSinceUnixEpoch < 0n) throw new TypeError("a Uuid of version 7 cannot lie before 1970");
    const count = counter.value & 0x7fff_ffff;
    counter.value = (count + 1) & 0x7fff_ffff;
    const [high, low] = [BigInt(count >>> 23), BigInt(count & 0x7f_ffff)];
    const time = BigInt.asUintN(48, now.toMillis());
    const rest = BigInt.asUintN(31, numberOf(random));
    return new Uuid(stamped((time << 80n) | (high << 64n) | (low << 33n) | rest, 7n));
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
    const version = (this.__uuid__ >> versionAt) & 15n;
    return version === 4n ? "V4" : version === 7n ? "V7" : undefined;
  }
  /** The counter of version 7. */
  getCounter(): number {
    const [high, low] = [(this.__uuid__ >> 64n) & 0xffn, (this.__uuid__ >> 33n) & 0x7f_ffffn];
    return Number((high << 23n) | low);
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
