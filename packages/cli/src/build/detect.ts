/** What a folder holds: which language a module is written in. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { CliFailure } from "../failure.ts";

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
  const named = flags.modulePath ?? flags.projectPath;
  if (named === undefined) {
    const inside = resolve("spacetimedb");
    const found = existsSync(inside) ? detect(inside) : undefined;
    if (found !== undefined) return found;
  }
  const path = resolve(named ?? ".");
  if (!existsSync(path) || !statSync(path).isDirectory()) {
    throw new CliFailure(`path ${path} does not exist.`, { hint: "--module-path names the module's folder." });
  }
  const found = detect(path);
  if (found !== undefined) return found;
  throw new CliFailure(`Could not detect the language of the module in ${path}.`, {
    hint: "It needs a Cargo.toml or a package.json; --module-path names another folder, --bin-path a module that is built.",
  });
}

function detect(path: string): ModuleFolder | undefined {
  if (existsSync(join(path, "Cargo.toml"))) return { path, language: "rust" };
  if (readdirSync(path).some((name) => name.endsWith(".csproj")))
    throw new CliFailure(`${path} holds a C# module, which this command does not build`, {
      hint: "Build it with the dotnet tools and publish the result with --bin-path.",
    });
  return existsSync(join(path, "package.json")) ? { path, language: "typescript" } : undefined;
}
