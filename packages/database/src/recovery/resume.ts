/**
 * What is needed to go on where a host ended: who was connected, what they had been sent, what they wait for.
 *
 * Everything up to one offset had been sent to all clients of a front. So a host that recovers stops at that offset,
 * restores their subscriptions without sending, and replays the rest of the log with delivery on: whoever waits for a call
 * that is in the log is answered by its commit; calls that are not in it run now. None runs twice.
 */
import { isLightconeError, LightconeError } from "@lightcone/base";
import { toHex } from "@lightcone/sats";
import type { Client } from "../link/client.ts";
import type { ConnectionInfo, ConnectionSink, KeptPart } from "../link/link.ts";
import type { FunctionEnd } from "../core/function-ends.ts";
import type { EndReason, Work, WorkKind } from "../link/work.ts";

/** A message of a client; its number counts from 1. */
export interface NumberedMessage {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly isText: boolean;
}

export interface ResumedConnection {
  readonly info: ConnectionInfo;
  readonly sink: ConnectionSink;
  /** Its subscriptions, as `ConnectionSink.note` said, in the order in which they were made. */
  readonly subscribed: readonly KeptPart[];
  /** The messages without all their answers, in order. */
  readonly pending: readonly NumberedMessage[];
  /** Messages received so far. */
  readonly received: number;
}

/** What one front has to go on with, and what it knows of how the host ended. */
export interface FrontResume {
  /** The front's name. */
  readonly front: string;
  /** The last offset up to which every client of the front had been sent everything; -1 for none. */
  readonly releasedOffset: number;
  /** The connections that had their identity. All others are new to the next host. */
  readonly connections: readonly ResumedConnection[];
  /** The clients of requests over HTTP without an answer: the requests come again. */
  readonly visits: readonly Visitor[];
  /** How many requests over HTTP come again: visits, and programs. */
  readonly requestCount: number;
  /** Work that is failed, not run. */
  readonly condemned: readonly Condemned[];
  /** Functions that hosts ended in before. */
  readonly ends: readonly FunctionEnd[];
  /**
   * Whether the host ended unasked: what has no answer may have ended it. So it runs piece by piece, each announced before it begins.
   * False when the database was at rest.
   */
  readonly isCareful: boolean;
}

/** An entry for each front that clients are connected through. Empty when nobody goes on: a database is opened anew. */
export type Resume = readonly FrontResume[];

/** The last offset up to which every client of every front had been sent everything; undefined when nobody goes on. */
export function releasedOffsetOf(resume: Resume): number | undefined {
  return resume.length === 0 ? undefined : Math.min(...resume.map(({ releasedOffset }) => releasedOffset));
}

/** Why a host ended at something: it ended itself where a call that had had its time was interrupted half-way in a change. */
export type SuspectReason = EndReason | "interrupted";

/** What a host ended at. */
export interface Suspect extends Work {
  readonly reason: SuspectReason;
}

/** What is not run any more: a host ended at it, or two hosts ended after it may have begun. */
export interface Condemned extends Work {
  readonly reason: SuspectReason | "twice";
  /** How the host ended, for the module's log. */
  readonly how: string;
  /** Whether that is put down to the module: its function has one more end against it. */
  readonly isModulesFault: boolean;
}

/** Someone who asked over HTTP. */
export interface Visitor extends Client {
  /** The function that is called, or the route (`routeKey`), whose handler the module knows; undefined for a statement. */
  readonly functionName: string | undefined;
}

/** A route in the place of a function's name, which never has a space. */
export function routeKey(method: string, path: string): string {
  return `${method} ${path}`;
}

/** How a host ended that nobody had asked to. */
export class HostEnded extends Error {
  override readonly name = "HostEnded";
  readonly suspect: Suspect | undefined;
  /** Whether the module is to blame: it counts towards its quarantine. */
  readonly isModulesFault: boolean;

  constructor(message: string, suspect: Suspect | undefined, isModulesFault: boolean, options?: ErrorOptions) {
    super(message, options);
    this.suspect = suspect;
    this.isModulesFault = isModulesFault;
  }
}

/**
 * The end of a host that broke on a piece of work: that is not run again, or the next host ends too. A change that was
 * left half-way is the module's doing, unless its time-out struck there.
 */
export function endedBy(
  error: unknown,
  kind: WorkKind,
  id: Uint8Array,
  number: number,
  reason: SuspectReason = "crash",
): HostEnded {
  if (error instanceof HostEnded) return error;
  const suspect: Suspect = { kind, id: toHex(id), number, reason };
  const isModulesFault = reason !== "interrupted" && isLightconeError(error, "DatabaseStopped");
  return new HostEnded(error instanceof Error ? error.message : String(error), suspect, isModulesFault, {
    cause: error,
  });
}

/** Why memory is worth nothing any more after a call that was ended in the middle of a change. */
export function interrupted(): LightconeError {
  return new LightconeError("DatabaseStopped", { reason: "a call was ended in the middle of an operation" });
}
