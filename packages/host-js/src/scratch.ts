/**
 * Room to encode into and a reader to decode with, lent for one operation at a time.
 *
 * Encoding reads a module's objects, whose getters may call back into the database: whoever asks while the
 * room is lent gets another. An operation that throws simply does not give it back.
 */
import { ByteReader, ByteWriter } from "@lightcone/sats";

export class Scratch {
  /** The writer, while nobody has it. */
  free: ByteWriter | undefined = new ByteWriter(4096);
  /** Reads run no code of the module's, so one reader serves all. */
  readonly reader = new ByteReader(new Uint8Array(0), "row");

  take(): ByteWriter {
    const out = this.free ?? new ByteWriter(4096);
    this.free = undefined;
    out.length = 0;
    return out;
  }
}
