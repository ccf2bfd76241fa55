/** Replies in HTTP's terms. */
import { resultLostStart } from "@lightcone/protocol";
import { cutText, errorFacts, type ErrorCode, type LightconeError } from "@lightcone/base";
import { errorTextBytesMax } from "./limits.ts";
import type { Reply } from "./link.ts";

/** What a caller sees of a module that broke: the cause is for the log alone. */
export const fatalText = "The instance encountered a fatal error.";

/** The failure of a procedure whose host ended when some of its transactions were in the log. */
export const halfDoneText =
  "the database started again while the procedure ran; what it had committed or requested stays, and the rest has not happened";

/** Of a reducer whose commit is in the log, and whose host ended before it was answered. */
export const resultLostText = `${resultLostStart}; what it returned was lost, since the database started again before it was told`;

/** A reply that is made in slices, with other jobs in between. */
export interface LongReply {
  /** The offset that it tells of. */
  readonly offset: number;
  /** Whether it has taken longer in all than a call may. */
  readonly isLate: boolean;
  /** Makes the next slice. The reply, once it is whole. */
  slice(): Reply | undefined;
  /** Lets go of a reply that nobody will get. */
  close(): void;
}

const encoder = new TextEncoder();

/** Encoded it is at most three times as long, and clients take 16 KiB of headers. */
const noteBytesMax = 4096;

/** What somebody should know beside the reply, in a header: percent-encoded lines. */
export function noteHeader(lines: readonly string[]): Readonly<Record<string, string>> {
  if (lines.length === 0) return {};
  return { "lightcone-note": encodeURIComponent(cutText(lines.join("\n"), noteBytesMax)) };
}

export function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
    body: encoder.encode(body),
  };
}

export function json(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: encoder.encode(body) };
}

/** A reply that says no: its text, and in headers a code of the catalogue with its hint. */
export function refusal(
  status: number,
  code: ErrorCode,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return text(status, cutText(body, errorTextBytesMax), {
    "lightcone-error": code,
    "lightcone-hint": errorFacts(code).hint,
    ...headers,
  });
}

/** An error as the reply that its code stands for. */
export function failure(error: LightconeError): Reply {
  return refusal(errorFacts(error.code).http, error.code, error.told);
}
