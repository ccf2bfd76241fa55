// Goal: issue 9, row CLI. `init` makes a project that `dev` builds, publishes and watches, in both languages: what is changed runs,
// what is broken meanwhile is said and waited for, and the log is shown.
// Method: the commands as their users run them, on a server of their own; files changed while `dev` runs. The Rust module is built where
// those of this repository are, by the same compiler, and only where there is one.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, Place, repository } from "../testing/command.ts";

const place = new Place();
let server = "";
beforeAll(async () => {
  const started = place.start("start", "--listen-addr", "127.0.0.1:0", "--in-memory");
  server = (await started.saying(/http:\/\/127\.0\.0\.1:\d+/))[0];
});
afterAll(() => place.close());

const target = join(repository, "modules", "rust", "target");
const hasRust = existsSync(join(repository, "modules", "rust", "built", "showcase.wasm"));

const onlyLoopback = "ip link set lo up";
const canCutNetwork = spawnSync("unshare", ["-n", "sh", "-c", onlyLoopback]).status === 0;

const sql = async (database: string, statement: string): Promise<string> =>
  (await place.run("sql", database, statement, "-s", server)).out;

const installedVersion = (name: string): string =>
  (JSON.parse(readFileSync(join(repository, "node_modules", name, "package.json"), "utf8")) as { version: string })
    .version;

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

  test("--template: a whole project, of its own name, with what it needs; never over another", async () => {
    const at = place.path("Made By Template");
    const made = await place.run("init", "Shop4", "--template", "todo", "--project-path", at);
    expect(made).toMatchObject({
      code: 0,
      out: expect.stringMatching(/npm install\n {2}npx lightcone dev\n/) as string,
    });
    const manifest: { readonly name: string; readonly dependencies: Readonly<Record<string, string>> } = JSON.parse(
      readFileSync(join(at, "package.json"), "utf8"),
    );
    expect(manifest).toMatchObject({
      name: "shop-4",
      dependencies: { lightcone: expect.stringMatching(/^file:.*\.tgz$/) as string },
      // As this repository has them: what is tested here is what is written there.
      devDependencies: Object.fromEntries(
        ["typescript", "vite", "@types/node"].map((name) => [name, `^${installedVersion(name)}`]),
      ),
    });
    expect(readFileSync(join(at, "lightcone.json"), "utf8")).toContain('"database": "shop-4"');
    expect(readFileSync(join(at, "README.md"), "utf8")).toMatch(/^# shop-4\n/);
    for (const file of [".gitignore", ".vscode/launch.json", "module/src/index.ts", "page/main.ts", "README.md"])
      expect(existsSync(join(at, file)), file).toBe(true);
    expect(await place.run("init", "Shop4", "--template", "todo", "--project-path", at)).toMatchObject({ code: 1 });
  });

  test.each([
    { args: ["--lang", "rust"], says: /PROJECT_NAME is missing/ },
    { args: ["x"], says: /Either --template or --lang must be provided[^]*react, chat, todo, game, module-rust/ },
    { args: ["x", "--template", "toda"], says: /no template toda[^]*similar name exists: todo/ },
    { args: ["x", "--template", "todo", "--lang", "rust"], says: /exclude each other/ },
    { args: ["1x", "--lang", "rust"], says: /"1x" is no name for a project/ },
  ])("$args: refused", async ({ args, says }) => {
    expect(await place.run("init", ...args)).toMatchObject({ code: 2, err: expect.stringMatching(says) as string });
  });
});

describe("issue 10, the loop: a project with lightcone.json", () => {
  const folder = (name: string): string => {
    const at = place.path(name);
    mkdirSync(join(at, "module", "src"), { recursive: true });
    mkdirSync(join(at, "node_modules"));
    for (const each of ["lightcone", "typescript"])
      symlinkSync(join(repository, "node_modules", each), join(at, "node_modules", each), "dir");
    const options = { strict: true, lib: ["esnext"], module: "nodenext", types: [], noEmit: true };
    writeFileSync(join(at, "module", "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
    return at;
  };
  const listening = async (): Promise<{ readonly port: number; readonly close: () => Promise<void> }> => {
    const probe = createServer((socket) =>
      socket
        .on("error", () => undefined)
        .resume()
        .end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    );
    await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
    const address = probe.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return { port: address.port, close: () => new Promise((done) => probe.close(() => done())) };
  };
  const notes = (columns: string, more = ""): string => `import { schema, t, table } from "lightcone/module";
const app = schema({ note: table({ public: true }, { ${columns} }) });
export default app;
export const add = app.reducer({ text: t.string() }, (ctx, { text }) => {
  console.info("added %s", text);
  ctx.db.note.insert({ id: 0n, text${more} });
});
`;
  const first = "id: t.u64().primaryKey().autoInc(), text: t.string()";

  test("dev starts the server; no command repeats a name; what is broken or would lose data leaves the last good one", async () => {
    const at = folder("notes");
    const { port, close } = await listening();
    await close();
    const server = `http://127.0.0.1:${port}`;
    const project = { database: "notes", module: "module", server, schema: "module/built/schema.ts" };
    writeFileSync(join(at, "lightcone.json"), JSON.stringify(project));
    const built = async () => {
      const hash = /^export const hash = \d+;$/m.exec(readFileSync(join(at, project.schema), "utf8"))?.[0];
      const data = readFileSync(join(at, "module/built/schema.json"), "utf8");
      const told = await fetch(`${server}/v1/database/notes/schema?version=10&for=client`);
      return { hash, isTold: data === `${await told.text()}\n` };
    };
    const source = join(at, "module", "src", "index.ts");
    writeFileSync(source, notes(first));
    const inside = { cwd: join(at, "module") };
    const command = async (...args: readonly string[]) => {
      const ended = await place.open(process.execPath, [bin, ...args], inside).ended;
      expect(ended, ended.err).toMatchObject({ code: 0 });
      return ended.out;
    };

    const running = place.open(process.execPath, [bin, "dev"], { cwd: at });
    await running.saying(/Server: \S+, data in \S+notes\/\.lightcone\n[^]*Published successfully!\n[^]*Waiting/);
    await command("call", "add", "one");
    await running.saying(/^module \S+ +INFO: add src\/index\.ts:5: added one$/m);
    expect(await command("sql", "SELECT text FROM note")).toContain("one");
    expect(await command("describe", "table", "note")).toContain("text");
    expect(await command("logs", "-n", "1")).toContain("added one");
    const { hash, isTold } = await built();
    expect([hash, isTold]).toEqual([expect.any(String), true]);

    // A type that does not fit: the line is named, and the module of before serves.
    writeFileSync(source, notes(first).replace("id: 0n", "id: 'none'"));
    await running.saying(/rebuilding[^]*Waiting for next change/);
    expect(running.err).toMatch(/types do not fit[^]*src\/index\.ts\(6,\d+\): error TS/);
    await command("call", "add", "two");

    // A column of values would go: nobody is there to be asked, so they stay, and the words say how to go on.
    writeFileSync(source, notes("id: t.u64().primaryKey().autoInc()").replace(", text }", " }"));
    await running.saying(/(?:rebuilding[^]*){2}Waiting for next change/);
    await expect.poll(() => running.err).toMatch(/Nothing is changed[^]*Pass --drop-data to/);
    expect(await command("sql", "SELECT text FROM note")).toMatch(/one[^]*two|two[^]*one/);
    // What pages are built for is what serves.
    expect(await built()).toEqual({ hash, isTold: true });

    // A column more: what publishing does is shown, the rows stay.
    writeFileSync(source, notes(`${first}, done: t.bool().default(false)`, ", done: false"));
    await running.saying(/(?:rebuilding[^]*){3}This is what publishing does[^]*done[^]*Published successfully!/);
    expect(await command("sql", "SELECT text, done FROM note")).toMatch(/one[^]*false/);
    const next = await built();
    expect([next.hash === hash, next.isTold]).toEqual([false, true]);

    // A column without a default: how its rows stay is said before it is asked whether all data goes.
    writeFileSync(source, notes(`${first}, done: t.bool().default(false), by: t.string()`, ", done: false, by: 'me'"));
    await running.saying(
      /(?:rebuilding[^]*){4}takes a default, or is optional; `app\.migrate`[^]*Waiting for next change/,
    );
    const err = running.err.length;
    running.child.kill("SIGTERM");
    // An end that is wanted is no failure.
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(running.err.slice(err)).toBe("");

    // With what it says to pass, the column goes that is named, and nothing else.
    const dropping = place.open(process.execPath, [bin, "dev", "--drop-data"], { cwd: at });
    await dropping.saying(/Waiting for next change|Published successfully/);
    const without = notes("id: t.u64().primaryKey().autoInc(), done: t.bool().default(false)", ", done: false");
    writeFileSync(source, without.replace("id: 0n, text", "id: 0n"));
    await dropping.saying(/Lost: column text[^]*Published successfully!/);
    expect(await command("sql", "SELECT id, done FROM note")).toMatch(/1 +\| false[^]*2 +\| false/);
    dropping.child.kill("SIGTERM");
    expect(await dropping.ended).toMatchObject({ code: 0 });
  });

  test.skipIf(!canCutNetwork)(
    "§6: without a network (Linux, as root) init makes a project, and dev serves one",
    async () => {
      const alone = (cwd: string, ...args: readonly string[]) =>
        place.open(
          "unshare",
          ["-n", "sh", "-c", `${onlyLoopback} && exec "$@"`, "sh", process.execPath, bin, ...args],
          { cwd },
        );
      const made = await alone(place.folder, "init", "island", "--template", "react").ended;
      expect([made.code, made.err]).toEqual([0, ""]);

      const at = folder("island-notes");
      writeFileSync(join(at, "lightcone.json"), JSON.stringify({ database: "notes", module: "module" }));
      const source = join(at, "module", "src", "index.ts");
      const init = `\nexport const init = app.init(() => console.info("nobody is asked"));\n`;
      writeFileSync(source, notes(first) + init);
      const running = alone(at, "dev");
      await running.saying(/Published successfully!\n[^]*Waiting for next change/);
      await running.saying(/nobody is asked/);
      writeFileSync(source, notes(`${first}, done: t.bool().default(false)`, ", done: false") + init);
      await running.saying(/rebuilding[^]*Published successfully!/);
      running.child.kill("SIGTERM");
      expect(await running.ended).toMatchObject({ code: 0, err: expect.not.stringMatching(/error|warning|hint/i) });
    },
  );

  test("what cannot work inside a database is said with its line and a hint, one after another, and the last good one serves", async () => {
    const at = folder("slips");
    writeFileSync(join(at, "lightcone.json"), JSON.stringify({ database: "slips", module: "module", server }));
    const source = join(at, "module", "src", "index.ts");
    writeFileSync(source, notes(first));
    const running = place.open(process.execPath, [bin, "dev", "-s", server, "--no-check"], { cwd: at });
    await running.saying(/Published successfully!\n[^]*Waiting/);
    const slips: readonly { readonly text: string; readonly says: RegExp }[] = [
      {
        text: `import "node:fs";\n${notes(first)}`,
        says: /node:fs is not there inside a database \(imported by src\/index\.ts\)/,
      },
      {
        text: `${notes(first)}export const begun = Date.now();\n`,
        says: /no clock of its own: use ctx\.timestamp[^]*src\/index\.ts:8/,
      },
      {
        text: `${notes(first)}export const salt = Math.random();\n`,
        says: /no chance of its own: use ctx\.random\(\)[^]*src\/index\.ts:8/,
      },
      { text: notes(first).replace("(ctx, { text }) =>", "async (ctx, { text }) =>"), says: /async/ },
      {
        text: notes(first).replace("export const add", "const add"),
        says: /src\/index\.ts:4:\d+ is not exported[^]*export const/,
      },
      { text: notes(`${first}, at: Date`), says: /column|type/ },
      {
        text: notes(first).replace("note: table", 'other: table({ name: "note" }, { id: t.u64() }), note: table'),
        says: /note/,
      },
      { text: `${notes(first)}const broken = ;\n`, says: /src\/index\.ts:8:\d+/ },
    ];
    for (const { text, says } of slips) {
      const [out, err] = [running.out.length, running.err.length];
      writeFileSync(source, text);
      await expect.poll(() => running.out.slice(out)).toMatch(/rebuilding[^]*Waiting for next change/);
      expect.soft(running.err.slice(err), text).toMatch(says);
    }
    await place.run("call", "slips", "add", "one", "-s", server);
    expect(await sql("slips", "SELECT text FROM note")).toContain("one");

    // What works, and will surprise; and a megabyte of source.
    const [out, err] = [running.out.length, running.err.length];
    const kept = notes(first).replace(
      'console.info("added',
      'calls += long.length + Date.now();\n  console.info("added',
    );
    writeFileSync(source, `let calls = 0;\n${kept}const long = ${JSON.stringify("x".repeat(1 << 20))};\n`);
    await expect.poll(() => running.out.slice(out)).toMatch(/rebuilding[^]*Waiting/);
    expect(running.out.slice(out), running.err.slice(err)).toContain("Published successfully!");
    expect(running.err.slice(err)).toMatch(
      /Warning: src\/index\.ts:6: `calls` stands outside of the function[^]*row of a table/,
    );
    expect(running.err.slice(err)).toMatch(/Warning: src\/index\.ts:6: `Date\.now` is refused[^]*ctx\.timestamp/);
    running.child.kill("SIGTERM");
    await running.ended;
  });

  test("a port that something else has", async () => {
    const at = folder("taken");
    const { port, close } = await listening();
    const server = `http://127.0.0.1:${port}`;
    writeFileSync(join(at, "lightcone.json"), JSON.stringify({ database: "taken", module: "module", server }));
    writeFileSync(join(at, "module", "src", "index.ts"), notes(first));
    const ended = await place.open(process.execPath, [bin, "dev"], { cwd: at }).ended;
    await close();
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.err).toMatch(
      /listens on 127\.0\.0\.1:\d+ is no Lightcone server[^]*Hint: [^]*"server": [^]*lightcone\.json/,
    );
  });

  test.each([
    { text: "{", says: /lightcone\.json is no JSON[^]*Hint: For example: \{ "database"/ },
    { text: '{ "databse": "x" }', says: /has "databse", which means nothing[^]*database, module, server/ },
    { text: '{ "server": 3000 }', says: /"server" is no text/ },
    {
      text: '{ "database": "Notes" }',
      says: /lightcone\.json: "Notes" can be no database's name\n[^]*lower-case letters/,
    },
    { text: '{ "schema": "a.json" }', says: /"schema" is no file of TypeScript[^]*module\/built\/schema\.ts/ },
  ])("$text", async ({ text, says }) => {
    const at = place.path(encodeURIComponent(text));
    mkdirSync(at);
    writeFileSync(join(at, "lightcone.json"), text);
    const ended = await place.open(process.execPath, [bin, "logs"], { cwd: at }).ended;
    expect(ended).toMatchObject({ code: 2, err: expect.stringMatching(says) as string });
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
    running.child.kill("SIGKILL");

    // What the log had said before is not said again.
    writeFileSync(source, `${text}export const shout = app.reducer(() => console.info("it shouts"));\n`);
    const again = place.start("dev", "garden", "--project-path", at, "-s", server, "--drop-data");
    await again.saying(/Published successfully!/);
    expect(await place.run("call", "garden", "shout", "-s", server)).toMatchObject({ code: 0 });
    await again.saying(/it shouts/);
    expect(again.out).not.toContain("the database begins");
    again.child.kill("SIGKILL");
  });

  test("runs what it is told to beside the module, and leaves out what it is told to", async () => {
    const at = place.path("meadow");
    await place.run("init", "meadow", "--lang", "ts", "--project-path", at);
    writeFileSync(join(at, "package.json"), '{ "name": "page", "private": true }');
    mkdirSync(join(at, "spacetimedb", "node_modules"));
    const inside = join(at, "spacetimedb", "node_modules", "lightcone");
    symlinkSync(join(repository, "node_modules", "lightcone"), inside, "dir");
    writeFileSync(join(at, "spacetime.json"), `{ "database": "meadow", "dev": { "run": "echo by the file" } }`);
    const dev = (...args: readonly string[]) => place.start("dev", "--project-path", at, "-s", server, ...args);

    const told = dev(
      "--run",
      'node -e "console.log(process.env.SPACETIMEDB_DB_NAME, process.env.SPACETIMEDB_HOST)"',
      "--skip-generate",
    );
    await told.saying(new RegExp(`page +meadow ${server}\\n`));
    await told.saying(/has ended: code 0/);
    expect(existsSync(join(at, "src", "module_bindings"))).toBe(false);
    told.child.kill("SIGKILL");

    const alone = dev("--skip-publish", "--server-only");
    await alone.saying(/Built, and not published\.\n[^]*Waiting for next change/);
    expect(alone.out).not.toContain("by the file");
    expect(existsSync(join(at, "src", "module_bindings"))).toBe(true);
    alone.child.kill("SIGKILL");

    const byFile = dev("--skip-publish", "--skip-generate");
    await byFile.saying(/page +by the file\n/);
    byFile.child.kill("SIGTERM");
    expect((await byFile.ended).code).toBeNull();
  });

  test("what no change mends ends it", async () => {
    expect(await place.run("dev", "-s", server)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/name of the database/) as string,
    });
    const outside = await place.run("dev", "x", "--project-path", place.folder, "--module-path", "../elsewhere");
    expect(outside).toMatchObject({ code: 2, err: expect.stringMatching(/is outside of the project/) as string });
  });

  test.skipIf(!hasRust)("Rust, of the template module-rust: builds, publishes, and again at a change", async () => {
    const at = place.path("orchard");
    await place.run("init", "orchard", "--template", "module-rust", "--project-path", at);
    if (existsSync(target)) place.env["CARGO_TARGET_DIR"] = target;
    const source = join(at, "module", "src", "lib.rs");
    const text = readFileSync(source, "utf8");

    const running = place.start("dev", "--project-path", at, "-s", server);
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
