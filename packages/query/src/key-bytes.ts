/** Builds index keys: the BSATN of columns back to back, from parameters and from rows at hand. */
import type { KeyPart } from "./access-path.ts";

/** Gives the place of a column's bytes in the row that a source has at the moment. */
export type ColumnBytes = (source: number, column: number) => Uint8Array;

/** The key's bytes, copied. */
export function keyBytes(
  parts: readonly KeyPart[],
  values: readonly Uint8Array[],
  columnBytes: ColumnBytes,
): Uint8Array {
  const pieces = parts.map((part) =>
    part.kind === "param" ? (values[part.param] ?? new Uint8Array(0)) : columnBytes(part.source, part.column),
  );
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

/** For keys of parameters alone. */
export const noColumns: ColumnBytes = () => {
  throw new TypeError("no row is at hand");
};
