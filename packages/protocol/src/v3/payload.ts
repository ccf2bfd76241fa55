/**
 * Payloads of protocol v3: the messages of v2, one or more back to back. docs/wire/websocket-v2.md.
 *
 *   from a client   message, message, …
 *   from a server   compression u8 | message, message, …
 */
import { ByteReader } from "@lightcone/sats";
import { endOfMessage, readClientMessage, type ClientMessage } from "../v2/client-message.ts";
import { readServerMessage, type ServerMessage } from "../v2/decode-server-message.ts";

/** More messages than this are not taken in one payload. */
export const payloadMessagesMax = 16_384;

/**
 * How many messages a client's payload holds, without decoding them. What cannot be cut counts as one: whoever reads it
 * finds out why. So does nothing at all. Past `payloadMessagesMax` no more are counted.
 *
 * @param cut finds a message's end
 */
export function countMessages(
  view: DataView,
  at: number,
  end: number,
  cut: typeof endOfMessage = endOfMessage,
): number {
  let count = 0;
  let next = at;
  do {
    next = cut(view, next, end);
    count += 1;
  } while (next >= 0 && next < end && count <= payloadMessagesMax);
  return count;
}

/** The messages of a client's payload. @throws {LightconeError} `Malformed`, also for none */
export function decodeClientPayload(bytes: Uint8Array): ClientMessage[] {
  return readAll(new ByteReader(bytes, "client message"), readClientMessage);
}

/** The messages of a server's payload, without its compression byte. @throws {LightconeError} `Malformed`, also for none */
export function decodeServerPayload(bytes: Uint8Array): ServerMessage[] {
  return readAll(new ByteReader(bytes, "server message"), readServerMessage);
}

function readAll<T>(input: ByteReader, read: (input: ByteReader) => T): T[] {
  const messages: T[] = [];
  do messages.push(read(input));
  while (input.remaining > 0);
  return messages;
}
