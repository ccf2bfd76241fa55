/** The jobs of a connection: its messages, each with the way of its answer, and its connect. */
import type { Job } from "../core/job-loop.ts";
import type { Piece } from "../link/piece.ts";
import type { NumberedMessage } from "../recovery/resume.ts";
import type { ClientRequest, SlicedAnswer } from "../wire/wire.ts";

/** The session, as its messages see it. */
export interface MessageOwner {
  runMessage(message: Message): void;
  messageTimedOut(message: Message): void;
  /** Fails a message that a host before has ended at, or left half done. */
  failMessage(message: Message, text: string): void;
  /** A message has been carried out and answered by a host before: counts it as answered. */
  acknowledge(message: Message): void;
  /** Sends something that answers the message of a number; 0 for none. */
  put(message: Piece | undefined, answered: number): void;
  putParts(parts: readonly Piece[], answered: number): void;
  putInSlices(answer: SlicedAnswer, answered: number): void;
  /** Ends the connection from this side. */
  end(code: number | undefined, reason: string): void;
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
    this.owner.put(message, this.number);
  }

  sendParts(parts: readonly Piece[]): void {
    this.isAnswered = true;
    this.owner.putParts(parts, this.number);
  }

  sendInSlices(answer: SlicedAnswer): void {
    this.isAnswered = true;
    this.owner.putInSlices(answer, this.number);
  }
}

/** Lets a client in. */
export class ConnectJob implements Job {
  private readonly session: { connect(): void; connectTimedOut(): void };

  constructor(session: { connect(): void; connectTimedOut(): void }) {
    this.session = session;
  }

  run(): void {
    this.session.connect();
  }

  timedOut(): void {
    this.session.connectTimedOut();
  }
}

/** Acknowledges a message in its order: a host before has carried it out. */
export class AcknowledgeJob implements Job {
  private readonly owner: MessageOwner;
  private readonly message: Message;

  constructor(owner: MessageOwner, message: Message) {
    this.owner = owner;
    this.message = message;
  }

  run(): void {
    this.owner.acknowledge(this.message);
  }

  timedOut(): void {
    this.owner.end(undefined, "");
  }
}

/** Fails a message in its order: it ended a host before, or was left half done by one. */
export class FailJob implements Job {
  private readonly owner: MessageOwner;
  private readonly message: Message;
  private readonly text: string;

  constructor(owner: MessageOwner, message: Message, text: string) {
    this.owner = owner;
    this.message = message;
    this.text = text;
  }

  run(): void {
    this.owner.failMessage(this.message, this.text);
  }

  timedOut(): void {
    this.owner.end(undefined, "");
  }
}
