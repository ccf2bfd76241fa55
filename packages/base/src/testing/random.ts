/**
 * Random tests: how many cases they run, from which seed, and first of all the cases that failed before.
 *
 * `failed-cases.json` lists those by the test's file and title. A case is a seed and the path by which fast-check goes
 * from there to the smallest input that fails. A test that fails says the line to add.
 *
 *   LIGHTCONE_CASES   cases of a test of one function or decoder
 *   LIGHTCONE_RUNS    times the usual length, for tests against a model
 *   LIGHTCONE_SEED    the seed of every random test; with LIGHTCONE_PATH one case of it
 */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, expect } from "vitest";

/** A case that once failed. */
export interface FailedCase {
  readonly seed: number;
  readonly path: string;
}

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const casesFile = fileURLToPath(new URL("failed-cases.json", import.meta.url));
// Written by hand; `scripts/tidy.ts` looks whether its tests are there.
const failedCases = JSON.parse(readFileSync(casesFile, "utf8")) as Readonly<Record<string, readonly FailedCase[]>>;

function numberOf(variable: string): number | undefined {
  const text = process.env[variable];
  return text === undefined ? undefined : Number(text);
}

/** How many cases a test of one function or decoder runs. */
export function caseCount(usual: number): number {
  return numberOf("LIGHTCONE_CASES") ?? usual;
}

/** How many runs a test against a model takes. */
export function runCount(usual: number): number {
  return usual * (numberOf("LIGHTCONE_RUNS") ?? 1);
}

/** What says how long such a test is. */
const lengths = ["LIGHTCONE_CASES", "LIGHTCONE_RUNS", "LIGHTCONE_CRASHES", "LIGHTCONE_DATABASES", "LIGHTCONE_KNOWN"];

/** The seed of a file's tests that draw for themselves: those that fail say how to see it again. Called outside of tests. */
export function testSeed(usual: number): number {
  const seed = numberOf("LIGHTCONE_SEED") ?? usual;
  afterEach(({ task }) => {
    const variables = lengths.flatMap((name) =>
      process.env[name] === undefined ? [] : `${name}=${process.env[name]}`,
    );
    const command = [`LIGHTCONE_SEED=${seed}`, ...variables, "npx vitest run", relative(root, task.file.filepath)];
    for (const error of task.result?.errors ?? [])
      error.message += `\n\nTo see it again, as far as a seed can:\n  ${command.join(" ")}`;
  });
  return seed;
}

/** Asserts that a property holds: for the cases that failed before, and for so many random ones. */
export function assertProperty<T>(property: fc.IAsyncProperty<T>, count?: number): Promise<void>;
export function assertProperty<T>(property: fc.IProperty<T>, count?: number): void;
export function assertProperty<T>(property: fc.IRawProperty<T>, count = 100): Promise<void> | void {
  const { testPath = "", currentTestName = "" } = expect.getState();
  const name = `${relative(root, testPath)} > ${currentTestName}`;
  return runProperty(property, count, name, failedCases[name] ?? []);
}

/** Exported for its own test. */
export function runProperty<T>(
  property: fc.IRawProperty<T>,
  count: number,
  name: string,
  failed: readonly FailedCase[],
): Promise<void> | void {
  const report = (details: fc.RunDetails<T>): void => {
    if (details.failed) throw new Error(reportOf(details, name), { cause: details.errorInstance });
  };
  const seed = numberOf("LIGHTCONE_SEED");
  const path = process.env["LIGHTCONE_PATH"];
  const random: fc.Parameters<T> = {
    numRuns: path === undefined ? count : 1,
    ...(seed === undefined ? {} : { seed: seed | 0 }),
    ...(path === undefined ? {} : { path }),
  };
  const all = [...failed.map((each): fc.Parameters<T> => ({ ...each, numRuns: 1 })), random];
  if (property.isAsync()) {
    const run = async (): Promise<void> => {
      for (const settings of all)
        await fc.assert(property as fc.IAsyncProperty<T>, {
          ...settings,
          asyncReporter: async (details) => report(details),
        });
    };
    return run();
  }
  for (const settings of all) fc.assert(property as fc.IProperty<T>, { ...settings, reporter: report });
}

function reportOf<T>(details: fc.RunDetails<T>, name: string): string {
  const { seed, counterexamplePath: path } = details;
  const file = name.slice(0, name.indexOf(" > "));
  return `${fc.defaultReportMessage(details) ?? "the property does not hold"}

To see it again:
  LIGHTCONE_SEED=${seed} LIGHTCONE_PATH=${path} npx vitest run ${file}
To have it run first from now on, add to packages/base/src/testing/failed-cases.json:
  ${JSON.stringify(name)}: [${JSON.stringify({ seed, path })}]`;
}
