/**
 * The pipe between the front and a database's process: whole batches, never a message at a time.
 *
 *   batch = byteCount u32 | stamp f64 | messages                          little-endian
 *
 * `byteCount` counts what follows it. The stamp of a batch from the host is the offset that the batch brings its
 * receivers up to, -1 when the database does not know it; the front sends -1. A batch is all or nothing: it is
 * decoded when its last byte has arrived, and then applied in one go. `messages.ts` has its content.
 */
import type { Duplex } from "node:stream";
import { LightconeError } from "@lightcone/base";
import { ByteReader, ByteWriter } from "@lightcone/sats";

const headBytes = 12;
/** The longest batch: a program and then some, or the first rows of many subscriptions. */
const batchBytesMax = 1 << 30;
/** Buffers larger than this are not kept for the next batch. */
const keptBytesMax = 4 << 20;
const keptCountMax = 4;

/** Cuts batches out of chunks. One that lies whole in a chunk is handed on without a copy. */
export class BatchReader {
  private readonly take: (batch: Uint8Array, stamp: number) => void;
  private readonly head: Uint8Array<ArrayBuffer> = new Uint8Array(headBytes);
  private headLength = 0;
  private body: Uint8Array<ArrayBuffer> | undefined;
  private bodyLength = 0;

  /** @param take gets the messages of each batch, and owns the bytes from then on */
  constructor(take: (batch: Uint8Array, stamp: number) => void) {
    this.take = take;
  }

  /** Takes the next bytes. @throws {LightconeError} `Malformed` for a length that no batch has */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.headLength < headBytes) {
        const count = Math.min(headBytes - this.headLength, chunk.length - at);
        this.head.set(chunk.subarray(at, at + count), this.headLength);
        this.headLength += count;
        at += count;
        if (this.headLength < headBytes) return;
      }
      const view = new DataView(this.head.buffer);
      const length = view.getUint32(0, true) - (headBytes - 4);
      const stamp = view.getFloat64(4, true);
      if (length < 0 || length > batchBytesMax) {
        throw new LightconeError("Malformed", { what: "a batch", reason: `${length} bytes` });
      }
      if (this.body === undefined && chunk.length - at >= length) {
        this.headLength = 0;
        // A plain `Uint8Array`, as in a batch made of several chunks: a `Buffer` is slower to cut, and a second kind to read.
        const batch = new Uint8Array(chunk.buffer, chunk.byteOffset + at, length);
        at += length;
        this.take(batch, stamp);
        continue;
      }
      this.body ??= new Uint8Array(length);
      const count = Math.min(length - this.bodyLength, chunk.length - at);
      this.body.set(chunk.subarray(at, at + count), this.bodyLength);
      this.bodyLength += count;
      at += count;
      if (this.bodyLength === length) {
        const batch = this.body;
        this.body = undefined;
        this.bodyLength = 0;
        this.headLength = 0;
        this.take(batch, stamp);
      }
    }
  }
}

/** What the owner of a pipe provides. */
export interface PipeEvents {
  batch(messages: ByteReader, bytes: Uint8Array, stamp: number): void;
  /** Called before each batch leaves: appends what was held back, and gives the stamp. */
  seal(out: ByteWriter): number;
  /** The other side is gone, or sent what does not decode. Called once. */
  gone(error: Error | undefined): void;
}

/** One end of the pipe: gathers messages over a turn of the event loop and writes them as one batch. */
export class Pipe {
  private readonly socket: Duplex;
  private readonly events: PipeEvents;
  private readonly kept: ByteWriter[] = [];
  private out: ByteWriter;
  private flushAsked = false;
  private isHeld = false;
  private isOver = false;

  constructor(socket: Duplex, events: PipeEvents) {
    this.socket = socket;
    this.events = events;
    this.out = this.begin();
    const reader = new BatchReader((bytes, stamp) => {
      if (!this.isOver) events.batch(new ByteReader(bytes, "a batch"), bytes, stamp);
    });
    socket.on("data", (chunk: Uint8Array) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.end(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.on("error", (error: Error) => this.end(error));
    socket.on("end", () => this.end(undefined));
    socket.on("close", () => this.end(undefined));
  }

  get isGone(): boolean {
    return this.isOver;
  }

  /** The writer for the next message; schedules a flush at the end of this turn. Get it anew for each message. */
  write(): ByteWriter {
    this.flushSoon();
    return this.out;
  }

  /** Schedules `seal` and the write of the batch for the end of this turn. */
  flushSoon(): void {
    if (this.flushAsked || this.isOver) return;
    this.flushAsked = true;
    setImmediate(() => this.flush());
  }

  /** Gathers everything that is written in one batch, until `release`. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    this.flushSoon();
  }

  /** Writes the batch now. `whenTaken` is called when the operating system has it. */
  flush(whenTaken?: () => void): void {
    this.flushAsked = false;
    if (this.isOver || this.isHeld) return;
    const stamp = this.events.seal(this.out);
    const batch = this.out;
    if (batch.length === headBytes) {
      whenTaken?.();
      return;
    }
    batch.view.setUint32(0, batch.length - 4, true);
    batch.view.setFloat64(4, stamp, true);
    this.out = this.begin();
    this.socket.write(batch.bytes.subarray(0, batch.length), () => {
      if (batch.bytes.length <= keptBytesMax && this.kept.length < keptCountMax) this.kept.push(batch);
      whenTaken?.();
    });
  }

  /** Ends this side; the other will see it. */
  end(error: Error | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.socket.destroy();
    this.events.gone(error);
  }

  private begin(): ByteWriter {
    const writer = this.kept.pop() ?? new ByteWriter(65_536);
    writer.reset();
    writer.reserve(headBytes);
    return writer;
  }
}
