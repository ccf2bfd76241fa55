/**
 * A call: one piece of work of the database that a transaction is made for. It says who asks, for what, how the request
 * came, and how this kind of request is answered; nobody is answered from anything but their own call.
 *
 *   whoever asks ─▶ Call ─▶ reducer, statement … ─▶ commit (the call is its meta) ─▶ log
 *                    └── responder ◀── committed · unchanged · failed ──┘
 *
 * Rare work makes a new call each time. A connection has one call object that it fills in for each of its reducer calls,
 * which come by the hundred thousand.
 */
import type { CommitKind, CommitMeta } from "@lightcone/engine";
import type { FunctionKind } from "@lightcone/host";
import type { Piece } from "../link/piece.ts";
import type { BoundReducer } from "./module.ts";

export const noReducerId = 0xffff_ffff;
export const noBytes: Uint8Array = new Uint8Array(0);
export const noConnection: Uint8Array = new Uint8Array(16);

/** Who acts: an identity, and a connection or `noConnection`. */
export interface Sender {
  readonly identity: Uint8Array;
  readonly connectionId: Uint8Array;
}

export class Call implements CommitMeta {
  // --- who
  readonly sender: Uint8Array;
  readonly connection: Uint8Array;

  // --- what
  kind: CommitKind;
  /** What it sees as now. Microseconds. */
  timestampMicros = 0;
  functionName = "";
  reducerId = noReducerId;
  args: Uint8Array = noBytes;

  // --- the request
  /** The client's own number for the request. */
  requestId = 0;
  /** The number of the client's message, from 1; 0 for what no client asked for. */
  requestSequence = 0;
  /** The arguments as the caller wrote them, when they came as JSON. */
  argsText: string | undefined;

  // --- the answer
  /** How it is answered as soon as it has ended; undefined where nobody waits, or what runs the call answers itself. */
  readonly responder: Responder | undefined;
  /** How long it ran, as its answer says. */
  durationMicros = 0;
  /** What its reducer has given, of the declared type; undefined for nothing, or when it is not known any more. */
  returned: Uint8Array | undefined;

  constructor(kind: CommitKind, { identity, connectionId }: Sender, responder?: Responder) {
    this.kind = kind;
    this.sender = identity;
    this.connection = connectionId;
    this.responder = responder;
  }

  /** Says what is called: a reducer, or none. */
  of(reducer: BoundReducer | undefined, timestampMicros: number, args: Uint8Array = noBytes): this {
    this.functionName = reducer?.def.name ?? "";
    this.reducerId = reducer?.def.id ?? noReducerId;
    this.timestampMicros = timestampMicros;
    this.args = args;
    return this;
  }

  /** Whether it runs in the instance that all reducers share. */
  get isInSharedInstance(): boolean {
    return true;
  }

  /** Which kind of function it runs, if any. */
  get functionKind(): FunctionKind {
    return "reducer";
  }

  /** Its function was ended in its middle: lets go of what it holds. */
  abandon(): void {
    // A reducer holds nothing.
  }

  /** The function that a line in the module's log is about; undefined for none. */
  get loggedName(): string | undefined {
    return this.functionName === "" ? undefined : this.functionName;
  }
}

/** A call that the database makes by itself. @param identity the database's */
export function ownCall(identity: Uint8Array, kind: CommitKind): Call {
  return new Call(kind, { identity, connectionId: noConnection });
}

export interface Responder {
  /** It has committed a change. Comes in the commit's order, before any subscriber hears of that commit. */
  committed(commit: CommitHead): void;
  /** It has succeeded and changed nothing. */
  unchanged(): void;
  /**
   * It has failed: refused by the module or the database, out of time, or not run because a host ended at it.
   *
   * @param micros how long it is said to have run
   * @param isModules whether the text is what the function itself reported
   */
  failed(text: string, micros: number, isModules: boolean): void;
}

/** A commit as clients are told of it. */
export interface CommitHead {
  readonly timestampMicros: number;
  readonly sender: Uint8Array;
  readonly connection: Uint8Array;
  readonly functionName: string;
  readonly reducerId: number;
  readonly args: Uint8Array;
  readonly argsText: string | undefined;
  readonly requestId: number;
  readonly durationMicros: number;
  /** Whole messages about the commit that wire forms have made, by keys of their own; empty between commits. */
  readonly messages: Map<string, Piece>;
  /** The end of a message of version 1 in BSATN that says who made the commit: the same in all. */
  readonly ending: MadeEnding;
}

/** Bytes that other messages copy; none between commits. */
export interface MadeEnding {
  bytes: Uint8Array | undefined;
  at: number;
  length: number;
}
