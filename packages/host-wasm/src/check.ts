/**
 * Whether a binary can run here, told before it is compiled, in words that name what to change.
 *
 * Owns the version rule, and what must be imported and exported with which types. Rules: docs/wire/module-abi.md.
 */
import type { ModuleLimits } from "@lightcone/host";
import {
  abiMajor,
  abiMinorMax,
  describeExport,
  describeExportFallback,
  type HostFunction,
  hostFunctions,
  moduleFunctions,
  preinitPrefix,
} from "./abi.ts";
import { invalid } from "./invalid.ts";
import type { WasmBinary, WasmImport } from "./wasm-binary.ts";

/** Elements that a module's tables may start with, all together: functions that are called through pointers. */
export const tableElementsMax = 1_000_000;

const namespacePrefix = "spacetime_";
const byName: ReadonlyMap<string, HostFunction> = new Map(Object.entries(hostFunctions));
const exportSignatures: ReadonlyMap<string, string> = new Map(Object.entries(moduleFunctions));

/** @throws {LightconeError} `ModuleInvalid` naming the first thing that is wrong */
export function checkBinary(binary: WasmBinary, limits: ModuleLimits): void {
  checkVersion(binary.imports.filter((found) => found.kind === "function"));
  for (const found of binary.imports) checkImport(found);
  checkExports(binary);
  checkMemory(binary, limits);
}

function checkVersion(functions: readonly WasmImport[]): void {
  const namespaces = new Set(functions.map((found) => found.module).filter((name) => name.startsWith(namespacePrefix)));
  const majors = new Set<number>();
  let minorMax = 0;
  for (const name of namespaces) {
    const match = /^(\d{1,5})\.(\d{1,5})$/.exec(name.slice(namespacePrefix.length));
    const major = Number(match?.[1]);
    const minor = Number(match?.[2]);
    if (match === null || major > 0xffff || minor > 0xffff) {
      throw invalid(`it imports from \`${name}\`, whose version is not of the form MAJOR.MINOR`);
    }
    majors.add(major);
    minorMax = Math.max(minorMax, minor);
  }
  if (majors.size === 0) {
    const foreign = functions.find((found) => foreignHint(found.module) !== undefined);
    if (foreign !== undefined) checkImport(foreign);
    throw invalid(
      "it imports nothing from `spacetime_10.*`, so that its ABI cannot be told. Build it with the `spacetimedb` crate and give it at least one reducer",
    );
  }
  if (majors.size > 1) {
    throw invalid(
      `it mixes the ABI versions ${[...majors].sort((a, b) => a - b).join(" and ")}. Build all of its crates with one version of \`spacetimedb\``,
    );
  }
  const [major] = majors;
  if (major !== abiMajor || minorMax > abiMinorMax) {
    throw invalid(
      `it needs \`spacetime_${major}.${minorMax}\`; this release runs ${abiMajor}.0 to ${abiMajor}.${abiMinorMax}. ` +
        "Build it with an older `spacetimedb` crate, or run a newer release",
    );
  }
}

function checkImport(found: WasmImport): void {
  const known = byName.get(found.name);
  const what = `\`${found.module}\`.\`${found.name}\``;
  if (!found.module.startsWith(namespacePrefix)) {
    throw invalid(
      `it imports ${what}, which no host of modules has. ${foreignHint(found.module) ?? "Remove the dependency that needs it"}`,
    );
  }
  if (found.kind !== "function") throw invalid(`it imports the ${found.kind} ${what}; only functions can be imported`);
  if (known === undefined) {
    throw invalid(
      `it imports ${what}, a function that this release does not have. Build it with a released \`spacetimedb\` crate from 1.11 to 2.10`,
    );
  }
  if (found.module !== `${namespacePrefix}${abiMajor}.${known.minor}`) {
    throw invalid(
      `it imports ${what}, but \`${found.name}\` stands in \`${namespacePrefix}${abiMajor}.${known.minor}\``,
    );
  }
  if (found.signature !== known.signature) {
    throw invalid(
      `it imports ${what} as ${found.signature ?? "a function without a type"}; the host's is ${known.signature}`,
    );
  }
}

/** What to do about an import that comes from outside of the ABI. */
function foreignHint(module: string): string | undefined {
  if (module.startsWith("__wbindgen") || module === "wbg") {
    return (
      "A dependency was built for a browser (wasm-bindgen): usually `getrandom` with the feature `js` or `wasm_js`, " +
      "or `chrono` with `wasmbind`. Turn those features off (`default-features = false`); use `ctx.rng()` and `ctx.timestamp`"
    );
  }
  if (module.startsWith("wasi")) return "It was built for WASI. Build it with `--target wasm32-unknown-unknown`";
  if (module === "env")
    return "It was linked with a function missing, often one of a C library. Remove the dependency that declares it";
  return undefined;
}

function checkExports(binary: WasmBinary): void {
  const byExport = new Map(binary.exports.map((found) => [found.name, found]));
  const describer =
    byExport.has(describeExport) || !byExport.has(describeExportFallback) ? describeExport : describeExportFallback;
  for (const name of [describer, "__call_reducer__"]) {
    if (byExport.get(name)?.kind !== "function") {
      throw invalid(
        `it does not export the function \`${name}\`. Build it as a \`cdylib\` with the \`spacetimedb\` crate`,
      );
    }
  }
  if (byExport.get("memory")?.kind !== "memory") throw invalid("it does not export its memory as `memory`");
  for (const found of binary.exports) {
    const wanted = found.name.startsWith(preinitPrefix) ? "()->()" : exportSignatures.get(found.name);
    if (wanted !== undefined && found.signature !== wanted) {
      throw invalid(`its export \`${found.name}\` is ${found.signature ?? `a ${found.kind}`}; it must be ${wanted}`);
    }
  }
}

function checkMemory(binary: WasmBinary, limits: ModuleLimits): void {
  const memory = binary.memories[0];
  if (memory === undefined || binary.memories.length > 1)
    throw invalid(`it has ${binary.memories.length} memories; it must have one`);
  if (memory.pagesMin > limits.memoryPagesMax) {
    throw invalid(
      `its memory starts with ${memory.pagesMin} pages of 64 KiB, more than the ${limits.memoryPagesMax} allowed. ` +
        "Make its static data smaller, or raise `memoryPagesMax`",
    );
  }
  const elements = binary.tables.reduce((sum, table) => sum + table.elementsMin, 0);
  if (elements > tableElementsMax)
    throw invalid(`its tables start with ${elements} elements, more than the ${tableElementsMax} allowed`);
}
