/**
 * Compresses what a connection is sent, for those who asked for Brotli or left the choice to the server.
 *
 * A message that goes to many is compressed once. One that comes in parts is gathered up to a bound; what is
 * larger leaves as it is, which is always allowed, rather than hold up everybody else's frames.
 */
import type { ConnectionSink, ResumeNote } from "@lightcone/database/front";
import { compressPayload, uncompressedBytesMax } from "@lightcone/protocol/compression";

const gatheredBytesMax = 1024 * 1024;

/** Compressed payloads by where the plain ones stand, for as long as those are in use. */
const shared = new WeakMap<Uint8Array, Map<string, Uint8Array>>();

interface Part {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
}

export class CompressingSink implements ConnectionSink {
  private readonly sink: ConnectionSink;
  private parts: Part[] = [];
  private gatheredBytes = 0;
  /** In the middle of a message that leaves as it is. */
  private passes = false;

  constructor(sink: ConnectionSink) {
    this.sink = sink;
  }

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    if (this.passes || (last && this.parts.length === 0 && length - 1 <= uncompressedBytesMax)) {
      this.passes = !last;
      this.sink.send(bytes, at, length, last);
      return;
    }
    this.parts.push({ bytes, at, length });
    this.gatheredBytes += length;
    if (this.gatheredBytes > gatheredBytesMax) this.pass(last);
    else if (last) this.compress();
  }

  get queuedBytes(): number {
    return this.sink.queuedBytes + this.gatheredBytes;
  }

  answered(messageCount: number): void {
    this.sink.answered(messageCount);
  }

  note(note: ResumeNote): void {
    this.sink.note(note);
  }

  close(code: number | undefined, reason: string): void {
    this.sink.close(code, reason);
  }

  private take(): readonly Part[] {
    const parts = this.parts;
    this.parts = [];
    this.gatheredBytes = 0;
    return parts;
  }

  private pass(last: boolean): void {
    const parts = this.take();
    parts.forEach(({ bytes, at, length }, index) =>
      this.sink.send(bytes, at, length, last && index === parts.length - 1),
    );
    this.passes = !last;
  }

  private compress(): void {
    const parts = this.take();
    const [only] = parts;
    const payload = parts.length === 1 && only !== undefined ? compressShared(only) : compressAll(parts);
    this.sink.send(payload, 0, payload.length, true);
  }
}

function compressShared({ bytes, at, length }: Part): Uint8Array {
  let known = shared.get(bytes);
  if (known === undefined) shared.set(bytes, (known = new Map()));
  const key = `${at}:${length}`;
  let payload = known.get(key);
  if (payload === undefined) {
    payload = compressPayload("brotli", bytes.subarray(at, at + length));
    known.set(key, payload);
  }
  return payload;
}

function compressAll(parts: readonly Part[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const { bytes, at, length } of parts) {
    whole.set(bytes.subarray(at, at + length), end);
    end += length;
  }
  return compressPayload("brotli", whole);
}
