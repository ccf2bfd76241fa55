/**
 * One client's WebSocket after the upgrade: frames in, frames out, and the ways it ends.
 *
 *   open ──client's Close──▶ echo, end                   open ──fault──▶ Close with its code, end
 *   open ──database closes with a code──▶ Close, then at most `closeTimeoutMs` for the client's
 *   open ──database closes without one, or the client reads too slowly, or is silent──▶ drop
 *
 * Invariants: the handle hears `closed` exactly once, never from inside a call of the sink; after the database
 * has closed, nothing more is received; the socket is not read while the handle is not ready.
 */
import type { Socket } from "node:net";
import type { Clock } from "@lightcone/base";
import type { ConnectionHandle, ConnectionSink, ResumeNote } from "@lightcone/database/front";
import type { IncomingBytes } from "../incoming-bytes.ts";
import type { ServerLimits } from "../limits.ts";
import { FrameParser } from "./frame-parser.ts";
import type { FrameEvents } from "./frame-parser.ts";
import { makeClosePayload, serverOpcode } from "./frame-writer.ts";
import { FrameQueue } from "./frame-queue.ts";

/** What a connection asks of the table that holds it. */
export interface ConnectionOwner {
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly incoming: IncomingBytes;
  /** Calls `flush` once this turn of the event loop is over. */
  flushLater(connection: WebSocketConnection): void;
  /** Calls `flushGathered` within `gatherMs`. */
  gather(connection: WebSocketConnection): void;
  /** The socket is gone for good. */
  forget(connection: WebSocketConnection): void;
}

type State = "open" | "closing" | "closed";

const empty = new Uint8Array(0);

/**
 * A client that asks for nothing is written to once in so many milliseconds: what comes meanwhile goes with the next
 * write. One that has had nothing for as long is written to at once.
 */
export const gatherMs = 4;
/** So much does not wait. */
const gatherBytesMax = 64 * 1024;

export class WebSocketConnection implements ConnectionSink, FrameEvents {
  private readonly socket: Socket;
  private readonly owner: ConnectionOwner;
  private readonly isText: boolean;
  private readonly parser: FrameParser;
  private readonly frames: FrameQueue;
  private handle: ConnectionHandle | undefined;
  private state: State = "open";
  private inMessage = false;
  private isPaused = false;
  private flushAsked = false;
  private isGathering = false;
  private flushedAtMs = -gatherMs;
  private pongDue = false;
  /** When it last showed that somebody is there. */
  private aliveAtMs: number;
  /** What the client had taken at the last sweep; undefined when it was not behind then. */
  private takenBytes: number | undefined;
  private pingAtMs = 0;
  private closingAtMs = 0;
  private cancelClose: (() => void) | undefined;

  constructor(socket: Socket, owner: ConnectionOwner, isText: boolean) {
    this.socket = socket;
    this.owner = owner;
    this.isText = isText;
    this.parser = new FrameParser(this, owner.limits.frameBytesMax, owner.incoming);
    this.frames = new FrameQueue(socket, {
      bytesMax: owner.limits.outboundBytesMax,
      messagesMax: owner.limits.outboundMessagesMax,
    });
    this.aliveAtMs = owner.clock.steadyMs();
    socket.setNoDelay(true);
    socket.on("close", () => this.gone());
  }

  /** Begins to read, with what came behind the upgrade request first. The database has accepted the connection. */
  start(handle: ConnectionHandle, head: Uint8Array): void {
    this.handle = handle;
    if (this.state === "closed") {
      // The client left while the database was being opened.
      this.handle = undefined;
      handle.closed();
      return;
    }
    handle.onReady = () => this.resume();
    this.sendPing(this.owner.clock.steadyMs());
    // A copy: the head may be part of a larger buffer that is not ours to unmask in.
    if (head.length > 0) this.read(head.slice());
    this.socket.on("data", (chunk: Uint8Array) => this.read(chunk));
    this.socket.on("end", () => this.socket.destroy());
    if (this.isPaused) this.socket.pause();
  }

  // --- ConnectionSink: what the database says

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    if (this.state !== "open") return;
    if (this.frames.isOver) {
      this.drop();
      return;
    }
    const opcode = this.inMessage ? serverOpcode.continuation : this.isText ? serverOpcode.text : serverOpcode.binary;
    this.inMessage = !last;
    this.frames.add(opcode, last, bytes, at, length);
    if (this.handle?.isIdle === true) this.flushInTime();
    else this.flushSoon();
  }

  get queuedBytes(): number {
    return this.frames.bytes;
  }

  // For whoever may have to hand messages in again; a socket has no use for either.
  answered(_messageCount: number): void {}
  note(_note: ResumeNote): void {}

  close(code: number | undefined, reason: string): void {
    if (this.state !== "open") return;
    if (code === undefined) {
      this.drop();
      return;
    }
    this.sayClose(code, reason, () => {
      if (this.state === "closed") return;
      this.cancelClose = this.owner.clock.after(this.owner.limits.closeTimeoutMs, () => this.socket.destroy());
    });
  }

  // --- FrameEvents: what the client says

  message(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    if (this.state === "open") this.handle?.receive(bytes, at, length, isText);
  }

  ping(payload: Uint8Array): void {
    if (this.state !== "open") return;
    if (this.frames.isOver) {
      this.drop();
      return;
    }
    this.frames.add(serverOpcode.pong, true, payload, 0, payload.length);
    this.flushSoon();
  }

  pong(): void {
    this.pongDue = false;
  }

  closeFrame(code: number | undefined): void {
    if (this.state === "open") this.sayClose(code, "", () => this.finish());
    // What waits, our own Close behind it, goes first.
    else this.frames.flush(() => this.finish());
  }

  fault(code: number, reason: string): void {
    if (this.state === "open") this.sayClose(code, reason, () => this.finish());
    else this.socket.destroy();
  }

  // --- upkeep, called by the table

  /** Writes what waits. */
  flush(nowMs: number): void {
    this.flushAsked = false;
    this.isGathering = false;
    this.flushedAtMs = nowMs;
    if (this.state !== "closed") this.frames.flush();
  }

  /** Writes what was gathered, if it is not written by now. */
  flushGathered(nowMs: number): void {
    if (this.isGathering) this.flush(nowMs);
  }

  /** Looks at the time: pings, or drops a client that has been silent for too long. */
  sweep(nowMs: number): void {
    const { limits } = this.owner;
    // A client on a slow network is there while it reads: its Pong comes only behind all that it has yet to read. What is taken of a
    // client that is not behind shows nothing: that lies in the operating system's buffer.
    const isReading = this.takenBytes !== undefined && this.takenBytes !== this.frames.takenBytes;
    this.takenBytes = this.frames.isBehind ? this.frames.takenBytes : undefined;
    if (this.state === "closing") {
      if (isReading) this.closingAtMs = nowMs;
      if (nowMs - this.closingAtMs >= limits.idleTimeoutMs) this.socket.destroy();
      return;
    }
    // A socket that we do not read cannot show signs of life.
    if (isReading || this.isPaused) this.aliveAtMs = nowMs;
    if (nowMs - this.aliveAtMs >= limits.idleTimeoutMs) this.drop();
    else if (!this.pongDue && nowMs - this.pingAtMs >= limits.pingIntervalMs) this.sendPing(nowMs);
  }

  private read(chunk: Uint8Array): void {
    this.aliveAtMs = this.owner.clock.steadyMs();
    this.parser.push(chunk);
    if (this.handle !== undefined && !this.handle.ready && this.state === "open") {
      this.isPaused = true;
      this.socket.pause();
    }
  }

  private resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.aliveAtMs = this.owner.clock.steadyMs();
    this.socket.resume();
  }

  private sendPing(nowMs: number): void {
    this.pongDue = true;
    this.pingAtMs = nowMs;
    this.frames.add(serverOpcode.ping, true, empty, 0, 0);
    this.flushSoon();
  }

  private flushSoon(): void {
    if (this.flushAsked) return;
    this.flushAsked = true;
    this.owner.flushLater(this);
  }

  /** Writes what nobody asked for: soon, unless the last write was just now. */
  private flushInTime(): void {
    if (this.flushAsked) return;
    if (this.isGathering ? this.frames.bytes < gatherBytesMax : this.isWrittenJustNow) this.gather();
    else this.flushSoon();
  }

  private get isWrittenJustNow(): boolean {
    return this.owner.clock.steadyMs() - this.flushedAtMs < gatherMs;
  }

  private gather(): void {
    if (this.isGathering) return;
    this.isGathering = true;
    this.owner.gather(this);
  }

  /** Puts a Close behind what waits, and lets the database go. */
  private sayClose(code: number | undefined, reason: string, then: () => void): void {
    this.state = "closing";
    this.closingAtMs = this.owner.clock.steadyMs();
    const payload = makeClosePayload(code, reason);
    this.frames.add(serverOpcode.close, true, payload, 0, payload.length);
    this.frames.flush(then);
    // Read on, to see the client's Close; what else comes is thrown away.
    this.resume();
    queueMicrotask(() => this.letGo());
  }

  /** Both sides have said Close, or ours is all that can be said. */
  private finish(): void {
    if (this.state === "closed") return;
    this.cancelClose?.();
    this.socket.end();
    this.cancelClose = this.owner.clock.after(this.owner.limits.closeTimeoutMs, () => this.socket.destroy());
  }

  private drop(): void {
    this.state = "closing";
    this.closingAtMs = this.owner.clock.steadyMs();
    this.parser.end();
    this.socket.destroy();
    queueMicrotask(() => this.letGo());
  }

  private letGo(): void {
    const handle = this.handle;
    this.handle = undefined;
    handle?.closed();
  }

  private gone(): void {
    this.state = "closed";
    this.cancelClose?.();
    this.parser.end();
    this.letGo();
    this.owner.forget(this);
  }
}
