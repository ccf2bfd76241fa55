/** Decodes the messages of a server of `v1.bsatn.lightcone`, for tests and clients. Mirrors `server-message.ts`. */
import { ByteReader } from "@lightcone/sats";
import { readStrings } from "../v2/client-message.ts";
import * as v2 from "../v2/decode-server-message.ts";
import { readPlace, type Place } from "./place.ts";
import { placeTag, resumedTag } from "./server-message.ts";

export interface InitialConnection extends v2.InitialConnection {
  /** Whose offsets places are by: the database's, as this caller sees it. */
  readonly lineage: Uint8Array;
}
export interface Resumed {
  readonly kind: "Resumed";
  readonly requestId: number;
  /** The sets that go on. */
  readonly sets: readonly number[];
  /** Whose rows stay, and are changed. */
  readonly tables: readonly string[];
  readonly querySets: readonly v2.QuerySetUpdate[];
}

export type ServerMessage = Exclude<v2.ServerMessage, v2.InitialConnection> | InitialConnection | Resumed;

/** A message, and the place that it brings the client's rows to, if it says one. */
export interface Placed {
  readonly place: Place | undefined;
  readonly message: ServerMessage;
}

/** The messages of a payload, without its compression byte. @throws {LightconeError} `Malformed`, also for none */
export function decodeServerPayload(bytes: Uint8Array): Placed[] {
  const input = new ByteReader(bytes, "server message");
  const messages: Placed[] = [];
  do messages.push(readServerMessage(input));
  while (input.remaining > 0);
  return messages;
}

/** Reads the next message. @throws {LightconeError} `Malformed` */
export function readServerMessage(input: ByteReader): Placed {
  let place: Place | undefined;
  if (input.bytes[input.at] === placeTag && input.remaining > 0) {
    input.u8();
    place = readPlace(input);
  }
  return { place, message: readMessage(input) };
}

function readMessage(input: ByteReader): ServerMessage {
  if (input.bytes[input.at] !== resumedTag || input.remaining === 0) {
    const message = v2.readServerMessage(input);
    return message.kind === "InitialConnection" ? { ...message, lineage: input.byteArrayView() } : message;
  }
  input.u8();
  const requestId = input.u32();
  const sets: number[] = [];
  for (let left = input.count(4); left > 0; left -= 1) sets.push(input.u32());
  const tables = readStrings(input);
  return { kind: "Resumed", requestId, sets, tables, querySets: v2.readQuerySets(input) };
}
