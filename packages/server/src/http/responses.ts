/** The few shapes of an answer. */
import { cutText, errorFacts, isLightconeError, toldText } from "@lightcone/base";
import { fileFailure } from "@lightcone/base/node";
import { errorTextBytesMax, type Reply } from "@lightcone/database/front";

const noHeaders: Readonly<Record<string, string>> = {};

export function text(status: number, body: string): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

/** JSON without a charset: clients compare the content type for equality. */
export function json(status: number, value: unknown): Response {
  return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });
}

export function empty(status: number, headers = noHeaders): Response {
  return new Response(null, { status, headers });
}

/** What a database answered. */
export function fromReply(reply: Reply): Response {
  const headers = new Headers(reply.headers);
  for (const [name, value] of reply.fields ?? []) headers.append(name, value);
  // A reply's bytes are an ordinary array of this process, which is what a body takes.
  const body = bodiless.has(reply.status) ? null : (reply.body as Uint8Array<ArrayBuffer>);
  return new Response(body, { status: reply.status, headers });
}

const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** A failure that ends the request: thrown by whatever finds it, turned into an answer in one place. */
export class HttpFailure extends Error {
  override readonly name = "HttpFailure";
  readonly response: Response;

  constructor(response: Response) {
    super(`answered ${response.status}`);
    this.response = response;
  }
}

export function fail(status: number, body: string): HttpFailure {
  return new HttpFailure(text(status, cutText(body, errorTextBytesMax)));
}

/**
 * An error as an answer: status and text off the catalogue, its code in a header. Of anything else no more is told than
 * that it happened: its text may name files or processes of the machine, and the server's log has it.
 */
export function fromError(thrown: unknown): Response {
  if (thrown instanceof HttpFailure) return thrown.response;
  const error = fileFailure(thrown);
  if (!isLightconeError(error)) return text(500, toldText(error));
  const { http, hint } = errorFacts(error.code);
  const response = text(http, error.told);
  response.headers.set("lightcone-error", error.code);
  response.headers.set("lightcone-hint", hint);
  return response;
}
