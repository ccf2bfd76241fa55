/**
 * Runs generated bindings against the official client package, used as it is: type checks them with the
 * compiler and loads them in Node. In a directory of their own, removed afterwards.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = fileURLToPath(new URL("../../../../node_modules", import.meta.url));

/** Where each line of the official package is installed. */
const packages = { 1: join(modules, "spacetimedb"), 2: join(modules, "spacetimedb-2") } as const;

/** Whether the official package is installed here. */
export const hasOfficialClient: boolean = existsSync(join(packages[1], "package.json"));
export const hasOfficialClient2: boolean = existsSync(join(packages[2], "package.json"));

const compilerOptions = {
  target: "esnext",
  lib: ["esnext", "dom"],
  module: "esnext",
  moduleResolution: "bundler",
  noEmit: true,
  strict: true,
  allowImportingTsExtensions: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  erasableSyntaxOnly: true,
  noImplicitOverride: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  skipLibCheck: true,
  types: [],
};

/** A directory of files that finds the packages installed here. */
export class Scratch {
  private readonly path = mkdtempSync(join(tmpdir(), "lightcone-bindings-"));

  /** @param sdk the major version of the official package */
  constructor(sdk: 1 | 2 = 1) {
    mkdirSync(join(this.path, "node_modules"));
    symlinkSync(packages[sdk], join(this.path, "node_modules", "spacetimedb"));
    writeFileSync(join(this.path, "package.json"), '{ "type": "module" }');
    writeFileSync(join(this.path, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  }

  write(files: ReadonlyMap<string, string>): void {
    for (const [name, text] of files) {
      const path = join(this.path, "src", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }

  /** What the compiler says; empty when it has nothing to say. */
  typeCheck(): string {
    const compiler = join(modules, "typescript", "bin", "tsc");
    const run = spawnSync(process.execPath, [compiler, "-p", this.path], { encoding: "utf8" });
    return run.stdout + run.stderr;
  }

  /** Runs statements as a module beside the files; gives what they print. */
  run(source: string): string {
    writeFileSync(join(this.path, "src", "run.ts"), source);
    const run = spawnSync(process.execPath, [join(this.path, "src", "run.ts")], { encoding: "utf8" });
    return run.stdout + run.stderr;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
