/** Writes a message that may come in parts: large lists of rows are not copied into it. */
import type { ByteWriter } from "@lightcone/sats";
import type { Piece } from "../link/piece.ts";
import type { MessageBuffer } from "./message-buffer.ts";

/** Rows as they stand in a message. */
export interface RowParts {
  /** Whether they are sent as they were gathered, in parts of their own. */
  readonly isLarge: boolean;
  writeTo(out: ByteWriter): void;
  parts(): readonly Uint8Array[];
}

export class PieceWriter {
  private readonly buffer: MessageBuffer;
  private readonly pieces: Piece[] = [];
  /** Good until rows are written. */
  writer: ByteWriter;

  constructor(buffer: MessageBuffer) {
    this.buffer = buffer;
    this.writer = buffer.begin();
  }

  rows(list: RowParts): void {
    if (!list.isLarge) {
      list.writeTo(this.writer);
      return;
    }
    this.pieces.push(this.buffer.end());
    for (const part of list.parts()) this.pieces.push({ bytes: part, at: 0, length: part.length });
    this.writer = this.buffer.begin();
  }

  end(): readonly Piece[] {
    this.pieces.push(this.buffer.end());
    return this.pieces.filter((piece) => piece.length > 0);
  }
}
