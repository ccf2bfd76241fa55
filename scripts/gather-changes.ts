/**
 * Gathers the notes in `changes/` into `CHANGELOG.md`, and removes them: `node scripts/gather-changes.ts VERSION`.
 *
 * A change that users notice comes with a note in a file of its own, so that two changes never meet in one line. A note is a
 * paragraph: what one can do now or what is different, not how. Notes are listed by their files' names.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/** A note: its file's name and its text. */
export interface Note {
  readonly file: string;
  readonly text: string;
}

/** The notes of a folder, by name. */
export function notesIn(directory: string): Note[] {
  return readdirSync(directory)
    .filter((file) => file !== "README.md")
    .toSorted()
    .map((file) => ({ file, text: readFileSync(`${directory}/${file}`, "utf8") }));
}

/** What is wrong with a note; undefined for nothing. */
export function noteProblem({ file, text }: Note): string | undefined {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*\.md$/.test(file))
    return `${file}: a note's name is words in lower case, with hyphens, and .md`;
  if (/^\s*$|^[#\-*]|\n\s*\n./.test(text)) return `${file}: a note is one paragraph, without a heading or a bullet`;
  return /[.!`)]\n$/.test(text) ? undefined : `${file}: a note ends with a sentence's end and a line's`;
}

/** The changelog with the notes at the end of a version's section, which is made at the top if it is not there. */
export function gathered(changelog: string, notes: readonly Note[], version: string): string {
  if (notes.length === 0) return changelog;
  const bullets = notes.map(({ text }) => `- ${text.trim().replaceAll(/\s*\n\s*/g, "\n  ")}\n`).join("");
  const sections = changelog.split(/^(?=## )/m);
  const found = sections.findIndex((section) => section.startsWith("## ") && section.split(/\s/)[1] === version);
  if (found < 0) sections.splice(1, 0, `## ${version}\n\n${bullets}\n`);
  else {
    const isLast = found === sections.length - 1;
    const section = (sections[found] ?? "").trimEnd();
    const gap = /^(- | {2}\S)/.test(section.split("\n").at(-1) ?? "") ? "\n" : "\n\n";
    sections[found] = `${section}${gap}${bullets}${isLast ? "" : "\n"}`;
  }
  return sections.join("");
}

if (import.meta.main) {
  const [version] = process.argv.slice(2);
  if (version === undefined) {
    process.stderr.write("usage: node scripts/gather-changes.ts VERSION\n");
    process.exit(2);
  }
  const notes = notesIn("changes");
  const problems = notes.map(noteProblem).filter((problem) => problem !== undefined);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  if (problems.length > 0) process.exit(1);
  writeFileSync("CHANGELOG.md", gathered(readFileSync("CHANGELOG.md", "utf8"), notes, version));
  for (const { file } of notes) rmSync(`changes/${file}`);
  process.stdout.write(`${notes.length} notes are now in CHANGELOG.md under ${version}\n`);
}
