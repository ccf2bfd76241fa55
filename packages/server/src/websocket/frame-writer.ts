/** Server frames: never masked, never compressed by the WebSocket layer. */

export const serverOpcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export type ServerOpcode = (typeof serverOpcode)[keyof typeof serverOpcode];

/** The longest header of an unmasked frame. */
const headerBytesMax = 10;
/** The longest reason that fits a Close. */
const closeReasonBytesMax = 123;

/** How many bytes the header of a frame with this payload takes. */
export function headerBytes(payloadBytes: number): number {
  if (payloadBytes < 126) return 2;
  return payloadBytes < 65_536 ? 4 : headerBytesMax;
}

/** Writes a frame's header at `at`; returns where the payload goes. */
export function writeHeader(
  out: Uint8Array,
  at: number,
  opcode: ServerOpcode,
  fin: boolean,
  payloadBytes: number,
): number {
  out[at] = (fin ? 0x80 : 0) | opcode;
  if (payloadBytes < 126) {
    out[at + 1] = payloadBytes;
    return at + 2;
  }
  if (payloadBytes < 65_536) {
    out[at + 1] = 126;
    out[at + 2] = payloadBytes >>> 8;
    out[at + 3] = payloadBytes;
    return at + 4;
  }
  out[at + 1] = 127;
  let rest = payloadBytes;
  for (let i = 9; i >= 2; i -= 1) {
    out[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return at + headerBytesMax;
}

/** The payload of a Close, its reason cut at a character to what fits; empty without a code. */
export function makeClosePayload(code: number | undefined, reason: string): Uint8Array {
  if (code === undefined) return new Uint8Array(0);
  const text = new TextEncoder().encode(reason);
  let end = Math.min(text.length, closeReasonBytesMax);
  // Step back over continuation bytes, so that no character is cut in two.
  while (end < text.length && end > 0 && ((text[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  const payload = new Uint8Array(2 + end);
  payload[0] = code >>> 8;
  payload[1] = code;
  payload.set(text.subarray(0, end), 2);
  return payload;
}
