/** The network of procedures, as a test makes it: requests end here, and one that nobody expects fails the test. */
import type { Answer, HttpStubs, StubbedRequest } from "./api.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "@lightcone/host";

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const latin1Bytes = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

export class StubbedHttp implements HttpStubs, HttpClient {
  readonly requests: StubbedRequest[] = [];
  /** Requests that have no answer yet. */
  openCount = 0;
  private readonly stubs: { readonly url: string | RegExp; readonly answer: Answer }[] = [];
  private readonly failed: (error: Error) => void;

  constructor(failed: (error: Error) => void) {
    this.failed = failed;
  }

  on(url: string | RegExp, answer: Answer): void {
    if (typeof url !== "string" && !(url instanceof RegExp))
      throw new TypeError(
        'http.on takes an address, or a pattern: world.http.on("https://api.example.com/x", { json: {} })',
      );
    this.stubs.unshift({ url, answer });
  }

  send(request: HttpRequest, _rules: unknown, answered: (answer: HttpAnswer) => void): () => void {
    let isOver = false;
    const end = (answer: HttpAnswer): void => {
      if (isOver) return;
      isOver = true;
      this.openCount -= 1;
      answered(answer);
    };
    this.openCount += 1;
    // It may not be answered before this returns.
    void this.answerOf(request).then(end, (error: unknown) => {
      this.failed(error instanceof Error ? error : new Error(String(error)));
      end({ kind: "failed", reason: String(error) });
    });
    return () => {
      if (!isOver) this.openCount -= 1;
      isOver = true;
    };
  }

  private async answerOf({ method, uri, headers, body }: HttpRequest): Promise<HttpAnswer> {
    const request = {
      method,
      url: uri,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, latin1(value)])),
      body: decoder.decode(body),
    };
    this.requests.push(request);
    const stub = this.stubs.find(({ url }) =>
      typeof url === "string"
        ? url === uri || url === `${method} ${uri}`
        : url.test(uri) || url.test(`${method} ${uri}`),
    );
    if (stub === undefined) {
      const reason = unexpected(method, uri);
      this.failed(new Error(reason));
      return { kind: "failed", reason };
    }
    const { answer } = stub;
    const reply = typeof answer === "function" ? await answer(request) : answer;
    if (reply instanceof Error) return { kind: "failed", reason: reply.message };
    const { status = 200, headers: given = {}, ...content } = typeof reply === "string" ? { body: reply } : reply;
    const isJson = "json" in content && content.json !== undefined;
    const text = isJson ? JSON.stringify(content.json) : (content.body ?? "");
    const fields = Object.entries(isJson ? { "content-type": "application/json", ...given } : given);
    return {
      kind: "answered",
      status,
      version: "1.1",
      uri,
      headers: fields.map(([name, value]) => [name.toLowerCase(), latin1Bytes(value)] as const),
      body: typeof text === "string" ? encoder.encode(text) : text,
    };
  }
}

function unexpected(method: string, uri: string): string {
  const shown = JSON.stringify(method === "GET" ? uri : `${method} ${uri}`);
  return `a procedure requested ${method} ${uri}, which the test does not expect: say what is answered before the call, world.http.on(${shown}, { json: { … } })`;
}
