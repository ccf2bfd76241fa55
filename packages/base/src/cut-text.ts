/** Text that is cut where it is longer than somebody has room for. */

const encoder = new TextEncoder();

/**
 * The text, or as much of its beginning as there is room for, with a word on how much there was.
 *
 * @param bytesMax of UTF-8, in all; where that is less than the word takes, the word alone
 */
export function cutText(text: string, bytesMax: number): string {
  // A code unit takes three bytes at most.
  if (text.length * 3 <= bytesMax) return text;
  if (readInto(text, bytesMax) === text.length) return text;
  const word = `… (cut; ${text.length} characters)`;
  // Its first sign takes three bytes, the others one.
  return text.slice(0, readInto(text, bytesMax - word.length - 2)) + word;
}

/** How many code units of a text fit into so many bytes. */
function readInto(text: string, bytesMax: number): number {
  return encoder.encodeInto(text, new Uint8Array(Math.max(0, Math.min(bytesMax, text.length * 3)))).read;
}
