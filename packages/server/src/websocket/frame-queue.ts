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

/**
 * While the operating system has not taken this much, no more is written. So a client that reads slowly has bytes taken again and
 * again, by which it is told from one that does not read.
 */
const writtenBytesMax = 262_144;

const finalBit = 0x80;
/** Of a frame whose header, and a part of its payload, is written. */
const begunBit = 0x100;

/** The bounds on what waits for one client. */
export interface FrameQueueBounds {
  readonly bytesMax: number;
  readonly messagesMax: number;
}

/** The frames that wait for one socket. */
export class FrameQueue {
  private readonly socket: Socket;
  private readonly bounds: FrameQueueBounds;
  // One entry a frame: payload, its place, and opcode with `finalBit` and `begunBit`.
  private readonly payloads: Uint8Array[] = [];
  private readonly starts: number[] = [];
  private readonly lengths: number[] = [];
  private readonly kinds: number[] = [];
  private waitingBytes = 0;
  private waitingMessages = 0;
  private writtenBytes = 0;
  private writtenMessages = 0;
  private whenTaken: (() => void) | undefined;
  /** Bytes, headers included, that the operating system has taken from the start. */
  takenBytes = 0;

  constructor(socket: Socket, bounds: FrameQueueBounds) {
    this.socket = socket;
    this.bounds = bounds;
  }

  /** Bytes, headers included, that the operating system has not yet taken. */
  get bytes(): number {
    return this.waitingBytes + this.writtenBytes;
  }

  /** Whether the client reads more slowly than frames are written. */
  get isBehind(): boolean {
    return this.writtenBytes > 0;
  }

  /** Whether more waits than a client may leave unread. */
  get isOver(): boolean {
    return this.bytes > this.bounds.bytesMax || this.waitingMessages + this.writtenMessages > this.bounds.messagesMax;
  }

  add(opcode: ServerOpcode, fin: boolean, payload: Uint8Array, at: number, length: number): void {
    this.payloads.push(payload);
    this.starts.push(at);
    this.lengths.push(length);
    this.kinds.push(opcode | (fin ? finalBit : 0));
    this.waitingBytes += headerBytes(length) + length;
    if (fin) this.waitingMessages += 1;
  }

  /** Writes what waits, in steps of `writtenBytesMax`. `whenTaken` is called when the operating system has the last byte. */
  flush(whenTaken?: () => void): void {
    this.whenTaken = whenTaken ?? this.whenTaken;
    const count = this.kinds.length;
    if (count === 0 && this.writtenBytes === 0) {
      const then = this.whenTaken;
      this.whenTaken = undefined;
      then?.();
    }
    if (count === 0 || this.writtenBytes >= writtenBytesMax) return;
    let next = 0;
    this.socket.cork();
    while (next < count && this.writtenBytes < writtenBytesMax) next = this.writeRun(next, count);
    this.socket.uncork();
    drop(this.payloads, next);
    drop(this.starts, next);
    drop(this.lengths, next);
    drop(this.kinds, next);
  }

  /**
   * Writes frames from `first` up to and with the next large payload, or about `writtenBytesMax`, which is as much as it writes of
   * one payload. Returns the frame to go on with.
   */
  private writeRun(first: number, count: number): number {
    let size = 0;
    let messages = 0;
    let end = first;
    let large: Uint8Array | undefined;
    let isCut = false;
    while (end < count && large === undefined && size < writtenBytesMax) {
      const length = this.lengths[end] ?? 0;
      const kind = this.kinds[end] ?? 0;
      if ((kind & begunBit) === 0) size += headerBytes(length);
      if (length < directBytesMin) size += length;
      else {
        const at = this.starts[end] ?? 0;
        isCut = length > writtenBytesMax;
        large = this.payloads[end]?.subarray(at, at + Math.min(length, writtenBytesMax));
      }
      if ((kind & finalBit) !== 0 && !isCut) messages += 1;
      end += 1;
    }
    const bytes = size + (large?.length ?? 0);
    this.waitingBytes -= bytes;
    this.waitingMessages -= messages;
    this.writtenBytes += bytes;
    this.writtenMessages += messages;
    const taken = (error?: Error | null): void => {
      this.writtenBytes -= bytes;
      this.writtenMessages -= messages;
      if (error) return;
      this.takenBytes += bytes;
      if (this.kinds.length > 0 || this.whenTaken !== undefined) this.flush();
    };
    const out = Buffer.allocUnsafe(size);
    const view = new DataView(out.buffer, out.byteOffset, size);
    let at = 0;
    for (let i = first; i < end; i += 1) {
      const length = this.lengths[i] ?? 0;
      const kind = this.kinds[i] ?? 0;
      // A kind is an opcode with two more bits, written in this file alone.
      if ((kind & begunBit) === 0)
        at = writeHeader(out, at, (kind & 0x0f) as ServerOpcode, (kind & finalBit) !== 0, length);
      if (length >= directBytesMin) continue;
      copyView(payloads.of(this.payloads[i] ?? noBytes), this.starts[i] ?? 0, length, view, at);
      at += length;
    }
    if (large === undefined) this.socket.write(out, taken);
    else {
      this.socket.write(out);
      this.socket.write(large, taken);
    }
    if (!isCut) return end;
    const cut = end - 1;
    this.starts[cut] = (this.starts[cut] ?? 0) + writtenBytesMax;
    this.lengths[cut] = (this.lengths[cut] ?? 0) - writtenBytesMax;
    this.kinds[cut] = (this.kinds[cut] ?? 0) | begunBit;
    return cut;
  }
}

function drop(list: unknown[], count: number): void {
  if (count === list.length) empty(list);
  else list.splice(0, count);
}

const noBytes = new Uint8Array(0);
/** Payloads of all sockets come from the same few batches. */
const payloads = new LastView();
