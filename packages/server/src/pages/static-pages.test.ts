/**
 * Goal: exactly the files of the map are served, with a type, and sent again only when they changed.
 * Method: a request per row against a map of three files.
 */
import { expect, test } from "vitest";
import { staticPages } from "./static-pages.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const pages = staticPages(
  new Map([
    ["index.html", bytes("<h1>chat</h1>")],
    ["main.js", bytes("go()")],
    ["a/index.html", bytes("inner")],
  ]),
);
const ask = (path: string, init?: RequestInit): Promise<Response | undefined> =>
  Promise.resolve(pages(new Request(`http://h${path}`, init)));

test.each([
  { path: "/", type: "text/html; charset=utf-8", body: "<h1>chat</h1>" },
  { path: "/index.html?x=1", type: "text/html; charset=utf-8", body: "<h1>chat</h1>" },
  { path: "/main.js", type: "text/javascript; charset=utf-8", body: "go()" },
  { path: "/a/", type: "text/html; charset=utf-8", body: "inner" },
])("$path is served as $type", async ({ path, type, body }) => {
  const response = await ask(path);
  expect(response?.status).toBe(200);
  expect(response?.headers.get("content-type")).toBe(type);
  expect(await response?.text()).toBe(body);
});

test.each(["/none", "/../main.js/", "/%2e%2e/etc/passwd", "/%zz", "/constructor"])("%s is not there", async (path) => {
  expect(await ask(path)).toBeUndefined();
});

test("a file that is known already is not sent again", async () => {
  const etag = (await ask("/main.js"))?.headers.get("etag") ?? "";
  const again = await ask("/main.js", { headers: { "if-none-match": etag } });
  expect([again?.status, await again?.text()]).toEqual([304, ""]);
});

test("other methods than GET and HEAD are refused", async () => {
  expect((await ask("/main.js", { method: "HEAD" }))?.status).toBe(200);
  expect((await ask("/main.js", { method: "POST" }))?.status).toBe(405);
});
