/**
 * What a client of protocol v1 says: `websocket.md` §3.1.
 *
 *   message = tag u8 | fields          little-endian BSATN, no compression, one message a frame
 *
 * Strings and arguments stay where they are: a message points into the frame's bytes, which belong to the
 * receiver. Bytes after a complete message are ignored, as the reference does.
 */
import { LightconeError } from "@lightcone/base";

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

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Walks one frame field by field; every length is checked against the frame's end. */
class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, at: number, length: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
    this.#end = at + length;
  }

  u8(what: string): number {
    if (this.#at + 1 > this.#end) throw short(what, this.#at);
    return this.#view.getUint8(this.#at++);
  }

  u32(what: string): number {
    if (this.#at + 4 > this.#end) throw short(what, this.#at);
    const value = this.#view.getUint32(this.#at, true);
    this.#at += 4;
    return value;
  }

  bytes(what: string): Uint8Array {
    const length = lengthAt(this.#view, this.#at, this.#end, what);
    const from = this.#at + 4;
    this.#at = from + length;
    return this.#bytes.subarray(from, this.#at);
  }

  string(what: string): string {
    const at = this.#at;
    try {
      return utf8.decode(this.bytes(what));
    } catch (cause) {
      if (cause instanceof LightconeError) throw cause;
      throw new LightconeError("Malformed", { what: "client message", reason: `${what} is not UTF-8`, at }, { cause });
    }
  }

  strings(what: string): string[] {
    const count = this.u32(what);
    // Each string takes four bytes at least: a count beyond that is a lie, and nothing is allocated for it.
    if (count > (this.#end - this.#at) / 4) throw short(what, this.#at);
    return Array.from({ length: count }, () => this.string(what));
  }
}

/**
 * Reads the message at `bytes[at … at + length)`.
 *
 * @throws {LightconeError} `Malformed` for an unknown tag, a short frame, text that is not UTF-8 or unknown flags
 */
export function decodeClientMessage(bytes: Uint8Array, at: number, length: number): ClientMessage {
  const input = new FrameReader(bytes, at, length);
  const tag = input.u8("tag");
  switch (tag) {
    case clientTag.CallReducer: {
      const [reducer, args, requestId] = [input.string("reducer"), input.bytes("args"), input.u32("request_id")];
      return {
        kind: "CallReducer",
        reducer,
        args,
        argsText: undefined,
        requestId,
        notify: notifyFlag(input.u8("flags"), at),
      };
    }
    case clientTag.Subscribe:
      return { kind: "Subscribe", queries: input.strings("query_strings"), requestId: input.u32("request_id") };
    case clientTag.OneOffQuery:
      return { kind: "OneOffQuery", messageId: input.bytes("message_id"), query: input.string("query_string") };
    case clientTag.SubscribeSingle:
      return {
        kind: "SubscribeSingle",
        query: input.string("query"),
        requestId: input.u32("request_id"),
        queryId: input.u32("query_id"),
      };
    case clientTag.SubscribeMulti:
      return {
        kind: "SubscribeMulti",
        queries: input.strings("query_strings"),
        requestId: input.u32("request_id"),
        queryId: input.u32("query_id"),
      };
    case clientTag.Unsubscribe:
      return { kind: "Unsubscribe", requestId: input.u32("request_id"), queryId: input.u32("query_id") };
    case clientTag.UnsubscribeMulti:
      return { kind: "UnsubscribeMulti", requestId: input.u32("request_id"), queryId: input.u32("query_id") };
    case clientTag.CallProcedure: {
      const [procedure, args, requestId] = [input.string("procedure"), input.bytes("args"), input.u32("request_id")];
      const flags = input.u8("flags");
      if (flags !== 0)
        throw new LightconeError("Malformed", { what: "CallProcedure", reason: `flags ${flags} are unknown`, at });
      return { kind: "CallProcedure", procedure, args, argsText: undefined, requestId };
    }
    default:
      throw new LightconeError("Malformed", { what: "client message", reason: `tag ${tag} is unknown`, at });
  }
}
