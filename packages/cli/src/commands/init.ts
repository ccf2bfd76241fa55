/** `lightcone init`: a folder that a project begins with. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { makeDirectoryNow } from "@lightcone/base/node";
import { snakeCase } from "@lightcone/schema";
import { CliFailure } from "../failure.ts";
import { ownPackage } from "../init/own-package.ts";
import { moduleFiles, type ModuleLanguage } from "../init/templates.ts";
import { print } from "../terminal.ts";

export interface InitFlags {
  readonly lang?: string | undefined;
  readonly projectPath?: string | undefined;
}

const languages: Readonly<Record<string, ModuleLanguage>> = {
  rust: "rust",
  rs: "rust",
  typescript: "typescript",
  ts: "typescript",
};

export function init(name: string | undefined, flags: InitFlags): void {
  const language = languages[flags.lang?.toLowerCase() ?? ""];
  if (language === undefined)
    throw new CliFailure(
      flags.lang === undefined ? "--lang must be provided" : `--lang ${flags.lang} has no project to begin with`,
      { hint: "There are rust and typescript: lightcone init my-app --lang rust", exitCode: 2 },
    );
  const project = resolve(flags.projectPath ?? kebab(name ?? ""));
  const words = kebab(name ?? basename(project));
  if (name === undefined && flags.projectPath === undefined)
    throw new CliFailure("PROJECT_NAME is missing", { hint: "lightcone init my-app --lang rust", exitCode: 2 });
  if (words === "" || !/^[a-z]/.test(words))
    throw new CliFailure(`${JSON.stringify(name ?? basename(project))} is no name for a project`, {
      hint: "It begins with a letter: lightcone init my-app",
      exitCode: 2,
    });
  const module = join(project, "spacetimedb");
  if (existsSync(module) && readdirSync(module).length > 0)
    throw new CliFailure(`${module} is not empty`, { hint: "--project-path names another folder." });
  try {
    for (const [path, text] of moduleFiles(language, words)) {
      makeDirectoryNow(dirname(join(module, path)));
      writeFileSync(join(module, path), text);
    }
  } catch (error) {
    throw new CliFailure(`${module} could not be written`, { cause: error });
  }
  print([`Made ${module}`, "", "Next:", ...nextSteps(language, relative("", project), words), ""].join("\n"));
}

/** What is typed next. The package of a module in TypeScript has the command; of one in Rust the command is elsewhere. */
function nextSteps(language: ModuleLanguage, folder: string, name: string): readonly string[] {
  const own = language === "typescript" ? ownPackage() : undefined;
  const run = language === "typescript" ? "npx --prefix spacetimedb lightcone" : "lightcone";
  return [
    ...(own?.madeIn === undefined ? [] : [`npm run dist --prefix ${own.madeIn}`]),
    ...(folder === "" ? [] : [`cd ${folder}`]),
    ...(language === "typescript"
      ? [`npm install --prefix spacetimedb${own === undefined ? "" : ` ${own.file}`}`]
      : []),
    `${run} start &`,
    `${run} dev ${name}`,
  ].map((line) => `  ${line}`);
}

const kebab = (name: string): string => snakeCase(name).replaceAll("_", "-");
