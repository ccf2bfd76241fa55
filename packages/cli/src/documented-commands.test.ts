// Goal: row 12: what guides to the reference say to type runs here as it stands, once `spacetime` is another word for
// `lightcone`; and who pipes an answer to a question is heard.
// Method: a shell in a folder that holds a module and nothing else, with that alias; its lines one after another,
// against a server of its own, in Rust (where it can be built) and in TypeScript.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, Place, repository, type Ended, type Running } from "./testing/command.ts";

const place = new Place();
let server: Running;

const manifest = `[package]
name = "my-module"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]

[dependencies]
spacetimedb = "1.0"
log = "0.4"
`;
const rust = `use spacetimedb::{reducer, table, ReducerContext, Table};

#[table(name = player, public)]
pub struct Player {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub name: String,
    pub score: i64,
}

#[reducer]
pub fn create_player(ctx: &ReducerContext, name: String) -> Result<(), String> {
    let player = ctx.db.player().insert(Player { id: 0, name, score: 0 });
    log::info!("player {}", player.id);
    Ok(())
}
`;
const typescript = `import { schema, t, table } from "lightcone/module";
const app = schema({ player: table({ public: true }, { id: t.u64().primaryKey().autoInc(), name: t.string(), score: t.i64() }) });
export default app;
export const createPlayer = app.reducer({ name: t.string() }, (ctx, { name }) => {
  const player = ctx.db.player.insert({ id: 0n, name, score: 0n });
  console.info(\`player \${player.id}\`);
});
`;

const canBuildRust = spawnSync("bash", [join(repository, "scripts/rust-wasm"), "--check"]).status === 0;
interface Step {
  readonly line: string;
  /** What is typed at its question. */
  readonly input?: string;
  readonly out: RegExp;
}

/** The commands of the guide, in its order. */
const block: readonly Step[] = [
  { line: "spacetime build", out: /Build finished successfully\.\n$/ },
  { line: "spacetime publish my_database", out: /Created new database with name: my_database, identity: c200/ },
  {
    line: "spacetime publish my_database --delete-data",
    input: "y\n",
    out: /DESTROY[^]*Updated database with name: my_database/,
  },
  // Nothing is written there yet.
  { line: "spacetime logs my_database", out: /^$/ },
  { line: 'spacetime call my_database create_player "Alice"', out: /^$/ },
  {
    line: 'spacetime sql my_database "SELECT * FROM player"',
    out: /^ id \| name +\| score\n-+.*\n 1 +\| "Alice" \| 0\n$/,
  },
  {
    line: "spacetime generate --lang rust --out-dir client/src/module_bindings --project-path .",
    out: /Generate finished successfully/,
  },
];

beforeAll(async () => {
  server = place.start("start", "-l", "127.0.0.1:0", "--data-dir", place.path("data"), "--log-level", "warn");
  place.env["LIGHTCONE_SERVER"] = (await server.saying(/listening on (http:\S+)/))[1] ?? "";
  mkdirSync(place.path("bin"));
  symlinkSync(bin, place.path("bin/lightcone"));
  place.env["PATH"] = `${place.path("bin")}:${place.env["PATH"]}`;
  // The crate is built once for this and for the modules of the repository.
  const target = join(repository, "modules/rust/target");
  if (existsSync(target))
    for (const [name, value] of Object.entries({
      CARGO_TARGET_DIR: target,
      CARGO_PROFILE_RELEASE_OPT_LEVEL: "3",
      CARGO_PROFILE_RELEASE_LTO: "true",
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "1",
      CARGO_PROFILE_RELEASE_PANIC: "abort",
      CARGO_PROFILE_RELEASE_STRIP: "debuginfo",
    }))
      place.env[name] = process.env[name] ?? value;
});
afterAll(() => place.close());

function folder(name: string, files: Readonly<Record<string, string>>): string {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(place.path(`${name}/${file}`)), { recursive: true });
    writeFileSync(place.path(`${name}/${file}`), text);
  }
  return place.path(name);
}

/** A line as it is typed to a shell. */
function type(cwd: string, line: string, input = ""): Promise<Ended> {
  const script = `shopt -s expand_aliases\nalias spacetime=lightcone\n${line}`;
  return place.open("bash", ["-c", script], { cwd, input }).ended;
}

describe.skipIf(!canBuildRust)("row 12: the guide's commands, with a Rust module", () => {
  let cwd = "";
  beforeAll(() => {
    cwd = folder("rust", { "Cargo.toml": manifest, "src/lib.rs": rust });
    copyFileSync(join(repository, "modules/rust/Cargo.lock"), join(cwd, "Cargo.lock"));
  });
  for (const { line, input, out } of block)
    test(line, async () => {
      const ended = await type(cwd, line, input);
      expect(ended, ended.err).toMatchObject({ code: 0, out: expect.stringMatching(out) });
    });

  test("bindings are there", () => {
    expect(readdirSync(join(cwd, "client/src/module_bindings"))).toContain("mod.rs");
  });

  test("what the module logged stands in its log, with level, target's file and line", async () => {
    const { out } = await type(cwd, "spacetime logs my_database");
    expect(out).toMatch(/Z {2}INFO: create_player src\/lib\.rs:15: player 1\n$/);
  });
});

describe("row 12: the guide's commands, with a TypeScript module", () => {
  let cwd = "";
  beforeAll(() => {
    cwd = folder("typescript", { "module.ts": typescript });
  });
  for (const { line, input, out } of block.filter((step) => !step.line.includes("generate")))
    test(line, async () => {
      const ended = await type(cwd, line.replace("my_database", "my_other"), input);
      expect(ended, ended.err).toMatchObject({
        code: 0,
        out: expect.stringMatching(new RegExp(out.source.replace("my_database", "my_other"))),
      });
    });

  test.each([
    { input: "y\n", code: 0, says: /Updated database/ },
    { input: "YES", code: 0, says: /Updated database/ },
    { input: "n\n", code: 1, says: /\[y\/N\] n\nError: Aborted\.\n$/ },
    { input: "\n", code: 1, says: /\[y\/N\] \nError: Aborted\.\n$/ },
    { input: "", code: 1, says: /not answered\nError: Nothing is changed[^]*Hint: Pass --yes=delete-data/ },
  ])("a question to which %j is piped", async ({ input, code, says }) => {
    const ended = await type(cwd, "spacetime publish my_other --delete-data", input);
    expect([ended.code, ended.out + ended.err]).toEqual([code, expect.stringMatching(says)]);
  });

  test("commands of a script share its input: each reads its own answer", async () => {
    const line = "spacetime delete my_other; spacetime delete my_other && cat";
    const ended = await type(cwd, line, "no\nyes\nthe rest\n");
    expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(/^Deleted database my_other .*\nthe rest\n$/) });
  });
});

const harbors = ["harbor", "harbor2"].map((name) => join(repository, `modules/rust/built/${name}.wasm`));
describe.skipIf(!harbors.every((path) => existsSync(path)))(
  "row 12: a module of version 2 in place of one of version 1",
  () => {
    const publish = (input: string, ...more: readonly string[]): Promise<Ended> =>
      place.answered(input, "publish", "harbor", "-b", harbors[1] ?? "", "--delete-data=on-conflict", ...more);
    const program = async (): Promise<string> => (await place.run("describe", "harbor", "--json")).out;

    test("has the word typed, and changes nothing before", async () => {
      expect(await place.run("publish", "harbor", "-b", harbors[0] ?? "")).toMatchObject({ code: 0 });
      const before = await program();
      for (const input of ["y\n", "\n"])
        expect(await publish(input)).toMatchObject({
          code: 1,
          err: expect.stringMatching(
            /'upgrade' to go on: y?\nError: Aborting because major version upgrade was not acc/,
          ),
        });
      expect(await publish("", "--yes=delete-data,break-clients")).toMatchObject({
        code: 1,
        err: expect.stringMatching(
          /no terminal to ask at[^]*Pass --yes=migrate to say yes beforehand, or write upgrade/,
        ),
      });
      expect(await program()).toBe(before);
      expect(await publish("upgrade\n", "--yes=delete-data,break-clients")).toMatchObject({ code: 0 });
      expect(await program()).not.toBe(before);
      // It is one of version 2 now.
      expect(await publish("")).toMatchObject({ code: 0 });
    });
  },
);
