/** Concatenates bytes, and turns them into keys of a `Map`. */

/** Concatenates pieces. A single piece is returned itself, not copied. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const only = pieces[0];
  if (pieces.length === 1 && only !== undefined) return only;
  const out = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** Bytes as a string, for use as the key of a `Map`: its hash is seeded, so nobody who chooses the bytes chooses collisions. */
export function bytesText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return text;
}
