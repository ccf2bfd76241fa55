// Goal: issue 9, row `generate`. Bindings fit the client library that is there, and a folder holds no stale ones.
// Method: a folder per case, with or without an installed library; the command as its users run it.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveSchema } from "@lightcone/schema";
import { buildModule } from "../build/build-module.ts";
import { describeProgram } from "../build/describe-program.ts";
import { Place, bin } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

let module = "";
beforeAll(() => {
  module = mkdtempSync(join(place.folder, "module-"));
  writeFileSync(
    join(module, "module.ts"),
    `import { schema, t, table } from "lightcone/module";
const spacetime = schema({ boat: table({ public: true }, { id: t.u32().primaryKey(), name: t.string() }) });
export default spacetime;
export const dock = spacetime.reducer({ name: t.string() }, () => undefined);
`,
  );
});

/** A project's folder, with a version of a client library installed. */
function project(version?: string): string {
  const folder = mkdtempSync(join(place.folder, "client-"));
  if (version !== undefined) {
    mkdirSync(join(folder, "node_modules", "spacetimedb"), { recursive: true });
    writeFileSync(join(folder, "node_modules", "spacetimedb", "package.json"), JSON.stringify({ version }));
  }
  return folder;
}

const generate = (language: string, out: string, ...more: readonly string[]) =>
  place.run("generate", "--lang", language, "--out-dir", out, "--project-path", module, ...more);

describe("row generate: which version TypeScript bindings are for", () => {
  const cases = [
    { installed: undefined, flags: [], made: "2.10.1", says: /npm install spacetimedb@2\n/ },
    { installed: "1.12.0", flags: [], made: "1.12.0", says: /finished/ },
    { installed: "2.10.1", flags: [], made: "2.10.1", says: /finished/ },
    { installed: "3.0.0", flags: [], made: "2.10.1", says: /finished/ },
    { installed: "2.10.1", flags: ["--sdk", "1"], made: "1.12.0", says: /version 2: npm install spacetimedb@1\.12\n/ },
    { installed: undefined, flags: ["--sdk", "1"], made: "1.12.0", says: /npm install spacetimedb@1\.12\n/ },
  ];
  test.each(cases)("$installed is installed, flags $flags: for $made", async ({ installed, flags, made, says }) => {
    const out = join(project(installed), "src", "module_bindings");
    const ended = await generate("typescript", out, ...flags);
    expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(says) as string });
    expect(readFileSync(join(out, "index.ts"), "utf8")).toContain(`cliVersion: "${made}"`);
  });
});

describe("row generate: Rust bindings", () => {
  /** A client's folder with a Cargo.toml, or none. */
  function crate(manifest?: string): string {
    const folder = mkdtempSync(join(place.folder, "crate-"));
    if (manifest !== undefined) writeFileSync(join(folder, "Cargo.toml"), manifest);
    return join(folder, "src", "module_bindings");
  }
  const head = '[package]\nname = "client"\nversion = "2.0.0"\n\n';
  const isFor1 = (out: string): boolean => readFileSync(join(out, "mod.rs"), "utf8").includes("SetReducerFlags");

  const cases = [
    {
      asks: "no Cargo.toml",
      manifest: undefined,
      flags: [],
      line: 2,
      says: /not there: cargo add spacetimedb-sdk@2\n/,
    },
    {
      asks: "1.12",
      manifest: `${head}[dependencies]\nspacetimedb-sdk = "1.12"\n`,
      flags: [],
      line: 1,
      says: /finished/,
    },
    {
      asks: "exactly 2.10.1",
      manifest: `${head}[dependencies]\nspacetimedb-sdk = "=2.10.1"\n`,
      flags: [],
      line: 2,
      says: /finished/,
    },
    {
      asks: "a table with a version",
      manifest: `${head}[dependencies]\nlog = "2"\nspacetimedb-sdk = { default-features = false, version = "^1.12.0" }\n`,
      flags: [],
      line: 1,
      says: /finished/,
    },
    {
      asks: "a section of its own",
      manifest: `${head}[dependencies.spacetimedb-sdk]\nversion = "1"\n`,
      flags: [],
      line: 1,
      says: /finished/,
    },
    {
      asks: "another crate",
      manifest: `${head}[dependencies]\nlog = "1"\n`,
      flags: [],
      line: 2,
      says: /cargo add spacetimedb-sdk@2\n/,
    },
    {
      asks: "2.10 and --sdk 1",
      manifest: `${head}[dependencies]\nspacetimedb-sdk = "2.10"\n`,
      flags: ["--sdk", "1"],
      line: 1,
      says: /there it is version 2: cargo add spacetimedb-sdk@1\.12\n/,
    },
  ];
  test.each(cases)("$asks: for version $line", async ({ manifest, flags, line, says }) => {
    const out = crate(manifest);
    expect(await generate("rust", out, ...flags)).toMatchObject({
      code: 0,
      out: expect.stringMatching(says) as string,
    });
    expect(isFor1(out) ? 1 : 2).toBe(line);
  });

  test("what did not change is not written, what is stale goes, and what is somebody's own stays", async () => {
    const out = crate();
    await generate("rust", out);
    const names = readdirSync(out).toSorted();
    expect(names).toEqual(["boat_table.rs", "boat_type.rs", "dock_reducer.rs", "mod.rs"]);
    const before = names.map((name) => statSync(join(out, name)).mtimeMs);
    const stale = readFileSync(join(out, "boat_type.rs"), "utf8");
    writeFileSync(join(out, "ship_type.rs"), stale);
    writeFileSync(join(out, "own.rs"), "// mine\n");
    const again = await generate("rs", out, "--yes");
    expect(again.out).toMatch(/no longer are:\n {2}ship_type\.rs\n[^]*0 files written, 4 unchanged/);
    expect(readdirSync(out).toSorted()).toEqual([...names, "own.rs"].toSorted());
    expect(names.map((name) => statSync(join(out, name)).mtimeMs)).toEqual(before);
  });
});

describe("the schema for our own client", () => {
  test("goes where one stands, of the module that lightcone.json names", async () => {
    const at = project();
    writeFileSync(join(at, "lightcone.json"), JSON.stringify({ database: "boats", module }));
    const run = (...args: readonly string[]) => place.open(process.execPath, [bin, ...args], { cwd: at }).ended;
    expect(await run("generate", "--lang", "json")).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${join(at, "schema.json")} written`) as string,
    });
    expect(readFileSync(join(at, "schema.json"), "utf8")).toContain('"boat"');
    const cases = [
      { args: ["--lang", "typescript"], says: /generate needs --out-dir\n/ },
      { args: ["--out-dir", "out"], says: /generate needs --lang\n/ },
      { args: [], says: /generate needs --lang and --out-dir\n[^]*generate --lang json[^]*lightcone\.json/ },
    ];
    for (const { args, says } of cases)
      expect(await run("generate", ...args)).toMatchObject({
        code: 2,
        err: expect.stringMatching(says) as string,
      });
  });
});

describe("issue 9: --module-def", () => {
  test("bindings of a described module are those of the module", async () => {
    const [built, described, piped] = [project("2.10.1"), project("2.10.1"), project("2.10.1")];
    expect(await generate("typescript", built)).toMatchObject({ code: 0 });
    const def = await describeProgram(await buildModule({ modulePath: module }));
    const file = join(place.folder, "schema.json");
    writeFileSync(file, serveSchema(def, "10"));
    const run = (out: string, ...more: readonly string[]) =>
      place.run("generate", "--lang", "typescript", "--out-dir", out, ...more);
    expect(await run(described, `--module-def=${file}`)).toMatchObject({ code: 0 });
    // Piped, and of version 9.
    const ended = await place.answered(
      serveSchema(def, "9"),
      ...["generate", "--lang", "typescript", "--out-dir", piped, "--module-def"],
    );
    expect(ended).toMatchObject({ code: 0 });
    const files = (folder: string): readonly string[] =>
      readdirSync(folder)
        .filter((name) => name.endsWith(".ts"))
        .map((name) => readFileSync(join(folder, name), "utf8"));
    expect(files(built).length).toBeGreaterThan(2);
    expect(files(described)).toEqual(files(built));
    expect(files(piped)).toEqual(files(built));
  });

  test("what is no description is refused with the place and where one comes from", async () => {
    const file = join(place.folder, "no-schema.json");
    writeFileSync(file, `{"sections":[{"Tables":[{"source_name":5}]}]}`);
    const ended = await place.run(...["generate", "--lang", "ts", "--out-dir", project(), `--module-def=${file}`]);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain("source_name");
    expect(ended.err).toContain("lightcone describe NAME --json");
  });
});
