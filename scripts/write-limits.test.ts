// Goal: every limit stands on its page with its default, and names a test that trips it.
// Method: the page's writer, which reads the tables in the code, is asked whether the page is what it writes.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

test("docs/limits.md is what the code says, and each limit's test names it", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ["scripts/write-limits.ts", "--check"], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(Number(/limits: (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(40);
});
