// Goal: what is wrong with a module is said once, with its file, line and column, before anything is sent.
// Method: a folder per row, built by the command as its users run it.
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Place, repository } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

const good = `import { schema, t, table } from "lightcone/module";\nexport default schema({ a: table({}, { x: t.u32() }) });\n`;
const config = JSON.stringify({
  compilerOptions: { module: "nodenext", strict: true, types: [], allowImportingTsExtensions: true, noEmit: true },
});

function project(files: Readonly<Record<string, string>>, packages: readonly string[] = []): string {
  const folder = mkdtempSync(join(place.folder, "module-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "node_modules"));
  for (const name of packages)
    symlinkSync(join(repository, "node_modules", name), join(folder, "node_modules", name), "dir");
  return folder;
}

test.each([
  {
    why: "a syntax error",
    text: "export const x = 1;\nexport const y = ;\n",
    says: /^Error: The module could not be built\n\nCaused by:\n {4}module\.ts:2:18: Unexpected token\n[^]*2 │ export const y = ;/,
  },
  {
    why: "a file that is not there",
    text: `import { a } from "./none.ts";\nexport const y = a;\n`,
    says: /module\.ts:1:19: Could not resolve '\.\/none\.ts'/,
  },
  {
    why: "a wait at the top level",
    text: "export const y = await Promise.resolve(1);\n",
    says: /module\.ts:1:18: `await` at the top level cannot work/,
  },
  {
    why: "what only shows when it describes itself",
    text: good.replace("t.u32()", "t.u32().nope()"),
    says: /TypeError: .*nope is not a function\n.*module\.ts:2:/,
  },
])("$why", async ({ text, says }) => {
  const { code, err } = await place.run("build", "-p", project({ "module.ts": text }));
  expect(code).toBe(1);
  expect(err).toMatch(says);
  const said = says.exec(err)?.[0].split("\n").at(-1) ?? "";
  expect(err.indexOf(said), "said once").toBe(err.lastIndexOf(said));
});

const compiler = ["typescript", "@typescript", "lightcone"];
test.each([
  { why: "checked", files: { "tsconfig.json": config }, packages: compiler, out: /^Checking types\.\.\.\nBuilding/ },
  { why: "no configuration", files: {}, packages: compiler, out: /^Building/ },
  { why: "no compiler", files: { "tsconfig.json": config }, packages: [], out: /^Building/ },
])("types that fit: $why", async ({ files, packages, out }) => {
  const ended = await place.run("build", "-p", project({ "module.ts": good, ...files }, packages));
  expect(ended).toMatchObject({ code: 0 });
  expect(ended.out).toMatch(out);
});

test("row 5: an async reducer is refused by its types, and without them by what it is", async () => {
  const text = `${good.replace("export default ", "const app = ")}export default app;\nexport const wait = app.reducer({ x: t.u32() }, async () => {});\n`;
  const folder = project({ "module.ts": text, "tsconfig.json": config }, compiler);
  const refused = await place.run("build", "-p", folder);
  expect(refused.code).toBe(1);
  expect(refused.err).toMatch(/module\.ts\(4,\d+\)[^]*cannot be async[^]*done by a client/);
  const unchecked = await place.run("build", "-p", folder, "--no-check");
  expect(unchecked.code).toBe(1);
  expect(unchecked.err).toMatch(/reducer `wait` is async: .*done by a client/);
});

test("types that do not fit end it, unless they are not to be looked at", async () => {
  const text = `${good}const count: number = "text";\nvoid count;\n`;
  const folder = project({ "module.ts": text, "tsconfig.json": config }, compiler);
  const refused = await place.run("build", "-p", folder);
  expect(refused).toMatchObject({ code: 1, out: "Checking types...\n" });
  expect(refused.err).toMatch(/types do not fit[^]*module\.ts\(3,\d+\): error TS\d+[^]*--no-check/);
  expect(await place.run("build", "-p", folder, "--no-check")).toMatchObject({ code: 0 });
});
