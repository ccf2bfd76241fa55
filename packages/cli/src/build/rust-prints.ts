/** Finds what a Rust module would print to nobody. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const printing = /^(?!\s*\/\/).*?\b(e?print(?:ln)?|dbg)!\s*[([{]/;
/** Places that are named at most. */
const placesMax = 10;

/** The places in a module's sources that call a macro whose output goes nowhere in a module: `src/lib.rs:12: println!`. */
export function rustPrints(project: string, directory: string): readonly string[] {
  const folder = join(project, directory);
  if (directory === "" || !existsSync(folder)) return [];
  const found: string[] = [];
  for (const name of globSync("**/*.rs", { cwd: folder }).toSorted()) {
    const path = join(folder, name);
    for (const [at, line] of readFileSync(path, "utf8").split("\n").entries()) {
      const macro = printing.exec(line)?.[1];
      if (macro === undefined) continue;
      found.push(`${relative(project, path)}:${at + 1}: ${macro}!`);
      if (found.length === placesMax) return found;
    }
  }
  return found;
}
