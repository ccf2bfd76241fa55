/**
 * Where a module's code runs: somewhere that has the language and nothing else.
 *
 * `ses` is the real one: a compartment of the locked-down realm. `vm` is for tests in the caller's process,
 * which must not be locked down: a fresh context without the same globals, no barrier against ill will.
 */
import type { Compile } from "@lightcone/sats";

export type SandboxKind = "ses" | "vm";

/** What is made for a module is made in the realm that its code runs in. */
export interface Sandbox {
  /** Compiles code that the host generated. It runs at full speed, and its literals are of the module's realm. */
  readonly compile: Compile;
  /** Freezes what is handed to the module, and all that can be reached from it. */
  harden<T>(value: T): T;
}

export interface ScriptSandbox extends Sandbox {
  /** Evaluates a script of the module's; its frames in stacks say `scriptName`. */
  evaluate(script: string): unknown;
}

/** The file name of a module's frames. */
export const scriptName = "lightcone-module.js";

/**
 * The globals that a module has. Everything else that the language or the platform would give is gone:
 * see docs/decisions for each that is missing.
 */
export const globalNames = `
  Object Function Array String Number Boolean BigInt Symbol Math JSON Reflect Proxy Map Set WeakMap
  WeakSet Promise Iterator Date RegExp Error TypeError RangeError SyntaxError ReferenceError EvalError
  URIError AggregateError ArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array
  Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array Float32Array Float64Array
  Intl TextEncoder TextDecoder URL URLSearchParams DOMException structuredClone atob btoa queueMicrotask parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent decodeURI
  decodeURIComponent
`
  .trim()
  .split(/\s+/);
