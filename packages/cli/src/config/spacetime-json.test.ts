// Goal: issue 9, row CLI. `spacetime.json` means what it does for the reference: its layers, an environment's files, several databases.
// Method: files in a folder, read as commands do.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findProject, targetsOf } from "./project.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lightcone-spacetime-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

test("layers: local files go before shared ones, an environment's before both, and only if it is asked for", () => {
  write("spacetime.json", `{ database: "shared", server: "a", "module-path": "m", /* whole keys */ }`);
  write("spacetime.local.json", `{ "server": "b" }`);
  write("spacetime.dev.json", `{ "database": "of-dev" }`);
  write("spacetime.dev.local.json", `{ "server": "c" }`);
  const module = join(folder, "m");
  expect(findProject(folder, {})).toEqual({ folder, database: "shared", server: "b", module });
  expect(findProject(folder, { env: "dev" })).toEqual({ folder, database: "of-dev", server: "c", module });
  expect(findProject(folder, { env: "none" })).toEqual({ folder, database: "shared", server: "b", module });
  expect(findProject(folder, { isLeftOut: true })).toBeUndefined();
});

test("children have what they do not say from the one around them, but its database and bindings", () => {
  write(
    "spacetime.json",
    `{ database: "outer", server: "s", "module-path": "outer", generate: [{ language: "typescript", "out-dir": "o" }],
       children: [
         { database: "one" },
         { database: "two", "js-path": "two.js", children: [{ database: "three", server: "t" }] },
         { children: [{ database: "four", "module-path": "four" }] },
       ] }`,
  );
  const project = findProject(folder, {});
  const [module, jsPath] = [join(folder, "outer"), join(folder, "two.js")];
  expect(project?.targets).toEqual([
    {
      database: "outer",
      server: "s",
      module,
      generate: [{ lang: "typescript", outDir: join(folder, "o"), includePrivate: false }],
    },
    { database: "one", server: "s", module },
    { database: "two", server: "s", jsPath },
    { database: "three", server: "t", jsPath },
    { database: "four", server: "s", module: join(folder, "four") },
  ]);
  const meant = (name?: string) => targetsOf(project, name).map(({ database }) => database);
  expect(meant()).toEqual(["outer", "one", "two", "three", "four"]);
  expect(meant("two")).toEqual(["two"]);
  expect(meant("t*")).toEqual(["two", "three"]);
  expect(() => meant("tw")).toThrow(
    "No database target matches 'tw'. Available databases: outer, one, two, three, four",
  );
});

test.each([`{ "children": {} }`, `{ "children": [1] }`, `{ "children": [{ "database": 5 }] }`])(
  "%s is refused",
  (text) => {
    write("spacetime.json", text);
    expect(() => findProject(folder, {})).toThrow(join(folder, "spacetime.json"));
  },
);
