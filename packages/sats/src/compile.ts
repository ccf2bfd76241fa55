/**
 * Turns generated source into a function.
 *
 * The `Function` of the moment this file was loaded is kept: after SES `lockdown` the realm's own would hand out
 * functions that run far slower.
 */
import { dumpCode } from "@lightcone/base";

/** Compiles a function body, and announces it to `dumpCode` as what `title` says. */
export type Compile = (
  parameters: readonly string[],
  body: string,
  title: string,
) => (...values: readonly unknown[]) => unknown;

// Kept before anything can replace it.
const keptFunction = Function;

/** Compiles in this realm. */
export const compileHere: Compile = (parameters, body, title) => {
  dumpCode(title, parameters, body);
  const text = compiled === undefined ? "" : `${parameters.join()}\n${body}`;
  const known = compiled?.get(text);
  if (known !== undefined) return known;
  const made = keptFunction(...parameters, `"use strict";\n${body}`) as ReturnType<Compile>;
  compiled?.set(text, made);
  return made;
};

let compiled: Map<string, ReturnType<Compile>> | undefined;

/**
 * Has what is compiled from now on kept by its text: for a process that makes the same databases again and again. What two of
 * them share V8 does not fit to either.
 */
export function keepCompiled(): void {
  compiled ??= new Map();
}

/**
 * Compiles a function body that was made from types. Names inside it are quoted.
 *
 * @param title says what the code is for, where generated code is printed
 * @param compile compiles it elsewhere than in this realm
 * @returns whatever `body` returns when run with the helpers' values
 */
export function compileWith<T>(
  helpers: Readonly<Record<string, unknown>>,
  body: string,
  title = "",
  compile: Compile = compileHere,
): T {
  const names = Object.keys(helpers);
  const shown = title === "" ? (/^return function (\w+)/.exec(body)?.[1] ?? "function") : title;
  return compile(names, body, shown)(...names.map((name) => helpers[name])) as T;
}
