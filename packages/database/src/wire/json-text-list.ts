/**
 * JSON texts one behind the other, with commas between, as UTF-8.
 *
 * A short list is turned into bytes when it is asked for; of a long one the texts become chunks of bytes on the way, so
 * adding one never copies those before, and asking for them costs nothing.
 */
import { ByteWriter } from "@lightcone/sats";

const chunkBytes = 256 * 1024;
/** Characters that wait to be turned into bytes: each time costs a call into the platform. */
const waitingMax = 32 * 1024;

export class TextList {
  private readonly full: Uint8Array[] = [];
  private last: ByteWriter | undefined;
  /** Texts that are not bytes yet. */
  private waiting: string[] = [];
  private waitingLength = 0;
  private total = 0;

  get count(): number {
    return this.total;
  }

  /** Whether there is more than what waits. */
  get isLarge(): boolean {
    return this.last !== undefined;
  }

  add(text: string): void {
    this.total++;
    this.waiting.push(text);
    this.waitingLength += text.length;
    if (this.waitingLength >= waitingMax) this.flush();
  }

  private flush(): void {
    if (this.waiting.length === 0) return;
    const isFirst = this.last === undefined;
    let last = (this.last ??= new ByteWriter(chunkBytes));
    if (last.length >= chunkBytes - chunkBytes / 4) {
      this.full.push(last.written());
      this.last = last = new ByteWriter(chunkBytes);
    }
    if (!isFirst) last.u8(0x2c);
    last.utf8(this.waiting.join(","));
    this.waiting = [];
    this.waitingLength = 0;
  }

  writeTo(out: ByteWriter): void {
    if (!this.isLarge) out.utf8(this.waiting.join(","));
    else for (const part of this.parts()) out.raw(part);
  }

  /** The list as parts that follow each other: none is copied. Nothing may be added afterwards. */
  parts(): readonly Uint8Array[] {
    if (this.last === undefined) return [new TextEncoder().encode(this.waiting.join(","))];
    this.flush();
    return [...this.full, this.last.written()];
  }
}
