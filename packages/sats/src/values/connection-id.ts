/** One client connection. 128 bits; zero means "none". */
import { hexDigits, toHex } from "../hex.ts";
import { encodeU128 } from "./uuid.ts";
import { coerceBigint } from "./coerce.ts";
import { inspected } from "./inspected.ts";

/** One connection of a client. Compare with `isEqual`; as text it is 32 hex digits. */
export class ConnectionId {
  readonly __connection_id__: bigint;

  constructor(value: bigint | number | string) {
    this.__connection_id__ = coerceBigint(value, "ConnectionId");
  }

  /** From 32 hex digits, most significant first. */
  static fromString(hex: string): ConnectionId {
    const digits = hexDigits(hex, 32);
    if (digits === undefined) throw new TypeError(`a ConnectionId is 32 hex digits, not "${hex.slice(0, 80)}"`);
    return new ConnectionId(BigInt(`0x${digits}`));
  }
  /** From 32 hex digits; null when it is not that, or zero. */
  static fromStringOrNull(hex: string): ConnectionId | null {
    const digits = hexDigits(hex, 32);
    return digits === undefined ? null : ConnectionId.nullIfZero(new ConnectionId(BigInt(`0x${digits}`)));
  }
  static nullIfZero(id: ConnectionId): ConnectionId | null {
    return id.isZero() ? null : id;
  }
  /** An unguessable id, from the platform's source of chance. */
  static random(): ConnectionId {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return new ConnectionId(BigInt(`0x${toHex(bytes)}`));
  }

  isZero(): boolean {
    return this.__connection_id__ === 0n;
  }
  /** 32 lower-case digits, most significant first. */
  toHexString(): string {
    return this.__connection_id__.toString(16).padStart(32, "0");
  }
  toString(): string {
    return this.toHexString();
  }
  /** The 16 bytes, little-endian. */
  toUint8Array(): Uint8Array {
    return encodeU128(this.__connection_id__);
  }
  isEqual(other: ConnectionId): boolean {
    return this.__connection_id__ === other.__connection_id__;
  }
  equals(other: ConnectionId): boolean {
    return this.isEqual(other);
  }
  toJSON(): string {
    return this.toHexString();
  }
  [inspected](): string {
    return `ConnectionId(${this.toString()})`;
  }
}
