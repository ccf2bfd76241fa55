/** Client frames for tests, written the obvious way. */

/** One frame as a client sends it. `key` is four bytes of mask. */
export function maskedFrame(
  opcode: number,
  fin: boolean,
  payload: Uint8Array,
  key: Uint8Array = Uint8Array.of(0x12, 0x34, 0x56, 0x78),
): Uint8Array {
  const length = payload.length;
  const lengthBytes =
    length < 126
      ? [0x80 | length]
      : length < 65_536
        ? [0x80 | 126, length >> 8, length & 255]
        : [0x80 | 127, 0, 0, 0, 0, (length >>> 24) & 255, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  const head = [(fin ? 0x80 : 0) | opcode, ...lengthBytes, ...key];
  const frame = new Uint8Array(head.length + length);
  frame.set(head);
  for (let i = 0; i < length; i += 1) frame[head.length + i] = (payload[i] ?? 0) ^ (key[i % 4] ?? 0);
  return frame;
}
