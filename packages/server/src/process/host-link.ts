/**
 * The front's end of a database in another process: a `DatabaseLink` whose calls all cross the pipe.
 *
 * Credit: bytes that a connection has sent and the host has not yet processed are counted, per connection and in all;
 * over a bound, `ready` is false and the front stops reading that socket. In the other direction the host learns how
 * much of what it sent the sockets have taken, so that its sinks know their `queuedBytes`.
 *
 * A batch of the host is applied whole, in one turn; `releasedOffset` is then the offset that all its receivers
 * have reached.
 */
import type { Duplex } from "node:stream";
import { LightconeError, isLightconeError } from "@lightcone/base";
import type { Clock } from "@lightcone/base";
import {
  releasedOffsetOf,
  type ConnectionHandle,
  type ConnectionInfo,
  type ConnectionSink,
  type DatabaseLink,
  type DatabaseRequest,
  type FunctionEnd,
  type OperatorLevel,
  type TellOperator,
  type Reply,
  type Rest,
  type Resume,
} from "@lightcone/database/front";
import { LastView, writeView, type ByteReader } from "@lightcone/sats";
import { Pipe } from "./batch.ts";
import {
  lastBit,
  readClose,
  readError,
  readNote,
  readReply,
  readRest,
  toFront,
  toHost,
  writeInfo,
  writeRequest,
  writeResume,
} from "./messages.ts";

export interface HostLinkOptions {
  readonly clock: Clock;
  /** The bounds `linkConnectionBytesMax` and `linkBytesMax`. */
  readonly connectionBytesMax: number;
  readonly bytesMax: number;
}

/** Counted for a frame besides its bytes, so that empty ones are bounded too. */
export const frameOverheadBytes = 64;
/** The host is sent the number of bytes that a socket has taken in steps of this. */
const takenStepBytes = 32_768;
const takenIntervalMs = 5;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class HostLink implements DatabaseLink {
  readonly failed: Promise<Error>;
  /** Resolves when the host has loaded and warmed up everything that it needs to open a database. */
  readonly warm: Promise<void>;
  isWarm = false;
  /** Resolves when the host has opened its database; rejects with the reason that it could not. */
  readonly opened: Promise<void>;
  /** The offset that the last batch brought its receivers up to; before the first, where they were resumed, or -1. */
  releasedOffset = -1;
  /** The functions in which hosts have ended, as of when the database was opened. */
  ends: readonly FunctionEnd[] = [];
  traffic = 0;

  private readonly options: HostLinkOptions;
  private readonly pipe: Pipe;
  private readonly connections = new Map<number, HostConnection>();
  private readonly requests = new Map<number, Waiting>();
  /** Connections that stopped because of the bound on all together. */
  private readonly stalled = new Set<HostConnection>();
  private readonly lagging = new Set<HostConnection>();
  private linkBytes = 0;
  private lastKey = 0;
  private lastId = 0;
  private isSweeping = false;
  private isOver = false;
  private isStopping = false;
  private fail: (error: Error) => void = () => undefined;
  private becomeWarm: () => void = () => undefined;
  private opening: { readonly resolve: () => void; readonly reject: (error: Error) => void };
  private stopped: ((rest: Rest | undefined) => void) | undefined;
  private parked:
    | { readonly resolve: (rest: Rest | undefined) => void; readonly reject: (error: Error) => void }
    | undefined;
  private readonly views = new LastView();
  // The payloads of the batch being applied.
  private readonly payloadAt: number[] = [];
  private readonly payloadLength: number[] = [];

  constructor(socket: Duplex, options: HostLinkOptions) {
    this.options = options;
    this.failed = new Promise((resolve) => (this.fail = resolve));
    this.warm = new Promise((resolve) => (this.becomeWarm = resolve));
    const open = Promise.withResolvers<void>();
    this.opened = open.promise;
    this.opening = open;
    // Nobody may be waiting for it, which must not count as an unhandled rejection.
    open.promise.catch(() => undefined);
    this.pipe = new Pipe(socket, {
      batch: (messages, bytes, stamp) => this.apply(messages, bytes, stamp),
      seal: () => -1,
      gone: (error) =>
        this.pipeGone(isLightconeError(error) ? error : new Error("the database's process ended", { cause: error })),
    });
  }

  /**
   * Asks the host to open its database. `record` is JSON: it is read once, far from any frame.
   *
   * @returns the handles of the connections that are resumed, in their order
   */
  open(record: string, resume: Resume = []): readonly ConnectionHandle[] {
    const handles = resume.flatMap(({ connections }) => connections.map(({ sink }) => this.hold(sink)));
    this.releasedOffset = releasedOffsetOf(resume) ?? -1;
    const out = this.pipe.write();
    out.u8(toHost.open);
    out.string(record);
    const keys = handles.map((handle) => handle.key);
    writeResume(out, resume, keys);
    return handles;
  }

  connect(info: ConnectionInfo, sink: ConnectionSink): ConnectionHandle {
    const connection = this.hold(sink);
    this.traffic += 1;
    const out = this.pipe.write();
    out.u8(toHost.connect);
    out.u32(connection.key);
    writeInfo(out, info);
    return connection;
  }

  private hold(sink: ConnectionSink): HostConnection {
    this.lastKey += 1;
    const connection = new HostConnection(this, this.lastKey, sink);
    this.connections.set(connection.key, connection);
    return connection;
  }

  /** Writes what the host has to say to the server's operator. */
  onOperator: TellOperator | undefined;

  request(request: DatabaseRequest, left?: AbortSignal): Promise<Reply> {
    if (this.pipe.isGone) return Promise.reject(gone());
    const id = (this.lastId += 1);
    this.traffic += 1;
    const out = this.pipe.write();
    out.u8(toHost.request);
    out.u32(id);
    writeRequest(out, request);
    const leave = (): void => void (this.requests.has(id) && this.say(toHost.left, id));
    left?.addEventListener("abort", leave, { once: true });
    if (left?.aborted === true) this.say(toHost.left, id);
    return new Promise((resolve, reject) => this.requests.set(id, { resolve, reject }));
  }

  async flushLog(): Promise<void> {
    if (this.pipe.isGone) return;
    const id = (this.lastId += 1);
    this.say(toHost.flushLog, id);
    await new Promise<Reply>((resolve, reject) => this.requests.set(id, { resolve, reject }));
  }

  async stop(withinMs: number): Promise<Rest | undefined> {
    this.isStopping = true;
    if (this.pipe.isGone) return undefined;
    this.say(toHost.stop, withinMs);
    return new Promise<Rest | undefined>((resolve) => (this.stopped = resolve));
  }

  /** @throws {Error} when the host ended before it answered */
  park(): Promise<Rest | undefined> {
    if (this.pipe.isGone) return Promise.reject(gone());
    this.pipe.write().u8(toHost.park);
    return new Promise((resolve, reject) => (this.parked = { resolve, reject }));
  }

  /** The pipe has ended. A subclass that can learn why may wait for that before it calls `gone`. */
  protected pipeGone(error: Error): void {
    this.gone(error);
  }

  /** The database in the host has failed. A subclass that owns the process ends it before it calls `gone`. */
  protected hostFailed(error: Error): void {
    this.gone(error);
  }

  /** The host is gone: fails all that waits for it. Only the first call has an effect. */
  gone(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.pipe.end(error);
    this.opening.reject(error);
    for (const { reject } of this.requests.values()) reject(gone(error));
    this.requests.clear();
    this.stopped?.(undefined);
    this.parked?.reject(error);
    if (!this.isStopping) this.fail(error);
  }

  // --- what connections ask of the link

  frame(connection: HostConnection, bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    this.traffic += 1;
    const out = this.pipe.write();
    out.u8(toHost.frame);
    out.u32(connection.key);
    out.bool(isText);
    out.u32(length);
    writeView(out, this.views.of(bytes), at, length);
    connection.outstandingBytes += length + frameOverheadBytes;
    this.linkBytes += length + frameOverheadBytes;
  }

  isReady(connection: HostConnection): boolean {
    if (this.linkBytes > this.options.bytesMax) {
      this.stalled.add(connection);
      return false;
    }
    return connection.outstandingBytes <= this.options.connectionBytesMax;
  }

  close(connection: HostConnection): void {
    if (!this.connections.delete(connection.key)) return;
    this.stalled.delete(connection);
    this.lagging.delete(connection);
    this.say(toHost.closed, connection.key);
    this.settle(connection.outstandingBytes);
  }

  /** Writes a message of a kind and one number. */
  private say(kind: number, value: number): void {
    if (this.pipe.isGone) return;
    const out = this.pipe.write();
    out.u8(kind);
    out.u32(value);
  }

  /** Counts bytes as processed; connections that waited for the bound on all together go on. */
  private settle(bytes: number): void {
    this.linkBytes -= bytes;
    if (this.stalled.size === 0 || this.linkBytes > this.options.bytesMax) return;
    const stalled = [...this.stalled];
    this.stalled.clear();
    for (const connection of stalled) if (connection.ready) connection.onReady?.();
  }

  // --- what the host says

  private apply(messages: ByteReader, bytes: Uint8Array, stamp: number): void {
    this.payloadAt.length = 0;
    this.payloadLength.length = 0;
    while (messages.remaining > 0) this.applyOne(messages, bytes);
    if (stamp >= 0) this.releasedOffset = stamp;
    if (this.lagging.size > 0) this.sweepLater();
  }

  private applyOne(messages: ByteReader, bytes: Uint8Array): void {
    switch (messages.u8()) {
      case toFront.payload: {
        const length = messages.u32();
        this.payloadAt.push(messages.take(length));
        this.payloadLength.push(length);
        return;
      }
      case toFront.deliveries:
        this.deliver(messages, bytes);
        return;
      case toFront.close: {
        const connection = this.connections.get(messages.u32());
        const { code, reason } = readClose(messages);
        connection?.sink.close(code, reason);
        return;
      }
      case toFront.answered: {
        const connection = this.connections.get(messages.u32());
        const messageCount = messages.u32();
        connection?.sink.answered(messageCount);
        return;
      }
      case toFront.note: {
        const connection = this.connections.get(messages.u32());
        const note = readNote(messages);
        connection?.sink.note(note);
        return;
      }
      case toFront.credit:
        this.credit(messages.u32(), messages.u32());
        return;
      case toFront.reply: {
        const waiting = this.takeRequest(messages.u32());
        waiting?.resolve(readReply(messages));
        return;
      }
      case toFront.replyFailed: {
        const waiting = this.takeRequest(messages.u32());
        waiting?.reject(readError(messages));
        return;
      }
      case toFront.warm:
        this.isWarm = true;
        this.becomeWarm();
        return;
      case toFront.opened:
        this.ends = JSON.parse(messages.string());
        this.opening.resolve();
        return;
      case toFront.openFailed:
        this.opening.reject(readError(messages));
        return;
      case toFront.stopped:
        this.stopped?.(readRest(messages));
        return;
      case toFront.parked: {
        const rest = readRest(messages);
        // The end of the process follows, which is no failure.
        if (rest !== undefined) this.isStopping = true;
        const parked = this.parked;
        this.parked = undefined;
        parked?.resolve(rest);
        return;
      }
      case toFront.operator: {
        // The host is this release: it writes no other word.
        const level = messages.string() as OperatorLevel;
        this.onOperator?.(level, messages.string());
        return;
      }
      case toFront.failed:
        this.hostFailed(readError(messages));
        return;
      default:
        messages.fail("unknown kind of message");
    }
  }

  private deliver(messages: ByteReader, bytes: Uint8Array): void {
    this.traffic += 1;
    for (let count = messages.count(8); count > 0; count -= 1) {
      const connection = this.connections.get(messages.u32());
      const entry = messages.u32();
      const index = entry & ~lastBit;
      const at = this.payloadAt[index];
      const length = this.payloadLength[index];
      if (at === undefined || length === undefined) return messages.fail("a delivery of no payload");
      if (connection === undefined) continue;
      connection.sentBytes += length;
      connection.sink.send(bytes, at, length, (entry & lastBit) !== 0);
      if (connection.sentBytes - connection.takenBytes >= takenStepBytes) this.lagging.add(connection);
    }
  }

  private credit(key: number, count: number): void {
    const connection = this.connections.get(key);
    if (connection === undefined) return;
    const wasReady = connection.outstandingBytes <= this.options.connectionBytesMax;
    connection.outstandingBytes -= count;
    this.settle(count);
    if (!wasReady && connection.ready) connection.onReady?.();
  }

  private takeRequest(id: number): Waiting | undefined {
    const waiting = this.requests.get(id);
    this.requests.delete(id);
    return waiting;
  }

  /** While sockets lag behind, looks every few milliseconds at what they have taken, and sends it to the host. */
  private sweepLater(): void {
    if (this.isSweeping) return;
    this.isSweeping = true;
    this.options.clock.after(takenIntervalMs, () => {
      this.isSweeping = false;
      if (this.pipe.isGone) return;
      for (const connection of this.lagging) this.reportTaken(connection);
      if (this.lagging.size > 0) this.sweepLater();
    });
  }

  private reportTaken(connection: HostConnection): void {
    const taken = Math.max(connection.takenBytes, connection.sentBytes - connection.sink.queuedBytes);
    const news = taken - connection.takenBytes;
    if (news >= takenStepBytes || taken === connection.sentBytes) {
      const out = this.pipe.write();
      out.u8(toHost.taken);
      out.u32(connection.key);
      out.u32(news);
      connection.takenBytes = taken;
    }
    if (connection.sentBytes === connection.takenBytes) this.lagging.delete(connection);
  }
}

/** A connection on the link's side. */
class HostConnection implements ConnectionHandle {
  readonly key: number;
  readonly sink: ConnectionSink;
  onReady: (() => void) | undefined;
  /** Bytes given to the host and not yet processed, overhead included. */
  outstandingBytes = 0;
  /** Bytes given to the sink in all, and how many of them the host knows to be taken. */
  sentBytes = 0;
  takenBytes = 0;
  private readonly link: HostLink;

  constructor(link: HostLink, key: number, sink: ConnectionSink) {
    this.link = link;
    this.key = key;
    this.sink = sink;
  }

  receive(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    this.link.frame(this, bytes, at, length, isText);
  }

  closed(): void {
    this.link.close(this);
  }

  get ready(): boolean {
    return this.link.isReady(this);
  }
}

function gone(cause?: Error): LightconeError {
  return new LightconeError("CallUnknown", {}, cause === undefined ? undefined : { cause });
}
