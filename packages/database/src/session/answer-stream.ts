/**
 * An answer too large for one go: gathered slice by slice, sent part by part as fast as the client takes it, with
 * other jobs in between. What else its session is told meanwhile waits there, and follows in its order.
 */
import { isLightconeError } from "@lightcone/base";
import type { Piece } from "../wire/message-buffer.ts";
import type { Job } from "../core/job-loop.ts";
import type { ResumeNote } from "../link/link.ts";
import type { SlicedRead } from "../subscriptions/sliced-read.ts";

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
  /** Notes that the answer took too long. @returns the words for it */
  tooLate(): string;
  /** The answer is out, or never will be. */
  streamEnded(): void;
}

/** What a stream answers. */
export interface StreamedAnswer {
  readonly reading: SlicedRead;
  /** Words the answer once all rows are there. */
  readonly word: () => readonly Piece[];
  /** Noted with the end of the answer; undefined for nothing. */
  readonly note: ResumeNote | undefined;
  readonly answered: number;
  /** Words the answer when there are no rows after all. */
  readonly fail: (text: string) => Piece;
}

export class AnswerStream implements Job {
  private readonly owner: StreamOwner;
  private readonly answer: StreamedAnswer;
  private pieces: readonly Piece[] | undefined;
  private next = 0;

  constructor(owner: StreamOwner, answer: StreamedAnswer) {
    this.owner = owner;
    this.answer = answer;
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
    this.answer.reading.close();
  }

  private gather(): void {
    const { reading, word } = this.answer;
    try {
      if (reading.isWhole) this.pieces = word();
      else reading.gather();
    } catch (error) {
      if (!isLightconeError(error)) throw error;
      this.failed(error.told);
      return;
    }
    if (reading.isLate) this.timedOut();
    else this.owner.again(this, 0);
  }

  private failed(text: string): void {
    this.owner.sendPart(this.answer.fail(text), true, this.answer.answered);
    this.end();
  }

  private send(pieces: readonly Piece[]): void {
    const owner = this.owner;
    if (owner.queuedBytes > aheadBytesMax) {
      owner.again(this, lookAgainMs);
      return;
    }
    for (let bytes = 0; this.next < pieces.length && bytes < bytesPerStep; this.next++) {
      const piece = pieces[this.next];
      if (piece === undefined) break;
      bytes += piece.length;
      const last = this.next === pieces.length - 1;
      // With the end of the answer: until then the message counts as not answered, and not as a subscription.
      if (last && this.answer.note !== undefined) owner.note(this.answer.note);
      owner.sendPart(piece, last, last ? this.answer.answered : 0);
    }
    if (this.next < pieces.length) owner.again(this, 0);
    else this.end();
  }

  private end(): void {
    this.close();
    this.owner.streamEnded();
  }
}
