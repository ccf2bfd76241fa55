/**
 * What one connection is sent, in order: at once, when it is durable, or behind an answer that leaves in slices.
 *
 *   push ─┬─ nothing streams ─▶ durability queue (confirmed) or sink
 *         ├─ a stream is at work ─▶ held back until it ends
 *         └─ a frame of several messages runs ─▶ gathered with its other answers
 */
import { isLightconeError } from "@lightcone/base";
import type { DatabaseContext } from "../core/context.ts";
import type { Job } from "../core/job-loop.ts";
import { noteTimeOut } from "../core/time-out.ts";
import type { ConnectionSink, ResumeNote } from "../link/link.ts";
import type { Piece } from "../link/piece.ts";
import type { SlicedAnswer } from "../wire/wire.ts";
import { deliver, type Delivery, type DurabilityQueue } from "./durability-queue.ts";
import type { GatheredAnswers } from "./gathered-answers.ts";

/** Bytes handed on in one go. */
const bytesPerStep = 512 * 1024;
/** Bytes that the client's socket may be behind before the next part waits. */
const aheadBytesMax = 8 << 20;
const lookAgainMs = 5;

/** What waits behind an answer that leaves in slices. */
interface HeldBack {
  readonly delivery: Delivery;
  readonly at: number;
  readonly length: number;
  readonly last: boolean;
  readonly answered: number;
}

/** Said while a stream holds answers back. */
const behind: ResumeNote = { kind: "behind" };
const level: ResumeNote = { kind: "level" };

export class SendQueue {
  private readonly context: DatabaseContext;
  private readonly durability: DurabilityQueue;
  private readonly gathered: GatheredAnswers;
  private readonly sink: ConnectionSink;
  private readonly confirmed: boolean;
  private readonly tooSlow: () => void;
  isClosed = false;
  /** The answer that leaves in slices now, and what follows it, in order. */
  private stream: AnswerStream | undefined;
  private heldBack: (HeldBack | AnswerStream)[] = [];
  /** What of `heldBack` has been sent. */
  private heldBackAt = 0;
  private heldBackBytes = 0;

  /** @param tooSlow ends the connection: more waits for its client than may */
  constructor(
    context: DatabaseContext,
    durability: DurabilityQueue,
    gathered: GatheredAnswers,
    sink: ConnectionSink,
    confirmed: boolean,
    tooSlow: () => void,
  ) {
    this.context = context;
    this.durability = durability;
    this.gathered = gathered;
    this.sink = sink;
    this.confirmed = confirmed;
    this.tooSlow = tooSlow;
  }

  /**
   * Sends the client something, after all that was pushed before.
   *
   * @param answered how many of the client's messages are answered with this; 0 when no more than before
   */
  push(delivery: Delivery, at: number, length: number, last: boolean, answered: number): void {
    const { gathered } = this;
    if (gathered.isFor(this) && gathered.take(delivery, at, length, last, answered)) return;
    this.pushOn(delivery, at, length, last, answered);
  }

  /** Sends something that is not gathered, or what was. */
  pushOn(delivery: Delivery, at: number, length: number, last: boolean, answered: number): void {
    if (this.stream === undefined) this.pushNow(delivery, at, length, last, answered);
    else this.hold({ delivery, at, length, last, answered });
  }

  /** Sends the client a message whose rows are not all there yet; what is pushed meanwhile follows. */
  pushInSlices(answer: SlicedAnswer, answered: number): void {
    if (this.gathered.isFor(this)) this.gathered.flush();
    const stream = new AnswerStream(this.context, this, answer, answered);
    if (this.stream === undefined) this.begin(stream);
    else this.heldBack.push(stream);
  }

  /** Nothing is sent from now on. A stream at work ends with its next slice. */
  close(): void {
    this.isClosed = true;
  }

  /** Closes the connection when all that was pushed has left; at once where an answer leaves in slices, which nobody needs now. */
  finish(code: number, reason: string): void {
    if (this.gathered.isFor(this)) this.gathered.flush();
    if (this.stream === undefined) this.pushNow({ kind: "closing", code, reason }, 0, 0, true, 0);
    else this.sink.close(code, reason);
    this.isClosed = true;
  }

  /** Whether an answer is on its way in slices. */
  get isStreaming(): boolean {
    return this.stream !== undefined;
  }

  /** Whether messages wait behind an answer that leaves in slices. */
  get holdsBack(): boolean {
    return this.heldBackBytes > 0;
  }

  // --- what a stream asks

  /** Bytes sent that the client has not taken. */
  get queuedBytes(): number {
    return this.sink.queuedBytes;
  }

  /** Sends a part past all that waits. @param answered the message that is answered with it; 0 for none yet */
  sendPart(piece: Piece, last: boolean, answered: number): void {
    this.pushNow(piece.bytes, piece.at, piece.length, last, answered);
  }

  /** Notes something for whoever holds the connection, past all that waits. */
  note(note: ResumeNote): void {
    this.pushNow(note, 0, 0, true, 0);
  }

  /** The answer has left, or never will. */
  streamEnded(): void {
    this.stream = undefined;
    for (let next = this.takeHeldBack(); next !== undefined; next = this.takeHeldBack()) {
      if (!(next instanceof AnswerStream)) {
        this.heldBackBytes -= next.length;
        this.pushNow(next.delivery, next.at, next.length, next.last, next.answered);
      } else if (this.isClosed) next.close();
      else {
        this.begin(next);
        return;
      }
    }
    this.note(level);
  }

  private begin(stream: AnswerStream): void {
    this.stream = stream;
    this.note(behind);
    this.context.loop.push(stream);
  }

  private takeHeldBack(): HeldBack | AnswerStream | undefined {
    const next = this.heldBack[this.heldBackAt++];
    if (this.heldBackAt * 2 > this.heldBack.length) {
      this.heldBack = this.heldBack.slice(this.heldBackAt);
      this.heldBackAt = 0;
    }
    return next;
  }

  private hold(next: HeldBack | AnswerStream): void {
    this.heldBack.push(next);
    if (next instanceof AnswerStream) return;
    this.heldBackBytes += next.length;
    if (this.heldBackBytes > this.context.limits.connectionBufferBytesMax) this.tooSlow();
  }

  private pushNow(delivery: Delivery, at: number, length: number, last: boolean, answered: number): void {
    if (this.isClosed) return;
    const { sink } = this;
    const { pipeline, limits } = this.context;
    if (sink.queuedBytes > limits.connectionBufferBytesMax) {
      this.tooSlow();
      return;
    }
    if (this.confirmed) this.durability.push(sink, pipeline.offset, delivery, at, length, last, answered);
    else deliver(sink, delivery, at, length, last, answered);
  }
}

/**
 * An answer too large for one go: gathered slice by slice, sent part by part as fast as the client takes it, with
 * other jobs in between.
 */
class AnswerStream implements Job {
  private readonly context: DatabaseContext;
  private readonly out: SendQueue;
  private readonly answer: SlicedAnswer;
  private readonly answered: number;
  private pieces: readonly Piece[] | undefined;
  private next = 0;

  /** @param answered the number of the message that it answers; 0 for none */
  constructor(context: DatabaseContext, out: SendQueue, answer: SlicedAnswer, answered: number) {
    this.context = context;
    this.out = out;
    this.answer = answer;
    this.answered = answered;
  }

  // What is sent behind it waits in the queue: it stands in nobody's order of jobs but its own.
  get owner(): object {
    return this;
  }

  readsOnly(): boolean {
    return true;
  }

  run(): void {
    if (this.out.isClosed) this.end();
    else if (this.pieces !== undefined) this.send(this.pieces);
    else this.gather();
  }

  timedOut(): void {
    this.failed(noteTimeOut(this.context).message);
  }

  /** Lets go of a stream that has not begun. */
  close(): void {
    this.answer.read.close();
  }

  private gather(): void {
    const { read, encode } = this.answer;
    try {
      if (read.isWhole) this.pieces = encode();
      else read.gather();
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      this.failed(error.told);
      return;
    }
    const { loop, clock } = this.context;
    if (read.isLate) this.timedOut();
    else if (read.isWaiting === true) clock.after(lookAgainMs, () => loop.push(this));
    else loop.push(this);
  }

  private failed(text: string): void {
    this.out.sendPart(this.answer.fail(text), true, this.answered);
    this.end();
  }

  private send(pieces: readonly Piece[]): void {
    const { out } = this;
    const { loop, clock } = this.context;
    if (out.queuedBytes > aheadBytesMax) {
      clock.after(lookAgainMs, () => loop.push(this));
      return;
    }
    for (let bytes = 0; this.next < pieces.length && bytes < bytesPerStep; this.next++) {
      const piece = pieces[this.next];
      if (piece === undefined) break;
      bytes += piece.length;
      const last = this.next === pieces.length - 1;
      // Only now: until the end of the answer, the message counts as pending, not as a subscription.
      if (last && this.answer.note !== undefined) out.note(this.answer.note);
      out.sendPart(piece, last, last ? this.answered : 0);
    }
    if (this.next < pieces.length) loop.push(this);
    else this.end();
  }

  private end(): void {
    this.close();
    this.out.streamEnded();
  }
}
