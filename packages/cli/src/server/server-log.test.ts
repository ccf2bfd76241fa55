// Goal: the log on a terminal has the colour of its level, and nothing that came from elsewhere steers the terminal.
// Method: lines as the log writes them, with an escape from outside; the colour is a mark.
import { expect, test } from "vitest";
import { forPeople } from "./server-log.ts";

const escape = "\u001b[31m";

test.each([
  { line: { level: "warn", msg: "a thing" }, says: "12:34:56 <yellow> WARN</> a thing" },
  { line: { level: "info", msg: "listening", port: 3000 }, says: "12:34:56 <green> INFO</> listening port=3000" },
  {
    line: { level: "error", msg: "no", err: { message: `it${escape}` } },
    says: "12:34:56 <red>ERROR</> no: it\\x1b[31m",
  },
  {
    line: { level: "debug", msg: `a${escape}`, name: `b${escape}` },
    says: String.raw`12:34:56 <dim>DEBUG</> a\x1b[31m name="b\u001b[31m"`,
  },
])("$says", ({ line, says }) => {
  const text = JSON.stringify({ time: "2026-11-30T12:34:56.789Z", ...line });
  expect(forPeople(text, (style, word) => `<${String(style)}>${word}</>`)).toBe(says);
  // With real colours too, the only escapes are the level's own.
  const painted = forPeople(text, (_style, word) => `\u001b[1m${word}\u001b[22m`);
  expect(painted.split("\u001b").length).toBe(3);
});
