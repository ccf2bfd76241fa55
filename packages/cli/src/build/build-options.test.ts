// Goal: issue 9, row CLI. `--build-options` reach the build, or are refused; nothing of them is dropped in silence.
// Method: modules of both languages; `generate`, which takes them as `publish` does, as its users run it. Of Rust the command line that
// cargo is given, by a cargo that prints it, since what is passed on is the question.
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place } from "../testing/command.ts";

const place = new Place();
afterAll(() => place.close());

let typescript = "";
let rust = "";
beforeAll(() => {
  typescript = mkdtempSync(join(place.folder, "typescript-"));
  writeFileSync(
    join(typescript, "module.ts"),
    `import { schema, t, table } from "lightcone/module";
export default schema(process.env.NODE_ENV === "development" ? { while_built: table({}, { x: t.u32() }) } : {});
`,
  );
  rust = mkdtempSync(join(place.folder, "rust-"));
  mkdirSync(join(rust, "src"));
  writeFileSync(join(rust, "Cargo.toml"), '[package]\nname = "m"\n');
  writeFileSync(join(rust, "src", "lib.rs"), '// println!("no")\nfn main() {\n    println!("yes");\n    dbg!(1);\n}\n');
  // A compiler that has the target, and a cargo that says what it was asked.
  const tools = join(place.folder, "tools");
  mkdirSync(join(tools, "lib/rustlib/wasm32-unknown-unknown/lib"), { recursive: true });
  writeFileSync(join(tools, "rustc"), `#!/bin/sh\necho ${tools}\n`);
  writeFileSync(join(tools, "cargo"), '#!/bin/sh\necho "cargo $*" >&2\nexit 1\n');
  for (const name of ["rustc", "cargo"]) chmodSync(join(tools, name), 0o755);
  place.env["PATH"] = `${tools}${delimiter}${place.env["PATH"] ?? ""}`;
});

const build = "build --target wasm32-unknown-unknown --message-format=json-render-diagnostics";

describe("row CLI: --build-options", () => {
  test.each([
    { options: "", asked: `cargo ${build} --release\n` },
    { options: "--debug", asked: `cargo ${build}\n` },
    { options: "-d --features one,two", asked: `cargo ${build} --features one,two\n` },
    { options: "  --features=one ", asked: `cargo ${build} --release --features one\n` },
  ])("Rust: '$options'", async ({ options, asked }) => {
    const ended = await place.run(
      "generate",
      "-l",
      "json",
      "-o",
      place.path("out"),
      "-p",
      rust,
      "--build-options",
      options,
    );
    expect(ended).toMatchObject({ code: 1, err: expect.stringContaining(asked) as string });
  });

  test("Rust: what prints to nobody is named, unless it is not to be looked for", async () => {
    const ask = ["generate", "-l", "json", "-o", place.path("out"), "-p", rust];
    expect((await place.run(...ask)).err).toContain(
      "log::info! writes to its log:\n  src/lib.rs:3: println!\n  src/lib.rs:4: dbg!\n",
    );
    expect((await place.run(...ask, "--build-options", "--lint-dir=")).err).not.toContain("println!");
    expect((await place.run("build", "-p", rust, "--features", "three")).err).toContain("--release --features three\n");
  });

  test("TypeScript: --debug is a build for development", async () => {
    const names = async (...more: readonly string[]): Promise<string> => {
      const ended = await place.run(
        "generate",
        "-l",
        "ts",
        "-o",
        place.path("names"),
        "-p",
        typescript,
        "--include-private",
        ...more,
      );
      return ended.out;
    };
    expect(await names()).toContain("1 files written");
    expect(await names("--build-options", "--debug")).toContain("3 files written");
  });

  test.each([
    { options: "--fast", says: /--build-options: Unknown option '--fast'[^]*options of build/ },
    { options: "surplus", says: /--build-options: Unexpected argument 'surplus'/ },
    { options: "--features x", says: /--features is for modules in Rust/ },
  ])("'$options' is refused", async ({ options, says }) => {
    const ended = await place.run(
      "generate",
      "-l",
      "ts",
      "-o",
      place.path("no"),
      "-p",
      typescript,
      "--build-options",
      options,
    );
    expect(ended).toMatchObject({ code: 2, err: expect.stringMatching(says) as string });
  });
});
