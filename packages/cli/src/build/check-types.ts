/**
 * Checks a module's types with the compiler that its project has: the bundler only takes types away. A project
 * without `tsconfig.json` or without TypeScript has not asked for it.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { CliFailure } from "../failure.ts";

/** The compiler's program, if the module in `path` has both it and a configuration. */
export function findCompiler(path: string): string | undefined {
  if (!existsSync(join(path, "tsconfig.json"))) return undefined;
  try {
    const manifest = createRequire(join(path, "package.json")).resolve("typescript/package.json");
    const { bin }: { bin?: Readonly<Record<string, string>> } = JSON.parse(readFileSync(manifest, "utf8"));
    return bin?.["tsc"] === undefined ? undefined : join(dirname(manifest), bin["tsc"]);
  } catch {
    return undefined; // not installed there
  }
}

/** @throws {CliFailure} with what the compiler says */
export async function checkTypes(compiler: string, path: string): Promise<void> {
  const isSeen = process.stdout.isTTY === true && process.env["NO_COLOR"] === undefined;
  const args = [compiler, "--noEmit", "--pretty", String(isSeen), "-p", "tsconfig.json"];
  const child = spawn(process.execPath, args, { cwd: path, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) => reject(new CliFailure(`${compiler} did not start`, { cause })));
    child.once("close", resolve);
  });
  if (code === 0) return;
  throw new CliFailure("The module's types do not fit", {
    causes: [said.trim()],
    hint: "Correct them, or pass --no-check to go on without looking at types.",
  });
}
