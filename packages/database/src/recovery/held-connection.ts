/**
 * A connection that outlives its host: the client's messages without an answer, and what it is subscribed to.
 *
 *   client ─▶ pending ──answered──▶ forgotten
 *                └─ waits ─▶ open ──done──▶ forgotten
 *   host ──kept──▶ subscribed ──dropped──▶ forgotten
 *
 * The cost of each is constant, however much there is of it: the front does this for all connections in one thread.
 */
import { countMessages, endOfMessage, frameMessagesMax, holdsSeveral } from "../link/framing.ts";
import { keyOfClient } from "../link/client.ts";
import type {
  ConnectionHandle,
  ConnectionInfo,
  ConnectionSink,
  KeptPart,
  ResumeNote,
  WireProtocol,
} from "../link/link.ts";
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
  private readonly pending: PendingMessages;
  /** The subscriptions, by the messages that made them. */
  private readonly subscribed = new Map<number, KeptPart>();
  private received = 0;
  /** Messages that the present host has been given. */
  private given = 0;
  /** Whether a host has let it in: the next goes on with it. To any other it is new. */
  isGreeted = false;
  /** Whether a host may know of it. */
  wasKnown = false;
  private inMessage = false;
  /** Whether answers to it were held back while others got theirs. */
  private isBehind = false;
  private isClosed = false;
  onReady: (() => void) | undefined;

  constructor(info: ConnectionInfo, sink: ConnectionSink, holder: ConnectionHolder) {
    this.info = info;
    this.pending = new PendingMessages(info.protocol);
    this.sink = sink;
    this.holder = holder;
  }

  // --- towards the host

  get ready(): boolean {
    return this.handle?.ready ?? (this.holder.isResting && this.pending.isEmpty);
  }

  receive(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    if (this.isClosed) return;
    const count = holdsSeveral(this.info.protocol, isText) ? countMessages(this.info.protocol, bytes, at, length) : 1;
    if (count > frameMessagesMax) {
      const { handle } = this;
      this.close(1013, `too many requests: more than ${frameMessagesMax} in a frame`);
      handle?.closed();
      return;
    }
    const first = this.received + 1;
    this.received += count;
    this.pending.push({ number: first, count, bytes, at, length, isText });
    if (this.handle === undefined) {
      this.holder.said();
      return;
    }
    this.given = this.received;
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
    this.isGreeted = true;
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
      case "waits":
        this.pending.leaveOpen(note.message);
        break;
      case "done":
        this.pending.done(note.message);
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
    const isKnowing = this.isGreeted
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
    return this.isGreeted && !this.inMessage && !this.isBehind && this.pending.isEmpty;
  }

  /** The name of the work that lets the client in. */
  get connectWork(): Work {
    return { kind: WorkKind.connect, id: keyOfClient(this.info.caller), number: 0 };
  }

  /** What the present host has been given and not answered. */
  givenWork(): readonly Work[] {
    if (!this.isGreeted) return this.wasKnown ? [this.connectWork] : [];
    const { id } = this.connectWork;
    return this.pending
      .all()
      .filter(({ number }) => number <= this.given)
      .map(({ number }) => ({ kind: WorkKind.message, id, number }));
  }

  resume(): ResumedConnection {
    this.given = this.received;
    this.pending.beginAgain();
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
    this.wasKnown = true;
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

/** A frame of a client, as it stands in what came: most are answered before anybody asks for their bytes alone. */
interface PendingFrame {
  /** The number of its first message. */
  readonly number: number;
  /** How many messages it has. */
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly isText: boolean;
}

/**
 * A client's frames from the first that is not all answered on, and the messages before that wait. The numbers rise. That
 * a message is answered says so of all before it as well, but for those that are open: they began to wait, and were left
 * for later ones.
 */
class PendingMessages {
  private frames: (PendingFrame | undefined)[] = [];
  /** What of them is answered. */
  private answered = 0;
  /** The last message that is answered. */
  private answeredNumber = 0;
  private readonly open = new Map<number, NumberedMessage>();
  private readonly protocol: WireProtocol;

  constructor(protocol: WireProtocol) {
    this.protocol = protocol;
  }

  push(frame: PendingFrame): void {
    this.frames.push(frame);
  }

  /** Lets go of all up to a number that are not open. */
  forget(number: number): void {
    const { frames } = this;
    if (number <= this.answeredNumber) return;
    this.answeredNumber = number;
    for (let at = this.answered; lastOf(frames[at]) <= number; at = ++this.answered) frames[at] = undefined;
    if (this.answered === frames.length) {
      frames.length = 0;
      this.answered = 0;
    } else if (this.answered >= sweepMin && this.answered * 2 >= frames.length) {
      frames.splice(0, this.answered);
      this.answered = 0;
    }
  }

  leaveOpen(number: number): void {
    const message = this.find(number);
    if (message !== undefined) this.open.set(number, message);
  }

  done(number: number): void {
    this.open.delete(number);
    this.forget(number);
  }

  /** Another host is given all that is left, in order. */
  beginAgain(): void {
    const all = this.all();
    this.frames = all.map((message) => ({ ...message, count: 1, at: 0, length: message.bytes.length }));
    this.answered = 0;
    const [first] = all;
    if (first !== undefined) this.answeredNumber = first.number - 1;
    this.open.clear();
  }

  get isEmpty(): boolean {
    return this.frames.length === 0 && this.open.size === 0;
  }

  /** Each message by itself: of a frame some may be answered. */
  all(): readonly NumberedMessage[] {
    const later = this.frames
      .flatMap((frame) => (frame === undefined ? [] : messagesOf(this.protocol, frame)))
      .filter(({ number }) => number > this.answeredNumber);
    const open = [...this.open.values()].filter(({ number }) => number <= this.answeredNumber);
    return [...open.sort((a, b) => a.number - b.number), ...later];
  }

  private find(number: number): NumberedMessage | undefined {
    let [low, high] = [this.answered, this.frames.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lastOf(this.frames[middle]) < number) low = middle + 1;
      else high = middle;
    }
    const frame = this.frames[low];
    return frame && messagesOf(this.protocol, frame).find((message) => message.number === number);
  }
}

/** The number of a frame's last message. */
function lastOf(frame: PendingFrame | undefined): number {
  return frame === undefined ? Infinity : frame.number + frame.count - 1;
}

function messagesOf(protocol: WireProtocol, frame: PendingFrame): readonly NumberedMessage[] {
  const { number, count, isText } = frame;
  const bytes = frame.bytes.subarray(frame.at, frame.at + frame.length);
  if (count === 1) return [{ number, bytes, isText }];
  let at = 0;
  return Array.from({ length: count }, (_, index) => {
    const end = index === count - 1 ? bytes.length : endOfMessage(protocol, bytes, at, bytes.length);
    const message = { number: number + index, bytes: bytes.subarray(at, end), isText };
    at = end;
    return message;
  });
}
