/**
 * What one connection is told, in order: at once, when it is durable, or behind an answer that leaves in slices.
 *
 *   push ─┬─ nothing streams ─▶ outbox (confirmed) or sink
 *         └─ a stream is at work ─▶ held back until it ends
 */
import { AnswerStream, type StreamOwner, type StreamedAnswer } from "./answer-stream.ts";
import type { Piece } from "../wire/message-buffer.ts";
import type { Job } from "../core/job-loop.ts";
import type { ConnectionSink, ResumeNote } from "../link/link.ts";
import { tell, type Delivery } from "./durability-queue.ts";
import type { DatabaseContext } from "../core/context.ts";
import { noteTimeOut } from "../core/running.ts";

/** What waits behind an answer that leaves in slices. */
interface HeldBack {
  readonly told: Delivery;
  readonly at: number;
  readonly length: number;
  readonly last: boolean;
  readonly answered: number;
}

/** Said while a stream holds answers back. */
const behind: ResumeNote = { kind: "behind" };
const level: ResumeNote = { kind: "level" };

export class SendQueue implements StreamOwner {
  private readonly context: DatabaseContext;
  private readonly sink: ConnectionSink;
  private readonly confirmed: boolean;
  private readonly tooSlow: () => void;
  private isClosed = false;
  /** The answer that leaves in slices now, and what follows it, in order. */
  private stream: AnswerStream | undefined;
  private behind: (HeldBack | AnswerStream)[] = [];
  /** What of `behind` has been told. */
  private behindAt = 0;
  private behindBytes = 0;

  /** @param tooSlow ends the connection: more waits for its client than may */
  constructor(context: DatabaseContext, sink: ConnectionSink, confirmed: boolean, tooSlow: () => void) {
    this.context = context;
    this.sink = sink;
    this.confirmed = confirmed;
    this.tooSlow = tooSlow;
  }

  /**
   * Tells the client something, after all that it has been told before.
   *
   * @param answered how many of the client's messages are answered with this; 0 when no more than before
   */
  push(told: Delivery, at: number, length: number, last: boolean, answered: number): void {
    if (this.stream === undefined) this.pushNow(told, at, length, last, answered);
    else this.hold({ told, at, length, last, answered });
  }

  /** Tells the client something whose rows are not all there yet; what is pushed meanwhile follows. */
  pushInSlices(answer: StreamedAnswer): void {
    const stream = new AnswerStream(this, answer);
    if (this.stream === undefined) this.begin(stream);
    else this.behind.push(stream);
  }

  /** Nothing is said from now on. A stream at work ends with its next slice. */
  close(): void {
    this.isClosed = true;
  }

  /** Ends the connection when all that was said is told; at once where an answer leaves in slices, which nobody needs now. */
  finish(code: number, reason: string): void {
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
    return this.behindBytes > 0;
  }

  // --- what a stream asks

  get isOver(): boolean {
    return this.isClosed;
  }

  get queuedBytes(): number {
    return this.sink.queuedBytes;
  }

  sendPart(piece: Piece, last: boolean, answered: number): void {
    this.pushNow(piece.bytes, piece.at, piece.length, last, answered);
  }

  note(note: ResumeNote): void {
    this.pushNow(note, 0, 0, true, 0);
  }

  again(job: Job, afterMs: number): void {
    const { loop, clock } = this.context;
    if (afterMs === 0) loop.push(job);
    else clock.after(afterMs, () => loop.push(job));
  }

  tooLate(): string {
    return noteTimeOut(this.context).message;
  }

  streamEnded(): void {
    this.stream = undefined;
    for (let next = this.takeBehind(); next !== undefined; next = this.takeBehind()) {
      if (!(next instanceof AnswerStream)) {
        this.behindBytes -= next.length;
        this.pushNow(next.told, next.at, next.length, next.last, next.answered);
      } else if (this.isClosed) next.close();
      else {
        this.begin(next);
        return;
      }
    }
    this.pushNow(level, 0, 0, true, 0);
  }

  private begin(stream: AnswerStream): void {
    this.stream = stream;
    this.pushNow(behind, 0, 0, true, 0);
    this.context.loop.push(stream);
  }

  private takeBehind(): HeldBack | AnswerStream | undefined {
    const next = this.behind[this.behindAt++];
    if (this.behindAt * 2 > this.behind.length) {
      this.behind = this.behind.slice(this.behindAt);
      this.behindAt = 0;
    }
    return next;
  }

  private hold(next: HeldBack | AnswerStream): void {
    this.behind.push(next);
    if (next instanceof AnswerStream) return;
    this.behindBytes += next.length;
    if (this.behindBytes > this.context.limits.connectionBufferBytesMax) this.tooSlow();
  }

  private pushNow(told: Delivery, at: number, length: number, last: boolean, answered: number): void {
    if (this.isClosed) return;
    const sink = this.sink;
    const { durability, pipeline, limits } = this.context;
    if (sink.queuedBytes > limits.connectionBufferBytesMax) {
      this.tooSlow();
      return;
    }
    if (this.confirmed) durability.push(sink, pipeline.offset, told, at, length, last, answered);
    else tell(sink, told, at, length, last, answered);
  }
}
