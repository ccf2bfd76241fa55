/** The process that keeps a test's database, and the folder that it is kept in. */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** Beside this file's source, or beside the file that it was built into. */
const program = import.meta.url.endsWith(".ts")
  ? new URL("../../cli/src/keep/keep-main.ts", import.meta.url)
  : new URL("./cli/keep-main.js", import.meta.url);

/** @throws {Error} with what it said */
export async function runKeeper<T>(word: "bundle" | "write", given: object): Promise<T> {
  const child = spawn(process.execPath, [fileURLToPath(program), word], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => undefined); // it has ended, and says why
  child.stdin.end(JSON.stringify(given));
  const [out, said, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((done, fail) => child.once("error", fail).once("exit", done)),
  ]);
  if (code !== 0) throw new Error(said.trim());
  return (out === "" ? undefined : JSON.parse(out)) as T; // our own program wrote it
}

/** The folder of that name, where nothing of an earlier run is. */
export function freshFolder(within: string, name: string): string {
  const words = name.replaceAll(/[^\p{L}\p{N}]+/gu, "-").replaceAll(/^-|-$/g, "");
  const folder = join(resolve(within), words.slice(0, 80) || "test");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

export const pathOf = (file: string | URL): string =>
  file instanceof URL || file.startsWith("file:") ? fileURLToPath(file) : resolve(file);
