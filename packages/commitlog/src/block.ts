/**
 * What the files of this package have in common: little-endian fields, blocks of 4096 bytes, and a prefix
 * that stays the same in every version of a format:
 *
 *   magic u32 | version u16 | complement of version u16
 *
 * The complement tells a damaged version from a newer one.
 */
import { hash } from "node:crypto";
import { LightconeError } from "@lightcone/base";

/** What a disk writes whole, as far as this package relies on it. Nothing acknowledged shares a block with a later write. */
export const blockBytes = 4096;

/** Bytes of a hash: SHA-256, cut short. */
export const hashBytes = 16;

/** What the first batch of a log follows. */
export const noHash: Uint8Array = new Uint8Array(hashBytes);

/** `byteCount`, rounded up to whole blocks. */
export function wholeBlocks(byteCount: number): number {
  return Math.ceil(byteCount / blockBytes) * blockBytes;
}

/** The hash of `bytes`, in a fresh array. */
export function hashOf(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer").subarray(0, hashBytes);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes a safe integer as a u64. */
export function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

/** Reads what `setU64` wrote. Bytes that it cannot have written may give a number that is no safe integer. */
export function getU64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

export function setPrefix(view: DataView, magic: number, version: number): void {
  view.setUint32(0, magic, true);
  view.setUint16(4, version, true);
  view.setUint16(6, ~version & 0xffff, true);
}

/**
 * The version that the prefix names, or 0 when there is no sound prefix.
 *
 * @throws {LightconeError} `NewerFormat` when it is above `versionMax`
 */
export function getVersion(view: DataView, magic: number, versionMax: number, file: string): number {
  if (view.byteLength < 8 || view.getUint32(0, true) !== magic) return 0;
  const version = view.getUint16(4, true);
  if (view.getUint16(6, true) !== (~version & 0xffff)) return 0;
  if (version > versionMax) throw new LightconeError("NewerFormat", { file, version, versionMax });
  return version;
}

/** The error code that the system gave, such as `ENOSPC`. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : undefined;
}

export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOSPC" || code === "EDQUOT";
}
