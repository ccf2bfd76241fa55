// Goal: docs/rust-modules.md says nothing that is not so: what it has as written is written like that in a module, and the test that it
// names is there.
// Method: each of its lines looked up in the modules' sources and in the test's file.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const sources = globSync("modules/rust/*/src/*.rs", { cwd: root }).map((path) =>
  readFileSync(join(root, path), "utf8"),
);

const lines = readFileSync(join(root, "docs/rust-modules.md"), "utf8")
  .split("\n")
  .map(
    (line) =>
      /^\| (?<what>.+?) \| `(?<written>.+)` \| (?<state>\w+) \| `(?<file>\S+)` ?(?<title>.*?) \|$/.exec(line)?.groups,
  )
  .filter((groups) => groups !== undefined);

test("the page has its lines", () => {
  expect(lines.length).toBeGreaterThan(45);
  expect(new Set(lines.map(({ state }) => state))).toEqual(new Set(["runs"]));
});

test.each(lines)("$what", ({ written = "", file = "", title = "" }) => {
  const text = written.replaceAll("\\|", "|");
  expect(
    sources.some((source) => source.includes(text)),
    `${text} in a module`,
  ).toBe(true);
  const tests = readFileSync(join(root, file), "utf8");
  expect(tests.includes(title), `"${title}" in ${file}`).toBe(true);
});
