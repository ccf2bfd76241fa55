// Goal: issue 9, row CLI. `init` makes a project that `dev` builds, publishes and watches, in both languages: what is changed runs,
// what is broken meanwhile is said and waited for, and the log is shown.
// Method: the commands as their users run them, on a server of their own; files changed while `dev` runs. The Rust module is built where
// those of this repository are, by the same compiler, and only where there is one.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place, repository } from "../testing/command.ts";

const place = new Place();
let server = "";
beforeAll(async () => {
  const started = place.start("start", "--listen-addr", "127.0.0.1:0", "--in-memory");
  server = (await started.saying(/http:\/\/127\.0\.0\.1:\d+/))[0];
});
afterAll(() => place.close());

const target = join(repository, "modules", "rust", "target");
const hasRust = existsSync(join(repository, "modules", "rust", "built", "showcase.wasm"));

const sql = async (database: string, statement: string): Promise<string> =>
  (await place.run("sql", database, statement, "-s", server)).out;

describe("row CLI: init", () => {
  test.each([
    { args: ["Shop2", "--lang", "rust"], files: ["Cargo.toml", "src/lib.rs", ".gitignore"] },
    {
      args: ["--lang", "typescript", "--non-interactive", "--server-only", "shop-3"],
      files: ["package.json", "src/index.ts"],
    },
  ])("$args", async ({ args, files }) => {
    const at = place.path(`made-${String(args.at(-1))}`);
    const made = await place.run("init", ...args, "--project-path", at);
    expect(made).toMatchObject({ code: 0 });
    // No registry has it yet: the steps lead to the file.
    if (args.includes("typescript"))
      expect(made.out).toMatch(
        /npm install --prefix spacetimedb \S+\/lightcone-[\d.]+\.tgz\n {2}npx --prefix spacetimedb lightcone start &\n/,
      );
    for (const file of files) expect(existsSync(join(at, "spacetimedb", file))).toBe(true);
    const name = /name("?)(?: = |: )"shop-[23]"/;
    expect(readFileSync(join(at, "spacetimedb", files[0] ?? ""), "utf8")).toMatch(name);
    const again = await place.run("init", ...args, "--project-path", at);
    expect(again).toMatchObject({
      code: 1,
      err: expect.stringMatching(/spacetimedb is not empty[^]*--project-path/) as string,
    });
  });

  test.each([
    { args: ["--lang", "rust"], says: /PROJECT_NAME is missing/ },
    { args: ["x"], says: /--lang must be provided/ },
    { args: ["1x", "--lang", "rust"], says: /"1x" is no name for a project/ },
  ])("$args: refused", async ({ args, says }) => {
    expect(await place.run("init", ...args)).toMatchObject({ code: 2, err: expect.stringMatching(says) as string });
  });
});

describe("row CLI: dev", () => {
  test("TypeScript: builds, publishes, writes bindings; again at a change; waits where a change is broken", async () => {
    const at = place.path("garden");
    await place.run("init", "garden", "--lang", "ts", "--project-path", at);
    writeFileSync(join(at, "package.json"), '{ "name": "page", "private": true }');
    mkdirSync(join(at, "spacetimedb", "node_modules"));
    symlinkSync(
      join(repository, "node_modules", "lightcone"),
      join(at, "spacetimedb", "node_modules", "lightcone"),
      "dir",
    );
    const source = join(at, "spacetimedb", "src", "index.ts");
    const text = readFileSync(source, "utf8");

    const running = place.start("dev", "garden", "--project-path", at, "-s", server);
    await running.saying(
      /Starting development mode[^]*Database: garden\n[^]*Published successfully!\n[^]*Waiting for next change/,
    );
    await running.saying(/the database begins/);
    expect(readFileSync(join(at, "src", "module_bindings", "index.ts"), "utf8")).toContain("PersonRow");
    await place.run("call", "garden", "add", "Ada", "-s", server);

    writeFileSync(source, text.replace("export default app;", "export default app;\nconst y = ;"));
    await running.saying(/rebuilding\.\.\.[^]*Waiting for next change/);
    expect(running.err).toMatch(/Error: The module could not be built[^]*index\.ts:\d+/);

    writeFileSync(
      source,
      text.replace("schema({ person", "schema({ tree: table({ public: true }, { id: t.u32() }), person"),
    );
    await running.saying(/rebuilding[^]*rebuilding[^]*Published successfully!/);
    expect(await sql("garden", "SELECT * FROM tree")).toMatch(/id/);
    expect(await sql("garden", "SELECT name FROM person")).toMatch(/Ada/);
    expect(existsSync(join(at, "src", "module_bindings", "tree_table.ts"))).toBe(true);
  });

  test("what no change mends ends it", async () => {
    expect(await place.run("dev", "-s", server)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/name of the database/) as string,
    });
    const outside = await place.run("dev", "x", "--project-path", place.folder, "--module-path", "../elsewhere");
    expect(outside).toMatchObject({ code: 2, err: expect.stringMatching(/is outside of the project/) as string });
  });

  test.skipIf(!hasRust)("Rust: builds, publishes, and again at a change", async () => {
    const at = place.path("orchard");
    await place.run("init", "orchard", "--lang", "rust", "--project-path", at);
    if (existsSync(target)) place.env["CARGO_TARGET_DIR"] = target;
    const source = join(at, "spacetimedb", "src", "lib.rs");
    const text = readFileSync(source, "utf8");

    const running = place.start("dev", "orchard", "--project-path", at, "-s", server);
    await running.saying(/Building\.\.\.[^]*Published successfully!\n[^]*Waiting for next change/);
    await running.saying(/the database begins/);
    await place.run("call", "orchard", "add", "Ada", "-s", server);

    writeFileSync(source, text.replaceAll("person needs a name", "person needs more").replace("Hello,", "Good day,"));
    await running.saying(/rebuilding\.\.\.[^]*Published successfully!/);
    expect((await place.run("call", "orchard", "add", "", "-s", server)).err).toContain("a person needs more");
    await place.run("call", "orchard", "say_hello", "-s", server);
    await running.saying(/Good day, Ada!/);
  });
});
