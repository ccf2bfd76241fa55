/**
 * The client of the load: WebSocket framing over a plain socket, so that what is measured is the server.
 *
 *   call  = 0x82 | 0x80·length | key 4 bytes | payload, masked              every key is random
 *   payload = tag 0 | "transfer" | args (from u32, to u32, amount i64) | request u32 | flags u8      `v1.bsatn`
 *           | tag 3 | request u32 | flags u8 | "transfer" | args                                   `v2.bsatn`
 *           | as many of these as are called at once                                               `v3.bsatn`
 *
 * Answers are counted, not decoded. In version 1 a binary message whose third byte is not 0 is a call that failed; in
 * versions 2 and 3 the answer to a transfer has one length, and a payload that is not made of such ends the run. Reads
 * go into one buffer for all sockets; only a frame that is cut by a read is kept.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { FrameReader, type FrameTaker } from "./frame-reader.ts";
import { Zipf } from "./zipf.ts";

export const protocols = ["v1", "v2", "v3"] as const;
export type Protocol = (typeof protocols)[number];

/** Where to connect, and what is called. */
export interface Target {
  /** `v1` if left out. */
  readonly protocol?: Protocol | undefined;
  readonly port: number;
  /** Path and query of the upgrade. */
  readonly path: string;
  readonly token?: string;
  readonly accountCount: number;
  /** The exponent of the Zipf distribution that accounts are drawn from; all are as likely if left out. */
  readonly skew?: number | undefined;
}

/** Is told of answers as they are read. */
export interface AnswerSink {
  /** `count` calls of `client` were answered, oldest first. */
  answered(client: WebSocketClient, count: number): void;
  failed(count: number): void;
}

/** The result of a reducer that changed none of the caller's query sets. */
const resultBytes = 22;

const reducer = new TextEncoder().encode("transfer");
const argsAt = 1 + 4 + reducer.length + 4;
const payloadBytes = argsAt + 16 + 4 + 1;
const frameBytes = 6 + payloadBytes;
/** The payload before it is masked, in whole words. */
const words = new Int32Array(Math.ceil(payloadBytes / 4));
const template = new DataView(words.buffer);
template.setUint32(1, reducer.length, true);
new Uint8Array(words.buffer).set(reducer, 5);
template.setUint32(argsAt - 4, 16, true);
template.setUint32(argsAt + 8, 1, true);

/** A call of versions 2 and 3. */
const callBytes = 1 + 4 + 1 + 4 + reducer.length + 4 + 16;
const callArgsAt = callBytes - 16;
const callTemplate = new Uint8Array(callBytes);
callTemplate[0] = 3;
callTemplate[6] = reducer.length;
callTemplate.set(reducer, 10);
callTemplate[callArgsAt - 4] = 16;
callTemplate[callArgsAt + 8] = 1;

/** Calls before they are masked, in whole words: as many as are ever in flight. */
const callWords = new Int32Array(16_384);
const calls = new DataView(callWords.buffer);
const callsText = new Uint8Array(callWords.buffer);

let random = 0x2545_f491;
function nextRandom(): number {
  random ^= random << 13;
  random ^= random >>> 17;
  random ^= random << 5;
  return random >>> 0;
}

/** One for all clients: its table is as long as there are accounts. */
let zipf: Zipf | undefined;

/** One buffer for all sockets: each read is looked at before the next. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

export class WebSocketClient implements FrameTaker {
  private readonly socket: Socket;
  private readonly sink: AnswerSink;
  private readonly accountCount: number;
  private readonly protocol: Protocol;
  private requestId = 0;
  private readonly frames = new FrameReader(this);
  /** What the present read has brought. */
  private answers = 0;
  private failures = 0;
  private isOpen = false;
  private upgrade = "";
  private opened: ((error?: Error) => void) | undefined;
  private greeted = false;

  private constructor(target: Target, sink: AnswerSink, opened: (error?: Error) => void) {
    this.sink = sink;
    this.accountCount = target.accountCount;
    this.protocol = target.protocol ?? "v1";
    if (target.skew !== undefined) zipf ??= new Zipf(target.accountCount, target.skew);
    this.opened = opened;
    this.socket = connect({
      host: "127.0.0.1",
      port: target.port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (count) => this.read(count) },
    });
    this.socket.on("error", (error) => this.opened?.(error));
    this.socket.on("close", () => this.opened?.(new Error(`the server refused: ${this.upgrade.split("\r\n")[0]}`)));
    const authorization = target.token === undefined ? "" : `Authorization: Bearer ${target.token}\r\n`;
    this.socket.write(
      `GET ${target.path} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n` +
        `Sec-WebSocket-Protocol: ${this.protocol}.bsatn.spacetimedb\r\n${authorization}\r\n`,
    );
  }

  /** Connects and waits for the first message, which says who the client is. */
  static async open(target: Target, sink: AnswerSink): Promise<WebSocketClient> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const client = new WebSocketClient(target, sink, (error) => (error === undefined ? resolve() : reject(error)));
    await promise;
    return client;
  }

  /** Sends `count` transfers between random accounts in one write: a frame each, or in version 3 one for all. */
  call(count: number): void {
    if (this.protocol === "v3") this.callInFrames(count, count);
    else if (this.protocol === "v2") this.callInFrames(count, 1);
    else this.callV1(count);
  }

  /** Sends transfers in frames of `each`, in one write. */
  private callInFrames(count: number, each: number): void {
    const length = each * callBytes;
    const headerBytes = length < 126 ? 6 : 8;
    const out = Buffer.allocUnsafe((count / each) * (headerBytes + length));
    const view = new DataView(out.buffer, out.byteOffset, out.length);
    for (let at = 0; at < out.length; at += headerBytes + length) {
      this.fillCalls(each);
      const key = nextRandom() | 0;
      out[at] = 0x82;
      if (length < 126) out[at + 1] = 0x80 | length;
      else {
        out[at + 1] = 0x80 | 126;
        view.setUint16(at + 2, length);
      }
      const start = at + headerBytes;
      view.setInt32(start - 4, key, true);
      const whole = length >>> 2;
      for (let word = 0; word < whole; word += 1)
        view.setInt32(start + word * 4, (callWords[word] as number) ^ key, true);
      let rest = (callWords[whole] as number) ^ key;
      for (let index = whole * 4; index < length; index += 1, rest >>>= 8) out[start + index] = rest;
    }
    this.socket.write(out);
  }

  /** Writes calls, one behind the other, where they are masked from. */
  private fillCalls(count: number): void {
    for (let at = 0; at < count * callBytes; at += callBytes) {
      const from = this.anAccount();
      const to = this.anotherThan(from);
      for (let index = 0; index < callBytes; index += 1) callsText[at + index] = callTemplate[index] as number;
      calls.setUint32(at + 1, (this.requestId += 1), true);
      calls.setUint32(at + callArgsAt, from, true);
      calls.setUint32(at + callArgsAt + 4, to, true);
    }
  }

  private callV1(count: number): void {
    const out = Buffer.allocUnsafe(count * frameBytes);
    const view = new DataView(out.buffer, out.byteOffset, out.length);
    for (let at = 0; at < out.length; at += frameBytes) {
      const from = this.anAccount();
      const to = this.anotherThan(from);
      template.setUint32(argsAt, from, true);
      template.setUint32(argsAt + 4, to, true);
      template.setUint32(argsAt + 16, (this.requestId += 1), true);
      const key = nextRandom() | 0;
      out[at] = 0x82;
      out[at + 1] = 0x80 | payloadBytes;
      view.setInt32(at + 2, key, true);
      const whole = payloadBytes >>> 2;
      for (let word = 0; word < whole; word += 1) view.setInt32(at + 6 + word * 4, (words[word] as number) ^ key, true);
      let rest = (words[whole] as number) ^ key;
      for (let index = whole * 4; index < payloadBytes; index += 1, rest >>>= 8) out[at + 6 + index] = rest;
    }
    this.socket.write(out);
  }

  private anAccount(): number {
    return zipf === undefined ? nextRandom() % this.accountCount : zipf.at(nextRandom() / 2 ** 32);
  }

  private anotherThan(from: number): number {
    if (zipf === undefined) return (from + 1 + (nextRandom() % (this.accountCount - 1))) % this.accountCount;
    for (;;) {
      const to = zipf.at(nextRandom() / 2 ** 32);
      if (to !== from) return to;
    }
  }

  close(): void {
    this.opened = undefined;
    this.socket.destroy();
  }

  private read(count: number): boolean {
    let at = 0;
    if (!this.isOpen) {
      at = this.readUpgrade(count);
      if (at < 0) return true;
    }
    this.answers = 0;
    this.failures = 0;
    this.frames.read(readBuffer, at, count);
    if (this.failures > 0) this.sink.failed(this.failures);
    if (this.answers > 0) this.sink.answered(this, this.answers);
    return true;
  }

  frame(opcode: number, head: Uint8Array, at: number, length: number): void {
    if (opcode === 9) this.socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
    else if (opcode === 8) this.socket.destroy();
    else if (opcode !== 2) return;
    else if (!this.greeted) {
      this.greeted = true;
      this.opened?.();
      this.opened = undefined;
    } else if (this.protocol === "v1") {
      this.answers += 1;
      if (head[at + 2] !== 0) this.failures += 1;
    } else if ((length - 1) % resultBytes === 0) this.answers += (length - 1) / resultBytes;
    else throw new Error(`an answer of ${length} bytes: a call failed, which is not counted in this version`);
  }

  /** Reads the answer to the upgrade; gives where the first frame begins, or -1 if that has not come. */
  private readUpgrade(count: number): number {
    const before = this.upgrade.length;
    this.upgrade += readBuffer.toString("latin1", 0, count);
    const end = this.upgrade.indexOf("\r\n\r\n");
    if (end < 0) return -1;
    if (!this.upgrade.startsWith("HTTP/1.1 101")) {
      this.socket.destroy();
      return -1;
    }
    this.isOpen = true;
    return end + 4 - before;
  }
}
