/** Identities and program hashes as the front handles them: bytes for the database, digits for people. */
import {
  fromHex,
  hashToJson as writeHash,
  hexDigits,
  identityFromClaims,
  programHash as hashProgram,
  toHex,
} from "@lightcone/sats";

/** Who: a user or a database. Two spellings of one value. */
export interface Identity {
  /** 32 bytes, little-endian. Not to be changed. */
  readonly bytes: Uint8Array;
  /** 64 lower-case digits, most significant first. */
  readonly hex: string;
}

/** Reads 64 hex digits of either case, with or without `0x`; undefined for anything else. */
export function identityFromHex(text: string): Identity | undefined {
  const hex = hexDigits(text, 64);
  return hex === undefined ? undefined : { bytes: fromHex(hex).toReversed(), hex };
}

/** The identity that an issuer and a subject make. */
export function identityOf(issuer: string, subject: string): Identity {
  const identity = identityFromClaims(issuer, subject);
  return { bytes: identity.bytes, hex: identity.toHexString() };
}

/** Keccak-256 of a program, as 64 hex digits in the order of its bytes. */
export function programHash(program: Uint8Array): string {
  return toHex(hashProgram(program));
}

/** A hash as JSON spells it, from its 64 digits. */
export function hashToJson(hex: string): string {
  return writeHash(fromHex(hex));
}
