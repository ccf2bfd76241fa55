/** What a connection puts into the queue: its messages, and what becomes of it. */
import type { Job } from "../core/job-loop.ts";
import type { Session } from "./session.ts";

/** Runs a message of the client. */
export class MessageJob implements Job {
  private readonly session: Session;
  private readonly bytes: Uint8Array;
  private readonly at: number;
  private readonly length: number;
  private readonly isText: boolean;
  private readonly number: number;

  /** @param number of the message among its connection's, from 1 */
  constructor(session: Session, bytes: Uint8Array, at: number, length: number, isText: boolean, number: number) {
    this.session = session;
    this.bytes = bytes;
    this.at = at;
    this.length = length;
    this.isText = isText;
    this.number = number;
  }

  run(): void {
    this.session.handle(this.bytes, this.at, this.length, this.isText, this.number);
  }

  timedOut(): void {
    this.session.timedOut(this.bytes, this.at, this.length, this.isText, this.number);
  }
}

export class ConnectJob implements Job {
  private readonly session: Session;

  constructor(session: Session) {
    this.session = session;
  }

  run(): void {
    this.session.connect();
  }

  timedOut(): void {
    this.session.abandonConnect();
  }
}

/** A message that a host before had carried out. */
export class SettledJob implements Job {
  private readonly session: Session;
  private readonly number: number;

  constructor(session: Session, number: number) {
    this.session = session;
    this.number = number;
  }

  run(): void {
    this.session.settled(this.number);
  }

  timedOut(): void {
    this.session.end(undefined, "");
  }
}

/** A message that ended a host before, or was left half done by one. */
export class FailJob implements Job {
  private readonly session: Session;
  private readonly bytes: Uint8Array;
  private readonly isText: boolean;
  private readonly number: number;
  private readonly text: string;

  constructor(session: Session, bytes: Uint8Array, isText: boolean, number: number, text: string) {
    this.session = session;
    this.bytes = bytes;
    this.isText = isText;
    this.number = number;
    this.text = text;
  }

  run(): void {
    this.session.fail(this.bytes, this.isText, this.number, this.text);
  }

  timedOut(): void {
    this.session.end(undefined, "");
  }
}
