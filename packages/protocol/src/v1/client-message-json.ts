/**
 * Client messages in the JSON form of protocol v1: docs/wire/websocket-v1.md.
 *
 * The form is SATS-JSON of the same messages, but that arguments are a string which holds JSON. Since a
 * string and a byte array have one layout, a text is turned into the binary form and read as that.
 */
import { LightconeError } from "@lightcone/base";
import { array, bytes, ByteWriter, jsonToBsatn, product, sum, t, tryDecodeUtf8 } from "@lightcone/sats";
import { decodeClientMessage, type ClientMessage } from "./client-message.ts";

const queryId = product({ id: t.u32 });

/** As the binary form, in its order; `args` are texts. */
const messageType = sum({
  CallReducer: product({ reducer: t.string, args: t.string, request_id: t.u32, flags: t.u8 }),
  Subscribe: product({ query_strings: array(t.string), request_id: t.u32 }),
  OneOffQuery: product({ message_id: bytes, query_string: t.string }),
  SubscribeSingle: product({ query: t.string, request_id: t.u32, query_id: queryId }),
  SubscribeMulti: product({ query_strings: array(t.string), request_id: t.u32, query_id: queryId }),
  Unsubscribe: product({ request_id: t.u32, query_id: queryId }),
  UnsubscribeMulti: product({ request_id: t.u32, query_id: queryId }),
  CallProcedure: product({ procedure: t.string, args: t.string, request_id: t.u32, flags: t.u8 }),
});

/**
 * Reads the JSON message at `source[at … at + length)`.
 *
 * @throws {LightconeError} `Malformed` or `TooDeep` when it is none
 */
export function decodeClientMessageJson(source: Uint8Array, at: number, length: number): ClientMessage {
  const out = new ByteWriter(length + 64);
  jsonToBsatn(messageType, decodeText(source.subarray(at, at + length)), out);
  const message = decodeClientMessage(out.bytes, 0, out.length);
  if (message.kind !== "CallReducer" && message.kind !== "CallProcedure") return message;
  return { ...message, args: new Uint8Array(0), argsText: decodeText(message.args) };
}

function decodeText(source: Uint8Array): string {
  const text = tryDecodeUtf8(source, 0, source.length);
  if (text === undefined) throw new LightconeError("Malformed", { what: "client message", reason: "it is not UTF-8" });
  return text;
}
