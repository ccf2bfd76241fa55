/** `lightcone init`: a folder that a project begins with. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { makeDirectoryNow } from "@lightcone/base/node";
import { snakeCase } from "@lightcone/schema";
import { CliFailure } from "../failure.ts";
import { ownPackage } from "../init/own-package.ts";
import { dependencyOn, projectFiles, templates, type Template } from "../init/projects.ts";
import { moduleFiles, type ModuleLanguage } from "../init/templates.ts";
import { whatExists } from "../print/nearest.ts";
import { print } from "../terminal.ts";

export interface InitFlags {
  readonly lang?: string | undefined;
  readonly template?: string | undefined;
  readonly projectPath?: string | undefined;
}

const languages: Readonly<Record<string, ModuleLanguage>> = {
  rust: "rust",
  rs: "rust",
  typescript: "typescript",
  ts: "typescript",
};

const example = "lightcone init my-app --template todo";

export function init(name: string | undefined, flags: InitFlags): void {
  const begin = beginning(flags);
  const project = resolve(flags.projectPath ?? kebab(name ?? ""));
  const words = kebab(name ?? basename(project));
  if (name === undefined && flags.projectPath === undefined)
    throw new CliFailure("PROJECT_NAME is missing", { hint: example, exitCode: 2 });
  if (words === "" || !/^[a-z]/.test(words))
    throw new CliFailure(`${JSON.stringify(name ?? basename(project))} is no name for a project`, {
      hint: "It begins with a letter: lightcone init my-app",
      exitCode: 2,
    });
  if (begin.template === undefined) {
    write(join(project, "spacetimedb"), moduleFiles(begin.language, words));
    print(["", "Next:", ...nextSteps(begin.language, relative("", project), words), ""].join("\n"));
    return;
  }
  const own = ownPackage();
  write(project, projectFiles(begin.template, words, dependencyOn(own?.file)));
  const steps = [
    ...(own?.madeIn === undefined ? [] : [`npm run dist --prefix ${own.madeIn}`]),
    ...(relative("", project) === "" ? [] : [`cd ${relative("", project)}`]),
    "npm install",
    "npx lightcone dev",
  ];
  print(["", "Next:", ...steps.map((line) => `  ${line}`), "", "README.md says what is where.", ""].join("\n"));
}

type Beginning = { readonly template: Template } | { readonly template?: undefined; readonly language: ModuleLanguage };

/** What the flags ask for. @throws {CliFailure} when that is nothing, both, or not there */
function beginning({ template: named, lang }: InitFlags): Beginning {
  if (named !== undefined && lang !== undefined)
    throw new CliFailure("--template and --lang exclude each other", {
      hint: "A template has its language; --lang makes a module alone.",
      exitCode: 2,
    });
  if (named !== undefined) {
    const template = templates.find((each) => each === named.toLowerCase());
    if (template !== undefined) return { template };
    const kinds = [{ kind: "template", names: templates }];
    throw new CliFailure(`there is no template ${named}`, { hint: whatExists(named, kinds), exitCode: 2 });
  }
  const language = languages[lang?.toLowerCase() ?? ""];
  if (language !== undefined) return { language };
  throw new CliFailure(
    lang === undefined ? "Either --template or --lang must be provided" : `--lang ${lang} has no project to begin with`,
    {
      hint: `Templates, whole applications: ${templates.join(", ")} (${example}). Languages of a module alone: rust, typescript.`,
      exitCode: 2,
    },
  );
}

function write(folder: string, files: ReadonlyMap<string, string>): void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new CliFailure(`${folder} is not empty`, { hint: "--project-path names another folder." });
  try {
    for (const [path, text] of files) {
      makeDirectoryNow(dirname(join(folder, path)));
      writeFileSync(join(folder, path), text);
    }
  } catch (error) {
    throw new CliFailure(`${folder} could not be written`, { cause: error });
  }
  print(`Made ${folder}`);
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
