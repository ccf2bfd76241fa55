/** What a folder holds: which language a module is written in. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { findProject } from "../config/project.ts";
import { CliFailure } from "../failure.ts";

/** Where a TypeScript module begins; the first that is there. */
const entries = ["src/index.ts", "src/index.js", "src/lib.ts", "module.ts", "index.ts"];

export interface ModuleFolder {
  readonly path: string;
  readonly language: "rust" | "typescript";
}

export interface ModulePathFlags {
  readonly modulePath?: string | undefined;
  readonly projectPath?: string | undefined;
}

/** The module that the flags name, or the one that is here. @throws {CliFailure} when there is none */
export function findModule(flags: ModulePathFlags): ModuleFolder {
  const named = flags.modulePath ?? flags.projectPath ?? findProject()?.module;
  if (named === undefined) {
    const inside = resolve("spacetimedb");
    const found = existsSync(inside) ? detect(inside) : undefined;
    if (found !== undefined) return found;
  }
  const path = resolve(named ?? ".");
  if (!existsSync(path) || !statSync(path).isDirectory()) {
    if (existsSync(path)) throw new CliFailure(`${path} is a file`, { hint: hintOfFile(named ?? path) });
    throw new CliFailure(`path ${path} does not exist.`, { hint: "--module-path names the module's folder." });
  }
  const found = detect(path);
  if (found !== undefined) return found;
  throw new CliFailure(`Could not detect the language of the module in ${path}.`, {
    hint: "It needs a Cargo.toml, src/index.ts or module.ts; --module-path names another folder, --bin-path a module that is built.",
  });
}

/** What to write where a file is named and a folder is meant. */
function hintOfFile(file: string): string {
  if (file.endsWith(".wasm")) return `A module that is built already is named by --bin-path: --bin-path ${file}`;
  const folder = /[/\\]src$/.test(dirname(file)) || dirname(file) === "src" ? dirname(dirname(file)) : dirname(file);
  return `--module-path names the folder that it is in: --module-path ${folder}`;
}

function detect(path: string): ModuleFolder | undefined {
  if (existsSync(join(path, "Cargo.toml"))) return { path, language: "rust" };
  if (readdirSync(path).some((name) => name.endsWith(".csproj")))
    throw new CliFailure(`${path} holds a C# module, which this command does not build`, {
      hint: "Build it with the dotnet tools and publish the result with --bin-path.",
    });
  const typescript = existsSync(join(path, "package.json")) || findEntry(path) !== undefined;
  return typescript ? { path, language: "typescript" } : undefined;
}

/** The file that a TypeScript module's folder begins with. */
export function findEntry(path: string): string | undefined {
  return entries.map((each) => join(path, each)).find(existsSync);
}
