/** Who: a user or a database. 256 bits; wire and `bytes` are little-endian, the hex form is big-endian. */
import { readU256 } from "../byte-reader.ts";
import { ByteWriter } from "../byte-writer.ts";
import { hexDigits, toHexReversed } from "../hex.ts";
import { coerceBigint } from "./coerce.ts";
import { inspected } from "./inspected.ts";

/** Who somebody is: a user or a database. Compare with `isEqual`; as text it is 64 hex digits. */
export class Identity {
  /** The 32 bytes as on the wire: little-endian. Not to be changed. */
  readonly bytes: Uint8Array;

  /** From the number, its 64 hex digits, or the 32 bytes, which must not change afterwards. */
  constructor(value: bigint | string | number | Uint8Array) {
    this.bytes = value instanceof Uint8Array ? value : bytesOf(value);
    if (this.bytes.length !== 32) throw new TypeError(`an Identity has 32 bytes, not ${this.bytes.length}`);
  }

  /** Wraps 32 little-endian bytes, which must not change afterwards. */
  static fromBytes(bytes: Uint8Array): Identity {
    return new Identity(bytes);
  }
  static fromString(hex: string): Identity {
    return new Identity(hex);
  }
  static zero(): Identity {
    return Identity.fromBytes(new Uint8Array(32));
  }

  get __identity__(): bigint {
    return readU256(new DataView(this.bytes.buffer, this.bytes.byteOffset, 32), 0);
  }
  /** 64 lower-case digits, most significant first. */
  toHexString(): string {
    return toHexReversed(this.bytes);
  }
  toString(): string {
    return this.toHexString();
  }
  /** A copy of the 32 bytes, little-endian. */
  toUint8Array(): Uint8Array {
    return this.bytes.slice();
  }
  isEqual(other: Identity): boolean {
    const theirs = other.bytes;
    // An identity of another copy of this library has no `bytes`.
    if (theirs === undefined) return this.__identity__ === other.__identity__;
    for (let index = 0; index < 32; index += 1) if (this.bytes[index] !== theirs[index]) return false;
    return true;
  }
  equals(other: Identity): boolean {
    return this.isEqual(other);
  }
  toJSON(): string {
    return this.toHexString();
  }
  [inspected](): string {
    return `Identity(${this.toString()})`;
  }
}

function bytesOf(value: bigint | string | number): Uint8Array {
  const number = typeof value === "string" ? hexToNumber(value) : coerceBigint(value, "Identity");
  if (BigInt.asUintN(256, number) !== number) throw new TypeError(`an Identity is a u256, not ${number}`);
  const out = new ByteWriter(32);
  out.u256(number);
  return out.bytes;
}

function hexToNumber(text: string): bigint {
  const digits = hexDigits(text, 64);
  if (digits === undefined) throw new TypeError(`an Identity is 64 hex digits, not "${text.slice(0, 80)}"`);
  return BigInt(`0x${digits}`);
}
