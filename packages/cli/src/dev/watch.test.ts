// Goal: `dev` hears of every save, however the editor saves, and of files in folders that come while it runs.
// Method: a folder on the disk that is changed as editors and version control change it; each change is waited for.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SourceWatch } from "./watch.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lightcone-watch-"));
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src", "index.ts"), "0");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...path: readonly string[]): string => join(folder, ...path);

test("a file that is written over, or put in another's place, time after time", async () => {
  using sources = new SourceWatch(folder);
  for (let save = 1; save <= 3; save++) {
    writeFileSync(at("src", "index.ts.tmp"), String(save));
    renameSync(at("src", "index.ts.tmp"), at("src", "index.ts"));
    await expect(sources.change()).resolves.toBeUndefined();
    writeFileSync(at("src", "index.ts"), "over");
    await expect(sources.change()).resolves.toBeUndefined();
  }
});

test("folders that come, go, and come again", async () => {
  using sources = new SourceWatch(folder);
  for (let time = 1; time <= 2; time++) {
    mkdirSync(at("src", "game", "rules"), { recursive: true });
    await expect(sources.change()).resolves.toBeUndefined();
    writeFileSync(at("src", "game", "rules", "chess.ts"), "0");
    await expect(sources.change()).resolves.toBeUndefined();
    rmSync(at("src", "game"), { recursive: true });
    await expect(sources.change()).resolves.toBeUndefined();
  }
  mkdirSync(at("other", "rules"), { recursive: true });
  await expect(sources.change()).resolves.toBeUndefined();
  renameSync(at("other"), at("src", "game"));
  await expect(sources.change()).resolves.toBeUndefined();
  writeFileSync(at("src", "game", "rules", "chess.ts"), "0");
  await expect(sources.change()).resolves.toBeUndefined();
});

test("what builds and servers write is no change", async () => {
  const written = ["dist", ".lightcone", "node_modules"];
  for (const name of written) mkdirSync(at("src", name));
  mkdirSync(at("other"));
  using sources = new SourceWatch(at("src"));
  using other = new SourceWatch(at("other"));
  let isHeard = false;
  const change = sources.change().then(() => (isHeard = true));
  for (const name of written) writeFileSync(at("src", name, "file"), "0");
  mkdirSync(at("src", "target"));
  // What comes later is told of, so those would have been.
  writeFileSync(at("other", "file"), "0");
  await other.change();
  expect(isHeard).toBe(false);
  writeFileSync(at("src", "index.ts"), "1");
  await change;
});

test("a folder that is not there", () => {
  expect(() => new SourceWatch(at("nowhere"))).toThrow(/nowhere cannot be watched/);
});
