/**
 * The messages of a client of protocol v2: docs/wire/websocket-v2.md. Version 3 has the same, several to a payload.
 *
 *   message = tag u8 | requestId u32 | fields          little-endian BSATN, no compression
 *
 * Strings and arguments stay where they are: a message points into the frame's bytes, which belong to the receiver.
 */
import { LightconeError } from "@lightcone/base";
import { ByteReader, type ByteWriter } from "@lightcone/sats";

export interface Subscribe {
  readonly kind: "Subscribe";
  readonly requestId: number;
  readonly querySetId: number;
  readonly queries: readonly string[];
}
export interface Unsubscribe {
  readonly kind: "Unsubscribe";
  readonly requestId: number;
  readonly querySetId: number;
  /** Whether the client wants the rows that it loses: `SendDroppedRows` (1), not `Default` (0). */
  readonly sendDroppedRows: boolean;
}
export interface OneOffQuery {
  readonly kind: "OneOffQuery";
  readonly requestId: number;
  readonly query: string;
}
export interface CallReducer {
  readonly kind: "CallReducer";
  readonly requestId: number;
  readonly reducer: string;
  /** BSATN of the parameters. */
  readonly args: Uint8Array;
}
export interface CallProcedure {
  readonly kind: "CallProcedure";
  readonly requestId: number;
  readonly procedure: string;
  readonly args: Uint8Array;
}

export type ClientMessage = Subscribe | Unsubscribe | OneOffQuery | CallReducer | CallProcedure;

export const clientTag = { Subscribe: 0, Unsubscribe: 1, OneOffQuery: 2, CallReducer: 3, CallProcedure: 4 } as const;

/** Where the parts of a `CallReducer` are. One object, reused: calls arrive by the hundred thousand. */
export interface CallFrame {
  nameAt: number;
  nameLength: number;
  argsAt: number;
  argsLength: number;
  requestId: number;
}

/**
 * Reads a `CallReducer` (tag included) at `at` without allocating.
 *
 * @throws {LightconeError} `Malformed` when it is short or its flags are unknown
 */
export function readCallFrame(view: DataView, at: number, end: number, frame: CallFrame): void {
  if (at + 6 > end) throw short("request_id and flags", at);
  frame.requestId = view.getUint32(at + 1, true);
  checkFlags(view.getUint8(at + 5), at + 5);
  frame.nameAt = at + 10;
  frame.nameLength = lengthAt(view, at + 6, end, "reducer");
  const argsAt = frame.nameAt + frame.nameLength;
  frame.argsAt = argsAt + 4;
  frame.argsLength = lengthAt(view, argsAt, end, "args");
}

/**
 * Where the message at `at` ends, without decoding it: what is found here may still not be readable.
 *
 * @returns -1 where no message can be cut: the tag is unknown, or a length goes past the end
 */
export function endOfMessage(view: DataView, at: number, end: number): number {
  if (at >= end) return -1;
  switch (view.getUint8(at)) {
    case clientTag.Subscribe: {
      if (at + 13 > end) return -1;
      let next = at + 13;
      for (let count = view.getUint32(at + 9, true); count > 0; count -= 1) {
        next = endOfBytes(view, next, end);
        if (next < 0) return -1;
      }
      return next;
    }
    case clientTag.Unsubscribe:
      return at + 10 > end ? -1 : at + 10;
    case clientTag.OneOffQuery:
      return endOfBytes(view, at + 5, end);
    case clientTag.CallReducer:
    case clientTag.CallProcedure: {
      const args = endOfBytes(view, at + 6, end);
      return args < 0 ? -1 : endOfBytes(view, args, end);
    }
    default:
      return -1;
  }
}

/** Where bytes that stand at `at` with their length end; -1 when they go past the end. */
export function endOfBytes(view: DataView, at: number, end: number): number {
  if (at + 4 > end) return -1;
  const next = at + 4 + view.getUint32(at, true);
  return next > end ? -1 : next;
}

/** Reads the u32 length at `at` and checks that so many bytes follow. */
function lengthAt(view: DataView, at: number, end: number, what: string): number {
  if (at + 4 > end) throw short(what, at);
  const length = view.getUint32(at, true);
  if (length > end - at - 4) throw short(what, at);
  return length;
}

function checkFlags(flags: number, at: number): void {
  if (flags !== 0) throw new LightconeError("Malformed", { what: "call", reason: `flags ${flags} are unknown`, at });
}

function short(what: string, at: number): LightconeError {
  return new LightconeError("Malformed", { what: "client message", reason: `${what} goes past the end`, at });
}

/**
 * Reads the message at `bytes[at … at + length)`; what follows it is not looked at. Arguments stay views of `bytes`.
 *
 * @throws {LightconeError} `Malformed` for an unknown tag, a short message, text that is not UTF-8 or unknown flags
 */
export function decodeClientMessage(bytes: Uint8Array, at: number, length: number): ClientMessage {
  const input = new ByteReader(bytes, "client message");
  input.at = at;
  input.end = at + length;
  return readClientMessage(input);
}

/** Reads the next message. @throws {LightconeError} `Malformed` */
export function readClientMessage(input: ByteReader): ClientMessage {
  const at = input.at;
  const tag = input.u8();
  switch (tag) {
    case clientTag.Subscribe: {
      const [requestId, querySetId] = [input.u32(), input.u32()];
      return { kind: "Subscribe", requestId, querySetId, queries: readStrings(input) };
    }
    case clientTag.Unsubscribe: {
      const [requestId, querySetId, flags] = [input.u32(), input.u32(), input.u8()];
      if (flags > 1) input.fail(`flags ${flags} of an unsubscribe are unknown`, input.at - 1);
      return { kind: "Unsubscribe", requestId, querySetId, sendDroppedRows: flags === 1 };
    }
    case clientTag.OneOffQuery:
      return { kind: "OneOffQuery", requestId: input.u32(), query: input.string() };
    case clientTag.CallReducer: {
      const requestId = readCallHead(input);
      return { kind: "CallReducer", requestId, reducer: input.string(), args: input.byteArrayView() };
    }
    case clientTag.CallProcedure: {
      const requestId = readCallHead(input);
      return { kind: "CallProcedure", requestId, procedure: input.string(), args: input.byteArrayView() };
    }
    default:
      return input.fail(`tag ${tag} is unknown`, at);
  }
}

function readCallHead(input: ByteReader): number {
  const requestId = input.u32();
  checkFlags(input.u8(), input.at - 1);
  return requestId;
}

export function readStrings(input: ByteReader): string[] {
  const count = input.count(4); // each has a count of its own
  const strings: string[] = [];
  for (let index = 0; index < count; index += 1) strings.push(input.string());
  return strings;
}

/** Writes what `readClientMessage` reads. */
export function encodeClientMessage(out: ByteWriter, message: ClientMessage): void {
  out.u8(clientTag[message.kind]);
  out.u32(message.requestId);
  switch (message.kind) {
    case "Subscribe":
      out.u32(message.querySetId);
      out.u32(message.queries.length);
      for (const query of message.queries) out.string(query);
      return;
    case "Unsubscribe":
      out.u32(message.querySetId);
      out.u8(message.sendDroppedRows ? 1 : 0);
      return;
    case "OneOffQuery":
      out.string(message.query);
      return;
    case "CallReducer":
    case "CallProcedure":
      out.u8(0); // no flag is known
      out.string(message.kind === "CallReducer" ? message.reducer : message.procedure);
      out.byteArray(message.args);
  }
}
