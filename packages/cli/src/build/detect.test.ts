/**
 * Goal: a folder with a module is found for what it is, also one that holds `module.ts` and nothing else.
 * Method: a table of folders.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findEntry, findModule } from "./detect.ts";

const root = mkdtempSync(join(tmpdir(), "lightcone-detect-"));
afterAll(() => rmSync(root, { recursive: true }));

test.each([
  { files: ["module.ts"], language: "typescript", entry: "module.ts" },
  { files: ["index.ts", "page.ts"], language: "typescript", entry: "index.ts" },
  { files: ["module.ts", "src/index.ts"], language: "typescript", entry: "src/index.ts" },
  { files: ["package.json"], language: "typescript", entry: undefined },
  { files: ["Cargo.toml", "module.ts"], language: "rust", entry: "module.ts" },
])("$files", ({ files, language, entry }) => {
  const folder = mkdtempSync(join(root, "case-"));
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "");
  }
  expect(findModule({ modulePath: folder }).language).toBe(language);
  expect(findEntry(folder)).toBe(entry === undefined ? undefined : join(folder, entry));
});

test("an empty folder is no module", () => {
  expect(() => findModule({ modulePath: mkdtempSync(join(root, "empty-")) })).toThrow("Could not detect");
});
