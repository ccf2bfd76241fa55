/** JSON texts one behind the other, with commas between, as UTF-8 in chunks: adding one never copies those before. */
import { ByteWriter } from "@lightcone/sats";

const chunkBytes = 256 * 1024;

export class TextList {
  readonly #full: Uint8Array[] = [];
  #fullBytes = 0;
  #last = new ByteWriter(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get byteCount(): number {
    return this.#fullBytes + this.#last.length;
  }

  add(text: string): void {
    if (this.#last.length >= chunkBytes - chunkBytes / 8) this.#beginChunk();
    if (this.#count > 0) this.#last.u8(0x2c);
    this.#last.utf8(text);
    this.#count++;
  }

  #beginChunk(): void {
    this.#full.push(this.#last.written());
    this.#fullBytes += this.#last.length;
    this.#last = new ByteWriter(chunkBytes);
  }

  writeTo(out: ByteWriter): void {
    for (const part of this.parts()) out.raw(part);
  }

  /** The list as parts that follow each other: none is copied. Nothing may be added afterwards. */
  parts(): readonly Uint8Array[] {
    return this.#last.length === 0 ? this.#full : [...this.#full, this.#last.written()];
  }
}
