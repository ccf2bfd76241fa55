/** A frame of several messages, and the job that runs the next of them: each has a place, a time and an end of its own. */
import type { Job } from "../core/job-loop.ts";
import { endOfMessage } from "../link/framing.ts";
import type { ConnectionInfo } from "../link/link.ts";

/** The session, as its frames see it. */
export interface FrameOwner {
  readonly info: Pick<ConnectionInfo, "protocol">;
  /** The job that runs a message. */
  messageJob(bytes: Uint8Array, at: number, length: number, number: number): Job;
  /** Puts the frame back to the head of the queue: it has more messages. */
  again(frame: Job): void;
  /** From now on answers are gathered, until the frame or the turn has ended. */
  frameBegins(): void;
  frameEnded(): void;
}

export class FrameJob implements Job {
  readonly owner: FrameOwner;
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private at: number;
  private number: number;
  private left: number;
  private message: Job | undefined;

  /** @param number of its first message @param count how many it has */
  constructor(owner: FrameOwner, bytes: Uint8Array, at: number, length: number, number: number, count: number) {
    this.owner = owner;
    this.bytes = bytes;
    this.at = at;
    this.end = at + length;
    this.number = number;
    this.left = count;
  }

  /** Of its next message: the frame goes on beside a long job as far as its messages only read. */
  readsOnly(): boolean {
    return this.next(this.endOfNext()).readsOnly?.() === true;
  }

  run(): void {
    const { owner } = this;
    const end = this.endOfNext();
    const message = this.next(end);
    this.left -= 1;
    this.message = message;
    this.at = end;
    this.number += 1;
    // Before the message runs: the others come also when it takes too long.
    if (this.left > 0) owner.again(this);
    owner.frameBegins();
    message.run();
    if (this.left === 0) owner.frameEnded();
  }

  /** The last takes what is left: who reads it finds out what it is. */
  private endOfNext(): number {
    return this.left === 1 ? this.end : endOfMessage(this.owner.info.protocol, this.bytes, this.at, this.end);
  }

  private next(end: number): Job {
    return this.owner.messageJob(this.bytes, this.at, end - this.at, this.number);
  }

  timedOut(): void {
    this.message?.timedOut();
  }
}
