/**
 * What one socket has still to send: frames gathered over one turn of the event loop, then written at once.
 *
 * Small payloads are copied into one buffer with their headers; a large one is written as it stands, since its
 * bytes are shared with other connections and never change. Bounded: `isOver` says that the client reads too
 * slowly, and the owner drops it.
 */
import type { Socket } from "node:net";
import { empty } from "@lightcone/base";
import { copyView, LastView } from "@lightcone/sats";
import { headerBytes, writeHeader } from "./frame-writer.ts";
import type { ServerOpcode } from "./frame-writer.ts";

/** From this size a payload is written without a copy. */
const directBytesMin = 16_384;

/** The bounds on what waits for one client. */
export interface FrameQueueBounds {
  readonly bytesMax: number;
  readonly messagesMax: number;
}

/** The frames that wait for one socket. */
export class FrameQueue {
  private readonly socket: Socket;
  private readonly bounds: FrameQueueBounds;
  // One entry a frame: payload, its place, and opcode with the final bit (0x80).
  private readonly payloads: Uint8Array[] = [];
  private readonly starts: number[] = [];
  private readonly lengths: number[] = [];
  private readonly kinds: number[] = [];
  private waitingBytes = 0;
  private waitingMessages = 0;
  private writtenBytes = 0;
  private writtenMessages = 0;

  constructor(socket: Socket, bounds: FrameQueueBounds) {
    this.socket = socket;
    this.bounds = bounds;
  }

  /** Bytes, headers included, that the socket has not yet taken. */
  get bytes(): number {
    return this.waitingBytes + this.writtenBytes;
  }

  /** Whether more waits than a client may leave unread. */
  get isOver(): boolean {
    return this.bytes > this.bounds.bytesMax || this.waitingMessages + this.writtenMessages > this.bounds.messagesMax;
  }

  add(opcode: ServerOpcode, fin: boolean, payload: Uint8Array, at: number, length: number): void {
    this.payloads.push(payload);
    this.starts.push(at);
    this.lengths.push(length);
    this.kinds.push(opcode | (fin ? 0x80 : 0));
    this.waitingBytes += headerBytes(length) + length;
    if (fin) this.waitingMessages += 1;
  }

  /** Writes all that waits. `whenTaken` is called when the operating system has the last byte. */
  flush(whenTaken?: () => void): void {
    const count = this.kinds.length;
    if (count === 0) {
      whenTaken?.();
      return;
    }
    const bytes = this.waitingBytes;
    const messages = this.waitingMessages;
    this.writtenBytes += bytes;
    this.writtenMessages += messages;
    this.waitingBytes = 0;
    this.waitingMessages = 0;
    const taken = (): void => {
      this.writtenBytes -= bytes;
      this.writtenMessages -= messages;
      whenTaken?.();
    };
    this.socket.cork();
    let first = 0;
    while (first < count) first = this.writeRun(first, count, taken);
    this.socket.uncork();
    empty(this.payloads);
    empty(this.starts);
    empty(this.lengths);
    empty(this.kinds);
  }

  /** Writes frames from `first` up to and with the next large payload. Returns the frame after. */
  private writeRun(first: number, count: number, taken: () => void): number {
    let size = 0;
    let end = first;
    let large: Uint8Array | undefined;
    while (end < count && large === undefined) {
      const length = this.lengths[end] ?? 0;
      size += headerBytes(length);
      if (length < directBytesMin) size += length;
      else {
        const at = this.starts[end] ?? 0;
        large = this.payloads[end]?.subarray(at, at + length);
      }
      end += 1;
    }
    const out = Buffer.allocUnsafe(size);
    const view = new DataView(out.buffer, out.byteOffset, size);
    let at = 0;
    for (let i = first; i < end; i += 1) {
      const length = this.lengths[i] ?? 0;
      const kind = this.kinds[i] ?? 0;
      // A kind is an opcode with one more bit, written by `add` alone.
      at = writeHeader(out, at, (kind & 0x0f) as ServerOpcode, (kind & 0x80) !== 0, length);
      if (length >= directBytesMin) continue;
      copyView(payloads.of(this.payloads[i] ?? noBytes), this.starts[i] ?? 0, length, view, at);
      at += length;
    }
    if (large === undefined) this.socket.write(out, end === count ? taken : undefined);
    else {
      this.socket.write(out);
      this.socket.write(large, end === count ? taken : undefined);
    }
    return end;
  }
}

const noBytes = new Uint8Array(0);
/** Payloads of all sockets come from the same few batches. */
const payloads = new LastView();
