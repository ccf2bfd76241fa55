/**
 * How messages stand in the frames of a client: one in each, or from version 3 on one or more. Messages are what is numbered,
 * held for the next host and run; the front counts them as the host does, and neither decodes them for it.
 */
import { lightcone, v2, v3 } from "@lightcone/protocol";
import type { WireProtocol } from "./link.ts";
import { viewOf } from "./shared-view.ts";

/** Whether a frame of the protocol may hold several messages. */
export function holdsSeveral(protocol: WireProtocol, isText: boolean): boolean {
  return (protocol === "v3.bsatn" || protocol === "v1.bsatn.lightcone") && !isText;
}

const cutterOf = (protocol: WireProtocol): typeof v2.endOfMessage =>
  protocol === "v1.bsatn.lightcone" ? lightcone.endOfMessage : v2.endOfMessage;

/** How many messages stand in a frame that may hold several. More than `frameMessagesMax` says that it holds too many. */
export function countMessages(protocol: WireProtocol, bytes: Uint8Array, at: number, length: number): number {
  return v3.countMessages(viewOf(bytes), at, at + length, cutterOf(protocol));
}

export const frameMessagesMax: number = v3.payloadMessagesMax;

/** Where the message at `at` ends; what cannot be cut goes on to the end. */
export function endOfMessage(protocol: WireProtocol, bytes: Uint8Array, at: number, end: number): number {
  const next = cutterOf(protocol)(viewOf(bytes), at, end);
  return next < 0 ? end : next;
}
