// Goal: what SES refuses to see is rewritten to mean the same, and a source map comes off whole.
// Method: rewritten expressions are evaluated and compared with the originals.
import { expect, test } from "vitest";
import { escapeForSes, splitSourceMap, wrapScript } from "./script-text.ts";

test.each([
  { text: `"import(x)"`, why: "a string" },
  { text: "`import (x)`", why: "a template" },
  { text: `"\\import(x)"`, why: "a string with a needless escape" },
  { text: `/import(?:x)/.test("importx")`, why: "a regular expression" },
  { text: `({ import() { return 1; } }).import()`, why: "a method" },
  { text: `"<!-- -->"`, why: "comment marks in a string" },
  { text: `/<!--.*-->/.test("<!-- x -->")`, why: "comment marks in a regular expression" },
  { text: `(() => { /* import( <!-- --> eval( */ return 2; })()`, why: "a comment" },
])("$why: $text", ({ text }) => {
  const escaped = escapeForSes(text);
  // oxlint-disable-next-line no-eval -- both sides are the test's own texts
  expect((0, eval)(escaped)).toEqual((0, eval)(text));
  expect(escaped).not.toMatch(/\bimport\s*\(|<!--|-->/);
});

test.each([
  { bundle: "code;\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,e30=\n", map: "{}" },
  { bundle: "code;\n//# sourceMappingURL=data:application/json;base64,e30=", map: "{}" },
  { bundle: "code;", map: undefined },
  { bundle: "code;\n//# sourceMappingURL=https://elsewhere/map", map: undefined },
])("a source map of $bundle", ({ bundle, map }) => {
  expect(splitSourceMap(bundle).map).toBe(map);
  expect(splitSourceMap(bundle).code).toBe(map === undefined ? bundle : "code;");
});

test("the wrapper puts one line before the bundle, and binds globals that the bundle may shadow", () => {
  const wrapped = wrapScript("const Map = 1; exports.map = Map;");
  expect(wrapped.split("\n")[1]).toBe("const Map = 1; exports.map = Map;");
});
