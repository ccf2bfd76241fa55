/** Hashes that serve as names: of identities, from tokens, and of programs, from their bytes. */
import { blake3 } from "@noble/hashes/blake3.js";
import { keccak_256 as keccak256 } from "@noble/hashes/sha3.js";
import { fromHex, toHexReversed } from "./hex.ts";
import { encodeUtf8 } from "./utf8.ts";
import { Identity } from "./values/identity.ts";

/**
 * The identity that an issuer and a subject make: `c2 00`, four bytes that check, 26 bytes of BLAKE3 of `iss|sub`.
 *
 * Nothing is escaped, so `a|b` with `c` is `a` with `b|c`.
 */
export function identityFromClaims(issuer: string, subject: string): Identity {
  const id = blake3(encodeUtf8(`${issuer}|${subject}`)).subarray(0, 26);
  const bytes = new Uint8Array(32);
  bytes.set([0xc2, 0x00]);
  bytes.set(identityChecksum(id), 2);
  bytes.set(id, 6);
  return Identity.fromBytes(bytes.reverse());
}

/** Whether an identity's checksum is right. Nothing requires it to be. */
export function hasIdentityChecksum(identity: Identity): boolean {
  const bytes = identity.toUint8Array().reverse();
  const checksum = identityChecksum(bytes.subarray(6));
  return bytes[0] === 0xc2 && bytes[1] === 0 && checksum.every((byte, index) => byte === bytes[index + 2]);
}

function identityChecksum(id: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(28);
  prefixed.set([0xc2, 0x00]);
  prefixed.set(id, 2);
  return blake3(prefixed).subarray(0, 4);
}

/** A program's name: Keccak-256 of its bytes. */
export function programHash(program: Uint8Array): Uint8Array {
  return keccak256(program);
}

/** A hash as JSON spells it: the bytes read as a little-endian number, `0x…` without leading zeros. */
export function hashToJson(hash: Uint8Array): string {
  return `0x${toHexReversed(hash).replace(/^0+(?=.)/, "")}`;
}

/** What `hashToJson` wrote; undefined for anything else. */
export function hashFromJson(text: string): Uint8Array | undefined {
  if (!/^0x[0-9a-fA-F]{1,64}$/.test(text)) return undefined;
  return fromHex(text.slice(2).padStart(64, "0")).reverse();
}

/** What a breaking publish must show: Keccak-256 of database, old and new program, each as 64 hex digits. */
export function migrationToken(databaseHex: string, oldProgramHex: string, newProgramHex: string): Uint8Array {
  return keccak256(encodeUtf8(databaseHex + oldProgramHex + newProgramHex));
}
