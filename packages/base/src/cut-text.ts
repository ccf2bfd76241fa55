/** Text that is cut where it is longer than somebody has room for. */

const encoder = new TextEncoder();

/**
 * The text, or as much of its beginning as `bytesMax` bytes of UTF-8 hold, with a word on how much there was.
 *
 * @param bytesMax of the text itself; the word on its length comes on top, some 30 bytes
 */
export function cutText(text: string, bytesMax: number): string {
  // A code unit takes three bytes at most.
  if (text.length * 3 <= bytesMax) return text;
  const room = new Uint8Array(Math.min(bytesMax, text.length * 3));
  const { read } = encoder.encodeInto(text, room);
  return read === text.length ? text : `${text.slice(0, read)}… (cut; ${text.length} characters)`;
}
