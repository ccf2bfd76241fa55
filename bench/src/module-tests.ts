/** What does a database cost a test of a module, and how many small tests run in a second? */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Figure, Question } from "./support/question.ts";

const main = fileURLToPath(new URL("./support/module-tests-main.ts", import.meta.url));

export const moduleTests: Question = {
  name: "module-tests",
  workload:
    "a module of three tables in a process of its own: the first database of all, the first of each of 20 modules more, then tests of one call and one read, each on a database of its own",
  unit: "ms a database, tests/s",
  expected: "<= 5 ms for the first of a module, <= 0.5 ms for each later one, >= 1,000 tests/s",
  run: async (run) => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, run.isSmoke ? "smoke" : "whole"]);
    return JSON.parse(stdout) as readonly Figure[]; // our own child wrote it
  },
};
