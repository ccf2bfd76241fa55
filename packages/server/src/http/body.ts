/** Bodies of requests, never longer than they may be. */
import { LightconeError } from "@lightcone/base";
import { uncountedBytes } from "../incoming-bytes.ts";
import type { Services } from "../services.ts";
import type { Exchange } from "./route.ts";
import { fail, fromError, HttpFailure } from "./responses.ts";

function tooLong(): HttpFailure {
  return ending(fail(413, "Failed to buffer the request body: length limit exceeded"));
}

/** The connection ends with the answer: what is left of the body is not read, so nothing can follow it. */
function ending(failure: HttpFailure): HttpFailure {
  failure.response.headers.set("connection", "close");
  return failure;
}

/** Nobody is there to be answered, and the server has not failed. */
function leftEarly({ log, left }: Services): HttpFailure {
  left.count += 1;
  log.debug({ count: left.count }, "a client left in the middle of its request");
  return fail(400, "the request ended in the middle of its body");
}

/**
 * The whole body. What of it counts is given back when the request is over.
 *
 * @throws {HttpFailure} 413 when it is longer than `bytesMax`, 429 when all that clients send at this time is too much
 */
export async function readBody({ request, services, held }: Exchange, bytesMax: number): Promise<Uint8Array> {
  const claimed = Number(request.headers.get("content-length") ?? 0);
  if (claimed > bytesMax) throw tooLong();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.body ?? []) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw tooLong();
      const more = Math.max(0, bytes - uncountedBytes - held.bytes);
      if (!services.incoming.take(more)) throw tooMany(services.limits.incomingBytesMax, more);
      held.bytes += more;
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof HttpFailure ? error : leftEarly(services);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes);
}

function tooMany(max: number, more: number): HttpFailure {
  const error = new LightconeError("LimitExceeded", { limit: "incomingBytesMax", value: max + more, max });
  return ending(new HttpFailure(fromError(error)));
}

/** The body as text. @throws {HttpFailure} 413, or 400 when it is not UTF-8 */
export async function readText(exchange: Exchange, bytesMax: number, describe: "plain" | "detailed"): Promise<string> {
  const body = await readBody(exchange, bytesMax);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    const detail = describe === "plain" ? "" : `: ${utf8Problem(body)}`;
    throw fail(400, `Request body didn't contain valid UTF-8${detail}`);
  }
}

/** Where the first bytes stand that are not UTF-8. */
function utf8Problem(bytes: Uint8Array): string {
  let at = 0;
  while (at < bytes.length) {
    const step = sequenceBytes(bytes, at);
    if (step > 0) {
      at += step;
      continue;
    }
    if (-step === bytes.length - at && step !== 0 && isCutShort(bytes, at)) {
      return `incomplete utf-8 byte sequence from index ${at}`;
    }
    return `invalid utf-8 sequence of ${Math.max(1, -step)} bytes from index ${at}`;
  }
  return "invalid utf-8";
}

/** The length of the character at `at`; if it is none, minus how many bytes were good so far, at least one. */
function sequenceBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = expectedBytes(first);
  if (length === 0) return -1;
  for (let i = 1; i < length; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined || (byte & 0xc0) !== 0x80) return -i;
    if (i === 1 && !isSecondByte(first, byte)) return -1;
  }
  return length;
}

function expectedBytes(first: number): number {
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

/** Shuts out overlong forms, surrogates and what lies past the last code point. */
function isSecondByte(first: number, second: number): boolean {
  if (first === 0xe0) return second >= 0xa0;
  if (first === 0xed) return second < 0xa0;
  if (first === 0xf0) return second >= 0x90;
  return first !== 0xf4 || second < 0x90;
}

function isCutShort(bytes: Uint8Array, at: number): boolean {
  return expectedBytes(bytes[at] ?? 0) > bytes.length - at;
}
