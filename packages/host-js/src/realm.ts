/** Makes a realm's built-ins fit for modules, before it is frozen: bounded, the same everywhere, and a few of the web's. */
import { boundedBuiltins } from "./bounded-builtins.ts";
import { tamedBuiltins } from "./tamed-builtins.ts";
import { webGlobals, webNatives } from "./web-globals.ts";

type Compile = (parameters: readonly string[], body: string) => (...values: readonly unknown[]) => unknown;

/** Changes the realm that `compile` compiles in; gives the globals that go in the place of its own. */
export function tameRealm(compile: Compile): Readonly<Record<string, unknown>> {
  const bounded: unknown = compile([], boundedBuiltins)();
  // The sources are ours and give objects.
  const tamed = compile([], tamedBuiltins)() as object;
  const web = compile(["natives"], webGlobals)(webNatives) as object;
  return { RegExp: bounded, ...tamed, ...web };
}
