/** Identities and program hashes as the front handles them: bytes for the database, digits for people. */
import { blake3 } from "@noble/hashes/blake3.js";
import { keccak_256 as keccak256 } from "@noble/hashes/sha3.js";

/** Who: a user or a database. Two spellings of one value. */
export interface Identity {
  /** 32 bytes, little-endian. Not to be changed. */
  readonly bytes: Uint8Array;
  /** 64 lower-case digits, most significant first. */
  readonly hex: string;
}

/** Reads 64 hex digits of either case, with or without `0x`; undefined for anything else. */
export function identityFromHex(text: string): Identity | undefined {
  const digits = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(text)?.[1]?.toLowerCase();
  if (digits === undefined) return undefined;
  return { bytes: Uint8Array.from(Buffer.from(digits, "hex")).reverse(), hex: digits };
}

/** The identity that an issuer and a subject make. */
export function identityOf(issuer: string, subject: string): Identity {
  const digest = blake3(new TextEncoder().encode(`${issuer}|${subject}`));
  const bigEndian = new Uint8Array(32);
  bigEndian.set([0xc2, 0x00], 0);
  bigEndian.set(digest.subarray(0, 26), 6);
  const checked = new Uint8Array(28);
  checked.set([0xc2, 0x00], 0);
  checked.set(digest.subarray(0, 26), 2);
  bigEndian.set(blake3(checked).subarray(0, 4), 2);
  return { bytes: bigEndian.slice().reverse(), hex: Buffer.from(bigEndian).toString("hex") };
}

/** Keccak-256 of a program, as 64 hex digits in the order of its bytes. */
export function programHash(program: Uint8Array): string {
  return Buffer.from(keccak256(program)).toString("hex");
}

/** A hash as JSON spells it: the bytes read as a little-endian number, `0x…` without leading zeros. */
export function hashToJson(hex: string): string {
  const digits = Buffer.from(hex, "hex").reverse().toString("hex").replace(/^0+(?=.)/, "");
  return `0x${digits}`;
}
