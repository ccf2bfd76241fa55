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
