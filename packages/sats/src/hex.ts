/** Bytes as hex digits, most significant digit of each byte first, and back. */
const digits = "0123456789abcdef";

/** `bytes[at]` … as lower-case hex; the whole array if no range is given. */
export function toHex(bytes: Uint8Array, at = 0, end: number = bytes.length): string {
  let text = "";
  for (let index = at; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    text += digits.charAt(byte >> 4) + digits.charAt(byte & 15);
  }
  return text;
}

/** The same in reverse byte order: how little-endian numbers are written by people. */
export function toHexReversed(bytes: Uint8Array): string {
  let text = "";
  for (let index = bytes.length - 1; index >= 0; index -= 1) {
    const byte = bytes[index] ?? 0;
    text += digits.charAt(byte >> 4) + digits.charAt(byte & 15);
  }
  return text;
}

/** A hex digit's value, or -1. */
export function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** The bytes that `text` spells, either case; undefined when it is no even run of hex digits. */
export function tryFromHex(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1) {
    const high = hexDigit(text.charCodeAt(index * 2));
    const low = hexDigit(text.charCodeAt(index * 2 + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[index] = (high << 4) | low;
  }
  return bytes;
}

/**
 * The bytes that `text` spells.
 *
 * @throws {TypeError} when it is no even run of hex digits
 */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = tryFromHex(text);
  if (bytes === undefined) throw new TypeError(`not hex digits in pairs: "${text.slice(0, 80)}"`);
  return bytes;
}

/** The digits without an optional `0x`, lower-case; undefined unless there are exactly `count` of them. */
export function hexDigits(text: string, count: number): string | undefined {
  const bare = text.startsWith("0x") || text.startsWith("0X") ? text.slice(2) : text;
  if (bare.length !== count || !/^[0-9a-fA-F]*$/.test(bare)) return undefined;
  return bare.toLowerCase();
}
