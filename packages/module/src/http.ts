/** Requests, responses and routes of HTTP handlers. They have come whole, so that nothing of them need be awaited. */

export type HeadersInit =
  | Headers
  | Readonly<Record<string, string>>
  | Iterable<readonly [name: string, value: string]>
  | null
  | undefined;

/** What a body is made of: text or bytes; nothing for an empty one. */
export type BodyInit = string | ArrayBuffer | ArrayBufferView | null | undefined;

/** Header fields: names in lower case, each as often as it was given. */
export class Headers implements Iterable<[name: string, value: string]> {
  private fields: [name: string, value: string][] = [];

  constructor(init?: HeadersInit) {
    if (init === null || init === undefined) return;
    const pairs = Symbol.iterator in init ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }

  append(name: string, value: string | number): void {
    const given = String(value);
    for (let at = 0; at < given.length; at += 1)
      if (given.charCodeAt(at) > 255) throw new TypeError(`the header ${name} has a character that no header can have`);
    this.fields.push([nameOf(name), given]);
  }

  set(name: string, value: string | number): void {
    this.delete(name);
    this.append(name, value);
  }

  delete(name: string): void {
    const wanted = nameOf(name);
    this.fields = this.fields.filter(([each]) => each !== wanted);
  }

  /** The values of a field, by comma; null when there is none. */
  get(name: string): string | null {
    const values = this.valuesOf(name);
    return values.length === 0 ? null : values.join(", ");
  }

  getSetCookie(): string[] {
    return this.valuesOf("set-cookie");
  }

  has(name: string): boolean {
    return this.valuesOf(name).length > 0;
  }

  forEach(run: (value: string, name: string, headers: Headers) => void): void {
    for (const [name, value] of this) run(value, name, this);
  }

  *entries(): IterableIterator<[name: string, value: string]> {
    for (const [name, value] of this.fields) yield [name, value];
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return this.entries();
  }

  private valuesOf(name: string): string[] {
    const wanted = nameOf(name);
    return this.fields.filter(([each]) => each === wanted).map(([, value]) => value);
  }
}

function nameOf(name: string): string {
  return name.toLowerCase();
}

const nothing = new Uint8Array(0);

class Body {
  private readonly content: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.content = bytes;
  }

  bytes(): Uint8Array {
    return this.content.slice();
  }

  arrayBuffer(): ArrayBuffer {
    return this.content.slice().buffer;
  }

  text(): string {
    return new TextDecoder().decode(this.content);
  }

  // oxlint-disable-next-line no-explicit-any -- as on the web: what was sent is known to the author alone
  json(): any {
    return JSON.parse(this.text());
  }
}

/** The bytes of a body, and the type of its content if that is known by it. */
function bodyOf(given: BodyInit): readonly [bytes: Uint8Array, type: string | undefined] {
  if (given === null || given === undefined) return [nothing, undefined];
  if (typeof given === "string") return [new TextEncoder().encode(given), "text/plain;charset=UTF-8"];
  if (given instanceof ArrayBuffer) return [new Uint8Array(given).slice(), undefined];
  if (ArrayBuffer.isView(given))
    return [new Uint8Array(given.buffer, given.byteOffset, given.byteLength).slice(), undefined];
  throw new TypeError("a body is a text or bytes; use SyncResponse.json(…) for JSON");
}

/**
 * What a `Request` is made of, for a test or a handler that calls another. `GET` and HTTP 1.1 unless it says
 * otherwise.
 */
export interface RequestInit {
  readonly method?: string;
  readonly headers?: HeadersInit;
  readonly body?: BodyInit;
  readonly version?: string;
}

/** What a client asked. */
export class Request extends Body {
  readonly method: string;
  /** The whole address. */
  readonly url: string;
  readonly headers: Headers;
  /** As `1.1`. */
  readonly version: string;

  constructor(url: string, init: RequestInit = {}) {
    super(bodyOf(init.body)[0]);
    this.method = init.method ?? "GET";
    this.url = url;
    this.headers = new Headers(init.headers);
    this.version = init.version ?? "1.1";
  }

  /** The same as `url`. */
  get uri(): string {
    return this.url;
  }
}

/** What a `SyncResponse` has besides its body. */
export interface ResponseInit {
  /** From 200 to 599; 200 if left out. */
  readonly status?: number;
  readonly statusText?: string;
  readonly headers?: HeadersInit;
}

/** What a handler answers. */
export class SyncResponse extends Body {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;

  constructor(body?: BodyInit, init: ResponseInit = {}) {
    const [bytes, type] = bodyOf(body);
    super(bytes);
    this.status = init.status ?? 200;
    this.statusText = init.statusText ?? "";
    this.headers = new Headers(init.headers);
    if (type !== undefined && !this.headers.has("content-type")) this.headers.set("content-type", type);
  }

  static json(value: unknown, init: ResponseInit = {}): SyncResponse {
    const headers = new Headers(init.headers);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    return new SyncResponse(JSON.stringify(value), { ...init, headers });
  }

  /** Whether the status is from 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }
}

declare const handlerMark: unique symbol;

/** An HTTP handler, to be exported under its name and served by a route. */
export interface HttpHandlerExport {
  readonly [handlerMark]: true;
}

declare const routerMark: unique symbol;

/** The module's routes, to be exported. */
export interface HttpRouterExport {
  readonly [routerMark]: true;
}

/** A route. The method `ANY` stands for all. */
export interface HttpRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: HttpHandlerExport;
}

/** Which handler serves which path by which method. A router never changes: each of its methods gives another. */
export class Router {
  private readonly routes: readonly HttpRoute[];

  constructor(routes: readonly HttpRoute[] = []) {
    this.routes = routes;
  }

  get(path: string, handler: HttpHandlerExport): Router {
    return this.with("GET", path, handler);
  }

  head(path: string, handler: HttpHandlerExport): Router {
    return this.with("HEAD", path, handler);
  }

  options(path: string, handler: HttpHandlerExport): Router {
    return this.with("OPTIONS", path, handler);
  }

  put(path: string, handler: HttpHandlerExport): Router {
    return this.with("PUT", path, handler);
  }

  delete(path: string, handler: HttpHandlerExport): Router {
    return this.with("DELETE", path, handler);
  }

  post(path: string, handler: HttpHandlerExport): Router {
    return this.with("POST", path, handler);
  }

  patch(path: string, handler: HttpHandlerExport): Router {
    return this.with("PATCH", path, handler);
  }

  /** Whatever the method. */
  any(path: string, handler: HttpHandlerExport): Router {
    return this.with("ANY", path, handler);
  }

  /** The routes of another, behind `prefix`. */
  nest(prefix: string, router: Router): Router {
    checkPath(prefix);
    const before = prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
    return router.routes.reduce<Router>(
      (made, { method, path, handler }) => made.with(method, `${before}${path}`, handler),
      this,
    );
  }

  merge(router: Router): Router {
    return this.nest("", router);
  }

  intoRoutes(): HttpRoute[] {
    return [...this.routes];
  }

  private with(method: string, path: string, handler: HttpHandlerExport): Router {
    checkPath(path);
    const taken = this.routes.find(
      (route) => route.path === path && (route.method === method || route.method === "ANY" || method === "ANY"),
    );
    if (taken !== undefined)
      throw new TypeError(`the route ${method} ${JSON.stringify(path)} overlaps ${taken.method} of the same path`);
    return new Router([...this.routes, { method, path, handler }]);
  }
}

function checkPath(path: string): void {
  if (!/^(?:\/[a-z0-9\-_~/]*)?$/.test(path))
    throw new TypeError(
      `the path ${JSON.stringify(path)} cannot be: it is empty, or starts with / and has only a-z 0-9 - _ ~ /`,
    );
}

/** A request as the host has it; values of headers are characters up to 255. */
interface PlainRequest {
  readonly method: string;
  readonly uri: string;
  readonly version: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** A request of the host's as a handler takes it. */
export function requestOf({ method, uri, version, headers, body }: PlainRequest): Request {
  return new Request(uri, { method, version, headers, body });
}

/** What a handler gave as the host takes it. */
export function plainResponse(given: unknown): object {
  if (!(given instanceof SyncResponse))
    throw new TypeError("a handler gives a SyncResponse: new SyncResponse(text, { status: 200 })");
  return { status: given.status, headers: [...given.headers], body: given.bytes() };
}
