/** Ends a CI run: names what was skipped, then the plain closing line. Fails when anything failed or nothing ran. */
import { readFileSync } from "node:fs";

const [path, status] = process.argv.slice(2);
let report;
try {
  report = JSON.parse(readFileSync(path, "utf8"));
} catch {
  process.stdout.write("no test report was written\n0 passed, 1 failed\n");
  process.exit(1);
}
const skipped = report.testResults.flatMap((file) =>
  file.assertionResults
    .filter((test) => test.status === "pending" || test.status === "skipped")
    .map((test) => test.fullName),
);
if (skipped.length > 0) process.stdout.write(`skipped:\n${skipped.map((name) => `  ${name}`).join("\n")}\n`);
// A run can fail without a failed test: an error outside of any, or a file that did not load.
const failed =
  report.numFailedTests + (report.numFailedTests === 0 && (status !== "0" || report.numFailedTestSuites > 0) ? 1 : 0);
process.stdout.write(`${report.numPassedTests} passed, ${failed} failed\n`);
process.exit(failed > 0 || report.numPassedTests === 0 ? 1 : 0);
