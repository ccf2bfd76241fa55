/**
 * Checks a module's types with the compiler that its project has: the bundler only takes types away. A project
 * without `tsconfig.json` or without TypeScript has not asked for it.
 *
 * What is looked at is the module: its entry file and what that imports, by the options of the project. A page that lies
 * beside it is a program of its own. What is told is what the author can mend: nothing of packages, nor of Lightcone's own
 * sources, which a module within a checkout of it imports.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, parse, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDirectoryNow } from "@lightcone/base/node";
import { CliFailure } from "../failure.ts";

/** The compiler's program, if the module in `path` has both it and a configuration. */
export function findCompiler(path: string): string | undefined {
  if (!existsSync(join(path, "tsconfig.json"))) return undefined;
  try {
    const manifest = createRequire(join(path, "package.json")).resolve("typescript/package.json");
    const { bin }: { bin?: Readonly<Record<string, string>> } = JSON.parse(readFileSync(manifest, "utf8"));
    return bin?.["tsc"] === undefined ? undefined : join(dirname(manifest), bin["tsc"]);
  } catch {
    return undefined; // not installed there
  }
}

/**
 * @param path the module's folder
 * @param entry its entry file
 * @throws {CliFailure} with what the compiler says
 */
export async function checkTypes(compiler: string, path: string, entry: string): Promise<void> {
  // One for each command that runs: a build beside this one has its own.
  const config = join(path, "dist", `tsconfig.check.${process.pid}.json`);
  makeDirectoryNow(dirname(config));
  writeFileSync(config, JSON.stringify(configFor(path, entry)));
  const args = [compiler, "--pretty", "false", "-p", config];
  const child = spawn(process.execPath, args, { cwd: path, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((done, reject) => {
    child.once("error", (cause) => reject(new CliFailure(`${compiler} did not start`, { cause })));
    child.once("close", done);
  }).finally(() => rmSync(config, { force: true }));
  if (code === 0) return;
  const told = theirs(said, path);
  if (told === "" && said.trim() !== "") return;
  throw new CliFailure("The module's types do not fit", {
    causes: [told === "" ? `the compiler ended with ${code} and said nothing` : told],
    hint: nodesOwn(told) ?? "Correct them, or pass --no-check to go on without looking at types.",
  });
}

/** The project's options, for the module alone, and with nothing that is about what the compiler would write. */
function configFor(path: string, entry: string): object {
  const from = (target: string): string => relative(join(path, "dist"), target).replaceAll(sep, "/");
  return {
    extends: "../tsconfig.json",
    compilerOptions: {
      noEmit: true,
      // The bundler takes them.
      allowImportingTsExtensions: true,
      rootDir: parse(path).root,
      outDir: null,
      declarationDir: null,
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      composite: false,
      incremental: false,
      tsBuildInfoFile: null,
    },
    files: [from(entry)],
    // What the project declares for all of its files.
    include: ["../**/*.d.ts"],
    exclude: ["../**/node_modules", "../dist"],
    references: [],
  };
}

/** Of what the compiler says, what is of the author's files, or of no file. */
function theirs(said: string, path: string): string {
  // A diagnostic is a line, and below it lines that stand farther in.
  const diagnostics = said.trim().split(/\n(?=\S)/);
  return diagnostics.filter((each) => isTheirs(/^(.+?)\(\d+,\d+\): /.exec(each)?.[1], path)).join("\n");
}

/** What is said where a module uses what Node has: the compiler asks for `@types/node`, which would not bring it. */
function nodesOwn(told: string): string | undefined {
  const names = [...told.matchAll(/ error TS(?:2307|2580|2591|2882): [^'\n]*'([^'\n]+)'/g)].map(
    ([, name = ""]) => name,
  );
  const name = names.find((each) => isBuiltin(each) || globals.has(each));
  return name === undefined
    ? undefined
    : `A module has no Node built-ins: \`${name}\` is not there inside a database, and @types/node would not bring it. A module has no files, sockets, clock or chance but its context's.`;
}
const globals: ReadonlySet<string> = new Set(["process", "Buffer", "require", "module"]);

function isTheirs(file: string | undefined, path: string): boolean {
  if (file === undefined) return true;
  const full = resolve(path, file);
  if (full.split(sep).includes("node_modules")) return false;
  return full.startsWith(path + sep) || ownSources === undefined || !full.startsWith(ownSources);
}

/** Where Lightcone's own packages lie beside each other; undefined where it is installed as one. */
const ownSources = ((): string | undefined => {
  const sdk = fileURLToPath(import.meta.resolve("lightcone/module"));
  return sdk.endsWith(".ts") ? resolve(sdk, "../../..") + sep : undefined;
})();
