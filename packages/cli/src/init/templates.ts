/** The files that a new project begins with. */
import { version } from "../version.ts";

export type ModuleLanguage = "rust" | "typescript";

/** The files of a module's folder, by path. @param name of the package: lower-case words with hyphens */
export function moduleFiles(language: ModuleLanguage, name: string): ReadonlyMap<string, string> {
  return language === "rust" ? rust(name) : typescript(name);
}

const rust = (name: string): ReadonlyMap<string, string> =>
  new Map([
    [
      "Cargo.toml",
      `[package]
name = "${name}"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]

[dependencies]
spacetimedb = { version = "1.12", features = ["unstable"] }
log = "0.4"

[profile.release]
opt-level = 3
lto = true
codegen-units = 1
panic = "abort"
strip = "debuginfo"
`,
    ],
    [".gitignore", "/target/\n"],
    [
      "src/lib.rs",
      `use spacetimedb::{reducer, table, ReducerContext, Table};

#[table(name = person, public)]
pub struct Person {
    #[primary_key]
    #[auto_inc]
    id: u64,
    name: String,
}

#[reducer(init)]
pub fn init(_ctx: &ReducerContext) {
    log::info!("the database begins");
}

#[reducer]
pub fn add(ctx: &ReducerContext, name: String) -> Result<(), String> {
    if name.is_empty() {
        return Err("a person needs a name".to_string());
    }
    ctx.db.person().insert(Person { id: 0, name });
    Ok(())
}

#[reducer]
pub fn say_hello(ctx: &ReducerContext) {
    for person in ctx.db.person().iter() {
        log::info!("Hello, {}!", person.name);
    }
}
`,
    ],
  ]);

const typescript = (name: string): ReadonlyMap<string, string> =>
  new Map([
    [
      "package.json",
      `${JSON.stringify({ name, private: true, type: "module", dependencies: { lightcone: `^${version}` }, allowScripts: { node: true }, devDependencies: { typescript: "^7.0.2" } }, undefined, 2)}\n`,
    ],
    [
      "tsconfig.json",
      `{ "compilerOptions": { "strict": true, "lib": ["esnext"], "module": "nodenext", "types": [], "noEmit": true } }\n`,
    ],
    [".gitignore", "/dist/\n/node_modules/\n"],
    [
      "src/index.ts",
      `import { schema, SenderError, t, table } from "lightcone/module";

const app = schema({ person: table({ public: true }, { id: t.u64().primaryKey().autoInc(), name: t.string() }) });
export default app;

export const init = app.init(() => {
  console.info("the database begins");
});

export const add = app.reducer({ name: t.string() }, (ctx, { name }) => {
  if (name === "") throw new SenderError("a person needs a name");
  ctx.db.person.insert({ name });
});

export const say_hello = app.reducer((ctx) => {
  for (const person of ctx.db.person.iter()) console.info(\`Hello, \${person.name}!\`);
});
`,
    ],
  ]);
