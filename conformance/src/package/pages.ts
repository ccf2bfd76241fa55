/**
 * The code on the documentation's pages. A block that begins with a comment that names a file is that file's, and those
 * of one name are one file; a block that cannot stand alone has the rest of its file in a block within an HTML comment,
 * which readers do not see. A block of commands may be followed by one of `text`, which is what they print: `…` stands
 * for what differs from time to time.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** The pages that are for users. Decisions quote what they decide on. */
export const pages: readonly string[] = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "docs/*.md"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((page) => page !== "" && !page.startsWith("docs/decisions/"))
  .concat("README.md");

export function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/^```(\w*)[^\n]*\n([^]*?)^```$/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split("\n").length,
    language: match[1] ?? "",
    text: match[2] ?? "",
  }));
}

/** The files in TypeScript that a page has, by their names. */
export function filesOf(page: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { language, line, text } of blocksOf(page)) {
    if (!/^tsx?$/.test(language)) continue;
    const named = /^\/\/ ([\w.]+\.tsx?)[^\n]*\n/.exec(text)?.[1];
    // One without a name is a module all the same, so that its names are its own.
    const [name, code] = named === undefined ? [`line-${line}.${language}`, `${text}export {};\n`] : [named, text];
    files.set(name, (files.get(name) ?? "") + code);
  }
  return files;
}

/** Writes the files of all pages, each page's into a folder of its own, and tells how many there are. */
export function writePages(folder: string): number {
  let count = 0;
  for (const page of pages)
    for (const [name, text] of filesOf(page)) {
      const path = join(folder, page.replace(/\.md$/, ""), name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      count += 1;
    }
  return count;
}

/** A page's commands, as one program for bash, with a line after each block that tells where its output ends. */
export function commandsOf(page: string, isRun: (block: Block) => boolean): string | undefined {
  const blocks = blocksOf(page).filter((block) => block.language === "sh" && isRun(block));
  if (blocks.length === 0) return undefined;
  return [
    "set -euo pipefail",
    // What is installed is what npx finds; it looks nowhere else.
    'npx() { "$@"; }',
    ...blocks.flatMap(({ text, line }) => [text, String.raw`printf '\n=== %s\n' ${line}`]),
  ].join("\n");
}

/** What differs between what a page says that its commands print, and what they did print. */
export function unlikePage(page: string, printed: string, isRun: (block: Block) => boolean): readonly string[] {
  const blocks = blocksOf(page);
  const byLine = new Map<number, string>();
  let from = 0;
  for (const match of printed.matchAll(/^=== (\d+)\n/gm)) {
    byLine.set(Number(match[1]), printed.slice(from, match.index));
    from = match.index + match[0].length;
  }
  return blocks.flatMap((block, position) => {
    if (block.language !== "sh" || !isRun(block)) return [];
    const said = blocks[position + 1];
    const was = byLine.get(block.line);
    if (was === undefined) return [`${page}:${block.line}: it was not run`];
    if (said?.language !== "text") return [];
    const words = (text: string): string => text.replaceAll(/-{3,}/g, "---").replaceAll(/\s+/g, " ").trim();
    const pattern = words(said.text)
      .split("…")
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`))
      .join(".*");
    return new RegExp(`^${pattern}$`).test(words(was)) ? [] : [`${page}:${said.line}: it printed\n${was}`];
  });
}
