/**
 * A process of subscribers: `node listen-main.ts LISTEN_JSON`. Subscribes on all its connections, says `ready`, and at the end
 * of its input what has come since, or since it was last written to, as a line of JSON. Messages are counted, not decoded.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { encodeClientMessage } from "@lightcone/protocol";
import { ByteWriter } from "@lightcone/sats";
import { FrameReader, type FrameTaker } from "./frame-reader.ts";
import { Histogram } from "./histogram.ts";
import { stampBytes, type ListenOptions, type ListenResult } from "./listen.ts";
import { cpuMicros } from "./process-time.ts";

const options: ListenOptions = JSON.parse(process.argv[2] ?? "{}");
const { target, connectionCount, queries } = options;

/** One buffer for all sockets: each read is looked at before the next. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);
let deliveries = 0;
let delays = new Histogram();

class Subscriber implements FrameTaker {
  private readonly socket: Socket;
  private readonly frames = new FrameReader(this);
  private readonly queries: readonly string[];
  private upgrade: string | undefined = "";
  private messages = 0;
  private isSampled = false;
  readonly ready: Promise<void>;
  private said: () => void = () => undefined;

  constructor(index: number) {
    this.queries = queriesOf(index);
    this.ready = new Promise((resolve) => (this.said = resolve));
    this.socket = connect({
      host: "127.0.0.1",
      port: target.port,
      noDelay: true,
      onread: { buffer: readBuffer, callback: (count) => this.read(count) },
    });
    this.socket.on("error", (error) => this.failed(error.message));
    this.socket.on("close", () => this.failed("the server closed a subscriber's connection"));
    this.socket.write(
      `GET ${target.path} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n` +
        `Sec-WebSocket-Protocol: v1.bsatn.spacetimedb\r\n\r\n`,
    );
  }

  frame(opcode: number, head: Uint8Array, at: number, _: number, available: number): void {
    if (opcode === 9) this.socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
    if (opcode !== 2) return;
    this.messages += 1;
    // The first says who the client is, the second that it is subscribed.
    if (this.messages === 1) this.subscribe();
    else if (this.messages === 2) this.said();
    else deliveries += 1;
    if (this.isSampled || this.messages <= 2) return;
    this.isSampled = true;
    sample(head, at, available);
  }

  private subscribe(): void {
    const out = new ByteWriter();
    encodeClientMessage(out, { kind: "SubscribeMulti", queries: this.queries, requestId: 1, queryId: 1 });
    this.socket.write(masked(out.toBytes()));
  }

  private read(count: number): boolean {
    let at = 0;
    if (this.upgrade !== undefined) {
      const before = this.upgrade.length;
      this.upgrade += readBuffer.toString("latin1", 0, count);
      const end = this.upgrade.indexOf("\r\n\r\n");
      if (end < 0) return true;
      if (!this.upgrade.startsWith("HTTP/1.1 101")) this.failed(this.upgrade.slice(0, 200));
      this.upgrade = undefined;
      at = end + 4 - before;
    }
    this.isSampled = false;
    this.frames.read(readBuffer, at, count);
    return true;
  }

  private failed(why: string): void {
    process.stderr.write(`${why}\n`);
    process.exit(1);
  }
}

/** The delay of one message a read: who looks into each is slower than who is measured. */
function sample(head: Uint8Array, at: number, available: number): void {
  const found = Buffer.from(head.buffer, head.byteOffset + at, available).lastIndexOf(stampBytes);
  if (found < 0 || found + 16 > available) return;
  const sentMicros = Number(new DataView(head.buffer, head.byteOffset).getBigInt64(at + found + 8, true));
  delays.add(performance.timeOrigin + performance.now() - sentMicros / 1000);
}

function masked(payload: Uint8Array): Buffer {
  const length = payload.length;
  const headerBytes = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const out = Buffer.alloc(headerBytes + length);
  out[0] = 0x82;
  out[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (headerBytes === 8) out.writeUInt16BE(length, 2);
  if (headerBytes === 14) out.writeBigUInt64BE(BigInt(length), 2);
  // A key of zeros: the payload as it is.
  out.set(payload, headerBytes);
  return out;
}

/** The queries of one connection. */
function queriesOf(index: number): readonly string[] {
  if (queries.kind === "same") return [queries.text];
  const each = queries.count / connectionCount;
  return Array.from({ length: each }, (_, nth) => `${queries.text} = ${index * each + nth}`);
}

const subscribers: Subscriber[] = [];
for (let index = 0; index < connectionCount; index += 1) {
  const subscriber = new Subscriber(index);
  subscribers.push(subscriber);
  await subscriber.ready;
}
process.stdout.write("ready\n");
let [from, cpuFrom] = [performance.now(), cpuMicros(process.pid)];
process.stdin.on("data", () => {
  deliveries = 0;
  delays = new Histogram();
  [from, cpuFrom] = [performance.now(), cpuMicros(process.pid)];
});
process.stdin.on("end", () => {
  const seconds = (performance.now() - from) / 1000;
  const result: ListenResult = {
    perSecond: deliveries / seconds,
    p50Ms: delays.quantileMs(0.5),
    p99Ms: delays.quantileMs(0.99),
    cpuMicrosPerDelivery: (cpuMicros(process.pid) - cpuFrom) / Math.max(1, deliveries),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
});
