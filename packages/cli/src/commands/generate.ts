/** `lightcone generate`: typed bindings, or the schema as data for our own client, written where they changed. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { isLightconeError } from "@lightcone/base";
import { makeDirectoryNow } from "@lightcone/base/node";
import { generateRust, generateTypeScript, planFiles } from "@lightcone/codegen";
import { checkModule, descriptionFromJson, serveSchema, type ModuleDef } from "@lightcone/schema";
import { buildModule, readPrebuilt, type ProgramFlags } from "../build/build-module.ts";
import { describeProgram } from "../build/describe-program.ts";
import { rustFormatted } from "../build/rust-format.ts";
import { findProject, type Project } from "../config/project.ts";
import { CliFailure } from "../failure.ts";
import { confirm, print } from "../terminal.ts";

export interface GenerateFlags extends ProgramFlags {
  /** Without both, what the project's `spacetime.json` asks for. */
  readonly lang?: string | undefined;
  readonly outDir?: string | undefined;
  readonly includePrivate?: boolean | undefined;
  readonly clientPackage: string;
  /** A file with a module's schema as JSON, or `-`. */
  readonly moduleDef?: string | undefined;
  /** The major version of the client library; the one of the project by default, and 2 where there is none. */
  readonly sdk?: "1" | "2" | undefined;
  readonly importExtension?: "" | ".js" | ".ts" | undefined;
  readonly yes?: boolean | undefined;
}

/** A language that bindings are written in. */
interface Language {
  readonly extension: ".ts" | ".rs";
  /** What the files need. */
  readonly library: string;
  /** The major version of it that a project has, or says that it needs; undefined where there is none. */
  majorFor(directory: string): string | undefined;
  write(module: ModuleDef, sdk: 1 | 2): ReadonlyMap<string, string>;
  /** The command that gets it. */
  install(sdk: 1 | 2): string;
}

export async function generate(flags: GenerateFlags): Promise<void> {
  const wanted = wantedOf(flags);
  let module: ModuleDef | undefined;
  let last: object | undefined;
  for (const { program, ...each } of wanted) {
    const includePrivate = flags.includePrivate === true || each.includePrivate;
    const known = program === last ? module : undefined;
    module = await generateOne({ ...flags, ...program, ...each, includePrivate }, known);
    last = program;
  }
  print("Generate finished successfully.");
}

/** What is to be written. @throws {CliFailure} naming what is missing */
function wantedOf({ lang, outDir = lang?.toLowerCase() === "json" ? "." : undefined }: GenerateFlags) {
  if (lang !== undefined && outDir !== undefined) return [{ lang, outDir, includePrivate: false, program: {} }];
  const wanted = lang === undefined && outDir === undefined ? wantedBy(findProject()) : [];
  if (wanted.length > 0) return wanted;
  const missing = [...(lang === undefined ? ["--lang"] : []), ...(outDir === undefined ? ["--out-dir"] : [])];
  throw new CliFailure(`generate needs ${missing.join(" and ")}`, {
    hint: 'For lightcone/client: lightcone generate --lang json. For the official clients: lightcone generate --lang typescript --out-dir src/module_bindings, or "generate" in spacetime.json. The module is that of lightcone.json, or of --module-path.',
    exitCode: 2,
  });
}

/** What a project wants, each with the module that it is of; without several databases that is the one that is found anyway. */
function wantedBy(project: Project | undefined) {
  if (project?.targets === undefined) {
    const program = {};
    return (project?.generate ?? []).map((each) => ({ ...each, program }));
  }
  return project.targets.flatMap(({ module: modulePath, binPath, jsPath, generate: all = [] }) => {
    const program = { modulePath, binPath, jsPath };
    return all.map((each) => ({ ...each, program }));
  });
}

/** @param known the module, if it is described already @returns the module */
async function generateOne(
  flags: GenerateFlags & { readonly lang: string; readonly outDir: string },
  known: ModuleDef | undefined,
): Promise<ModuleDef> {
  const lang = flags.lang.toLowerCase();
  const language = languageOf(lang, flags);
  if (language === undefined && lang !== "json")
    throw new CliFailure(`--lang ${flags.lang} is not written by this release`, {
      hint: "It writes `typescript` and `rust`, for the official clients, and `json`, the schema for `lightcone/client`. What is not there yet is in docs/compatibility.md.",
      exitCode: 2,
    });
  const { moduleDef } = flags;
  const module =
    known ??
    (moduleDef === undefined
      ? await describeProgram(readPrebuilt(flags) ?? (await buildModule(flags)))
      : describedIn(moduleDef));
  const directory = resolve(flags.outDir);
  if (language === undefined) writeSchema(module, directory);
  else await writeBindings(language, module, directory, flags);
  return module;
}

/** The module that a file's JSON describes. @param path `-` for standard input */
function describedIn(path: string): ModuleDef {
  let text: string;
  try {
    text = readFileSync(path === "-" ? process.stdin.fd : path, "utf8");
  } catch (error) {
    throw new CliFailure(`--module-def: ${path === "-" ? "standard input" : path} cannot be read`, { cause: error });
  }
  try {
    return checkModule(descriptionFromJson(text));
  } catch (error) {
    if (!isLightconeError(error)) throw error;
    throw new CliFailure(`--module-def: ${path === "-" ? "standard input" : path} holds no module's schema`, {
      causes: [error.message],
      cause: error,
      hint: "It is what `lightcone describe NAME --json` prints, or GET /v1/database/NAME/schema?version=10 answers.",
    });
  }
}

function languageOf(name: string, flags: GenerateFlags): Language | undefined {
  const includePrivate = flags.includePrivate === true;
  switch (name) {
    case "typescript":
    case "ts":
      return {
        extension: ".ts",
        library: flags.clientPackage,
        majorFor: (directory) => installedMajor(flags.clientPackage, directory),
        write: (module, sdk) =>
          generateTypeScript(module, {
            includePrivate,
            packageName: flags.clientPackage,
            sdk,
            ...(flags.importExtension === undefined ? {} : { importExtension: flags.importExtension }),
          }),
        install: (sdk) => `npm install ${flags.clientPackage}@${sdk === 2 ? "2" : "1.12"}`,
      };
    case "rust":
    case "rs":
      return {
        extension: ".rs",
        library: "spacetimedb-sdk",
        majorFor: (directory) => requiredMajor("spacetimedb-sdk", directory),
        write: (module, sdk) => rustFormatted(generateRust(module, { includePrivate, sdk })),
        install: (sdk) => `cargo add spacetimedb-sdk@${sdk === 2 ? "2" : "1.12"}`,
      };
    default:
      return undefined;
  }
}

async function writeBindings(
  language: Language,
  module: ModuleDef,
  directory: string,
  flags: GenerateFlags,
): Promise<void> {
  const { library } = language;
  const major = language.majorFor(directory);
  const sdk = (flags.sdk ?? major) === "1" ? 1 : 2;
  const files = language.write(module, sdk);
  makeOutDir(directory);
  const plan = planFiles(readFiles(directory, language.extension), files);
  for (const [name, text] of plan.write) writeFileSync(join(directory, name), text);
  if (plan.remove.length > 0) {
    print(`These files were generated before and no longer are:\n${plan.remove.map((name) => `  ${name}`).join("\n")}`);
    if (await confirm("Are you sure you want to delete these files?", flags.yes === true)) {
      for (const name of plan.remove) rmSync(join(directory, name));
    } else print("Files not deleted.");
  }
  print(`${plan.write.size} files written, ${plan.unchanged.length} unchanged in ${directory}`);
  if (major === undefined) print(`They need ${library}, which is not there: ${language.install(sdk)}`);
  else if (flags.sdk !== undefined && major !== flags.sdk)
    print(`They are for version ${flags.sdk} of ${library}; there it is version ${major}: ${language.install(sdk)}`);
}

/** The schema that a page was built with, for `connect({ …, schema })`. */
function writeSchema(def: ModuleDef, directory: string): void {
  const path = join(directory, "schema.json");
  makeOutDir(directory);
  writeFileSync(path, `${serveSchema(def, "client")}\n`);
  print(`${path} written`);
}

function makeOutDir(directory: string): void {
  try {
    makeDirectoryNow(directory);
  } catch (error) {
    throw new CliFailure(`--out-dir: ${directory} cannot be made`, { cause: error });
  }
}

/** The major version of a package that files in `directory` find; undefined where there is none. */
function installedMajor(name: string, directory: string): string | undefined {
  return inOrAbove(directory, join("node_modules", name, "package.json"), (text) => {
    const { version = "" }: { version?: string } = JSON.parse(text);
    return version.split(".")[0];
  });
}

/** The major version of a crate that the nearest Cargo.toml with a version of it asks for; undefined where there is none. */
function requiredMajor(name: string, directory: string): string | undefined {
  const required = new RegExp(
    String.raw`^\s*(?:\[[^\]\n]*dependencies\.${name}\][^[]*?\bversion|${name})\s*=\s*(?:\{[^}\n]*\bversion\s*=\s*)?["'][^"'\d]*(\d+)`,
    "m",
  );
  return inOrAbove(directory, "Cargo.toml", (text) => required.exec(text)?.[1]);
}

/** What is found first in a file of that path, from `directory` upwards. */
function inOrAbove(directory: string, path: string, find: (text: string) => string | undefined): string | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    const file = join(folder, path);
    const found = existsSync(file) ? find(readFileSync(file, "utf8")) : undefined;
    if (found !== undefined || dirname(folder) === folder) return found;
  }
}

function readFiles(directory: string, extension: string): ReadonlyMap<string, string> {
  const names = readdirSync(directory).filter((name) => extname(name) === extension);
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
