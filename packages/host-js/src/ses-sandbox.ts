/// <reference types="ses" />
/**
 * The real sandbox: a SES compartment.
 *
 * `lockdown` freezes the built-ins of the whole process, once, before the first module. What this process
 * generates afterwards must not go through the realm's own `Function`, which is then the slow, safe one:
 * the one from before is kept here.
 */
import { createRequire } from "node:module";
import { AssertionError, dumpCode, LightconeError } from "@lightcone/base";
import { ConnectionId, Timestamp } from "@lightcone/sats";
import { tameRealm } from "./realm.ts";
import { escapeForSes } from "./script-text.ts";
import { globalNames, scriptName, type Sandbox, type ScriptSandbox } from "./sandbox.ts";
import { moduleStack } from "./stack-trace.ts";

const keptFunction = Function;
const keptError = Error;
let isLockedDown = false;
let realmGlobals: Readonly<Record<string, unknown>> = {};

/** Whether `compile` still uses the `Function` of before the lockdown. */
export function compilesWith(constructor: unknown): boolean {
  return keptFunction === constructor;
}

const compileHere: Sandbox["compile"] = (parameters, body, title) => {
  dumpCode(title, parameters, body);
  return keptFunction(...parameters, `"use strict";\n${body}`) as ReturnType<Sandbox["compile"]>;
};

function lockDownOnce(): void {
  if (isLockedDown) return;
  createRequire(import.meta.url)("ses"); // late: loading it already adds to the globals
  // It can never be changed again, and modules in WebAssembly that panic in this process want as many.
  Error.stackTraceLimit = 50;
  repairIntrinsics({
    errorTaming: "unsafe", // stacks, for the user's file and line
    localeTaming: "unsafe", // what goes by a language is seen to in tamed-builtins.ts
    consoleTaming: "unsafe",
    errorTrapping: "none",
    unhandledRejectionTrapping: "none",
    reporting: "none",
    domainTaming: "unsafe",
    overrideTaming: "min", // `moderate` makes array spread 15 times slower
  });
  keptError.prepareStackTrace = moduleStack;
  const globals = tameRealm(compileHere);
  for (const { prototype } of errorClasses)
    for (const name of ["name", "message", "constructor"]) allowOverride(prototype, name);
  hardenIntrinsics();
  realmGlobals = harden(globals);
  isLockedDown = true;
  // Value classes are shared with modules: what they know of clock and chance goes for the whole process.
  Object.defineProperty(Timestamp, "now", {
    value: refuse("there is no clock in a process that runs modules: use ctx.timestamp"),
  });
  Object.defineProperty(ConnectionId, "random", { value: refuse("there is no chance in a process that runs modules") });
  // Errors of the host's own classes can reach a module through a `catch`.
  harden(LightconeError);
  harden(AssertionError);
}

function refuse(what: string): () => never {
  return () => {
    throw new TypeError(what);
  };
}

const errorClasses = [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError];

/** Lets objects that inherit a property set one of their own, which a frozen data property would forbid. */
function allowOverride(owner: object, name: string): void {
  const { value, writable } = Reflect.getOwnPropertyDescriptor(owner, name) ?? {};
  if (writable === undefined) return; // an accessor already
  Reflect.defineProperty(owner, name, {
    configurable: true,
    enumerable: false,
    get: () => value as unknown,
    set(this: object, mine: unknown) {
      if (this === owner) throw new TypeError(`cannot assign to ${name} of a built-in`);
      Reflect.defineProperty(this, name, { value: mine, writable: true, enumerable: true, configurable: true });
    },
  });
}

/** `eval(` in the text is no danger: the name means the compartment's own, which evaluates in its global scope. */
const evaluation = { __rejectSomeDirectEvalExpressions__: false };

/** Locks the process down and runs a script, so that the first module finds all of it warm. */
export function prepareSandbox(): void {
  openSesSandbox().evaluate("(function () { return 0; })()");
}

/** Opens a compartment; locks the process down first if that has not happened. */
export function openSesSandbox(): ScriptSandbox {
  lockDownOnce();
  const compartment = new Compartment({
    globals: { Float32Array, Float64Array, ...realmGlobals },
    __options__: true,
  });
  const kept = new Set<PropertyKey>([...globalNames, "globalThis", "undefined", "NaN", "Infinity", "eval"]);
  for (const name of Reflect.ownKeys(compartment.globalThis)) {
    if (!kept.has(name)) Reflect.deleteProperty(compartment.globalThis, name);
  }
  return {
    evaluate: (script) => {
      const text = `${escapeForSes(script)}\n//# sourceURL=${scriptName}`;
      dumpCode("module", [], text);
      return compartment.evaluate(text, evaluation);
    },
    compile: compileHere,
    harden,
  };
}
