/**
 * House rules that no other tool checks: the layer table, and who may touch the platform.
 *
 * Reads text and JSON; needs no parser. Prints what it looked at and fails when that is nothing.
 */
import { existsSync, globSync, readFileSync, readdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import { everywhere, layers, platform } from "./layers.ts";

const problems: string[] = [];
const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "*.ts", "*.mjs"], { encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && existsSync(file));

checkPackageTable();
checkLock();
for (const file of files) checkFile(file, readFileSync(file, "utf8"));

process.stdout.write(
  `tidy: ${files.length} files, ${Object.keys(layers).length} packages, ${problems.length} problems\n`,
);
for (const problem of problems) process.stdout.write(`  ${problem}\n`);
if (problems.length > 0 || files.length === 0) process.exit(1);

function checkPackageTable(): void {
  const found = readdirSync("packages");
  for (const name of found)
    if (layers[name] === undefined) problems.push(`packages/${name} is not in scripts/layers.ts`);
  for (const [name, allowed] of Object.entries(layers)) {
    if (!found.includes(name)) {
      problems.push(`scripts/layers.ts names ${name}, which has no folder`);
      continue;
    }
    const manifest: { dependencies?: Record<string, string> } = JSON.parse(
      readFileSync(`packages/${name}/package.json`, "utf8"),
    );
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      const own = /^@lightcone\/(.+)$/.exec(dependency)?.[1];
      if (own !== undefined && !allowed.includes(own))
        problems.push(`packages/${name}/package.json: ${own} is above its layer`);
    }
  }
}

/** `npm ci` refuses a lock that is behind a manifest; `npm install` writes it anew. */
function checkLock(): void {
  const lock: { packages: Record<string, Record<string, unknown>> } = JSON.parse(
    readFileSync("package-lock.json", "utf8"),
  );
  const { workspaces }: { workspaces: readonly string[] } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const folder of ["", ...workspaces.flatMap((pattern) => globSync(pattern))]) {
    const path = folder === "" ? "package.json" : `${folder}/package.json`;
    if (!existsSync(path)) continue;
    const manifest: Record<string, unknown> = JSON.parse(readFileSync(path, "utf8"));
    for (const kind of ["dependencies", "devDependencies", "optionalDependencies"])
      if (!isDeepStrictEqual(manifest[kind] ?? {}, lock.packages[folder]?.[kind] ?? {}))
        problems.push(`package-lock.json is behind the ${kind} of ${path}: run npm install --package-lock-only`);
  }
}

function checkFile(file: string, text: string): void {
  const name = /^packages\/([^/]+)\//.exec(file)?.[1];
  const isTest = file.endsWith(".test.ts") || file.includes("/testing/");
  if (name !== undefined) {
    for (const match of text.matchAll(/(?:from|import\() ?"@lightcone\/([a-z-]+)/g)) {
      const imported = match[1] ?? "";
      if (imported !== name && !(layers[name] ?? []).includes(imported))
        problems.push(`${file}: imports ${imported}, above its layer`);
    }
    if (/from "(\.\.\/){2,}[a-z-]+\/src\//.test(text)) problems.push(`${file}: reaches into another package by path`);
  } else if (!everywhere.some((folder) => file.startsWith(`${folder}/`)) && file.includes("/")) {
    problems.push(`${file}: in a folder that scripts/layers.ts does not name`);
  }
  for (const rule of platform) {
    if (isTest || !rule.pattern.test(text) || rule.allowed.some((path) => path.test(file))) continue;
    if (name !== undefined) problems.push(`${file}: touches ${rule.what}, which is to be passed in`);
  }
}
