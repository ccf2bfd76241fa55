/** Writes the bindings that the Rust clients of `conformance/rust-clients` are compiled with, where they changed. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateRust, planFiles } from "../packages/codegen/src/index.ts";
import { awkwardForRust } from "../packages/codegen/src/testing/awkward-module.ts";
import { fromHex } from "../packages/sats/src/index.ts";
import { checkModule, decodeModuleDef, type ModuleDef } from "../packages/schema/src/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const recorded = readFileSync(join(root, "conformance/vectors/module-def.json"), "utf8");

/** What a module of `modules/rust` describes itself as. */
function harbor(id: string): ModuleDef {
  const { vectors }: { vectors: { id: string; bsatn_hex: string }[] } = JSON.parse(recorded);
  return checkModule(decodeModuleDef(fromHex(vectors.find((each) => each.id === id)?.bsatn_hex ?? "")));
}

for (const [program, sdk, id] of [
  ["one", 1, "harbor-1.12"],
  ["two", 2, "harbor-2.10"],
] as const) {
  const source = join(root, "conformance/rust-clients", program, "src");
  write(join(source, "harbor"), generateRust(harbor(id), { sdk }));
  write(join(source, "awkward"), generateRust(awkwardForRust, { sdk, includePrivate: true }));
}

function write(directory: string, files: ReadonlyMap<string, string>): void {
  mkdirSync(directory, { recursive: true });
  const existing = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "utf8")] as const);
  const plan = planFiles(new Map(existing), files);
  for (const [name, text] of plan.write) writeFileSync(join(directory, name), text);
  for (const name of plan.remove) rmSync(join(directory, name));
}
