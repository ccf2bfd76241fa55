/** Runs the compiler over texts, as an author's project would, and says what it has to say of each line. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

export interface Complaint {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** A folder outside of this one, in which packages are found as they are here. The caller removes it. */
export function makeProject(files: Readonly<Record<string, string>>, options: object = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "lightcone-types-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "esnext",
    module: "nodenext",
    lib: ["esnext"],
    types: [],
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    ...options,
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["**/*.ts"] }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function compile(
  folder: string,
  ...flags: readonly string[]
): { readonly stdout: string; readonly status: number | null } {
  const args = [compiler, "--pretty", "false", "-p", folder, ...flags];
  return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
}

/** What the compiler says of the files of a project that lie in its folder. */
export function complaintsOf(folder: string): Complaint[] {
  const { stdout, status } = compile(folder);
  const complaints: { file: string; line: number; text: string }[] = [];
  for (const line of stdout.split("\n")) {
    const [, file, at, text] = /^([^(\s]+)\((\d+),\d+\): error (.*)$/.exec(line) ?? [];
    if (file !== undefined && text !== undefined) complaints.push({ file, line: Number(at), text });
    else if (/^\s/.test(line)) {
      const last = complaints.at(-1);
      if (last !== undefined) last.text += `\n${line}`;
    }
  }
  if (status !== 0 && complaints.length === 0) throw new Error(`the compiler ended with ${status}: ${stdout}`);
  // Elsewhere Node's types may be missed.
  return complaints.filter(({ file }) => !/^(?:\.\.|node_modules|\/)/.test(file));
}

/** The same of files that are thrown away again. */
export function complaintsAbout(files: Readonly<Record<string, string>>, options: object = {}): Complaint[] {
  const folder = makeProject(files, options);
  try {
    return complaintsOf(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How many times the compiler fills in a generic type for files that have no errors: what their types cost. */
export function instantiationsOf(files: Readonly<Record<string, string>>): number {
  const folder = makeProject(files, { lib: ["esnext", "dom"], types: ["node"] });
  try {
    // In one thread, since each counts for itself.
    const { stdout } = compile(folder, "--extendedDiagnostics", "--singleThreaded");
    const count = Number(/^Instantiations: +(\d+)$/m.exec(stdout)?.[1]);
    if (/^[\w-]+\.ts\(/m.test(stdout) || Number.isNaN(count)) throw new Error(stdout);
    return count;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
