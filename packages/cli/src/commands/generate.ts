/** `lightcone generate`: typed bindings, or the schema as data for our own client, written where they changed. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { makeDirectoryNow } from "@lightcone/base/node";
import { generateTypeScript, planFiles } from "@lightcone/codegen";
import { serveSchema, type ModuleDef } from "@lightcone/schema";
import { buildModule, readPrebuilt, type ProgramFlags } from "../build/build-module.ts";
import { describeProgram } from "../build/describe-program.ts";
import { CliFailure } from "../failure.ts";
import { confirm, print } from "../terminal.ts";

export interface GenerateFlags extends ProgramFlags {
  readonly lang: string;
  readonly outDir: string;
  readonly includePrivate?: boolean | undefined;
  readonly clientPackage: string;
  /** The major version of that package; the installed one's by default, and 2 where there is none. */
  readonly sdk?: "1" | "2" | undefined;
  readonly importExtension?: "" | ".js" | ".ts" | undefined;
  readonly yes?: boolean | undefined;
}

export async function generate(flags: GenerateFlags): Promise<void> {
  const lang = flags.lang.toLowerCase();
  if (!["typescript", "ts", "json"].includes(lang))
    throw new CliFailure(`--lang ${flags.lang} is not written by this release`, {
      hint: "It writes `typescript`, for the official client, and `json`, the schema for `lightcone/client`. What is not there yet is in docs/compatibility.md.",
      exitCode: 2,
    });
  const program = readPrebuilt(flags) ?? (await buildModule(flags));
  if (lang === "json") return writeSchema(await describeProgram(program), resolve(flags.outDir));
  const directory = resolve(flags.outDir);
  const installed = installedMajor(flags.clientPackage, directory);
  const sdk = (flags.sdk ?? installed) === "1" ? 1 : 2;
  const files = generateTypeScript(await describeProgram(program), {
    includePrivate: flags.includePrivate === true,
    packageName: flags.clientPackage,
    sdk,
    ...(flags.importExtension === undefined ? {} : { importExtension: flags.importExtension }),
  });
  makeOutDir(directory);
  const plan = planFiles(readTypeScript(directory), files);
  for (const [name, text] of plan.write) writeFileSync(join(directory, name), text);
  if (plan.remove.length > 0) {
    print(`These files were generated before and no longer are:\n${plan.remove.map((name) => `  ${name}`).join("\n")}`);
    if (await confirm("Are you sure you want to delete these files?", flags.yes === true)) {
      for (const name of plan.remove) rmSync(join(directory, name));
    } else print("Files not deleted.");
  }
  print(`${plan.write.size} files written, ${plan.unchanged.length} unchanged in ${directory}`);
  const wanted = `npm install ${flags.clientPackage}@${sdk === 2 ? "2" : "1.12"}`;
  if (installed === undefined) print(`They import ${flags.clientPackage}, which is not installed there: ${wanted}`);
  else if (flags.sdk !== undefined && installed !== flags.sdk)
    print(`They are for version ${flags.sdk} of ${flags.clientPackage}; there it is version ${installed}: ${wanted}`);
  print("Generate finished successfully.");
}

/** The schema that a page was built with, for `connect({ …, schema })`. */
function writeSchema(def: ModuleDef, directory: string): void {
  const path = join(directory, "schema.json");
  makeOutDir(directory);
  writeFileSync(path, `${serveSchema(def, "client")}\n`);
  print(`${path} written`);
  print("Generate finished successfully.");
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
  for (let folder = directory; ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", name, "package.json");
    if (existsSync(path)) {
      const { version = "" }: { version?: string } = JSON.parse(readFileSync(path, "utf8"));
      return version.split(".")[0];
    }
    if (dirname(folder) === folder) return undefined;
  }
}

function readTypeScript(directory: string): ReadonlyMap<string, string> {
  const names = readdirSync(directory).filter((name) => name.endsWith(".ts"));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
