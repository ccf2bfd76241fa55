/**
 * Client frames of RFC 6455, cut out of whatever chunks the socket delivers.
 *
 *   frame = fin·rsv·opcode u8 | 1·length7 u8 | length u16 or u64, big-endian, if length7 is 126 or 127
 *         | mask key 4 bytes | payload, each byte xor key[i mod 4]
 *
 * Owns framing, unmasking, fragments, UTF-8 of text, and the codes of protocol faults. Refuses to know what a
 * message says. No extension is ever negotiated, so a reserved bit is a fault.
 *
 * A frame that lies whole in one chunk is unmasked in place and handed on without a copy: the chunk belongs to
 * the parser from `push` on, and the message to whoever gets it. Anything else is gathered in a buffer that grows
 * with the bytes that have *arrived*, never with a length that a header merely claims.
 */
import { isUtf8 } from "node:buffer";
import { uncountedBytes } from "../incoming-bytes.ts";
import type { IncomingBytes } from "../incoming-bytes.ts";

/** What a chunk may contain. Calls come in the order of the frames; after `closeFrame` or `fault` none follow. */
export interface FrameEvents {
  /** A whole message, fragments joined: `bytes[at … at + length)`. */
  message(bytes: Uint8Array, at: number, length: number, isText: boolean): void;
  ping(payload: Uint8Array): void;
  pong(): void;
  /** The client's Close. `code` is undefined when it gave none. */
  closeFrame(code: number | undefined, reason: string): void;
  /** The client broke the protocol; `code` is the one to close with. */
  fault(code: number, reason: string): void;
}

const closeCode = { protocolError: 1002, notUtf8: 1007, tooLarge: 1009, tryLater: 1013 } as const;

const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The longest header: two bytes, a u64 length, the key. */
const headerBytesMax = 14;
const controlBytesMax = 125;
/** The first size of a buffer that gathers a message. */
const gatherBytesMin = 4096;

type State = "header" | "payload" | "done";

/** Parses one connection's frames. */
export class FrameParser {
  private readonly events: FrameEvents;
  private readonly messageBytesMax: number;
  private readonly incoming: IncomingBytes;
  private state: State = "header";

  // The header being gathered, when a chunk ended inside it.
  private readonly header: Uint8Array = new Uint8Array(headerBytesMax);
  private headerBytes = 0;

  // The frame being read.
  private fin = false;
  private opcode = 0;
  private payloadBytes = 0;
  private payloadRead = 0;
  private key0 = 0;
  private key1 = 0;
  private key2 = 0;
  private key3 = 0;

  // The message being gathered. `messageOpcode` is 0 when none is open.
  private messageOpcode = 0;
  private message: Uint8Array = new Uint8Array(0);
  private messageBytes = 0;

  // A control frame cut by a chunk's end; it may stand between fragments, so it has a place of its own.
  private readonly control: Uint8Array = new Uint8Array(controlBytesMax);

  constructor(events: FrameEvents, messageBytesMax: number, incoming: IncomingBytes) {
    this.events = events;
    this.messageBytesMax = messageBytesMax;
    this.incoming = incoming;
  }

  /** Ignores what is pushed from now on, as after our own Close timed out. */
  end(): void {
    this.state = "done";
    this.releaseMessage();
  }

  /** Takes the next bytes of the stream. The chunk is the parser's from now on. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (this.state !== "done") {
      if (this.state === "header") {
        const next = this.readHeader(chunk, at);
        if (next < 0) return;
        at = next;
      }
      if (this.state === "payload") {
        if (at === chunk.length && this.payloadBytes > this.payloadRead) return;
        at = this.readPayload(chunk, at);
      }
    }
  }

  /** Reads a header at `at`. Returns where the payload starts, or -1 when the chunk ended first or a fault did. */
  private readHeader(chunk: Uint8Array, at: number): number {
    let header = chunk;
    let start = at;
    let available = chunk.length - at;
    const carried = this.headerBytes;
    if (carried > 0) {
      // Continue a header that the last chunk cut: complete it in our own buffer.
      const take = Math.min(headerBytesMax - carried, available);
      this.header.set(chunk.subarray(at, at + take), carried);
      header = this.header;
      start = 0;
      available = carried + take;
    }
    if (available < 2) return this.carryHeader(chunk, at, available);
    const first = header[start] ?? 0;
    const second = header[start + 1] ?? 0;
    if (!this.checkHeader(first, second)) return -1;
    const length7 = second & 0x7f;
    const lengthBytes = length7 < 126 ? 0 : length7 === 126 ? 2 : 8;
    const size = 6 + lengthBytes;
    if (available < size) {
      return this.carryHeader(chunk, at, available);
    }

    let length = length7;
    if (lengthBytes > 0) length = readLength(header, start + 2, lengthBytes);
    const isControl = (first & 0x08) !== 0;
    if (!isControl && this.messageBytes + length > this.messageBytesMax) {
      this.refuse(closeCode.tooLarge, "message too large");
      return -1;
    }
    this.fin = (first & 0x80) !== 0;
    this.opcode = first & 0x0f;
    this.payloadBytes = length;
    this.payloadRead = 0;
    const keyAt = start + 2 + lengthBytes;
    this.key0 = header[keyAt] ?? 0;
    this.key1 = header[keyAt + 1] ?? 0;
    this.key2 = header[keyAt + 2] ?? 0;
    this.key3 = header[keyAt + 3] ?? 0;
    this.headerBytes = 0;
    this.state = "payload";
    return at + size - carried;
  }

  /** Keeps the beginning of a header until the next chunk. Always -1. */
  private carryHeader(chunk: Uint8Array, at: number, available: number): -1 {
    if (this.headerBytes === 0) this.header.set(chunk.subarray(at), 0);
    this.headerBytes = available;
    return -1;
  }

  /** Whether the first two bytes of a frame may stand where they stand; a fault otherwise. */
  private checkHeader(first: number, second: number): boolean {
    if ((first & 0x70) !== 0) return this.refuse(closeCode.protocolError, "reserved bits are set");
    if ((second & 0x80) === 0) return this.refuse(closeCode.protocolError, "the frame is not masked");
    switch (first & 0x0f) {
      case opcode.continuation:
        if (this.messageOpcode === 0) return this.refuse(closeCode.protocolError, "nothing to continue");
        return true;
      case opcode.text:
      case opcode.binary:
        if (this.messageOpcode !== 0) return this.refuse(closeCode.protocolError, "the last message is not finished");
        return true;
      case opcode.close:
      case opcode.ping:
      case opcode.pong:
        if ((first & 0x80) === 0) return this.refuse(closeCode.protocolError, "a control frame is fragmented");
        if ((second & 0x7f) > controlBytesMax)
          return this.refuse(closeCode.protocolError, "a control frame is too long");
        return true;
      default:
        return this.refuse(closeCode.protocolError, "unknown opcode");
    }
  }

  /** Reads payload at `at`; completes the frame if the chunk has all of it. Returns where it stopped. */
  private readPayload(chunk: Uint8Array, at: number): number {
    const take = Math.min(this.payloadBytes - this.payloadRead, chunk.length - at);
    this.unmask(chunk, at, take);
    const isWhole = take === this.payloadBytes;
    if ((this.opcode & 0x08) !== 0) {
      if (isWhole) {
        this.state = "header";
        this.finishControl(chunk.subarray(at, at + take));
      } else {
        this.control.set(chunk.subarray(at, at + take), this.payloadRead);
        this.payloadRead += take;
        if (this.payloadRead === this.payloadBytes) {
          this.state = "header";
          this.finishControl(this.control.slice(0, this.payloadBytes));
        }
      }
      return at + take;
    }
    if (isWhole && this.fin && this.messageOpcode === 0) {
      this.state = "header";
      this.finishMessage(chunk, at, take, this.opcode === opcode.text);
      return at + take;
    }
    if (this.messageOpcode === 0) this.messageOpcode = this.opcode;
    if (!this.gather(chunk, at, take)) return at + take;
    this.payloadRead += take;
    if (this.payloadRead === this.payloadBytes) {
      this.state = "header";
      if (this.fin) {
        const message = this.message;
        const length = this.messageBytes;
        const isText = this.messageOpcode === opcode.text;
        this.releaseMessage();
        this.messageBytes = 0;
        this.messageOpcode = 0;
        this.finishMessage(message, 0, length, isText);
      }
    }
    return at + take;
  }

  private finishMessage(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    if (isText && !isUtf8(at === 0 && length === bytes.length ? bytes : bytes.subarray(at, at + length))) {
      this.refuse(closeCode.notUtf8, "text is not UTF-8");
      return;
    }
    this.events.message(bytes, at, length, isText);
  }

  private finishControl(payload: Uint8Array): void {
    if (this.opcode === opcode.ping) this.events.ping(payload);
    else if (this.opcode === opcode.pong) this.events.pong();
    else this.finishClose(payload);
  }

  private finishClose(payload: Uint8Array): void {
    if (payload.length === 0) {
      this.end();
      this.events.closeFrame(undefined, "");
      return;
    }
    const code = payload.length === 1 ? 0 : ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
    const reason = payload.subarray(2);
    if (!isCloseCode(code)) this.refuse(closeCode.protocolError, "invalid close code");
    else if (!isUtf8(reason)) this.refuse(closeCode.notUtf8, "the close reason is not UTF-8");
    else {
      this.end();
      this.events.closeFrame(code, new TextDecoder().decode(reason));
    }
  }

  /** Appends to the message being gathered. Returns false after a fault. */
  private gather(chunk: Uint8Array, at: number, length: number): boolean {
    const needed = this.messageBytes + length;
    if (needed > this.message.length) {
      // Twice what has arrived, but not past the end of a last fragment.
      const whole = this.messageBytes + (this.payloadBytes - this.payloadRead);
      let capacity = Math.max(gatherBytesMin, needed * 2);
      if (this.fin) capacity = Math.min(capacity, whole);
      if (!this.incoming.take(countedBytes(capacity) - countedBytes(this.message.length)))
        return this.refuse(closeCode.tryLater, "incomingBytesMax: too many unfinished messages");
      const grown = new Uint8Array(capacity);
      grown.set(this.message.subarray(0, this.messageBytes));
      this.message = grown;
    }
    if (length > 0) this.message.set(chunk.subarray(at, at + length), this.messageBytes);
    this.messageBytes = needed;
    return true;
  }

  /** Lets go of the buffer that a message was gathered in. */
  private releaseMessage(): void {
    this.incoming.giveBack(countedBytes(this.message.length));
    this.message = new Uint8Array(0);
  }

  /** Undoes the mask of `bytes[at … at + length)`, whose first byte is payload byte `payloadRead`. */
  private unmask(bytes: Uint8Array, at: number, length: number): void {
    const end = at + length;
    let i = at;
    let phase = this.payloadRead & 3;
    for (; phase !== 0 && i < end; i += 1, phase = (phase + 1) & 3) bytes[i] = (bytes[i] ?? 0) ^ this.key(phase);
    const key0 = this.key0;
    const key1 = this.key1;
    const key2 = this.key2;
    const key3 = this.key3;
    for (const fourEnd = end - 3; i < fourEnd; i += 4) {
      bytes[i] = (bytes[i] ?? 0) ^ key0;
      bytes[i + 1] = (bytes[i + 1] ?? 0) ^ key1;
      bytes[i + 2] = (bytes[i + 2] ?? 0) ^ key2;
      bytes[i + 3] = (bytes[i + 3] ?? 0) ^ key3;
    }
    for (let rest = 0; i < end; i += 1, rest += 1) bytes[i] = (bytes[i] ?? 0) ^ this.key(rest);
  }

  private key(phase: number): number {
    if (phase === 0) return this.key0;
    if (phase === 1) return this.key1;
    return phase === 2 ? this.key2 : this.key3;
  }

  /** Ends the stream with a fault. Always false. */
  private refuse(code: number, reason: string): false {
    this.end();
    this.events.fault(code, reason);
    return false;
  }
}

function countedBytes(length: number): number {
  return Math.max(0, length - uncountedBytes);
}

/** Reads a big-endian length; one past the safe integers reads as infinite, which every bound refuses. */
function readLength(bytes: Uint8Array, at: number, byteCount: number): number {
  let length = 0;
  for (let i = 0; i < byteCount; i += 1) length = length * 256 + (bytes[at + i] ?? 0);
  return length;
}

/** Whether a client may send this code in a Close. */
function isCloseCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
