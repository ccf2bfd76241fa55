// Goal: notes of changes come into the changelog whole, once, in their version's section, and the folder's are well formed.
// Method: changelogs and notes as texts, a row per shape; then the repository's own notes.
import { expect, test } from "vitest";
import { gathered, noteProblem, notesIn, type Note } from "./gather-changes.ts";

const notes: readonly Note[] = [
  { file: "a.md", text: "One line.\n" },
  { file: "b.md", text: "Two\nlines.\n" },
];
const bullets = "- One line.\n- Two\n  lines.\n";

test.each([
  {
    what: "behind the bullets of the version's section",
    before: "# Changelog\n\n## 2.0.0 — unreleased\n\n- Old.\n\n## 1.0.0\n\n- First.\n",
    after: `# Changelog\n\n## 2.0.0 — unreleased\n\n- Old.\n${bullets}\n## 1.0.0\n\n- First.\n`,
  },
  {
    what: "into the last section",
    before: "# Changelog\n\n## 2.0.0\n\n- Old,\n  in two lines.\n",
    after: `# Changelog\n\n## 2.0.0\n\n- Old,\n  in two lines.\n${bullets}`,
  },
  {
    what: "into a section with nothing but words",
    before: "# Changelog\n\n## 2.0.0\n\nThe second.\n",
    after: `# Changelog\n\n## 2.0.0\n\nThe second.\n\n${bullets}`,
  },
  {
    what: "into a section of its own above the others",
    before: "# Changelog\n\n## 1.0.0\n\n- First.\n",
    after: `# Changelog\n\n## 2.0.0\n\n${bullets}\n## 1.0.0\n\n- First.\n`,
  },
])("notes go $what", ({ before, after }) => {
  expect(gathered(before, notes, "2.0.0")).toBe(after);
});

test("without notes nothing changes", () => {
  expect(gathered("# Changelog\n", [], "2.0.0")).toBe("# Changelog\n");
});

test.each([
  { file: "A Note.md", text: "A sentence.\n" },
  { file: "note.txt", text: "A sentence.\n" },
  { file: "note.md", text: "- A bullet.\n" },
  { file: "note.md", text: "# A heading.\n" },
  { file: "note.md", text: "One.\n\nTwo.\n" },
  { file: "note.md", text: "No end\n" },
  { file: "note.md", text: "\n" },
])("$file with $text is refused", (note) => {
  expect(noteProblem(note)).toMatch(new RegExp(`^${note.file}: `));
});

test("the repository's notes are well formed", () => {
  expect(notesIn("changes").map(noteProblem)).toEqual(notesIn("changes").map(() => undefined));
});
