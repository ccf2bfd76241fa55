// Goal: a directory ends up with what was generated; nobody's own files are touched.
// Method: a row per kind of file.
import { expect, test } from "vitest";
import { generatedMark } from "./dialect.ts";
import { planFiles } from "./plan-files.ts";

const ours = (text: string): string => `${generatedMark}\n${text}`;

test.each([
  { file: "a new one", existing: undefined, generated: ours("1"), fate: "write" },
  { file: "a changed one", existing: ours("0"), generated: ours("1"), fate: "write" },
  { file: "somebody's own in the way of a generated one", existing: "mine", generated: ours("1"), fate: "write" },
  { file: "an unchanged one", existing: ours("1"), generated: ours("1"), fate: "unchanged" },
  { file: "a stale one", existing: ours("1"), generated: undefined, fate: "remove" },
  { file: "a stale one with other line ends", existing: `${generatedMark}\r\n1`, generated: undefined, fate: "remove" },
  { file: "somebody's own", existing: "mine", generated: undefined, fate: "none" },
  {
    file: "somebody's own that quotes the mark",
    existing: `// ${generatedMark}\n`,
    generated: undefined,
    fate: "none",
  },
  { file: "an empty one", existing: "", generated: undefined, fate: "none" },
])("$file: $fate", ({ existing, generated, fate }) => {
  const of = (text: string | undefined) => new Map(text === undefined ? [] : [["x.ts", text]]);
  const plan = planFiles(of(existing), of(generated));
  expect({ write: [...plan.write.keys()], remove: plan.remove, unchanged: plan.unchanged }).toEqual({
    write: fate === "write" ? ["x.ts"] : [],
    remove: fate === "remove" ? ["x.ts"] : [],
    unchanged: fate === "unchanged" ? ["x.ts"] : [],
  });
});
