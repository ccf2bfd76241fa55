/** Which HTTP handler of a module serves a request. */
import type { ModuleDef } from "./module-def.ts";

/** The canonical name of the handler that serves a path by a method; undefined when none does. */
export function handlerOf(def: ModuleDef, method: string, path: string): string | undefined {
  return def.httpRoutes.find(
    (route) => route.path === path && (route.method.kind === "any" || route.method.name.toUpperCase() === method),
  )?.handler;
}
