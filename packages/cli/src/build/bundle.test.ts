// Goal: a module becomes one script that asks for host modules alone; what cannot work is said with file and line.
// Method: small projects in a temporary folder.
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundleModule } from "./bundle.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lightcone-bundle-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function project(files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return join(folder, Object.keys(files)[0] ?? "");
}

test("files become one script whose only import is the host", async () => {
  const entry = project({
    "index.ts": `import { description } from "lightcone:host@1";\nimport { twice } from "./other.ts";\nexport default { [description]: twice(2 as number) };\nexport const named: string = "n";`,
    "other.ts": `export const twice = (value: number): number => value * 2;\nexport const unused = "dropped";`,
  });
  const { code } = await bundleModule(entry);
  const exports: { default?: object; named?: string } = {};
  const description = Symbol("description");
  const asked: string[] = [];
  // oxlint-disable-next-line typescript/no-implied-eval -- running the script is the test
  const run = new Function("require", "exports", code) as (require: (name: string) => unknown, exports: object) => void;
  run((name) => (asked.push(name), { description }), exports);
  expect(asked).toEqual(["lightcone:host@1"]);
  expect(exports).toMatchObject({ default: { [description]: 4 }, named: "n" });
  expect(code).not.toContain("dropped");
});

test("the source map is inline, knows the author's files, and holds none of their text", async () => {
  const { code, map } = await bundleModule(project({ "index.ts": `/* a secret */ export const x: number = 1;` }));
  const inline = /base64,(.*)\n$/.exec(code)?.[1] ?? "";
  expect(Buffer.from(inline, "base64").toString()).toBe(map);
  expect(JSON.parse(map)).toMatchObject({ version: 3, sources: ["index.ts"] });
  expect(map).not.toContain("secret");
});

const usesSdk = `import { schema } from "lightcone/module";\nexport default schema({});`;

test("files of the SDK are the package's, whether it is installed, linked or the command's own", async () => {
  const sourcesOf = async (entry: string): Promise<readonly string[]> =>
    JSON.parse((await bundleModule(entry, { projectPath: folder })).map).sources;
  const own = await sourcesOf(project({ "app/index.ts": usesSdk }));
  expect(own).toContain("app/index.ts");
  expect(own.length).toBeGreaterThan(1);
  expect(own.filter((path) => !path.startsWith("lightcone/"))).toEqual(["app/index.ts"]);
  project({
    "elsewhere/package.json": `{"name":"lightcone","type":"module","exports":{"./module":"./module-host.js"}}`,
    "elsewhere/module-host.js": `export { schema } from "./part.js";`,
    "elsewhere/part.js": `import { description } from "lightcone:host@1";\nexport const schema = () => ({ [description]: 1 });`,
  });
  mkdirSync(join(folder, "app/node_modules"));
  symlinkSync(join(folder, "elsewhere"), join(folder, "app/node_modules/lightcone"));
  expect(await sourcesOf(join(folder, "app/index.ts"))).toEqual(["lightcone/part.js", "app/index.ts"]);
  // A folder of the author's own is nobody else's, whatever it is called.
  expect(await sourcesOf(project({ "packages/module/src/index.ts": `export const x = 1;` }))).toEqual([
    "packages/module/src/index.ts",
  ]);
});

test("the environment reads as production, unless told otherwise", async () => {
  const entry = project({ "index.ts": `export const mode = process.env.NODE_ENV;` });
  expect((await bundleModule(entry)).code).toContain(`"production"`);
  expect((await bundleModule(entry, { environment: "development" })).code).toContain(`"development"`);
});

test("a project without the SDK gets the one of the command", async () => {
  const entry = project({ "index.ts": `import { schema } from "lightcone/module";\nexport default schema({});` });
  expect((await bundleModule(entry)).code).toContain(`require("lightcone:host@1")`);
});

test.each([
  { why: "a syntax error", text: `export const x = 1;\nexport const y = ;`, reason: /index\.ts:2:18/ },
  { why: "a file that is not there", text: `import "./none.ts";`, reason: /\.\/none\.ts/ },
  {
    why: "a package that is not there",
    text: `import "no-such-package";\nexport const x = 1;`,
    reason: /no-such-package/,
  },
  {
    why: "a part of the platform",
    text: `import { readFileSync } from "node:fs";\nexport const x = readFileSync;`,
    reason: /node:fs .*index\.ts/,
  },
  {
    why: "row 28: the official package, which is not installed",
    text: `import { schema } from "spacetimedb/server";\nexport default schema({});`,
    reason:
      /spacetimedb\/server \(imported by index\.ts\) is not installed: npm install spacetimedb, or import "lightcone\/module" in its place/,
  },
  { why: "a dynamic import", text: `export const x = import("node:fs");`, reason: /import\(\).*index\.ts|node:fs/ },
])("refused: $why", async ({ text, reason }) => {
  await expect(bundleModule(project({ "index.ts": text }))).rejects.toMatchObject({
    code: "ModuleInvalid",
    message: expect.stringMatching(reason),
  });
});

/** Where each line of the official package is, on machines that have it. */
const official = { 1: "spacetimedb", 2: "spacetimedb-2" } as const;

describe("row 9: a module of the official package is bundled as its own command does", () => {
  const packages = fileURLToPath(new URL("../../../../node_modules", import.meta.url));
  const use = (line: 1 | 2): void => {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(packages, official[line]), join(folder, "node_modules/spacetimedb"));
  };

  test.skipIf(!existsSync(join(packages, official[1])))("line 1.12: its only imports are the host's", async () => {
    use(1);
    const { code, map } = await bundleModule(
      project({ "src/index.ts": `import { schema } from "spacetimedb/server";\nschema();` }),
    );
    const imported = [...code.matchAll(/^import .* from "(.+)";$/gm)].map(([, name]) => name);
    expect(new Set(imported)).toEqual(new Set([0, 1, 2, 3].map((minor) => `spacetime:sys@1.${minor}`)));
    expect(JSON.parse(map).sources).toContain("src/index.ts");
  });

  test.skipIf(!existsSync(join(packages, official[2])))("line 2.x: its functions are exports", async () => {
    use(2);
    const entry = project({
      "src/index.ts": `import { schema } from "spacetimedb/server";\nconst s = schema({});\nexport default s;\nexport const go = s.reducer(() => {});`,
    });
    const { code } = await bundleModule(entry);
    expect(code).toMatch(/^export \{ s as default, go \};|^export \{ go, s as default \};/m);
    expect(code).toContain(`from "spacetime:sys@2.1"`);
    await expect(
      bundleModule(
        project({
          "src/index.ts": `import "spacetimedb/server";\nimport { t } from "lightcone/module";\nexport default t;`,
        }),
      ),
    ).rejects.toMatchObject({ code: "ModuleInvalid", message: expect.stringMatching(/both "lightcone\/module" and/) });
    await expect(
      bundleModule(
        project({ "src/index.ts": `import "spacetimedb/server";\nimport "./none.ts";\nexport const x = ;` }),
      ),
    ).rejects.toMatchObject({ code: "ModuleInvalid", message: expect.stringMatching(/src\/index\.ts:3/) });
  });
});
