/**
 * Turns generated source into a function.
 *
 * The `Function` of the moment this file was loaded is kept: after SES `lockdown` the realm's own would
 * hand out functions that run far slower. A host that has better gives it with `useCompiler`.
 */
export type Compile = (parameters: readonly string[], body: string) => (...args: readonly never[]) => unknown;

// Kept before anything can replace it.
const keptFunction = Function;

let current: Compile = (parameters, body) =>
  keptFunction(...parameters, body) as (...args: readonly never[]) => unknown;

/** Generated code is compiled by `compile` from here on. Returns what it replaced. */
export function useCompiler(compile: Compile): Compile {
  const before = current;
  current = compile;
  return before;
}

/**
 * Compiles a function body. `body` is made by this package from types; names inside it are quoted.
 *
 * @returns whatever `body` returns when run with `parameters`' values
 */
export function compileWith<T>(helpers: Readonly<Record<string, unknown>>, body: string): T {
  const names = Object.keys(helpers);
  const make = current(names, `"use strict";\n${body}`);
  return (make as (...args: readonly unknown[]) => unknown)(...names.map((name) => helpers[name])) as T;
}
