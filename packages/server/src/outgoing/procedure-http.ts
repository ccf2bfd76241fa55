/**
 * Sends the requests of procedures. Whoever writes a module has a say in what is asked for, so: unless it is allowed no
 * connection is made to an address that is not of the public internet, redirects included; time, bytes and redirects are
 * bounded; and what is told of a failure names no more of the address than its host.
 */
import { lookup as systemLookup } from "node:dns";
import { request as httpRequest, validateHeaderName, validateHeaderValue } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Clock } from "@lightcone/base";
import type { HttpAnswer, HttpClient, HttpHeaders, HttpRequest, HttpRules } from "@lightcone/host";
import { isPublicAddress, lookupWithin, notPublic, type Lookup } from "./public-addresses.ts";

/** Where requests may go: nowhere, to public addresses, or to any, those of this machine and its network included. */
export type HttpReach = "off" | "public" | "any";

const redirectsMax = 10;
/** What says how a message is carried is ours to say. */
const ownHeaders = new Set([
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
  "te",
  "trailer",
]);
/** Not shown to another place than the one that they were meant for. */
const secretHeaders = new Set(["authorization", "cookie", "proxy-authorization"]);
const bodyless = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"]);

export class ProcedureHttp implements HttpClient {
  private readonly clock: Clock;
  private readonly reach: HttpReach;
  private readonly site: Site;

  /** @param isPublic whether an address is of the public internet */
  constructor(clock: Clock, reach: HttpReach, lookup: Lookup = systemLookup, isPublic = isPublicAddress) {
    this.clock = clock;
    this.reach = reach;
    const mayConnect = reach === "any" ? () => true : isPublic;
    this.site = { mayConnect, lookup: lookupWithin(lookup, mayConnect, outOfReach) };
  }

  send(request: HttpRequest, rules: HttpRules, answered: (answer: HttpAnswer) => void): () => void {
    if (this.reach === "off") {
      answered({ kind: "failed", reason: "this server sends no requests for procedures (--procedure-http off)" });
      return () => undefined;
    }
    const exchange = new Exchange(request, rules, answered, this.site);
    const cancel = this.clock.after(rules.timeoutMs, () =>
      exchange.fail(`no whole answer within ${rules.timeoutMs} ms`),
    );
    exchange.over = cancel;
    exchange.go(request.uri);
    return () => exchange.end();
  }
}

function outOfReach(name: string): Error {
  return new Error(`${notPublic(name).message}: the server connects there if it is started with --procedure-http any`);
}

/** Where requests may connect to. */
interface Site {
  readonly mayConnect: (address: string) => boolean;
  readonly lookup: LookupFunction;
}

/** One request, through its redirects to its answer. */
class Exchange {
  /** Told when it is over. */
  over: () => void = () => undefined;
  private readonly rules: HttpRules;
  private readonly answered: (answer: HttpAnswer) => void;
  private readonly site: Site;
  private method: string;
  private headers: HttpHeaders;
  private body: Uint8Array;
  private redirectCount = 0;
  private host = "";
  private current: ClientRequest | undefined;
  private isOver = false;

  constructor(request: HttpRequest, rules: HttpRules, answered: (answer: HttpAnswer) => void, site: Site) {
    this.rules = rules;
    this.answered = answered;
    this.site = site;
    this.method = request.method.toUpperCase();
    this.headers = request.headers.filter(([name]) => !ownHeaders.has(name.toLowerCase()));
    this.body = request.body;
  }

  go(uri: string): void {
    const url = URL.canParse(uri) ? new URL(uri) : undefined;
    if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
      this.fail("the address is none of http or https");
      return;
    }
    const name = url.hostname.replace(/^\[(.*)\]$/, "$1");
    this.host = url.host;
    // A connection to a literal address looks nothing up.
    if (isIP(name) !== 0 && !this.site.mayConnect(name)) {
      this.fail(outOfReach(name).message);
      return;
    }
    try {
      this.begin(url);
    } catch (error) {
      this.fail(textOf(error)); // a method or a header that is none
    }
  }

  private begin(url: URL): void {
    if (this.method === "CONNECT") throw new Error("the method CONNECT makes no request");
    const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
      agent: false,
      method: this.method,
      lookup: this.site.lookup,
    });
    this.current = request;
    request.on("error", (error) => {
      if (request === this.current) this.fail(textOf(error));
    });
    for (const [name, values] of byName(this.headers)) {
      validateHeaderName(name);
      for (const value of values) validateHeaderValue(name, value);
      request.setHeader(name, values.length === 1 ? (values[0] ?? "") : values);
    }
    if (this.body.length > 0 || !bodyless.has(this.method)) request.setHeader("content-length", this.body.length);
    request.on("response", (response) => {
      const location = redirectOf(response);
      if (location === undefined) this.read(response, url);
      else this.redirect(response, url, location);
    });
    request.end(this.body);
  }

  private redirect(response: IncomingMessage, from: URL, location: string): void {
    this.redirectCount += 1;
    if (this.redirectCount > redirectsMax) {
      this.fail(`more than ${redirectsMax} redirects`);
      return;
    }
    const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
    const status = response.statusCode ?? 0;
    this.letGo();
    if (to === undefined) {
      this.fail("it redirects to no address");
      return;
    }
    if (status === 303 ? this.method !== "HEAD" : status < 303 && this.method === "POST") {
      this.method = "GET";
      this.body = new Uint8Array(0);
      this.headers = this.headers.filter(([name]) => !name.toLowerCase().startsWith("content-"));
    }
    if (to.origin !== from.origin)
      this.headers = this.headers.filter(
        ([name]) => !secretHeaders.has(name.toLowerCase()) && name.toLowerCase() !== "host",
      );
    this.go(to.href);
  }

  private read(response: IncomingMessage, url: URL): void {
    const { bytesMax } = this.rules;
    const chunks: Buffer[] = [];
    let byteCount = 0;
    response.on("data", (chunk: Buffer) => {
      byteCount += chunk.length;
      if (byteCount > bytesMax) this.fail(`the answer's body is over ${bytesMax} bytes (httpResponseBytesMax)`);
      else chunks.push(chunk);
    });
    response.on("error", (error) => this.fail(textOf(error)));
    response.on("close", () => {
      if (!response.complete) this.fail("the connection ended before the answer did");
    });
    response.on("end", () =>
      this.finish({
        kind: "answered",
        status: response.statusCode ?? 0,
        version: response.httpVersion,
        uri: url.href,
        headers: headersOf(response.rawHeaders),
        body: new Uint8Array(Buffer.concat(chunks)),
      }),
    );
  }

  /** @param reason names nothing of the address but what its host is made of */
  fail(reason: string): void {
    this.finish({ kind: "failed", reason: this.host === "" ? reason : `${this.host}: ${reason}` });
  }

  private finish(answer: HttpAnswer): void {
    if (this.isOver) return;
    this.end();
    this.answered(answer);
  }

  /** Gives it up. */
  end(): void {
    this.isOver = true;
    this.over();
    this.letGo();
  }

  private letGo(): void {
    const { current } = this;
    this.current = undefined;
    current?.destroy();
  }
}

function redirectOf({ statusCode, headers }: IncomingMessage): string | undefined {
  return [301, 302, 303, 307, 308].includes(statusCode ?? 0) ? headers.location : undefined;
}

/** Values of the same name together: they are set at once. Their bytes are characters up to 255. */
function byName(headers: HttpHeaders): Map<string, string[]> {
  const all = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const text = Buffer.from(value).toString("latin1");
    const values = all.get(key);
    if (values === undefined) all.set(key, [text]);
    else values.push(text);
  }
  return all;
}

/** Names and values in turn, as they came. */
function headersOf(raw: readonly string[]): HttpHeaders {
  const headers: (readonly [string, Uint8Array])[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    headers.push([(raw[at] ?? "").toLowerCase(), new Uint8Array(Buffer.from(raw[at + 1] ?? "", "latin1"))]);
  return headers;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
