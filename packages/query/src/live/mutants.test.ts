// Goal: the property tests of live queries and of row-level rules find faults of the kind that they are there for.
// Method: a process loads the package with one text of its source replaced, a mutant at a time, and runs random worlds
// of a fixed seed until one of them fails. A third of the mutants, drawn by `LIGHTCONE_SEED`; `npm run soak` takes all.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { mutants, ruleMutants } from "../testing/mutants.ts";

const every = process.env["LIGHTCONE_RUNS"] === undefined ? 3 : 1;
const from = Number(process.env["LIGHTCONE_SEED"] ?? 0) % every;

test(`mutants are found: every ${every}, from ${from}`, { timeout: 600_000 }, () => {
  const script = new URL("../testing/run-mutants.ts", import.meta.url).pathname;
  const options = { encoding: "utf8", timeout: 580_000 } as const;
  const lines = execFileSync(process.execPath, [script, `${every}`, `${from}`], options)
    .trim()
    .split("\n");
  const ran = lines.map((line) => JSON.parse(line) as { readonly name: string; readonly by: string }); // its own lines
  const none = ["none", "none, with rules"];
  const drawn = [...mutants, ...ruleMutants].filter((_, i) => i % every === from);
  expect(ran.map(({ name }) => name)).toEqual([...none, ...drawn.map(({ name }) => name)]);
  expect(ran.filter(({ by }) => by === "").map(({ name }) => name)).toEqual(none);
});
