/**
 * An answer too large for one go: gathered slice by slice, sent part by part as fast as the client takes it, with
 * other jobs in between. What else its session sends meanwhile waits there, and follows in its order.
 */
import { isLightconeError } from "@lightcone/base";
import type { Job } from "../core/job-loop.ts";
import type { ResumeNote } from "../link/link.ts";
import type { Piece } from "../link/piece.ts";
import type { SlicedAnswer } from "../wire/wire.ts";

/** Bytes handed on in one go. */
const bytesPerStep = 512 * 1024;
/** Bytes that the client's socket may be behind before the next part waits. */
const aheadBytesMax = 8 << 20;
const lookAgainMs = 5;

/** What a stream asks of the session that it answers. */
export interface StreamOwner {
  readonly isOver: boolean;
  /** Bytes sent that the client has not taken. */
  readonly queuedBytes: number;
  /** Sends a part past all that waits. @param answered the message that is answered with it; 0 for none yet */
  sendPart(piece: Piece, last: boolean, answered: number): void;
  /** Notes something for whoever holds the connection, past all that waits. */
  note(note: ResumeNote): void;
  /** Runs a job again, behind the others. */
  again(job: Job, afterMs: number): void;
  /** Notes that the answer took too long. @returns the text for it */
  tooLate(): string;
  /** The answer has left, or never will. */
  streamEnded(): void;
}

export class AnswerStream implements Job {
  private readonly owner: StreamOwner;
  private readonly answer: SlicedAnswer;
  private readonly answered: number;
  private pieces: readonly Piece[] | undefined;
  private next = 0;

  /** @param answered the number of the message that it answers; 0 for none */
  constructor(owner: StreamOwner, answer: SlicedAnswer, answered: number) {
    this.owner = owner;
    this.answer = answer;
    this.answered = answered;
  }

  run(): void {
    if (this.owner.isOver) this.end();
    else if (this.pieces !== undefined) this.send(this.pieces);
    else this.gather();
  }

  timedOut(): void {
    this.failed(this.owner.tooLate());
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
    if (read.isLate) this.timedOut();
    else this.owner.again(this, 0);
  }

  private failed(text: string): void {
    this.owner.sendPart(this.answer.fail(text), true, this.answered);
    this.end();
  }

  private send(pieces: readonly Piece[]): void {
    const { owner } = this;
    if (owner.queuedBytes > aheadBytesMax) {
      owner.again(this, lookAgainMs);
      return;
    }
    for (let bytes = 0; this.next < pieces.length && bytes < bytesPerStep; this.next++) {
      const piece = pieces[this.next];
      if (piece === undefined) break;
      bytes += piece.length;
      const last = this.next === pieces.length - 1;
      // Only now: until the end of the answer, the message counts as pending, not as a subscription.
      if (last && this.answer.note !== undefined) owner.note(this.answer.note);
      owner.sendPart(piece, last, last ? this.answered : 0);
    }
    if (this.next < pieces.length) owner.again(this, 0);
    else this.end();
  }

  private end(): void {
    this.close();
    this.owner.streamEnded();
  }
}
