import { defineConfig } from "vitest/config";

/** Suites that hold the product to a number of seconds: nothing else runs beside them. */
const alone = ["conformance/src/{crash,limits,rest,browser}/**/*.test.ts", "conformance/src/bad-input/hostile.test.ts"];
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
          exclude: ["**/node_modules/**", ...alone],
          maxWorkers: 2,
        },
      },
      { test: { ...shared, name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
