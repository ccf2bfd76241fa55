/** A message of a connection, with the way of its answer. */
import type { Job } from "../core/job-loop.ts";
import type { Piece } from "../link/piece.ts";
import type { NumberedMessage } from "../recovery/resume.ts";
import type { ClientRequest, SlicedAnswer } from "../wire/wire.ts";

/** The session, as its messages see it. */
export interface MessageOwner {
  runMessage(message: Message): void;
  messageTimedOut(message: Message): void;
  /** Sends something that answers the message of a number; 0 for none. */
  send(message: Piece | undefined, answered: number): void;
  sendParts(parts: readonly Piece[], answered: number): void;
  sendInSlices(answer: SlicedAnswer, answered: number): void;
}

/** A message of the client, and the job that runs it. */
export class Message implements ClientRequest, Job {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly isText: boolean;
  readonly number: number;
  /** Whether it waits in the queue no more. */
  hasBegun = false;
  isAnswered = false;
  private readonly owner: MessageOwner;

  /** @param number of the message among its connection's, from 1; 0 for one whose answer is not counted */
  constructor(owner: MessageOwner, bytes: Uint8Array, at: number, length: number, isText: boolean, number: number) {
    this.owner = owner;
    this.bytes = bytes;
    this.at = at;
    this.length = length;
    this.isText = isText;
    this.number = number;
  }

  /** A message as it was held for the next host. */
  static held(owner: MessageOwner, { bytes, isText, number }: NumberedMessage): Message {
    return new Message(owner, bytes, 0, bytes.length, isText, number);
  }

  run(): void {
    this.owner.runMessage(this);
  }

  timedOut(): void {
    this.owner.messageTimedOut(this);
  }

  send(message: Piece | undefined): void {
    this.isAnswered = true;
    this.owner.send(message, this.number);
  }

  sendParts(parts: readonly Piece[]): void {
    this.isAnswered = true;
    this.owner.sendParts(parts, this.number);
  }

  sendInSlices(answer: SlicedAnswer): void {
    this.isAnswered = true;
    this.owner.sendInSlices(answer, this.number);
  }
}
