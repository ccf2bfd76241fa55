/** From a module's folder, or a file that is built already, to the program that a database runs. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isLightconeError } from "@lightcone/base";
import { makeDirectoryNow } from "@lightcone/base/node";
import { findProject } from "../config/project.ts";
import { CliFailure } from "../failure.ts";
import { during } from "../terminal.ts";
import { withBuildOptions, type BuildFlags } from "./build-options.ts";
import type { BundleOptions } from "./bundle.ts";
import { checkTypes, findCompiler } from "./check-types.ts";
import { findEntry, findModule, type ModulePathFlags } from "./detect.ts";

/** A module as it is published. */
export interface Program {
  readonly bytes: Uint8Array;
  readonly hostType: "Wasm" | "Js";
  /** The file that it is in. */
  readonly path: string;
  /** The module's folder, where it was built of one. */
  readonly modulePath?: string;
}

export interface ProgramFlags extends ModulePathFlags, BuildFlags {
  readonly binPath?: string | undefined;
  readonly jsPath?: string | undefined;
}

/** The prebuilt program that the flags name. @throws {CliFailure} naming the flag when it cannot be read */
export function readPrebuilt(flags: ProgramFlags): Program | undefined {
  const isNamed = [flags.binPath, flags.jsPath, flags.modulePath, flags.projectPath].some((each) => each !== undefined);
  const { binPath, jsPath } = isNamed ? flags : (findProject() ?? {});
  const path = binPath ?? jsPath;
  if (path === undefined) return undefined;
  const [flag, hostType] = binPath === undefined ? (["--js-path", "Js"] as const) : (["--bin-path", "Wasm"] as const);
  if (flags.modulePath !== undefined || flags.projectPath !== undefined)
    throw new CliFailure(`${flag} and --module-path exclude each other`, { exitCode: 2 });
  try {
    return { bytes: readFileSync(path), hostType, path };
  } catch (error) {
    throw new CliFailure(`${flag}: ${path} cannot be read`, { cause: error });
  }
}

/** Builds the module that the flags name. */
export async function buildModule(given: ProgramFlags): Promise<Program> {
  const flags = withBuildOptions(given);
  const isDebug = flags.debug === true;
  const { path, language } = findModule(flags);
  if (language === "rust") {
    const { buildRust } = await import("./build-rust.ts");
    const options = { isDebug, features: flags.features, lintDir: flags.lintDir ?? "src" };
    return { ...(await buildRust(path, options)), modulePath: path };
  }
  if (flags.features !== undefined)
    throw new CliFailure("--features is for modules in Rust", {
      hint: `${path} holds one in TypeScript.`,
      exitCode: 2,
    });
  const entry = findEntry(path);
  if (entry === undefined)
    throw new CliFailure(`${path} has no src/index.ts`, {
      hint: "--module-path names the folder that has src/index.ts or module.ts.",
    });
  const compiler = flags.check === true ? findCompiler(path) : undefined;
  const bundled = bundle(entry, {
    projectPath: path,
    environment: isDebug ? "development" : "production",
    isDebugged: flags.isDebugged,
    warn: flags.warn,
  });
  bundled.catch(() => undefined); // Asked for below, once the types fit.
  if (compiler !== undefined) await during("Checking types", () => checkTypes(compiler, path, entry));
  const code = await during("Building", () => bundled);
  const output = join(path, "dist", "bundle.js");
  try {
    makeDirectoryNow(dirname(output));
    writeFileSync(output, code);
  } catch (error) {
    throw new CliFailure("The built module could not be written", { cause: error });
  }
  return { bytes: new TextEncoder().encode(code), hostType: "Js", path: output, modulePath: path };
}

/** The module as one script. @throws {CliFailure} with file and line */
async function bundle(entry: string, options: BundleOptions): Promise<string> {
  const { bundleModule } = await import("./bundle.ts");
  try {
    return (await bundleModule(entry, options)).code;
  } catch (error) {
    if (!isLightconeError(error, "ModuleInvalid")) throw error;
    throw new CliFailure("The module could not be built", { causes: [error.detail.reason], cause: error });
  }
}
