/**
 * What a protocol of the wire is: one folder a version, behind the interfaces of this file.
 *
 *   frame ─▶ session ─ ClientRequest ─▶ Conversation (wire/v1: decode, count, run) ─ Outlet ─▶ session ─▶ send queue
 *   commit ─▶ fan-out ─ Subscriber ─▶ Conversation (wire/v1: encode) ────────┘
 *
 * A session knows no message of any version, and a version knows no session. A further version is a folder beside `v1`
 * with a `Wire` of its own, a name in `WireProtocol`, and a line in `database.ts`.
 */
import type { Call } from "../core/call.ts";
import type { ConnectionInfo, KeptPart, ResumeNote, WireProtocol } from "../link/link.ts";
import type { Piece } from "../link/piece.ts";

/** A protocol: a version in one of its forms. One object per database. */
export interface Wire {
  /** Begins to speak with a client. */
  open(channel: Channel): Conversation;
  /** The function that a message calls; undefined for none, or when the message cannot be read. */
  functionCalledBy(message: Frame): string | undefined;
}

/** One client's side in a protocol. What it throws that says that a message cannot be read ends the connection. */
export interface Conversation {
  /** Tells the client who it is: the first message of a connection. */
  sendIdentity(): void;
  /** Runs a message and answers it. @throws {LightconeError} `Malformed`, `TooDeep` */
  run(request: ClientRequest): void;
  /**
   * Answers a message that has no outcome of its own, with its own kind of answer: it was out of time, or is not run.
   *
   * @param micros how long it is said to have run
   * @throws {LightconeError} `Malformed`, `TooDeep`
   */
  fail(request: ClientRequest, text: string, micros: number): void;
  /**
   * Restores subscriptions as a host before had them, and sends nothing: the client has their rows.
   *
   * @returns whether all are as they were
   */
  restore(parts: readonly KeptPart[]): boolean;
  /** Whether a message asks for rows alone. @throws {LightconeError} `Malformed`, `TooDeep` */
  readsOnly(request: Frame): boolean;
  /** The call that a message makes, for the commit in the log that it has led to: that commit answers it. */
  callOf(request: ClientRequest): Call;
  /** Ends subscriptions to what the client may not read any more. */
  accessChanged(): void;
  /** The connection is over: lets go of all subscriptions. */
  close(): void;
}

/** A message as it came. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  readonly isText: boolean;
}

/** Where messages to a client go. */
export interface Outlet {
  /** Sends a whole message; undefined says that there is none. */
  send(message: Piece | undefined): void;
  /** Sends a message in parts. */
  sendParts(parts: readonly Piece[]): void;
  /** Sends a message whose rows are not all there yet; what is sent meanwhile follows. */
  sendInSlices(answer: SlicedAnswer): void;
}

/** A message that is run. What is sent through it is its answer, whole or in parts, and there is one. */
export interface ClientRequest extends Frame, Outlet {
  /** Counted from 1 on its connection; 0 for one whose answer is not counted. */
  readonly number: number;
  /** What it asked for goes on when this turn is over: later messages may be answered before it. */
  waits(): void;
  /** Puts it off unanswered, and with it whatever its connection says after it. Only from within its run. */
  putOff(): PutOff;
}

/** A message that was put off. */
export interface PutOff {
  /** Whether the connection is over: nobody waits for it. */
  readonly isOver: boolean;
  /** Has it run again, and then what came after it. Once. */
  resume(): void;
}

/** A connection as its protocol sees it. What is sent through it answers nothing. */
export interface Channel extends Outlet {
  readonly info: ConnectionInfo;
  /** Whether something waits behind an answer that leaves in slices. */
  readonly holdsBack: boolean;
  /** Notes something for whoever holds the connection, in its order among the messages. */
  note(note: ResumeNote): void;
  /** Ends the connection from this side. */
  end(code: number | undefined, reason: string): void;
  /** Ends it once all that was sent before has left. */
  finish(code: number, reason: string): void;
}

/** Bytes of a reason that a close frame has room for. */
export const closeReasonMax = 120;

/** Reads in slices what a message is to carry. */
export interface AnswerRead {
  readonly isWhole: boolean;
  /** Whether its slices took longer in all than one call may. */
  readonly isLate: boolean;
  /** Whether it waits for something, and need not be asked at once again. */
  readonly isWaiting?: boolean;
  gather(): void;
  close(): void;
}

/** A message whose rows are read in slices. */
export interface SlicedAnswer {
  readonly read: AnswerRead;
  /** Encodes the message once all rows are there. */
  readonly encode: () => readonly Piece[];
  /** Encodes what is sent when there are no rows after all. */
  readonly fail: (text: string) => Piece;
  /** Noted with the end of the message; undefined for nothing. */
  readonly note: ResumeNote | undefined;
}

/**
 * Places in `DeltaPart.encoded`, where what a form has made of a part is kept for all who are told of it: the part itself,
 * and the messages that hold it alone.
 */
export const encodedForms = {
  "v1.bsatn": 0,
  "v1.json": 1,
  "v2.bsatn": 2,
  // The same messages: what one has made serves the other.
  "v3.bsatn": 2,
  // The same rows; its messages say where they lead to as well, and have a place of their own there.
  "v1.bsatn.lightcone": 2,
} as const satisfies Readonly<Record<WireProtocol, number>>;
