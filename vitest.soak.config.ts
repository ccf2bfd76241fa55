import { defineConfig } from "vitest/config";

/** The long versions: the same suites with the full counts, and the suites too long for CI. */
process.env["LIGHTCONE_CASES"] ??= "1000000"; // of each decoder's suite
process.env["LIGHTCONE_RUNS"] ??= "20"; // times the usual length of the suites against models
process.env["LIGHTCONE_CRASHES"] ??= "200";
process.env["LIGHTCONE_ROWS"] ??= "10000000"; // of a table that is made anew while it is read
process.env["LIGHTCONE_DATABASES"] ??= "1000"; // that rest; 200 of them are woken all at once
process.env["LIGHTCONE_KNOWN"] ??= "10000"; // that rest from the start

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "conformance/src/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 4 * 3_600_000,
    hookTimeout: 600_000,
    pool: "forks",
    fileParallelism: false,
  },
});
