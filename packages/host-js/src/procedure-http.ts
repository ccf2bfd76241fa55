/** `ctx.http.fetch` as a module sees it: what it takes is read, and what it gives is made, in the module's realm. */

/** Values of header fields are characters up to 255, as HTTP has them. */
export type GuestHeaders = readonly (readonly [name: string, value: string])[];

/** What the source below gives. */
export interface ProcedureHttpMade {
  readonly fetch: (url: unknown, init?: unknown) => unknown;
  readonly response: (status: number, version: string, url: string, headers: GuestHeaders, body: Uint8Array) => object;
}

/** Source to compile in the module's realm, of `ask`, `encode` and `decode`. */
export const procedureHttp = `
const none = new Uint8Array(0);
const pairsOf = (given) => {
  if (given === undefined || given === null) return [];
  const pairs = typeof given[Symbol.iterator] === "function" ? [...given] : Object.entries(given);
  return pairs.map((pair) => {
    const [name, value] = pair;
    const text = \`\${value}\`;
    for (let at = 0; at < text.length; at++)
      if (text.charCodeAt(at) > 255) throw new TypeError(\`the header \${name} has a character that no header can have\`);
    return [\`\${name}\`, text];
  });
};
class Headers {
  #pairs;
  constructor(given) { this.#pairs = pairsOf(given).map(([name, value]) => [name.toLowerCase(), value]); }
  get(name) {
    const wanted = \`\${name}\`.toLowerCase();
    const values = this.#pairs.filter(([each]) => each === wanted).map(([, value]) => value);
    return values.length === 0 ? null : values.join(", ");
  }
  getSetCookie() { return this.#pairs.filter(([each]) => each === "set-cookie").map(([, value]) => value); }
  has(name) { return this.get(name) !== null; }
  forEach(run) { for (const [name, value] of this.#pairs) run(value, name, this); }
  *entries() { for (const [name, value] of this.#pairs) yield [name, value]; }
  *keys() { for (const [name] of this.#pairs) yield name; }
  *values() { for (const [, value] of this.#pairs) yield value; }
  [Symbol.iterator]() { return this.entries(); }
}
class Response {
  #body;
  constructor(status, version, url, headers, body) {
    this.status = status;
    this.statusText = "";
    this.ok = status >= 200 && status < 300;
    this.version = version;
    this.url = url;
    this.type = "basic";
    this.headers = new Headers(headers);
    this.#body = body;
  }
  bytes() { return this.#body.slice(); }
  arrayBuffer() { return this.#body.slice().buffer; }
  text() { return decode(this.#body); }
  json() { return JSON.parse(this.text()); }
}
const bodyOf = (given) => {
  if (given === undefined || given === null) return [none, undefined];
  if (typeof given === "string") return [encode(given), "text/plain;charset=UTF-8"];
  if (given instanceof ArrayBuffer) return [new Uint8Array(given).slice(), undefined];
  if (ArrayBuffer.isView(given)) return [new Uint8Array(given.buffer, given.byteOffset, given.byteLength).slice(), undefined];
  throw new TypeError("a request's body is a text or bytes; write JSON.stringify(…) for JSON");
};
const known = ["method", "headers", "body", "timeout"];
const fetch = (url, init) => {
  const options = init ?? {};
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new TypeError(\`ctx.http.fetch has no option \${name}; there are \${known.join(", ")}\`);
  const headers = pairsOf(options.headers);
  const [body, type] = bodyOf(options.body);
  if (type !== undefined && !headers.some(([name]) => name.toLowerCase() === "content-type")) headers.push(["content-type", type]);
  return ask(\`\${options.method ?? "GET"}\`, \`\${url}\`, headers, body, options.timeout);
};
return { fetch, response: (...parts) => Object.freeze(new Response(...parts)) };
`;
