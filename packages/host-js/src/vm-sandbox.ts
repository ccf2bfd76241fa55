/** The sandbox of tests: a fresh context with the same globals as the real one, in an untouched process. */
import { compileFunction, createContext, Script } from "node:vm";
import { dumpCode } from "@lightcone/base";
import { tameRealm } from "./realm.ts";
import { globalNames, scriptName, type Sandbox, type ScriptSandbox } from "./sandbox.ts";
import { moduleStack } from "./stack-trace.ts";

/** Bytes pass between host and module, so both must mean the same classes by them. */
const shared = { ArrayBuffer, DataView, Uint8Array };

/** Errors of the host's are of another realm here; a module must not notice. Runs inside the context. */
const sameErrors = `
  Error.prepareStackTrace = moduleStack;
  for (const [name, theirs] of Object.entries(hostErrors)) {
    const mine = globalThis[name];
    const isMine = Function.prototype[Symbol.hasInstance];
    const value = function (error) { return isMine.call(this, error) || (this === mine && error instanceof theirs); };
    Object.defineProperty(mine, Symbol.hasInstance, { value });
  }
`;

export function openVmSandbox(): ScriptSandbox {
  const context = createContext({}, { name: "lightcone module", codeGeneration: { strings: true, wasm: false } });
  const compile: Sandbox["compile"] = (parameters, body, title) => {
    dumpCode(title, parameters, body);
    return compileFunction(`"use strict";\n${body}`, [...parameters], { parsingContext: context }) as ReturnType<
      Sandbox["compile"]
    >;
  };
  compile(
    ["hostErrors", "moduleStack"],
    sameErrors,
    "errors of two realms",
  )({ Error, TypeError, RangeError }, moduleStack);
  const inside = new Script("globalThis").runInContext(context) as object;
  // What is shared comes last: the realm's own are changed, not this process's.
  Object.assign(inside, tameRealm(compile), shared);
  const kept = new Set<PropertyKey>([...globalNames, "globalThis", "undefined", "NaN", "Infinity", "eval"]);
  for (const name of Reflect.ownKeys(inside)) if (!kept.has(name)) Reflect.deleteProperty(inside, name);
  return {
    evaluate: (script) => {
      dumpCode("module", [], script);
      return new Script(script, { filename: scriptName }).runInContext(context);
    },
    compile,
    harden: freezeDeep,
  };
}

/** Freezes an object and what its own properties hold, classes with their prototypes. */
function freezeDeep<T>(root: T): T {
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) return;
    Object.freeze(value);
    for (const key of Reflect.ownKeys(value)) {
      const property = Reflect.getOwnPropertyDescriptor(value, key);
      if (property === undefined || key === "constructor") continue;
      visit(property.value);
      visit(property.get);
    }
  };
  visit(root);
  return root;
}
