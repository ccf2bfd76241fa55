// Goal: the command that `init` prints installs this very Lightcone, be it a checkout or installed from a file.
// Method: folders as both have them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { version } from "../version.ts";
import { ownPackage } from "./own-package.ts";

const folder = mkdtempSync(join(tmpdir(), "lightcone-own-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a checkout, before and after its package is made", () => {
  const dist = join(folder, "clone/packages/lightcone/dist");
  const file = join(dist, `lightcone-${version}.tgz`);
  mkdirSync(dist, { recursive: true });
  expect(ownPackage(join(folder, "clone"))).toEqual({ madeIn: join(folder, "clone"), file });
  writeFileSync(file, "");
  expect(ownPackage(join(folder, "clone"))).toEqual({ madeIn: undefined, file });
});

test("a project that has it from a file, from a registry, and no project", () => {
  const at = join(folder, "shop/node_modules/lightcone");
  mkdirSync(at, { recursive: true });
  expect(ownPackage(at)).toBeUndefined();
  const asking = (spec: string): void =>
    writeFileSync(join(folder, "shop/package.json"), JSON.stringify({ dependencies: { lightcone: spec } }));
  asking("file:../lightcone-0.1.0.tgz");
  expect(ownPackage(at)).toEqual({ madeIn: undefined, file: join(folder, "lightcone-0.1.0.tgz") });
  asking("^0.1.0");
  expect(ownPackage(at)).toBeUndefined();
});
