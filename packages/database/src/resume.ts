/**
 * What is needed to go on where a host ended: who was connected, what they had been told, what they wait for.
 *
 * Everything up to one offset had been told to everyone. So a host that recovers stops at that offset, takes
 * the subscriptions back in silence, and replays the rest of the log aloud: whoever waits for a call that is
 * in the log is answered by its commit; calls that are not in it run now. None runs twice.
 */
import { isLightconeError, LightconeError } from "@lightcone/base";
import { toHex } from "@lightcone/sats";
import type { Caller, ConnectionInfo, ConnectionSink } from "./link.ts";
import { WorkKind, type EndReason, type Work } from "./work.ts";

/** A message of a client; its number counts from 1. */
export interface NumberedMessage {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly isText: boolean;
}

export interface ResumedConnection {
  readonly info: ConnectionInfo;
  readonly sink: ConnectionSink;
  /** Whether its first message (its identity and token) had left. */
  readonly greeted: boolean;
  /** The messages that make up its subscriptions, as `ConnectionSink.subscribed` said. */
  readonly subscribed: readonly NumberedMessage[];
  /** The messages without all their answers, in order. */
  readonly pending: readonly NumberedMessage[];
  /** Messages received so far. */
  readonly received: number;
}

export interface Resume {
  /** The last offset of which every client had been told; -1 for none. */
  readonly releasedOffset: number;
  readonly connections: readonly ResumedConnection[];
  /** What ran when the host ended, if that is known: it is failed, not run. */
  readonly suspect: Suspect | undefined;
}

/** What a host ended at. */
export interface Suspect extends Work {
  readonly reason: EndReason;
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
 * The end of a host that broke on a message: that message is not run again, or the next host ends too. A change
 * that was interrupted half-way is the module's doing.
 */
export function endedBy(error: unknown, caller: Pick<Caller, "connectionId">, messageNumber: number): HostEnded {
  const suspect: Suspect = {
    kind: WorkKind.message,
    id: toHex(caller.connectionId),
    number: messageNumber,
    reason: "crash",
  };
  const isModulesFault = isLightconeError(error, "DatabaseStopped");
  return new HostEnded(error instanceof Error ? error.message : String(error), suspect, isModulesFault, {
    cause: error,
  });
}

/** Why memory is worth nothing any more after a call that was ended in the middle of a change. */
export function interrupted(): LightconeError {
  return new LightconeError("DatabaseStopped", { reason: "a call was ended in the middle of an operation" });
}
