/**
 * The messages of a client of protocol v1: docs/wire/websocket-v1.md.
 *
 *   message = tag u8 | fields          little-endian BSATN, no compression, one message a frame
 *
 * Strings and arguments stay where they are: a message points into the frame's bytes, which belong to the
 * receiver. Bytes after a complete message are ignored, as the reference does.
 */
import { LightconeError } from "@lightcone/base";
import { ByteReader, type ByteWriter } from "@lightcone/sats";

export interface CallReducer {
  readonly kind: "CallReducer";
  readonly reducer: string;
  /** BSATN of the parameters; empty when they came as JSON. */
  readonly args: Uint8Array;
  /** The parameters as the JSON form has them, verbatim; undefined in the binary form. */
  readonly argsText: string | undefined;
  readonly requestId: number;
  /** Whether the caller wants to hear of success: `FullUpdate` (0) or `NoSuccessNotify` (1). */
  readonly notify: boolean;
}
export interface CallProcedure {
  readonly kind: "CallProcedure";
  readonly procedure: string;
  readonly args: Uint8Array;
  readonly argsText: string | undefined;
  readonly requestId: number;
}
/** The legacy form: the whole set, replaced each time. */
export interface Subscribe {
  readonly kind: "Subscribe";
  readonly queries: readonly string[];
  readonly requestId: number;
}
export interface SubscribeSingle {
  readonly kind: "SubscribeSingle";
  readonly query: string;
  readonly requestId: number;
  readonly queryId: number;
}
export interface SubscribeMulti {
  readonly kind: "SubscribeMulti";
  readonly queries: readonly string[];
  readonly requestId: number;
  readonly queryId: number;
}
export interface Unsubscribe {
  readonly kind: "Unsubscribe" | "UnsubscribeMulti";
  readonly requestId: number;
  readonly queryId: number;
}
export interface OneOffQuery {
  readonly kind: "OneOffQuery";
  readonly messageId: Uint8Array;
  readonly query: string;
}

export type ClientMessage =
  | CallReducer
  | CallProcedure
  | Subscribe
  | SubscribeSingle
  | SubscribeMulti
  | Unsubscribe
  | OneOffQuery;

export const clientTag = {
  CallReducer: 0,
  Subscribe: 1,
  OneOffQuery: 2,
  SubscribeSingle: 3,
  SubscribeMulti: 4,
  Unsubscribe: 5,
  UnsubscribeMulti: 6,
  CallProcedure: 7,
} as const;

/** Where the parts of a `CallReducer` frame are. One object, reused: calls arrive by the hundred thousand. */
export interface CallFrame {
  nameAt: number;
  nameLength: number;
  argsAt: number;
  argsLength: number;
  requestId: number;
  notify: boolean;
}

/**
 * Reads a `CallReducer` frame (tag included) at `at` without allocating.
 *
 * @throws {LightconeError} `Malformed` when the frame is short or its flags are unknown
 */
export function readCallFrame(view: DataView, at: number, end: number, frame: CallFrame): void {
  frame.nameAt = at + 5;
  frame.nameLength = lengthAt(view, at + 1, end, "reducer");
  const argsAt = frame.nameAt + frame.nameLength;
  frame.argsAt = argsAt + 4;
  frame.argsLength = lengthAt(view, argsAt, end, "args");
  const tail = frame.argsAt + frame.argsLength;
  if (tail + 5 > end) throw short("request_id and flags", tail);
  frame.requestId = view.getUint32(tail, true);
  frame.notify = notifyFlag(view.getUint8(tail + 4), tail + 4);
}

/** Reads the u32 length at `at` and checks that so many bytes follow. */
function lengthAt(view: DataView, at: number, end: number, what: string): number {
  if (at + 4 > end) throw short(what, at);
  const length = view.getUint32(at, true);
  if (length > end - at - 4) throw short(what, at);
  return length;
}

function notifyFlag(flags: number, at: number): boolean {
  if (flags > 1)
    throw new LightconeError("Malformed", { what: "CallReducer", reason: `flags ${flags} are unknown`, at });
  return flags === 0;
}

function short(what: string, at: number): LightconeError {
  return new LightconeError("Malformed", { what: "client message", reason: `${what} goes past the end`, at });
}

/**
 * Reads the message at `bytes[at … at + length)`. Arguments stay views of `bytes`.
 *
 * @throws {LightconeError} `Malformed` for an unknown tag, a short frame, text that is not UTF-8 or unknown flags
 */
export function decodeClientMessage(bytes: Uint8Array, at: number, length: number): ClientMessage {
  const input = new ByteReader(bytes, "client message");
  input.at = at;
  input.end = at + length;
  const tag = input.u8();
  switch (tag) {
    case clientTag.CallReducer: {
      const [reducer, args, requestId] = [input.string(), input.byteArrayView(), input.u32()];
      const notify = notifyFlag(input.u8(), input.at - 1);
      return { kind: "CallReducer", reducer, args, argsText: undefined, requestId, notify };
    }
    case clientTag.Subscribe:
      return { kind: "Subscribe", queries: readStrings(input), requestId: input.u32() };
    case clientTag.OneOffQuery:
      return { kind: "OneOffQuery", messageId: input.byteArrayView(), query: input.string() };
    case clientTag.SubscribeSingle:
      return { kind: "SubscribeSingle", query: input.string(), requestId: input.u32(), queryId: input.u32() };
    case clientTag.SubscribeMulti:
      return { kind: "SubscribeMulti", queries: readStrings(input), requestId: input.u32(), queryId: input.u32() };
    case clientTag.Unsubscribe:
      return { kind: "Unsubscribe", requestId: input.u32(), queryId: input.u32() };
    case clientTag.UnsubscribeMulti:
      return { kind: "UnsubscribeMulti", requestId: input.u32(), queryId: input.u32() };
    case clientTag.CallProcedure: {
      const [procedure, args, requestId] = [input.string(), input.byteArrayView(), input.u32()];
      const flags = input.u8();
      if (flags !== 0) input.fail(`flags ${flags} of a procedure are unknown`, input.at - 1);
      return { kind: "CallProcedure", procedure, args, argsText: undefined, requestId };
    }
    default:
      return input.fail(`tag ${tag} is unknown`, at);
  }
}

function readStrings(input: ByteReader): string[] {
  const count = input.count(4); // each has a count of its own
  const strings: string[] = [];
  for (let index = 0; index < count; index += 1) strings.push(input.string());
  return strings;
}

/** Writes what `decodeClientMessage` reads. Arguments must be BSATN: `argsText` is for the JSON form. */
export function encodeClientMessage(out: ByteWriter, message: ClientMessage): void {
  out.u8(clientTag[message.kind]);
  switch (message.kind) {
    case "CallReducer":
      out.string(message.reducer);
      out.byteArray(message.args);
      out.u32(message.requestId);
      out.u8(message.notify ? 0 : 1);
      return;
    case "Subscribe":
      writeStrings(out, message.queries);
      out.u32(message.requestId);
      return;
    case "OneOffQuery":
      out.byteArray(message.messageId);
      out.string(message.query);
      return;
    case "SubscribeSingle":
      out.string(message.query);
      out.u32(message.requestId);
      out.u32(message.queryId);
      return;
    case "SubscribeMulti":
      writeStrings(out, message.queries);
      out.u32(message.requestId);
      out.u32(message.queryId);
      return;
    case "Unsubscribe":
    case "UnsubscribeMulti":
      out.u32(message.requestId);
      out.u32(message.queryId);
      return;
    case "CallProcedure":
      out.string(message.procedure);
      out.byteArray(message.args);
      out.u32(message.requestId);
      out.u8(0);
  }
}

function writeStrings(out: ByteWriter, strings: readonly string[]): void {
  out.u32(strings.length);
  for (const text of strings) out.string(text);
}
