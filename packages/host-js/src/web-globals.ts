/**
 * Globals that the web has and the language has not, as far as they answer the same everywhere: texts and bytes, addresses,
 * copies. Their classes are of the module's realm; what does the work is the platform's, and only texts, numbers and
 * bytes pass between the two.
 */
import { ConnectionId, Identity, TimeDuration, Timestamp, Uuid } from "@lightcone/sats";

const encoder = new TextEncoder();
const valueClasses = [Identity, ConnectionId, Timestamp, TimeDuration, Uuid];

/** What the source below is handed. */
export const webNatives = {
  encode: (text: string): Uint8Array => encoder.encode(text),
  encodeInto: (text: string, into: Uint8Array): readonly [read: number, written: number] => {
    const { read, written } = encoder.encodeInto(text, into);
    return [read, written];
  },
  makeDecoder: (label: string, fatal: boolean, ignoreBOM: boolean): InstanceType<typeof TextDecoder> =>
    new TextDecoder(label, { fatal, ignoreBOM }),
  makeUrl: (url: string, base: string | undefined): URL => new URL(url, base),
  makeParams: (text: string): URLSearchParams => new URLSearchParams(text),
  atob: (text: string): string => atob(text),
  btoa: (text: string): string => btoa(text),
  /** Values that never change need no copy, and would lose their class by one. */
  isValue: (value: unknown): boolean => valueClasses.some((one) => value instanceof one),
};

/** Source to run in the realm of a module with `natives`; gives the globals by their names. */
export const webGlobals = `
"use strict";
const { encode, encodeInto, makeDecoder, makeUrl, makeParams, isValue } = natives;
/** Errors of the platform are of another realm or carry more than their text. */
const guarded = (work, refuse) => { try { return work(); } catch (error) { throw refuse(String(error?.message)); } };

const codes = { InvalidCharacterError: 5, DataCloneError: 25 };
class DOMException extends Error {
  #name;
  constructor(message = "", name = "Error") { super(\`\${message}\`); this.#name = \`\${name}\`; }
  get name() { return this.#name; }
  get code() { return codes[this.#name] ?? 0; }
}

class TextEncoder {
  get encoding() { return "utf-8"; }
  encode(text = "") { return encode(\`\${text}\`); }
  encodeInto(text, into) {
    if (!(into instanceof Uint8Array)) throw new TypeError("encodeInto takes a text and a Uint8Array");
    const [read, written] = encodeInto(\`\${text}\`, into);
    return { read, written };
  }
}

class TextDecoder {
  #decoder; #fatal; #ignoreBOM;
  constructor(label = "utf-8", options = {}) {
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
    this.#decoder = guarded(() => makeDecoder(\`\${label}\`, this.#fatal, this.#ignoreBOM), (text) => new RangeError(text));
  }
  get encoding() { return this.#decoder.encoding; }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }
  decode(input = new Uint8Array(0), options = {}) {
    if (!(input instanceof ArrayBuffer) && !ArrayBuffer.isView(input)) throw new TypeError("decode takes bytes: an ArrayBuffer or a view of one");
    return guarded(() => this.#decoder.decode(input, { stream: Boolean(options?.stream) }), (text) => new TypeError(text));
  }
}

let wrapParams;
class URLSearchParams {
  #params;
  static { wrapParams = (params) => { const made = new URLSearchParams(); made.#params = params; return made; }; }
  constructor(init = "") {
    if ((typeof init !== "object" && typeof init !== "function") || init === null) {
      this.#params = makeParams(\`\${init}\`);
      return;
    }
    this.#params = makeParams("");
    const pairs = init[Symbol.iterator] == null ? Object.entries(init) : init;
    for (const pair of pairs) {
      const [name, value, ...more] = pair;
      if (value === undefined || more.length > 0) throw new TypeError("each of the pairs that parameters are made of is a name and a value");
      this.append(name, value);
    }
  }
  get size() { return this.#params.size; }
  append(name, value) { this.#params.append(\`\${name}\`, \`\${value}\`); }
  delete(name, value = undefined) { value === undefined ? this.#params.delete(\`\${name}\`) : this.#params.delete(\`\${name}\`, \`\${value}\`); }
  get(name) { return this.#params.get(\`\${name}\`); }
  getAll(name) { return [...this.#params.getAll(\`\${name}\`)]; }
  has(name, value = undefined) { return value === undefined ? this.#params.has(\`\${name}\`) : this.#params.has(\`\${name}\`, \`\${value}\`); }
  set(name, value) { this.#params.set(\`\${name}\`, \`\${value}\`); }
  sort() { this.#params.sort(); }
  forEach(act, self = undefined) { for (const [name, value] of this) Reflect.apply(act, self, [value, name, this]); }
  *entries() { for (const [name, value] of this.#params) yield [name, value]; }
  *keys() { for (const [name] of this.#params) yield name; }
  *values() { for (const [, value] of this.#params) yield value; }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return this.#params.toString(); }
}

class URL {
  #url; #params;
  constructor(url, base = undefined) {
    this.#url = guarded(() => makeUrl(\`\${url}\`, base === undefined ? undefined : \`\${base}\`), () => new TypeError(\`Invalid URL: \${url}\`));
  }
  static canParse(url, base = undefined) { return URL.parse(url, base) !== null; }
  static parse(url, base = undefined) { try { return new URL(url, base); } catch { return null; } }
  get href() { return this.#url.href; }
  set href(value) { guarded(() => { this.#url.href = \`\${value}\`; }, () => new TypeError(\`Invalid URL: \${value}\`)); }
  get origin() { return this.#url.origin; }
  get searchParams() { return (this.#params ??= wrapParams(this.#url.searchParams)); }
  get protocol() { return this.#url.protocol; } set protocol(value) { this.#url.protocol = \`\${value}\`; }
  get username() { return this.#url.username; } set username(value) { this.#url.username = \`\${value}\`; }
  get password() { return this.#url.password; } set password(value) { this.#url.password = \`\${value}\`; }
  get host() { return this.#url.host; } set host(value) { this.#url.host = \`\${value}\`; }
  get hostname() { return this.#url.hostname; } set hostname(value) { this.#url.hostname = \`\${value}\`; }
  get port() { return this.#url.port; } set port(value) { this.#url.port = \`\${value}\`; }
  get pathname() { return this.#url.pathname; } set pathname(value) { this.#url.pathname = \`\${value}\`; }
  get search() { return this.#url.search; } set search(value) { this.#url.search = \`\${value}\`; }
  get hash() { return this.#url.hash; } set hash(value) { this.#url.hash = \`\${value}\`; }
  toString() { return this.#url.href; }
  toJSON() { return this.#url.href; }
}

const notCloned = (what) => new DOMException(\`\${what} could not be cloned\`, "DataCloneError");
const errorClasses = { Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError };
const inner = [WeakMap, WeakSet, Promise, TextEncoder, TextDecoder, URL, URLSearchParams];
const structuredClone = { structuredClone(value, options = undefined) {
  if (options?.transfer?.length > 0) throw notCloned("what is to be transferred");
  const seen = new Map();
  const note = (from, to) => { seen.set(from, to); return to; };
  const clone = (from) => {
    if (typeof from === "function" || typeof from === "symbol") throw notCloned(String(from));
    if (typeof from !== "object" || from === null || isValue(from)) return from;
    if (seen.has(from)) return seen.get(from);
    if (inner.some((one) => from instanceof one)) throw notCloned(Object.prototype.toString.call(from));
    if (Array.isArray(from)) {
      const to = note(from, new Array(from.length));
      for (const key of Object.keys(from)) to[key] = clone(from[key]);
      return to;
    }
    if (from instanceof Map) {
      const to = note(from, new Map());
      for (const [key, item] of [...from]) to.set(clone(key), clone(item));
      return to;
    }
    if (from instanceof Set) {
      const to = note(from, new Set());
      for (const item of [...from]) to.add(clone(item));
      return to;
    }
    if (from instanceof ArrayBuffer) return note(from, from.slice(0));
    if (ArrayBuffer.isView(from)) {
      const buffer = clone(from.buffer);
      return note(from, from instanceof DataView
        ? new DataView(buffer, from.byteOffset, from.byteLength)
        : new from.constructor(buffer, from.byteOffset, from.length));
    }
    if (from instanceof Date) return note(from, new Date(from.getTime()));
    if (from instanceof RegExp) return note(from, new RegExp(from.source, from.flags));
    if (from instanceof Error) {
      const to = note(from, Object.create((errorClasses[from.name] ?? Error).prototype));
      const made = new (errorClasses[from.name] ?? Error)(\`\${from.message}\`);
      note(from, made);
      if (Object.hasOwn(from, "cause")) Object.defineProperty(made, "cause", { value: clone(from.cause), writable: true, configurable: true });
      return made;
    }
    if (from instanceof Boolean || from instanceof Number || from instanceof String || from instanceof BigInt) return note(from, Object(from.valueOf()));
    const to = note(from, {});
    for (const key of Object.keys(from))
      Object.defineProperty(to, key, { value: clone(from[key]), writable: true, enumerable: true, configurable: true });
    return to;
  };
  return clone(value);
} }.structuredClone;

const base64 = (name, native) => ({ [name](text) {
  const given = \`\${text}\`;
  return guarded(() => native(given), (why) => new DOMException(why, "InvalidCharacterError"));
} })[name];

const queueMicrotask = { queueMicrotask(work) {
  if (typeof work !== "function") throw new TypeError("queueMicrotask takes a function");
  Promise.resolve().then(() => void work());
} }.queueMicrotask;

for (const made of [DOMException, TextEncoder, TextDecoder, URL, URLSearchParams])
  Object.defineProperty(made.prototype, Symbol.toStringTag, { value: made.name, configurable: true });
return {
  DOMException, TextEncoder, TextDecoder, URL, URLSearchParams, structuredClone, queueMicrotask,
  atob: base64("atob", natives.atob), btoa: base64("btoa", natives.btoa),
};
`;
