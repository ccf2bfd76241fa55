/**
 * House rules that no other tool checks: the layer tables of packages and of their parts, who may touch the platform.
 *
 * Reads text and JSON; needs no parser. Prints what it looked at and fails when that is nothing.
 */
import { existsSync, globSync, readFileSync, readdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import { posix } from "node:path";
import { everywhere, layers, parts, platform, privateByHash } from "./layers.ts";

const problems: string[] = [];
const files = listed("*.ts", "*.mjs");

checkPackageTable();
checkLock();
checkFailedCases();
checkGlossary();
for (const file of files) checkFile(file, readFileSync(file, "utf8"));
const pages = listed("*.md");
for (const page of pages) checkLinks(page, readFileSync(page, "utf8"));
const ordered = Object.entries(parts).map(([name, list]) => checkParts(name, list));
const total = (count: (each: OrderedPackage) => number): number => ordered.reduce((sum, each) => sum + count(each), 0);

process.stdout.write(
  `tidy: ${files.length} files, ${pages.length} pages, ${Object.keys(layers).length} packages; parts in order: ` +
    `${total((each) => each.folderCount)} folders and ${total((each) => each.fileCount)} files of ` +
    `${ordered.length} packages, ${total((each) => each.importCount)} imports; ${problems.length} problems\n`,
);
for (const problem of problems) process.stdout.write(`  ${problem}\n`);
if (problems.length > 0 || files.length === 0 || pages.length === 0 || ordered.some((each) => each.importCount === 0))
  process.exit(1);

/** What was read of a package whose parts are in order. */
interface OrderedPackage {
  readonly folderCount: number;
  readonly fileCount: number;
  readonly importCount: number;
}

/** The repository's files of some kinds. */
function listed(...kinds: readonly string[]): string[] {
  return execFileSync("git", ["ls-files", "-co", "--exclude-standard", ...kinds], { encoding: "utf8" })
    .split("\n")
    .filter((file) => file !== "" && existsSync(file));
}

function checkParts(name: string, list: readonly string[]): OrderedPackage {
  const root = `packages/${name}/src/`;
  /** The position of the innermost part that a file belongs to; -1 for none. */
  const partOf = (path: string): number => {
    let found = -1;
    for (const [position, part] of list.entries()) {
      const isIn = path === part || path.startsWith(`${part}/`);
      if (isIn && part.length >= (list[found]?.length ?? 0)) found = position;
    }
    return found;
  };
  const seen = new Set<string>();
  let fileCount = 0;
  let importCount = 0;
  for (const file of files) {
    if (!file.startsWith(root) || /\.test(-d)?\.ts$/.test(file)) continue;
    const path = file.slice(root.length);
    const own = partOf(path);
    fileCount += 1;
    if (own < 0) {
      problems.push(`${file}: in no part that scripts/layers.ts names`);
      continue;
    }
    seen.add(list[own] ?? "");
    for (const match of readFileSync(file, "utf8").matchAll(/(?:from|import\(|^import) ?"(\.[^"]+)"/gm)) {
      const target = posix.join(posix.dirname(path), match[1] ?? "");
      importCount += 1;
      if (partOf(target) > own) problems.push(`${file}: imports ${target}, which is above ${list[own]}`);
    }
  }
  for (const part of list) if (!seen.has(part)) problems.push(`scripts/layers.ts: ${root}${part} has no file`);
  return { folderCount: list.filter((part) => !part.endsWith(".ts")).length, fileCount, importCount };
}

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

/** A page that links to another of the repository must find it there, and the files that it names. */
function checkLinks(page: string, text: string): void {
  // The first page and guides name files of the reader's own as well.
  const isOurs = page === "ARCHITECTURE.md" || /^(docs\/(decisions|formats|wire)|packages|bench)\//.test(page);
  for (const match of isOurs ? text.matchAll(/`([\w@./-]+\.(?:ts|mjs|md))`/g) : []) {
    const named = match[1] ?? "";
    // Of a package's file `src` may be left out.
    const [, head = "", rest = ""] = /^([^/]+)\/(.+)$/.exec(named) ?? [];
    const isThere = [...files, ...pages].some(
      (file) => `/${file}`.endsWith(`/${named}`) || file === `packages/${head}/src/${rest}`,
    );
    if (!isThere) problems.push(`${page}: names ${named}, which is not there`);
  }
  for (const match of text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)) {
    const target = posix.join(posix.dirname(page), match[1] ?? "");
    if (!existsSync(target)) problems.push(`${page}: links to ${target}, which is not there`);
  }
}

/** One line a word, by the alphabet: a word that is there twice, or in the wrong place, is not found. */
function checkGlossary(): void {
  const path = "docs/glossary.md";
  const words = [...readFileSync(path, "utf8").matchAll(/^\| (?!word|-)(.+?) \|/gm)].map(([, word = ""]) =>
    word.toLowerCase(),
  );
  if (words.length === 0) problems.push(`${path}: has no words`);
  for (const [position, word] of words.entries())
    if (position > 0 && word <= (words[position - 1] ?? "")) problems.push(`${path}: ${word} is out of place`);
}

/** Code cites pages by their path, so that a reader finds them: never a section of one that is not in the repository. */
function checkCitations(file: string, text: string): void {
  for (const match of text.matchAll(/(?<![\w./$}*-])((?:[\w.-]*\/)*[\w-]+\.md)\b( §)?/g)) {
    const [, page = "", section] = match;
    const line = text.slice(text.lastIndexOf("\n", match.index) + 1, match.index);
    // A bare name in code is a file's, of whatever directory.
    if (!page.includes("/") && !/^\s*\*|\/\*|\/\//.test(line)) continue;
    const isThere = existsSync(page) || (page.startsWith(".") && existsSync(posix.join(posix.dirname(file), page)));
    if (!isThere) problems.push(`${file}: cites ${page}, which is not there`);
    else if (section !== undefined) problems.push(`${file}: cites a section of ${page} by its number`);
  }
}

/** A case that failed once is of no use when its test has gone elsewhere. */
function checkFailedCases(): void {
  const path = "packages/base/src/testing/failed-cases.json";
  for (const name of Object.keys(JSON.parse(readFileSync(path, "utf8")) as object)) {
    const [file = "", ...titles] = name.split(" > ");
    if (!existsSync(file) || !readFileSync(file, "utf8").includes(titles.at(-1) ?? ""))
      problems.push(`${path}: there is no test "${name}"`);
  }
}

function checkFile(file: string, text: string): void {
  checkCitations(file, text);
  const isByHash = privateByHash.some((path) => file.startsWith(path));
  if (isByHash ? /^ +private /m.test(text) : /^ +(?:\w+ )*\*?#\w+(?: = |: |[(<;])/m.test(text))
    problems.push(`${file}: members are private by ${isByHash ? "`#x`" : "`private x`"} here`);
  const name = /^packages\/([^/]+)\//.exec(file)?.[1];
  const isTest = /\.test\.ts$|\/testing\/|^packages\/[^/]+\/test\//.test(file);
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
