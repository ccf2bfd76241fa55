// Goal: what is wrong with a module is said once, with its file, line and column, before anything is sent.
// Method: a folder per row, built by the command as its users run it.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Place, repository } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

const good = `import { schema, t, table } from "lightcone/module";\nexport default schema({ a: table({}, { x: t.u32() }) });\n`;
const ruled = (sql: string): string =>
  `export default app;\nexport const rule = app.clientVisibilityFilter.sql(${JSON.stringify(sql)});\n`;
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
  {
    why: "a row-level rule on a table that is not there",
    text: good.replace("export default", "const app =") + ruled("SELECT * FROM b"),
    says: /^Error: .*SELECT \* FROM b.*\bb\b/,
  },
  {
    why: "a row-level rule that does not compile",
    text: good.replace("export default", "const app =") + ruled("SELECT * FROM a WHERE y = 1"),
    says: /^Error: .*SELECT \* FROM a WHERE y = 1.*\by\b/,
  },
])("$why", async ({ text, says }) => {
  const { code, err } = await place.run("build", "-p", project({ "module.ts": text }));
  expect(code).toBe(1);
  expect(err).toMatch(says);
  const said = says.exec(err)?.[0].split("\n").at(-1) ?? "";
  expect(err.indexOf(said), "said once").toBe(err.lastIndexOf(said));
});

test("issue 10 §1: the schema's file is written for a project that names no module", async () => {
  const files = { "module.ts": good, "lightcone.json": '{ "database": "x", "schema": "built/schema.ts" }' };
  const folder = project(files);
  expect(await place.run("build", "-p", folder)).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, "built", "schema.ts"), "utf8")).toMatch(/^export const hash = \d+;$/m);
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

/** Uses what there is beside the language, and says by it that it is there. */
const withGlobals = `${good}
const params = new URL("http://host/?a=1").searchParams;
for (const [name, value] of params) console.info("%s is %s", name, value, atob(btoa(value)));
export const bytes: Uint8Array = new TextEncoder().encode(params.get("a") ?? "");
export const text: string = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
export const copy: { readonly a: number } = structuredClone({ a: 1 });
queueMicrotask(() => console.table([copy]));
`.replaceAll(/^export const/gm, "const");
/** Options that Lightcone's own sources, which are what \`lightcone/module\` is here, do not hold to. */
const foreign = {
  noUnusedParameters: false,
  erasableSyntaxOnly: false,
  strict: true,
  noPropertyAccessFromIndexSignature: true,
};
describe("what is looked at is the module, whatever the project's options", () => {
  test.each([
    { why: "none", options: {} },
    { why: "the guide's", options: { lib: ["esnext"] } },
    { why: "of a page as well", options: { lib: ["esnext", "dom"], types: [] } },
    { why: "with Node's types", options: { lib: ["esnext"], types: ["node"] } },
    { why: "of a library that is built", options: { composite: true, declaration: true, outDir: "out", rootDir: "." } },
    { why: "of a bundler", options: { module: "esnext", moduleResolution: "bundler", ...foreign } },
  ])("options: $why", async ({ options }) => {
    const folder = project(
      {
        "module.ts": `import { half } from "./half.ts";\nvoid half;\n${withGlobals}`,
        "half.ts": "export const half: Half = 0.5;\n",
        "project.d.ts": "type Half = 0.5;\n",
        "page.ts": `document.title = "not a part of it"; const count: number = "text";\n`,
        "tsconfig.json": JSON.stringify({ compilerOptions: options }),
      },
      [...compiler, "@types"],
    );
    expect(await place.run("build", "-p", folder)).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringMatching(/^Checking types/),
    });
    expect(readdirSync(join(folder, "dist")).filter((name) => name.startsWith("tsconfig"))).toEqual([]);
  });

  test("by several commands at a time", async () => {
    const folder = project({ "module.ts": good, "tsconfig.json": "{}" }, compiler);
    const ended = await Promise.all(Array.from({ length: 4 }, () => place.run("build", "-p", folder)));
    expect(ended.map(({ code, err }) => [code, err])).toEqual(Array.from({ length: 4 }, () => [0, ""]));
  });

  test("what does not fit in a file that it imports is told, and nothing else", async () => {
    const folder = project(
      {
        "module.ts": `import "./half.ts";\n${good}`,
        "half.ts": "export const half: 0.5 = 0.7;\n",
        "tsconfig.json": "{}",
      },
      compiler,
    );
    const refused = await place.run("build", "-p", folder);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringMatching(/ {4}half\.ts\(1,14\): error TS2322: [^\n]*\n\nHint/),
    });
  });
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

test.each([
  { name: "node:fs", use: 'import fs from "node:fs";\nvoid fs;\n' },
  { name: "path", use: 'import { join } from "path";\nvoid join;\n' },
  { name: "process", use: "void process.pid;\n" },
])("what Node has is not in a database, whatever the compiler asks for: $name", async ({ name, use }) => {
  const folder = project({ "module.ts": `${use}${good}`, "tsconfig.json": config }, compiler);
  const refused = await place.run("build", "-p", folder);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain(`Hint: A module has no Node built-ins: \`${name}\` is not there inside a database`);
});

test("types that do not fit end it, unless they are not to be looked at", async () => {
  const text = `${good}const count: number = "text";\nvoid count;\n`;
  const folder = project({ "module.ts": text, "tsconfig.json": config }, compiler);
  const refused = await place.run("build", "-p", folder);
  expect(refused).toMatchObject({ code: 1, out: "Checking types...\n" });
  expect(refused.err).toMatch(/types do not fit[^]*module\.ts\(3,\d+\): error TS\d+[^]*--no-check/);
  expect(await place.run("build", "-p", folder, "--no-check")).toMatchObject({ code: 0 });
});
