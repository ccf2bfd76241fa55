import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Hundreds of tests start the command or a server: each takes its compiled code from the one before.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/node-compile");

/** Suites that hold the product to a number of seconds, or to what the machine has: nothing else runs beside them. */
const alone = ["conformance/src/{limits,browser}/**/*.test.ts", "conformance/src/bad-input/hostile.test.ts"].concat(
  ["many", "front-memory", "host"].map((name) => `conformance/src/rest/${name}.test.ts`),
  ["kill", "no-descriptors", "small-disk", "storm"].map((name) => `conformance/src/crash/${name}.test.ts`),
);
/** Suites that end processes and mostly wait for them: three others beside them are no harm. */
const waiting = ["conformance/src/{crash,rest}/**/*.test.ts"];
/** What hangs is ended, and what is slow on a machine that others use is not. */
const shared = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 30_000 } },
  pool: "forks" as const,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "suites",
          include: [
            "packages/*/{src,test}/**/*.test.ts",
            "conformance/src/**/*.test.ts",
            "bench/src/**/*.test.ts",
            "scripts/*.test.ts",
          ],
          exclude: ["**/node_modules/**", ...waiting, ...alone],
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...shared,
          name: "waiting",
          include: waiting,
          exclude: alone,
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...shared, name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
