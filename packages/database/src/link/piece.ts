/** A finished message, or a part of one: `bytes[at … at + length)`. The bytes are never written again. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
}
