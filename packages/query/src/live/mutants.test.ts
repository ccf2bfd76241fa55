// Goal: the property tests of live queries and of row-level rules find faults of the kind that they are there for.
// Method: a process loads the package with one text of its source replaced, a mutant at a time, and runs random worlds
// of a fixed seed until one of them fails.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { mutants, ruleMutants } from "../testing/mutants.ts";

test("every mutant is found", { timeout: 300_000 }, () => {
  const script = new URL("../testing/run-mutants.ts", import.meta.url).pathname;
  const lines = execFileSync(process.execPath, [script], { encoding: "utf8", timeout: 280_000 }).trim().split("\n");
  const ran = lines.map((line) => JSON.parse(line) as { readonly name: string; readonly by: string }); // its own lines
  const none = ["none", "none, with rules"];
  expect(ran.map(({ name }) => name)).toEqual([...none, ...[...mutants, ...ruleMutants].map(({ name }) => name)]);
  expect(ran.filter(({ by }) => by === "").map(({ name }) => name)).toEqual(none);
});
