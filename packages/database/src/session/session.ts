/**
 * One client's connection: its messages become jobs, and what its protocol answers leaves in order.
 *
 *   receive ─▶ Message (or FrameJob) ─▶ job loop ─▶ Conversation (wire/) ─▶ SendQueue ─▶ sink
 *
 * A session knows when a connection is open and how far its messages have got. What a message says, and how it is
 * answered, is known by the conversation alone. Every answer leaves through `send-queue.ts`, the one place that decides
 * whether it waits.
 */
import { cutText, errorFacts, isLightconeError, type ErrorCode, type LightconeError } from "@lightcone/base";
import { CommitKind } from "@lightcone/engine";
import { abandonConnect, connectClient, disconnectJob } from "../calls/lifecycle.ts";
import { abandonNoted } from "../calls/reducer-call.ts";
import type { Call } from "../core/call.ts";
import { isWhole, type DatabaseContext } from "../core/context.ts";
import type { Job } from "../core/job-loop.ts";
import { bytesOfClient, keyOfClient } from "../link/client.ts";
import type { ConnectionHandle, ConnectionInfo, ConnectionSink, ResumeNote } from "../link/link.ts";
import type { Piece } from "../link/piece.ts";
import { halfDoneText } from "../link/reply.ts";
import { WorkKind } from "../link/work.ts";
import type { Settled } from "../recovery/replay.ts";
import { endedBy, interrupted, type NumberedMessage, type ResumedConnection } from "../recovery/resume.ts";
import { countMessages, holdsSeveral } from "../link/framing.ts";
import type { Channel, ClientRequest, Conversation, PutOff, SlicedAnswer, Wire } from "../wire/wire.ts";
import type { DurabilityQueue } from "./durability-queue.ts";
import { FrameJob, type FrameOwner } from "./frame-job.ts";
import type { GatheredAnswers } from "./gathered-answers.ts";
import { PutOffs } from "./put-offs.ts";
import { SendQueue } from "./send-queue.ts";

/** Messages that may wait before the front is asked to stop reading. */
const waitingMax = 1024;

export class Session implements ConnectionHandle, Channel, FrameOwner {
  readonly info: ConnectionInfo;
  onReady: (() => void) | undefined;
  /** Called once, when the connection is over. */
  onClosed: (() => void) | undefined;
  private readonly context: DatabaseContext;
  private readonly sink: ConnectionSink;
  private readonly conversation: Conversation;
  private readonly out: SendQueue;
  private readonly gathered: GatheredAnswers;
  /** What its work is named by. */
  private readonly id: Uint8Array;
  private state: "opening" | "open" | "closed" = "opening";
  /** Messages received, and so the number of the latest. */
  private received = 0;
  private waiting = 0;
  private readyHeld = false;
  /** A message that was put off, and those after it. */
  private readonly putOffs = new PutOffs(this);

  /** @param resumed where the connection stood with a host that ended; it is new without */
  constructor(
    context: DatabaseContext,
    durability: DurabilityQueue,
    gathered: GatheredAnswers,
    wire: Wire,
    info: ConnectionInfo,
    sink: ConnectionSink,
    resumed?: ResumedConnection,
  ) {
    this.context = context;
    this.gathered = gathered;
    this.info = info;
    this.sink = sink;
    this.out = new SendQueue(context, durability, gathered, sink, info.confirmed, () => this.end(undefined, ""));
    this.id = bytesOfClient(info.caller);
    this.conversation = wire.open(this);
    if (resumed === undefined) context.loop.push({ run: () => this.connect(), timedOut: () => this.connectTimedOut() });
    else this.restore(resumed);
  }

  // --- what a connection brings

  get ready(): boolean {
    return !this.readyHeld;
  }

  receive(bytes: Uint8Array, at: number, length: number, isText: boolean): void {
    if (this.state === "closed") return;
    const isFrame = holdsSeveral(this.info.protocol, isText);
    const count = isFrame ? countMessages(this.info.protocol, bytes, at, length) : 1;
    const number = this.received + 1;
    this.received += count;
    this.waiting += count;
    if (this.waiting > this.context.limits.connectionQueueMax) {
      this.end(1013, "too many requests");
      return;
    }
    if (this.waiting >= waitingMax) this.readyHeld = true;
    this.context.loop.push(
      isFrame
        ? new FrameJob(this, bytes, at, length, number, count)
        : new Message(this, bytes, at, length, isText, number),
    );
  }

  // --- what a frame of several messages asks

  messageJob(bytes: Uint8Array, at: number, length: number, number: number): Job {
    return new Message(this, bytes, at, length, false, number);
  }

  again(job: Job): void {
    this.context.loop.again(job);
  }

  frameBegins(): void {
    this.gathered.begin(this.out);
  }

  frameEnded(): void {
    this.gathered.end();
  }

  closed(): void {
    if (this.state === "closed") return;
    const wasOpen = this.state === "open";
    this.state = "closed";
    this.out.close();
    this.conversation.close();
    this.onClosed?.();
    if (wasOpen) this.context.loop.push(disconnectJob(this.context, this.info.caller));
  }

  get isClosed(): boolean {
    return this.state === "closed";
  }

  end(code: number | undefined, reason: string): void {
    if (this.state === "closed") return;
    this.sink.close(code, reason);
    this.closed();
  }

  /** Ends the connection once all answers have left. Messages that come from now on are ignored. */
  finish(code: number, reason: string): void {
    if (this.state !== "open") return; // a client that is still connecting meets the new version
    this.out.finish(code, reason);
    this.closed();
  }

  // --- connecting

  /** Runs the module's connect reducer and tells the client who it is; without it nothing else is answered. */
  private connect(): void {
    if (this.state !== "opening") return;
    const refused = connectClient(this.context, this.info.caller);
    if (refused !== undefined) {
      this.state = "closed";
      this.out.close();
      this.onClosed?.();
      this.sink.close(closeCode(refused.code), closeReason(refused.message));
      return;
    }
    this.state = "open";
    this.conversation.sendIdentity();
  }

  /** The module took too long to let the client in. */
  private connectTimedOut(): void {
    this.end(1011, closeReason(abandonConnect(this.context, this.info.caller).message));
  }

  // --- messages

  /** Whether a message asks for rows alone. Views that are computed for it write in a store of their own. */
  readsOnly(message: Message): boolean {
    if (this.state !== "open" || this.context.module === undefined) return false;
    try {
      return this.conversation.readsOnly(message);
    } catch {
      return false; // it is refused in its place
    }
  }

  runMessage(message: Message): void {
    if (this.putOffs.keeps(message)) return;
    this.stopWaiting(message);
    if (this.state !== "open") return;
    const { activity } = this.context;
    activity.begin(WorkKind.message, this.id, message.number);
    try {
      this.conversation.run(message);
    } catch (error) {
      this.refuseUnreadable(error, message);
    }
    activity.end();
    if (!isWhole(this.context)) throw endedBy(interrupted(), WorkKind.message, this.id, message.number, "interrupted");
  }

  putOff(message: Message): PutOff {
    return this.putOffs.begin(message);
  }

  push(job: Job): void {
    this.context.loop.push(job);
  }

  messageTimedOut(message: Message): void {
    const { context } = this;
    this.stopWaiting(message);
    const { message: text } = abandonNoted(context, WorkKind.message, this.id, message.number);
    if (!message.isAnswered) this.answerFailed(message, text, context.limits.reducerTimeoutMs * 1000);
  }

  /** Fails a message that a host before has ended at, or left half done. */
  private failMessage(message: Message, text: string): void {
    this.stopWaiting(message);
    if (this.state === "open") this.answerFailed(message, text, 0);
  }

  /** A message has been carried out and answered by a host before: counts it as answered. */
  private acknowledge(message: Message): void {
    this.stopWaiting(message);
    this.send(undefined, message.number);
  }

  private answerFailed(message: Message, text: string, micros: number): void {
    try {
      this.conversation.fail(message, text, micros);
    } catch (error) {
      this.refuseUnreadable(error, message);
    }
  }

  /** Ends the connection of a client whose message cannot be read; anything else ends the host. */
  private refuseUnreadable(error: unknown, { number }: Message): void {
    if (!isUnreadable(error)) throw endedBy(error, WorkKind.message, this.id, number);
    // What was asked before is carried out, and its answers leave first.
    this.finish(1011, closeReason(error.message));
  }

  private stopWaiting(message: Message): void {
    if (message.hasBegun) return;
    message.hasBegun = true;
    this.waiting--;
    if (!this.readyHeld || this.waiting > waitingMax / 2) return;
    this.readyHeld = false;
    this.onReady?.();
  }

  // --- what is sent

  note(note: ResumeNote): void {
    this.out.push(note, 0, 0, true, 0);
  }

  send(message: Piece | undefined, answered = 0): void {
    if (message === undefined) this.out.push(undefined, 0, 0, true, answered);
    else this.out.push(message.bytes, message.at, message.length, true, answered);
  }

  sendParts(parts: readonly Piece[], answered = 0): void {
    // Half a message is half a change.
    this.context.critical.run(() =>
      parts.forEach((part, index) => {
        const last = index === parts.length - 1;
        this.out.push(part.bytes, part.at, part.length, last, last ? answered : 0);
      }),
    );
  }

  sendInSlices(answer: SlicedAnswer, answered = 0): void {
    this.out.pushInSlices(answer, answered);
  }

  get holdsBack(): boolean {
    return this.out.holdsBack;
  }

  get isStreaming(): boolean {
    return this.out.isStreaming;
  }

  /** A publish may have taken from the client what it was subscribed to. */
  accessChanged(): void {
    if (this.state === "open") this.conversation.accessChanged();
  }

  // --- going on where a host ended

  /** Restores the subscriptions without sending: the client has their rows. */
  private restore(resumed: ResumedConnection): void {
    this.context.claims.set(keyOfClient(this.info.caller), new TextEncoder().encode(this.info.caller.claims));
    this.received = resumed.received;
    this.state = "open";
    // Its client would wait for changes that never come.
    if (!this.conversation.restore(resumed.subscribed)) this.end(1011, "the database started again");
  }

  /** The call that a pending message makes, whose commit is in the log. That it is answered is said by `resumePending`. */
  callOf(held: NumberedMessage): Call {
    return this.conversation.callOf(Message.held(this, { ...held, number: 0 }));
  }

  /**
   * Goes on with what had no answer.
   *
   * @param inLog what of it is in the log: a call's commit has answered the client; a procedure that has commits is not
   *   begun again
   * @param condemned the messages that are failed, not run, by number, and why
   */
  resumePending(
    resumed: ResumedConnection,
    inLog: ReadonlyMap<number, Settled>,
    condemned: ReadonlyMap<number, LightconeError>,
  ): void {
    const { loop } = this.context;
    let isFirst = true;
    for (const held of resumed.pending) {
      this.waiting++;
      const message = Message.held(this, held);
      const kind = inLog.get(held.number)?.kind;
      const failure = condemned.get(held.number);
      const isSettled = kind === CommitKind.reducer;
      // As long as no message before it waits, a settled message counts as answered at once, with its commit.
      if (isSettled && isFirst) this.acknowledge(message);
      else if (isSettled) this.inOrder(() => this.acknowledge(message));
      else if (kind !== undefined) this.inOrder(() => this.failMessage(message, halfDoneText));
      else if (failure !== undefined) this.inOrder(() => this.failMessage(message, failure.told));
      else loop.push(message);
      isFirst &&= isSettled;
    }
  }

  /** Does in the order of the messages what runs none. */
  private inOrder(run: () => void): void {
    const job: Job = {
      run: () => {
        if (!this.putOffs.keeps(job)) run();
      },
      timedOut: () => this.end(undefined, ""),
    };
    this.context.loop.push(job);
  }
}

function isUnreadable(error: unknown): error is LightconeError {
  return isLightconeError(error, "Malformed") || isLightconeError(error, "TooDeep");
}

function closeCode(code: ErrorCode): number {
  return errorFacts(code).close ?? 1011;
}

/** A close reason has room for 123 bytes. */
function closeReason(text: string): string {
  return cutText(text, 120);
}

/** A message of the client, and the job that runs it. */
class Message implements ClientRequest, Job {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly isText: boolean;
  readonly number: number;
  /** Whether it waits in the queue no more. */
  hasBegun = false;
  isAnswered = false;
  private isOpen = false;
  private readonly session: Session;

  /** @param number of the message among its connection's, from 1; 0 for one whose answer is not counted */
  constructor(session: Session, bytes: Uint8Array, at: number, length: number, isText: boolean, number: number) {
    this.session = session;
    this.bytes = bytes;
    this.at = at;
    this.length = length;
    this.isText = isText;
    this.number = number;
  }

  /** A message as it was held for the next host. */
  static held(session: Session, { bytes, isText, number }: NumberedMessage): Message {
    return new Message(session, bytes, 0, bytes.length, isText, number);
  }

  get owner(): object {
    return this.session;
  }

  readsOnly(): boolean {
    return this.session.readsOnly(this);
  }

  run(): void {
    this.session.runMessage(this);
  }

  timedOut(): void {
    this.session.messageTimedOut(this);
  }

  waits(): void {
    if (this.number === 0) return;
    this.isOpen = true;
    this.session.note({ kind: "waits", message: this.number });
  }

  putOff(): PutOff {
    return this.session.putOff(this);
  }

  send(message: Piece | undefined): void {
    this.isAnswered = true;
    this.session.send(message, this.isOpen ? 0 : this.number);
    if (this.isOpen) this.session.note({ kind: "done", message: this.number });
  }

  sendParts(parts: readonly Piece[]): void {
    this.isAnswered = true;
    this.session.sendParts(parts, this.number);
  }

  sendInSlices(answer: SlicedAnswer): void {
    this.isAnswered = true;
    this.session.sendInSlices(answer, this.number);
  }
}
