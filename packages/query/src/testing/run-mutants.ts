/**
 * Runs random worlds against mutants of the operators, in a process of its own: `mutants.test.ts` starts it.
 *
 * A mutant is the package's source with one text replaced. Each is loaded afresh, by a query that the address of every
 * module of the package carries. One line of JSON goes out for each mutant: its name, and what found it out. The
 * arguments `N K` make it every Nth mutant, from the Kth.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import fc from "fast-check";
import type { runWorld } from "./run-world.ts";
import { mutants, ruleMutants, type Mutant } from "./mutants.ts";
import { ruledWorlds, worlds as plainWorlds } from "./random-worlds.ts";

const all = [...mutants, ...ruleMutants];

const [every = 1, from = 0] = process.argv.slice(2).map(Number);

const root = new URL("../", import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const { search } = new URL(context.parentURL ?? root);
    return search === "" || !found.url.startsWith(root) ? found : { ...found, url: found.url + search };
  },
  load(url, context, next) {
    const loaded = next(url, context);
    const { searchParams, pathname } = new URL(url);
    const mutant = all[Number(searchParams.get("mutant") ?? -1)];
    if (mutant === undefined || !pathname.endsWith(`/${mutant.file}`)) return loaded;
    return { ...loaded, source: mutated(mutant) };
  },
});

function mutated({ file, from, to }: Mutant): string {
  const source = readFileSync(new URL(file, root), "utf8");
  if (source.split(from).length !== 2) throw new Error(`${file} does not say once: ${from}`);
  return source.replace(from, () => to);
}

/** What tells a mutant from the sources as they are; empty if nothing does. */
async function found(search: string, isRuled: boolean): Promise<string> {
  const module = (await import(`./run-world.ts${search}`)) as { readonly runWorld: typeof runWorld }; // the same file
  const property = fc.property(isRuled ? ruledWorlds : plainWorlds, (world) => module.runWorld(world));
  const worlds = isRuled ? 150 : 500;
  const numRuns = Math.ceil(search === "" ? worlds / every : worlds); // the property tests run the sources as they are too
  const { failed, errorInstance } = fc.check(property, { seed: 8, numRuns, endOnFailure: true });
  return failed ? String(errorInstance).slice(0, 300) : "";
}

const say = (name: string, by: string): void => void process.stdout.write(`${JSON.stringify({ name, by })}\n`);
say("none", await found("", false));
say("none, with rules", await found("", true));
for (const [i, { name }] of all.entries()) {
  if (i % every === from) say(name, await found(`?mutant=${i}`, i >= mutants.length));
}
