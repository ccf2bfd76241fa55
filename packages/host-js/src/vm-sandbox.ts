/** The sandbox of tests: a fresh context with the same globals as the real one, in an untouched process. */
import { compileFunction, createContext, Script } from "node:vm";
import { boundedBuiltins } from "./bounded-builtins.ts";
import { globalNames, scriptName, type Sandbox } from "./sandbox.ts";

/** Bytes pass between host and module, so both must mean the same classes by them. */
const shared = { TextEncoder, TextDecoder, ArrayBuffer, DataView, Uint8Array };

/** Takes clock and chance away, as the real sandbox does. Runs inside the context. */
const tame = `
  const OriginalDate = Date;
  const refuse = (what) => { throw new TypeError(what); };
  const TamedDate = function Date(...parts) {
    if (new.target === undefined || parts.length === 0) refuse("a module has no clock: use ctx.timestamp");
    return Reflect.construct(OriginalDate, parts, new.target);
  };
  TamedDate.UTC = OriginalDate.UTC;
  TamedDate.parse = OriginalDate.parse;
  TamedDate.now = () => refuse("a module has no clock: use ctx.timestamp");
  TamedDate.prototype = OriginalDate.prototype;
  OriginalDate.prototype.constructor = TamedDate;
  globalThis.Date = TamedDate;
  // Errors of the host's are of another realm here; a module must not notice.
  for (const [name, theirs] of Object.entries(hostErrors)) {
    const mine = globalThis[name];
    const isMine = Function.prototype[Symbol.hasInstance];
    const value = function (error) { return isMine.call(this, error) || (this === mine && error instanceof theirs); };
    Object.defineProperty(mine, Symbol.hasInstance, { value });
  }
  Math.random = () => refuse("a module has no chance of its own: use ctx.random");
`;

export function openVmSandbox(): Sandbox {
  const context = createContext({}, { name: "lightcone module", codeGeneration: { strings: true, wasm: false } });
  compileFunction(tame, ["hostErrors"], { parsingContext: context })({ Error, TypeError, RangeError });
  const boundedRegExp: unknown = compileFunction(boundedBuiltins, [], { parsingContext: context })();
  const inside = new Script("globalThis").runInContext(context) as object;
  const kept = new Set<PropertyKey>([...globalNames, "globalThis", "undefined", "NaN", "Infinity", "eval"]);
  for (const name of Reflect.ownKeys(inside)) if (!kept.has(name)) Reflect.deleteProperty(inside, name);
  Object.assign(inside, shared, { RegExp: boundedRegExp });
  return {
    evaluate: (script) => new Script(script, { filename: scriptName }).runInContext(context),
    compile: (parameters, body) =>
      compileFunction(`"use strict";\n${body}`, [...parameters], { parsingContext: context }) as (
        ...values: readonly unknown[]
      ) => unknown,
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
