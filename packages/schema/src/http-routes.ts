/** Which HTTP handler of a module serves a request. */
import type { HttpMethod, HttpRouteDef, ModuleDef } from "./module-def.ts";

/** The canonical name of the handler that serves a path by a method; undefined when none does. */
export function handlerOf(def: ModuleDef, method: string, path: string): string | undefined {
  return routesTo(def, path).find((route) => isServedBy(route, method))?.handler;
}

/** A method as requests have it; `ANY` for all. */
export function methodWord(method: HttpMethod): string {
  return method.kind === "any" ? "ANY" : method.name.toUpperCase();
}

/** The methods that a path is served by, when it is by some. */
export function methodsOf(def: ModuleDef, path: string): readonly string[] {
  return [...new Set(routesTo(def, path).map(({ method }) => methodWord(method)))];
}

function routesTo(def: ModuleDef, path: string): readonly HttpRouteDef[] {
  return def.httpRoutes.filter((route) => route.path === path);
}

function isServedBy({ method }: HttpRouteDef, word: string): boolean {
  return method.kind === "any" || methodWord(method) === word;
}

/** What a module declares and nobody can reach, in words: a library's handlers cannot be called. */
export function unservedRoutes({ submodules }: ModuleDef): readonly string[] {
  return submodules.flatMap(({ namespace, module }): readonly string[] => {
    const { httpRoutes, httpHandlers } = module;
    const below = unservedRoutes(module).map((each) => `submodule \`${namespace}\`: ${each}`);
    if (httpHandlers.length === 0) return below;
    const routes = httpRoutes.map(({ method, path }) => `${methodWord(method)} ${path}`).join(", ");
    const what = routes === "" ? "its HTTP handlers" : `its routes (${routes})`;
    const mend = "only the module's own handlers can be called: give it routes that call the library's functions";
    return [`submodule \`${namespace}\`: ${what} are not served. ${mend}`, ...below];
  });
}
