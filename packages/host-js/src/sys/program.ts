/** From a bundle's text to what a sandbox evaluates: an ES module of the official package, checked before any of it runs. */
import { LightconeError } from "@lightcone/base";
import { globalNames } from "../sandbox.ts";
import { sysModules, sysPrefix } from "./abi.ts";
import { readEsModule, type EsModule } from "./es-module.ts";

export interface SysProgram {
  readonly major: 1 | 2;
  /** Evaluates to a function of the host's modules and a `FinalizationRegistry` that runs the bundle and gives what it exports. */
  readonly script: string;
}

const invalid = (reason: string): never => {
  throw new LightconeError("ModuleInvalid", { reason });
};

/**
 * Undefined for a text without declarations: a script.
 *
 * @throws {LightconeError} `ModuleInvalid` when it asks for what is not there, saying what to do
 */
export function readSysProgram(text: string): SysProgram | undefined {
  const module = readEsModule(text);
  if (module.imports.length + module.exports.size === 0) return undefined;
  const major = majorOf(module);
  if (major === 2 && !module.exports.has("default"))
    invalid("the bundle has no default export: write `export default` before the schema in its entry file");
  return { major, script: scriptOf(module) };
}

function majorOf({ imports }: EsModule): 1 | 2 {
  const majors = new Set<string>();
  for (const { from, name } of imports) {
    if (!from.startsWith(sysPrefix))
      invalid(
        `the bundle imports ${from}, which is not in it: a module is one file, and has no files, sockets, clock or chance but its context's`,
      );
    const exported = sysModules[from];
    if (exported === undefined)
      invalid(
        `the bundle imports ${from}, and this release has ${Object.keys(sysModules).join(", ")}: build it with a release of the package spacetimedb that uses these, such as 1.12 or 2.10`,
      );
    else if (name !== "*" && !exported.includes(name))
      invalid(
        `the bundle imports ${name} of ${from}, where nothing has that name: build it again with the package spacetimedb`,
      );
    majors.add(from.slice(sysPrefix.length).split(".")[0] ?? "");
  }
  if (majors.size > 1)
    invalid(
      "the bundle imports spacetime:sys@1 and spacetime:sys@2, so two versions of the package spacetimedb are in it: depend on one of them, in the module and in its libraries",
    );
  if (majors.size === 0)
    invalid(
      "the bundle imports nothing of the database: import spacetimedb/server or lightcone/module, and build it again",
    );
  return majors.has("1") ? 1 : 2;
}

/** The text stays on its lines: one line is before it, as for every script. */
function scriptOf({ body, imports, exports }: EsModule): string {
  const constants = imports
    .filter(({ as }) => as !== "")
    .map(({ from, name, as }) => `const ${as}=host[${JSON.stringify(from)}]${name === "*" ? "" : `.${name}`};`)
    .join("");
  const getters = [...exports]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, inside]) => `get ${JSON.stringify(name)}(){return ${inside}}`)
    .join(",");
  const globals = globalNames.join(",");
  return `(function(){"use strict";const{${globals}}=globalThis;return function(host,FinalizationRegistry){${constants}\n${body}\n;return Object.freeze({__proto__:null,${getters}});}})()`;
}
