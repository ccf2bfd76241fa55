// Goal: a bundle that is an ES module becomes a function whose lines stay where they were, and one that asks for what is not there is
// refused before it runs, in words that say what to do.
// Method: bundles by hand, evaluated in both sandboxes; texts that look like declarations stand wherever text can stand.
import { compileFunction } from "node:vm";
import { outsideMicrotasks } from "@lightcone/base/node";
import { describe, expect, test } from "vitest";
import { loadJsModule } from "../index.ts";
import { FakePort } from "../testing/fake-port.ts";
import { mayBeEsModule, readEsModule } from "./es-module.ts";

const open = (bundle: string, sandbox: "vm" | "ses" = "vm") =>
  outsideMicrotasks(() => loadJsModule(bundle, undefined, { sandbox }).open(new FakePort()));

/** What the exports of a module are, its imports being `sys`. */
function run(text: string): Record<string, unknown> {
  const { body, imports, exports } = readEsModule(text);
  const constants = imports
    .filter(({ as }) => as !== "")
    .map(({ from, name, as }) => `const ${as} = "${name} of ${from}";`);
  const given = [...exports].map(([name, inside]) => `${JSON.stringify(name)}: ${inside}`);
  expect(body.split("\n").length).toBe(text.split("\n").length);
  return compileFunction(`"use strict"; ${constants.join("")}\n${body}\n;return { ${given.join(", ")} };`)() as Record<
    string,
    unknown
  >;
}

describe("row 9: an ES module as a function", () => {
  test.each<[string, Record<string, unknown>]>([
    [`const a = 1;\nexport { a, a as b, a as default, a as "c d" };`, { a: 1, b: 1, default: 1, "c d": 1 }],
    [
      `import { x } from "sys"; import * as y from 'sys'; import z, { w as v } from "sys";\nexport { x, y, z, v };`,
      { x: "x of sys", y: "* of sys", z: "default of sys", v: "w of sys" },
    ],
    [`import "sys";\nexport const a = 1, b = [2, 3], c = 4;`, { a: 1, b: [2, 3], c: 4 }],
    [`export const a = 1\nexport let b = 2\nconst c = 3, d = 4;`, { a: 1, b: 2 }],
    [`export default [1, 2];`, { default: [1, 2] }],
    [`const $default = 1; export default $default + 1;`, { default: 2 }],
    [
      `export default function () { return 1; }\nexport function f() {}\nexport class C {}`,
      { default: expect.any(Function), f: expect.any(Function), C: expect.any(Function) },
    ],
    [
      `export default class Named {}\nexport async function* g() {}`,
      { default: expect.any(Function), g: expect.any(Function) },
    ],
    // Where no declaration is.
    [
      "const a = `\nexport { no };\n${`import x from 'y';` + { export: 1 }.export}\nexport default 1;`;\nexport { a };",
      { a: "\nexport { no };\nimport x from 'y';1\nexport default 1;" },
    ],
    [
      `const a = "export { no }" + 'import "no"'; // export { no }\n/* import no from "no"\nexport { no } */ export { a };`,
      { a: 'export { no }import "no"' },
    ],
    [`const a = /[/"]export { no }'/.source; export { a };`, { a: `[/"]export { no }'` }],
    [`const o = { import: 1, export: 2 }; const a = o.import + o.export; export { a };`, { a: 3 }],
    // A slash that divides, and one that begins a regular expression.
    [
      `const n = 4, f = (x) => x; let i = 8; const a = [i++ / 2, f(8) / n / 2, [8][0] / n, ({ v: 8 }).v / 2, 8 / 2 /1]; export { a };`,
      { a: [4, 1, 2, 4, 4] },
    ],
    [
      `let a = []; if (a) /'/.test(a); for (const x of ["'"]) /"/.exec(x); a = (() => { return /\`/.source })(); { } /'/.test(a); export { a };`,
      { a: "`" },
    ],
    [
      "const a = `${{ a: 1 }.a}${(() => { return `'${1}` })()}` ; const b = 4 / `2` / 1; export { a, b };",
      { a: "1'1", b: 2 },
    ],
    [
      `class A { #p = 1; static s = /}/; get p() { return this.#p / 1 } }\nconst a = new A().p; export { a };`,
      { a: 1 },
    ],
  ])("%s", (text, exports) => {
    expect(run(text)).toEqual(exports);
  });

  test.each([
    `export * from "sys";`,
    `export { a } from "sys";`,
    `export const { a } = { a: 1 };`,
    `import { a "sys";`,
    `import { "a\\u0041" as b } from "sys";`,
  ])("is refused with its line: %s", (text) => {
    expect(() => readEsModule(`\n${text}`)).toThrow(/line 2 of the bundle is a declaration/);
  });

  test("scripts are none", () => {
    expect(mayBeEsModule(`const host = require("lightcone:host@1");\nexports.a = 1;`)).toBe(false);
    expect(mayBeEsModule(`const a = \`\nexport { b };\`; const host = require("lightcone:host@1");`)).toBe(false);
    expect(mayBeEsModule(`// a\nimport{a}from"b"`)).toBe(true);
    expect(mayBeEsModule(`var a = 1;\n  export { a };`)).toBe(true);
  });
});

test("a script with such lines in its texts is a script", async () => {
  const text = `const help = \`\nexport { run };\nimport x from "y";\n\`; console.log(help);`;
  const port = new FakePort();
  const program = loadJsModule(text, undefined, { sandbox: "vm" });
  await expect(outsideMicrotasks(() => program.open(port))).rejects.toMatchObject({ code: "ModuleInvalid" });
  expect(port.lines.map(({ message }) => message)).toEqual([`\nexport { run };\nimport x from "y";\n`]);
});

describe.each(["vm", "ses"] as const)("row 9: a bundle that cannot run, %s", (sandbox) => {
  test.each([
    [
      `import * as a from "spacetime:sys@1.0";\nimport * as b from "spacetime:sys@2.0";`,
      /two versions of the package spacetimedb/,
    ],
    [
      `import { table_id_from_name } from "spacetime:sys@3.0";`,
      /imports spacetime:sys@3\.0, and this release has spacetime:sys@1\.0, .*2\.1: build it/,
    ],
    [`import * as a from "spacetime:sys@1.4";`, /imports spacetime:sys@1\.4/],
    [`import * as a from "spacetime:sys@2";`, /imports spacetime:sys@2, /],
    [`import { nothing } from "spacetime:sys@1.0";`, /imports nothing of spacetime:sys@1\.0/],
    [
      `import { register_hooks } from "spacetime:sys@2.0";\nexport default 1;`,
      /imports register_hooks of spacetime:sys@2\.0/,
    ],
    [`import fs from "node:fs";`, /imports node:fs, which is not in it/],
    [`export const a = 1;`, /imports nothing of the database/],
    [`import * as a from "spacetime:sys@1.0";`, /registers no functions/],
    [`import * as a from "spacetime:sys@2.0";`, /no default export/],
    [`import * as a from "spacetime:sys@2.0";\nexport default 1;`, /no default export/],
    [`import * as a from "spacetime:sys@2.0";\nexport default {};`, /is no schema of spacetimedb\/server/],
    [
      `import { moduleHooks } from "spacetime:sys@2.0";\nexport default { [moduleHooks]() { return {}; } };`,
      /gives no function __describe_module__/,
    ],
    [
      `import { register_hooks } from "spacetime:sys@1.0";\nregister_hooks({});`,
      /the hook __describe_module__ is no function/,
    ],
    [
      `import { register_hooks as r } from "spacetime:sys@1.0";\nconst h = { __describe_module__() {}, __call_reducer__() {} };\nr(h); r(h);`,
      /registered already/,
    ],
    [
      `import { register_hooks as r } from "spacetime:sys@1.0";\nr({ __describe_module__() { return "no"; }, __call_reducer__() {} });`,
      /gives no bytes/,
    ],
    [
      `import { register_hooks as r } from "spacetime:sys@1.0";\nr({ __describe_module__() { throw new RangeError("oh"); }, __call_reducer__() {} });`,
      /RangeError: oh/,
    ],
    [
      `import { table_id_from_name } from "spacetime:sys@1.0";\ntable_id_from_name("a");`,
      /tables cannot be reached while the module is loaded/,
    ],
    [
      `import { table_id_from_name } from "spacetime:sys@2.0";\ntable_id_from_name("a");export default 1;`,
      /tables cannot be reached while the module is loaded/,
    ],
    [`import * as a from "spacetime:sys@2.0";\nexport default {};\nfetch("x");`, /fetch/],
    [`import * as a from "spacetime:sys@2.0";\nexport default {};\nawait 1;`, /await/],
    [`import * as a from "spacetime:sys@2.0";\nexport default {};\nprocess.exit();`, /process/],
    [
      `import * as a from "spacetime:sys@2.0";\nPromise.reject(new RangeError("behind"));\nexport default {};`,
      /is no schema/,
    ],
    [`import * as a from "spacetime:sys@2.0";\nexport default {};\nconst b = ;`, /Unexpected token/],
  ])("%s", async (bundle, reason) => {
    await expect(open(bundle, sandbox)).rejects.toMatchObject({
      code: "ModuleInvalid",
      detail: { reason: expect.stringMatching(reason) },
    });
  });
});
