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
  readonly importExtension?: "" | ".js" | ".ts" | undefined;
  readonly yes?: boolean | undefined;
}

export async function generate(flags: GenerateFlags): Promise<void> {
  const lang = flags.lang.toLowerCase();
  if (!["typescript", "ts", "json"].includes(lang))
    throw new CliFailure(`--lang ${flags.lang} is not written by this release; it writes typescript and json`, {
      exitCode: 2,
    });
  const program = readPrebuilt(flags) ?? (await buildModule(flags));
  if (lang === "json") return writeSchema(await describeProgram(program), resolve(flags.outDir));
  const files = generateTypeScript(await describeProgram(program), {
    includePrivate: flags.includePrivate === true,
    packageName: flags.clientPackage,
    ...(flags.importExtension === undefined ? {} : { importExtension: flags.importExtension }),
  });
  const directory = resolve(flags.outDir);
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
  if (!isInstalled(flags.clientPackage, directory))
    print(`They import ${flags.clientPackage}, which is not installed there: npm install ${flags.clientPackage}@1.12`);
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

/** Whether files in `directory` find a package. */
function isInstalled(name: string, directory: string): boolean {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "node_modules", name))) return true;
    if (dirname(folder) === folder) return false;
  }
}

function readTypeScript(directory: string): ReadonlyMap<string, string> {
  const names = readdirSync(directory).filter((name) => name.endsWith(".ts"));
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}
