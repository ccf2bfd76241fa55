/**
 * UTF-8, strictly: no overlong forms, no surrogates, nothing past U+10FFFF, byte order marks kept.
 *
 * The platform's coders are fetched on first use: a sandbox may lack them and still load this file.
 */
let decoder: InstanceType<typeof TextDecoder> | undefined;
let encoder: InstanceType<typeof TextEncoder> | undefined;

/** Below this a loop beats the call into the platform. */
const shortMax = 32;
/** Lists of characters, by their length: one call makes a text of each, in one piece. */
const characters = Array.from({ length: shortMax + 1 }, (_, length) => Array.from({ length }, () => 0));

/** Whether `bytes[at]` … `bytes[end]` (exclusive) are UTF-8. Allocates nothing. */
export function isUtf8(bytes: Uint8Array, at: number, end: number): boolean {
  let index = at;
  while (index < end) {
    const byte = bytes[index] as number;
    index += 1;
    if (byte < 0x80) continue;
    if (byte < 0xc2) return false;
    if (byte < 0xe0) {
      if (index >= end || ((bytes[index] as number) & 0xc0) !== 0x80) return false;
      index += 1;
      continue;
    }
    if (byte < 0xf0) {
      if (index + 2 > end) return false;
      const second = bytes[index] as number;
      if ((second & 0xc0) !== 0x80 || ((bytes[index + 1] as number) & 0xc0) !== 0x80) return false;
      if (byte === 0xe0 && second < 0xa0) return false; // overlong
      if (byte === 0xed && second > 0x9f) return false; // a surrogate
      index += 2;
      continue;
    }
    if (byte > 0xf4 || index + 3 > end) return false;
    const second = bytes[index] as number;
    if ((second & 0xc0) !== 0x80 || ((bytes[index + 1] as number) & 0xc0) !== 0x80) return false;
    if (((bytes[index + 2] as number) & 0xc0) !== 0x80) return false;
    if (byte === 0xf0 && second < 0x90) return false; // overlong
    if (byte === 0xf4 && second > 0x8f) return false; // past U+10FFFF
    index += 3;
  }
  return true;
}

/** The text that `bytes[at]` … `bytes[end]` (exclusive) spell, or undefined when they are not UTF-8. */
export function tryDecodeUtf8(bytes: Uint8Array, at: number, end: number): string | undefined {
  const codes = characters[end - at];
  if (codes !== undefined) {
    let index = 0;
    for (; index < codes.length; index += 1) {
      const byte = bytes[at + index] as number;
      if (byte >= 0x80) break;
      codes[index] = byte;
    }
    if (index === codes.length) return String.fromCharCode(...codes);
  }
  decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes.subarray(at, end));
  } catch {
    return undefined; // the platform says "not UTF-8" by throwing
  }
}

/** `text` in UTF-8. A lone surrogate becomes U+FFFD, as everywhere on the web. */
export function encodeUtf8(text: string): Uint8Array {
  encoder ??= new TextEncoder();
  return encoder.encode(text);
}

/** Writes into `target`; returns how many code units of `text` were written, and in how many bytes. */
export function encodeUtf8Into(text: string, target: Uint8Array): { read: number; written: number } {
  encoder ??= new TextEncoder();
  return encoder.encodeInto(text, target);
}
