/**
 * The host's end of the pipe: drives a database of this process for a front in another.
 *
 * What a turn sends is gathered: each payload once, however many connections get it, and after the payloads which
 * connection gets which. Of answered counts and credit only the latest value matters: they are written once a batch,
 * after the rest, so that the result of a message arrives before the message counts as answered.
 */
import type { Duplex } from "node:stream";
import { ByteWriter, LastView, writeView, type ByteReader } from "@lightcone/sats";
import type {
  ConnectionHandle,
  ConnectionSink,
  DatabaseLink,
  FunctionEnd,
  OperatorLevel,
  Reply,
  Rest,
  Resume,
  ResumeNote,
} from "@lightcone/database/front";
import { Pipe } from "./batch.ts";
import { frameOverheadBytes } from "./host-link.ts";
import {
  lastBit,
  readInfo,
  readRequest,
  readResume,
  toFront,
  toHost,
  writeClose,
  writeError,
  writeNote,
  writeReply,
  writeRest,
} from "./messages.ts";

/** The number of recent payloads that the next one is compared with: a delta goes to all its receivers in a row. */
const recentCount = 8;
/** The result of a request without one. */
const done: Reply = { status: 200, headers: {}, body: new Uint8Array(0) };
/** A delivery: the connection's key and the payload's number. */
const deliveryBytes = 8;

/** A database that has been opened, with the handles of the connections it was given to resume, in their order. */
export interface OpenedDatabase {
  readonly link: DatabaseLink;
  readonly handles: readonly ConnectionHandle[];
  /** What hosts have ended in. */
  readonly ends?: readonly FunctionEnd[];
}

export interface HostDriverOptions {
  /** Opens the database; `text` is what the front's `open` was given. */
  readonly openDatabase: (record: string, resume: Resume) => Promise<OpenedDatabase>;
  /** The front is gone, or its `stop` or `park` was answered. */
  readonly ended: () => void;
}

/** Serves one front over `socket`. */
export class HostDriver {
  private readonly options: HostDriverOptions;
  private readonly pipe: Pipe;
  private readonly connections = new Map<number, DriverConnection>();
  /** Of requests that may be told that whoever sent them has left. */
  private readonly leavers = new Map<number, AbortController>();
  private changedConnections: DriverConnection[] = [];
  private readonly payloads = new PayloadList();
  /** Which connection gets which payload, as it will be written after the payloads. */
  private readonly deliveries = new ByteWriter(65_536);
  private link: DatabaseLink | undefined;

  constructor(socket: Duplex, options: HostDriverOptions) {
    this.options = options;
    this.pipe = new Pipe(socket, {
      batch: (messages, bytes) => {
        while (messages.remaining > 0) this.take(messages, bytes);
      },
      seal: (out) => this.sealBatch(out),
      gone: () => options.ended(),
    });
  }

  /** Sends that this process is warmed up, as far as it can be before it knows its database. */
  warm(): void {
    this.pipe.write().u8(toFront.warm);
  }

  /** Has the front write a line into the server's log. */
  tellOperator(level: OperatorLevel, message: string): void {
    const out = this.pipe.write();
    out.u8(toFront.operator);
    out.string(level);
    out.string(message);
  }

  // --- what connections ask of the driver

  deliver(connection: DriverConnection, bytes: Uint8Array, at: number, length: number, last: boolean): void {
    // Looked up first: this may begin the batch that the delivery then goes into.
    const out = this.pipe.write();
    const index = this.payloads.add(out, bytes, at, length);
    this.deliveries.u32(connection.key);
    this.deliveries.u32(last ? index | lastBit : index);
  }

  /** Sends the front what it must know to hand a connection on. */
  note(connection: DriverConnection, note: ResumeNote): void {
    const out = this.pipe.write();
    out.u8(toFront.note);
    out.u32(connection.key);
    writeNote(out, note);
  }

  /** Notes that a connection has counts to write at the end of the batch. */
  changed(connection: DriverConnection): void {
    if (connection.isNoted) return;
    connection.isNoted = true;
    this.changedConnections.push(connection);
    this.pipe.flushSoon();
  }

  private sealBatch(out: ByteWriter): number {
    const deliveries = this.deliveries;
    if (deliveries.length > 0) {
      out.u8(toFront.deliveries);
      out.u32(deliveries.length / deliveryBytes);
      out.raw(deliveries.written());
      deliveries.reset();
    }
    this.payloads.clear();
    const changed = this.changedConnections;
    this.changedConnections = [];
    for (const connection of changed) {
      connection.isNoted = false;
      connection.seal(out);
    }
    return this.link?.releasedOffset ?? -1;
  }

  private take(messages: ByteReader, bytes: Uint8Array): void {
    switch (messages.u8()) {
      case toHost.frame: {
        const connection = this.connections.get(messages.u32());
        const isText = messages.bool();
        const length = messages.u32();
        const at = messages.take(length);
        connection?.receive(bytes, at, length, isText);
        return;
      }
      case toHost.connect:
        this.connect(messages);
        return;
      case toHost.closed: {
        const key = messages.u32();
        this.connections.get(key)?.closed();
        this.connections.delete(key);
        return;
      }
      case toHost.taken: {
        const connection = this.connections.get(messages.u32());
        const count = messages.u32();
        if (connection !== undefined) connection.queuedBytes -= count;
        return;
      }
      case toHost.request:
        this.request(messages);
        return;
      case toHost.left:
        this.leavers.get(messages.u32())?.abort();
        return;
      case toHost.flushLog:
        this.answer(
          messages.u32(),
          this.database(messages)
            .flushLog()
            .then(() => done),
        );
        return;
      case toHost.open:
        void this.open(messages);
        return;
      case toHost.park:
        void this.park();
        return;
      case toHost.stop:
        void this.stop(messages.u32());
        return;
      default:
        messages.fail("unknown kind of message");
    }
  }

  private database(messages: ByteReader): DatabaseLink {
    return this.link ?? messages.fail("the database is not open");
  }

  /**
   * Messages to resumed connections are held back while the database opens, so that they leave in one batch with the
   * stamp of the offset that they reach. If the host ends before, none of them was sent.
   */
  private async open(messages: ByteReader): Promise<void> {
    this.pipe.hold();
    const record = messages.string();
    const resumed: DriverConnection[] = [];
    const resume = readResume(messages, (key) => {
      const connection = new DriverConnection(this, key);
      this.connections.set(key, connection);
      resumed.push(connection);
      return connection;
    });
    try {
      const { link, handles, ends } = await this.options.openDatabase(record, resume);
      this.link = link;
      for (const [index, handle] of handles.entries()) resumed[index]?.attach(handle);
      void link.failed.then((error) => this.sayError(toFront.failed, undefined, error));
      const out = this.pipe.write();
      out.u8(toFront.opened);
      out.string(JSON.stringify(ends ?? []));
    } catch (error) {
      this.sayError(toFront.openFailed, undefined, error);
    }
    this.pipe.release();
  }

  private connect(messages: ByteReader): void {
    const key = messages.u32();
    const info = readInfo(messages);
    const connection = new DriverConnection(this, key);
    this.connections.set(key, connection);
    connection.attach(this.database(messages).connect(info, connection));
  }

  private request(messages: ByteReader): void {
    const id = messages.u32();
    const request = readRequest(messages);
    const leaver = request.kind === "route" ? new AbortController() : undefined;
    if (leaver !== undefined) this.leavers.set(id, leaver);
    this.answer(id, this.database(messages).request(request, leaver?.signal));
  }

  private answer(id: number, answer: Promise<Reply>): void {
    answer.then(
      (reply) => {
        this.leavers.delete(id);
        const out = this.pipe.write();
        out.u8(toFront.reply);
        out.u32(id);
        writeReply(out, reply);
      },
      (error: unknown) => {
        this.leavers.delete(id);
        this.sayError(toFront.replyFailed, id, error);
      },
    );
  }

  private async stop(withinMs: number): Promise<void> {
    const rest = await this.link?.stop(withinMs).catch((error: unknown) => {
      this.sayError(toFront.failed, undefined, error);
      return undefined;
    });
    this.sayRest(toFront.stopped, rest);
    this.pipe.flush(() => this.options.ended());
  }

  private async park(): Promise<void> {
    try {
      const rest = await this.link?.park?.();
      this.sayRest(toFront.parked, rest);
      if (rest !== undefined) this.pipe.flush(() => this.options.ended());
    } catch (error) {
      this.sayError(toFront.failed, undefined, error);
    }
  }

  private sayRest(kind: number, rest: Rest | undefined): void {
    const out = this.pipe.write();
    out.u8(kind);
    writeRest(out, rest);
  }

  private sayError(kind: number, id: number | undefined, error: unknown): void {
    const out = this.pipe.write();
    out.u8(kind);
    if (id !== undefined) out.u32(id);
    writeError(out, error);
  }
}

/** A payload that was written lately. */
interface RecentPayload {
  bytes: Uint8Array | undefined;
  at: number;
  length: number;
}

/** The payloads of the batch being gathered. */
class PayloadList {
  private count = 0;
  private readonly views = new LastView();
  /** The last ones, each in its own object: stores into an array are slow in a process that is locked down. */
  private readonly recent: readonly RecentPayload[] = Array.from({ length: recentCount }, () => ({
    bytes: undefined,
    at: 0,
    length: 0,
  }));

  /** The number of a payload. It is written unless it was among the last few. */
  add(out: ByteWriter, bytes: Uint8Array, at: number, length: number): number {
    const oldest = Math.max(0, this.count - recentCount);
    for (let index = this.count - 1; index >= oldest; index -= 1) {
      const other = this.recentAt(index);
      if (other.at === at && other.bytes === bytes && other.length === length) return index;
    }
    out.u8(toFront.payload);
    out.u32(length);
    writeView(out, this.views.of(bytes), at, length);
    const index = this.count;
    const made = this.recentAt(index);
    made.bytes = bytes;
    made.at = at;
    made.length = length;
    this.count += 1;
    return index;
  }

  clear(): void {
    this.count = 0;
    for (const each of this.recent) each.bytes = undefined;
  }

  private recentAt(index: number): RecentPayload {
    return this.recent[index % recentCount] as RecentPayload; // there are so many
  }
}

/** A connection of the front as the database's sink. */
class DriverConnection implements ConnectionSink {
  readonly key: number;
  queuedBytes = 0;
  /** Whether the driver has noted this connection for the end of the batch. */
  isNoted = false;
  private readonly driver: HostDriver;
  private handle: ConnectionHandle | undefined;
  private isClosed = false;
  private closing: { readonly code: number | undefined; readonly reason: string } | undefined;
  private answeredCount = 0;
  private answeredSaid = 0;
  private credit = 0;

  constructor(driver: HostDriver, key: number) {
    this.driver = driver;
    this.key = key;
  }

  attach(handle: ConnectionHandle): void {
    this.handle = handle;
    if (this.isClosed) handle.closed();
    handle.onReady = () => {
      if (this.credit > 0) this.driver.changed(this);
    };
  }

  // --- from the front

  receive(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    this.credit += length + frameOverheadBytes;
    this.handle?.receive(bytes, at, length, isText);
    this.driver.changed(this);
  }

  closed(): void {
    this.isClosed = true;
    // Before the database has opened there is no handle yet; `attach` passes it on.
    this.handle?.closed();
  }

  // --- from the database

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    if (this.isClosed || this.closing !== undefined) return;
    this.queuedBytes += length;
    this.driver.deliver(this, bytes, at, length, last);
  }

  answered(messageCount: number): void {
    this.answeredCount = messageCount;
    this.driver.changed(this);
  }

  note(note: ResumeNote): void {
    if (!this.isClosed) this.driver.note(this, note);
  }

  close(code: number | undefined, reason: string): void {
    if (this.closing !== undefined) return;
    this.closing = { code, reason };
    this.driver.changed(this);
  }

  /** Writes what was held back. */
  seal(out: ByteWriter): void {
    if (this.isClosed) return;
    if (this.answeredCount !== this.answeredSaid) {
      this.answeredSaid = this.answeredCount;
      out.u8(toFront.answered);
      out.u32(this.key);
      out.u32(this.answeredCount);
    }
    // A database that is not ready keeps the credit until it is.
    if (this.credit > 0 && this.handle?.ready === true) {
      out.u8(toFront.credit);
      out.u32(this.key);
      out.u32(this.credit);
      this.credit = 0;
    }
    if (this.closing !== undefined) {
      out.u8(toFront.close);
      out.u32(this.key);
      writeClose(out, this.closing.code, this.closing.reason);
      this.isClosed = true;
    }
  }
}
