/**
 * Goal: what a client is told of a failure names no file, process or host of the server's machine.
 * Method: every error whose detail names one, with details that would be known again.
 */
import { describe, expect, test } from "vitest";
import { errorCodes, LightconeError, toldText } from "./index.ts";

const file = "/srv/secret-place/data/databases/c200/log/0000000000000001.segment";

describe("row 28: nothing of the machine reaches a stranger", () => {
  test.each([
    {
      error: new LightconeError("Corrupt", { file, at: 7, reason: "torn", goodOffset: 3 }),
      told: /^log\/0{15}1\.segment is damaged at byte 7: torn \(good up to offset 3\)$/,
    },
    {
      error: new LightconeError("NewerFormat", { file, version: 9, versionMax: 1 }),
      told: /^log\/0{15}1\.segment has format 9/,
    },
    {
      error: new LightconeError("SigningKeys", { use: "Unable to read", file, reason: "gone" }),
      told: /^Unable to read$/,
    },
    {
      error: new LightconeError("DataDirectoryLocked", { path: "/srv/secret-place", pid: 4242, host: "secret-host" }),
      told: /in use by another process/,
    },
    { error: new LightconeError("DiskFull", { path: "/srv/secret-place" }), told: /disk has no room/ },
    { error: new Error(`ENOENT: no such file, open '${file}'`), told: /^the server failed; its log says why$/ },
    { error: "text that was thrown: /srv/secret-place", told: /^the server failed/ },
  ])("$error", ({ error, told }) => {
    expect(toldText(error)).toMatch(told);
    expect(toldText(error)).not.toMatch(/secret|4242/);
    // Whoever runs the server is told all.
    expect(error instanceof Error ? error.message : error).toMatch(/secret/);
  });

  test("others are told as they are", () => {
    const error = new LightconeError("NoSuchDatabase", { name: "/a/b" });
    expect(error.told).toBe(error.message);
    expect(errorCodes.length).toBeGreaterThan(20);
  });
});
