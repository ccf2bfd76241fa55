/**
 * A connection that outlives its host: the client's messages without an answer, and what it is subscribed to.
 *
 *   client ─▶ pending ──answered──▶ forgotten
 *   host ──kept──▶ subscribed ──dropped──▶ forgotten
 *
 * The cost of each is constant, however much there is of it: the front does this for all connections in one thread.
 */
import { keyOfClient } from "../link/client.ts";
import type { ConnectionHandle, ConnectionInfo, ConnectionSink, KeptPart, ResumeNote } from "../link/link.ts";
import type { NumberedMessage, ResumedConnection } from "./resume.ts";
import { WorkKind, type Work } from "../link/work.ts";

export interface ConnectionHolder {
  /** Whether it has no host, and gets one with the next message. */
  readonly isResting: boolean;
  /** A message has come while there is no host. */
  said(): void;
  /** A connection has ended. */
  over(held: HeldConnection): void;
}

export class HeldConnection implements ConnectionHandle, ConnectionSink {
  readonly info: ConnectionInfo;
  private readonly sink: ConnectionSink;
  private readonly holder: ConnectionHolder;
  private handle: ConnectionHandle | undefined;
  private readonly pending = new PendingMessages();
  /** The subscriptions, by the messages that made them. */
  private readonly subscribed = new Map<number, KeptPart>();
  private received = 0;
  /** Messages that the present host has been given. */
  private given = 0;
  private greeted = false;
  private wasGiven = false;
  private inMessage = false;
  /** Whether answers to it were held back while others got theirs. */
  private isBehind = false;
  private isClosed = false;
  onReady: (() => void) | undefined;

  constructor(info: ConnectionInfo, sink: ConnectionSink, holder: ConnectionHolder) {
    this.info = info;
    this.sink = sink;
    this.holder = holder;
  }

  // --- towards the host

  get ready(): boolean {
    return this.handle?.ready ?? (this.holder.isResting && this.pending.isEmpty);
  }

  receive(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    if (this.isClosed) return;
    const number = ++this.received;
    this.pending.push({ number, bytes: bytes.subarray(at, at + length), isText });
    if (this.handle === undefined) {
      this.holder.said();
      return;
    }
    this.given = number;
    this.handle.receive(bytes, at, length, isText);
  }

  closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.holder.over(this);
    this.handle?.closed();
  }

  // --- towards the client

  send(bytes: Uint8Array, at: number, length: number, last: boolean): void {
    this.greeted = true;
    this.inMessage = !last;
    this.sink.send(bytes, at, length, last);
  }

  get queuedBytes(): number {
    return this.sink.queuedBytes;
  }

  answered(messageCount: number): void {
    this.pending.forget(messageCount);
    this.sink.answered(messageCount);
  }

  note(note: ResumeNote): void {
    switch (note.kind) {
      case "kept":
        this.subscribed.set(note.message, { message: note.message, state: note.state });
        break;
      case "dropped":
        this.subscribed.delete(note.message);
        break;
      case "behind":
      case "level":
        this.isBehind = note.kind === "behind";
    }
  }

  close(code: number | undefined, reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.holder.over(this);
    this.sink.close(code, reason);
  }

  // --- between hosts

  /**
   * Lets go of a host that ended. A client that cannot know what it missed is closed: it had unconfirmed results, or is
   * in the middle of its rows, or sent a message before it had its identity. In the last case the log may not say whether
   * it had connected: another client may have had the same ids.
   *
   * @param isRefused whether the next host will not let it in, and tell it why
   */
  detach(isRefused: boolean): void {
    this.handle = undefined;
    const isKnowing = this.greeted
      ? this.info.confirmed && !this.inMessage && !this.isBehind
      : isRefused || this.given === 0;
    if (!isKnowing) this.close(1011, "the database started again");
  }

  /** Lets go of a host that may be gone soon. @returns its handle */
  pause(): ConnectionHandle | undefined {
    const handle = this.handle;
    this.handle = undefined;
    return handle;
  }

  /** Whether the client waits for nothing, and is in the middle of nothing. */
  get isIdle(): boolean {
    return this.greeted && !this.inMessage && !this.isBehind && this.pending.isEmpty;
  }

  /** Whether a host may know of it. */
  get wasKnown(): boolean {
    return this.wasGiven;
  }

  /** The name of the work that lets the client in. */
  get connectWork(): Work {
    return { kind: WorkKind.connect, id: keyOfClient(this.info.caller), number: 0 };
  }

  /** What the present host has been given and not answered. */
  givenWork(): readonly Work[] {
    if (!this.greeted) return this.wasGiven ? [this.connectWork] : [];
    const { id } = this.connectWork;
    return this.pending
      .all()
      .filter(({ number }) => number <= this.given)
      .map(({ number }) => ({ kind: WorkKind.message, id, number }));
  }

  /** Whether a host has let it in: the next goes on with it. To any other it is new. */
  get isGreeted(): boolean {
    return this.greeted;
  }

  resume(): ResumedConnection {
    this.given = this.received;
    return {
      info: this.info,
      sink: this,
      subscribed: [...this.subscribed.values()].sort((a, b) => a.message - b.message),
      pending: this.pending.all(),
      received: this.received,
    };
  }

  /** Takes the handle of a host that knows this connection from its resume. */
  reattach(handle: ConnectionHandle): void {
    this.attach(handle, this.given);
  }

  /** Takes a host's handle and gives it what came since message `given`. */
  attach(handle: ConnectionHandle, given: number): void {
    this.handle = handle;
    this.wasGiven = true;
    handle.onReady = () => this.onReady?.();
    if (this.isClosed) {
      handle.closed();
      return;
    }
    this.given = given;
    for (const message of this.pending.all()) {
      if (message.number <= given) continue;
      this.given = message.number;
      handle.receive(message.bytes, 0, message.bytes.length, message.isText);
    }
    if (handle.ready) this.onReady?.();
  }
}

/** Answered messages are let go in steps of this. */
const sweepMin = 256;

/** A client's messages from the first that is not answered on. Their numbers rise by one. */
class PendingMessages {
  private messages: (NumberedMessage | undefined)[] = [];
  /** What of them is answered. */
  private answered = 0;

  push(message: NumberedMessage): void {
    this.messages.push(message);
  }

  /** Lets go of all up to a number. */
  forget(number: number): void {
    const messages = this.messages;
    for (let at = this.answered; (messages[at]?.number ?? Infinity) <= number; at = ++this.answered)
      messages[at] = undefined;
    if (this.answered === messages.length) {
      messages.length = 0;
      this.answered = 0;
    } else if (this.answered >= sweepMin && this.answered * 2 >= messages.length) {
      messages.splice(0, this.answered);
      this.answered = 0;
    }
  }

  get isEmpty(): boolean {
    return this.messages.length === 0;
  }

  all(): readonly NumberedMessage[] {
    return this.messages.filter((message) => message !== undefined);
  }
}
