/**
 * The messages of a client of `v1.bsatn.lightcone`: those of version 3, and `Resume`. docs/protocol.md.
 *
 *   Resume = 5 u8 | requestId u32 | lineage n, bytes | offset u64 | timestamp u64 | sets n × (querySetId u32 | texts n × string)
 */
import { ByteReader, type ByteWriter } from "@lightcone/sats";
import * as v2 from "../v2/client-message.ts";
import type { Place } from "./place.ts";
import { readPlace, writePlace } from "./place.ts";

/** A client goes on with rows that it has. */
export interface Resume {
  readonly kind: "Resume";
  readonly requestId: number;
  /** Whose offsets it counts by, as the server said it. */
  readonly lineage: Uint8Array;
  /** The state that its rows are of. */
  readonly place: Place;
  /** What it has the rows of. */
  readonly sets: readonly ResumedSet[];
}
export interface ResumedSet {
  /** The id that the set gets, as with a `Subscribe`. */
  readonly querySetId: number;
  readonly queries: readonly string[];
}

export type ClientMessage = v2.ClientMessage | Resume;

export const resumeTag = 5;

/** As version 2's: where the message at `at` ends, or -1. */
export function endOfMessage(view: DataView, at: number, end: number): number {
  if (at >= end || view.getUint8(at) !== resumeTag) return v2.endOfMessage(view, at, end);
  const lineageEnd = v2.endOfBytes(view, at + 5, end);
  if (lineageEnd < 0 || lineageEnd + 20 > end) return -1;
  let next = lineageEnd + 20;
  for (let sets = view.getUint32(next - 4, true); sets > 0; sets -= 1) {
    if (next + 8 > end) return -1;
    let texts = view.getUint32(next + 4, true);
    for (next += 8; texts > 0; texts -= 1) {
      next = v2.endOfBytes(view, next, end);
      if (next < 0) return -1;
    }
  }
  return next;
}

/**
 * Reads the message at `bytes[at … at + length)`; what follows it is not looked at.
 *
 * @throws {LightconeError} `Malformed`
 */
export function decodeClientMessage(bytes: Uint8Array, at: number, length: number): ClientMessage {
  const input = new ByteReader(bytes, "client message");
  input.at = at;
  input.end = at + length;
  return readClientMessage(input);
}

/** Reads the next message. @throws {LightconeError} `Malformed` */
export function readClientMessage(input: ByteReader): ClientMessage {
  if (input.remaining === 0 || input.bytes[input.at] !== resumeTag) return v2.readClientMessage(input);
  input.u8();
  const [requestId, lineage, place] = [input.u32(), input.byteArrayView(), readPlace(input)];
  const sets: ResumedSet[] = [];
  for (let left = input.count(8); left > 0; left -= 1)
    sets.push({ querySetId: input.u32(), queries: v2.readStrings(input) });
  return { kind: "Resume", requestId, lineage, place, sets };
}

/** Writes what `readClientMessage` reads. */
export function encodeClientMessage(out: ByteWriter, message: ClientMessage): void {
  if (message.kind !== "Resume") return v2.encodeClientMessage(out, message);
  out.u8(resumeTag);
  out.u32(message.requestId);
  out.byteArray(message.lineage);
  writePlace(out, message.place);
  out.u32(message.sets.length);
  for (const { querySetId, queries } of message.sets) {
    out.u32(querySetId);
    out.u32(queries.length);
    for (const query of queries) out.string(query);
  }
}
