/**
 * Room for messages on their way out.
 *
 * Messages are written one behind the other into chunks. A chunk is never written again where it was
 * written once, so a queue or a socket may point into it for as long as it likes; the garbage collector
 * takes a chunk that nothing points into.
 */
import { ByteWriter } from "@lightcone/sats";
import type { Piece } from "../link/piece.ts";

const chunkBytesMin = 4 * 1024;
const chunkBytesMax = 256 * 1024;

export class MessageBuffer {
  private chunkBytes = chunkBytesMin;
  private writer = new ByteWriter(chunkBytesMin);
  private from = 0;

  /** Starts a message; write it, then call `end`. */
  begin(): ByteWriter {
    if (this.writer.length > this.chunkBytes - this.chunkBytes / 8) this.beginChunk();
    this.from = this.writer.length;
    return this.writer;
  }

  /** Each is longer than the one before, up to a bound: a database that says little takes little. */
  private beginChunk(): void {
    this.chunkBytes = Math.min(chunkBytesMax, this.chunkBytes * 4);
    this.writer = new ByteWriter(this.chunkBytes);
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
