/** Makes a realm's built-ins fit for modules, before it is frozen: bounded, the same everywhere, and a few of the web's. */
import type { Compile } from "@lightcone/sats";
import { boundedBuiltins } from "./bounded-builtins.ts";
import { tamedBuiltins } from "./tamed-builtins.ts";
import { webGlobals, webNatives } from "./web-globals.ts";

/** Changes the realm that `compile` compiles in; gives the globals that go in the place of its own. */
export function tameRealm(compile: Compile): Readonly<Record<string, unknown>> {
  const bounded: unknown = compile([], boundedBuiltins, "bounded built-ins")();
  // The sources are ours and give objects.
  const tamed = compile([], tamedBuiltins, "tamed built-ins")() as object;
  const web = compile(["natives"], webGlobals, "globals of the web")(webNatives) as object;
  return { RegExp: bounded, ...tamed, ...web };
}
