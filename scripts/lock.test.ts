// Goal: row 29: `npm ci` takes the lock as it is committed, on every system, from whichever registry there is.
// Method: npm itself checks the lock against the manifests, in a folder that has nothing else, and without a network.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "lightcone-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Locked {
  readonly resolved?: string;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
  readFileSync(join(root, "package-lock.json"), "utf8"),
);

describe("row 29: npm ci", () => {
  test("npm finds nothing missing", () => {
    const manifests = execFileSync("git", ["ls-files", "*package.json", "package-lock.json", ".npmrc"], { cwd: root });
    for (const file of manifests.toString().trim().split("\n")) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(root, file), join(folder, file));
    }
    const args = ["ci", "--dry-run", "--offline", "--ignore-scripts", "--cache", join(folder, "cache")];
    const { status, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
  });

  test("the binaries of other systems are in it", () => {
    const names = Object.values(lock.packages).flatMap((each) => Object.keys(each.optionalDependencies ?? {}));
    expect(names.length).toBeGreaterThan(50);
    const isThere = (name: string): boolean =>
      Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`));
    expect(names.filter((name) => !isThere(name))).toEqual([]);
  });

  test("it names no host", () => {
    const hosts = Object.values(lock.packages).filter((each) => /^\w+:/.test(each.resolved ?? ""));
    expect(hosts).toEqual([]);
  });
});
