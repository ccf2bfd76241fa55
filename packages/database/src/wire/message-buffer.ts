/**
 * Room for messages on their way out.
 *
 * Messages are written one behind the other into chunks. A chunk is never written again where it was
 * written once, so a queue or a socket may point into it for as long as it likes; the garbage collector
 * takes a chunk that nothing points into.
 */
import { ByteWriter } from "@lightcone/sats";
import type { Piece } from "../link/piece.ts";

const chunkBytes = 256 * 1024;

export class MessageBuffer {
  private writer = new ByteWriter(chunkBytes);
  private from = 0;

  /** Starts a message; write it, then call `end`. */
  begin(): ByteWriter {
    if (this.writer.length > chunkBytes - chunkBytes / 8) this.writer = new ByteWriter(chunkBytes);
    this.from = this.writer.length;
    return this.writer;
  }

  /** Bytes of the message so far. */
  get length(): number {
    return this.writer.length - this.from;
  }

  /** Ends the message. */
  end(): Piece {
    return { bytes: this.writer.bytes, at: this.from, length: this.writer.length - this.from };
  }
}
