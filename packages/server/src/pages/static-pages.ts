/** A few files held in memory and served as they are, beside `/v1`. */
import { createHash } from "node:crypto";
import type { Pages } from "../http/app.ts";

/** Files by path, `index.html` or `assets/logo.svg`. */
export type PageFiles = ReadonlyMap<string, Uint8Array>;

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  map: "application/json",
  webmanifest: "application/manifest+json",
  svg: "image/svg+xml",
  png: "image/png",
  ico: "image/x-icon",
  woff2: "font/woff2",
};

/** Serves `files`; a path that ends in `/` is its `index.html`. Only what is in the map can be reached. */
export function staticPages(files: PageFiles): Pages {
  const entries = new Map([...files].map(([path, bytes]) => [path, { bytes, headers: headersOf(path, bytes) }]));
  return (request) => {
    const path = pathOf(request.url);
    const file = path === undefined ? undefined : entries.get(path);
    if (file === undefined) return undefined;
    if (request.method !== "GET" && request.method !== "HEAD")
      return new Response(null, { status: 405, headers: { allow: "GET,HEAD" } });
    const { bytes, headers } = file;
    if (request.headers.get("if-none-match") === headers["etag"]) return new Response(null, { status: 304, headers });
    // The bytes are an ordinary array of this process, which is what a body takes.
    return new Response(request.method === "HEAD" ? null : (bytes as Uint8Array<ArrayBuffer>), { headers });
  };
}

function pathOf(url: string): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url).pathname).slice(1);
    return path === "" || path.endsWith("/") ? `${path}index.html` : path;
  } catch {
    return undefined; // a `%` that begins no escape
  }
}

function headersOf(path: string, bytes: Uint8Array): Readonly<Record<string, string>> {
  return {
    "content-type": types[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream",
    "x-content-type-options": "nosniff",
    // Asked for again each time, and sent again only when it changed.
    "cache-control": "no-cache",
    etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
  };
}
