/** Reads HTTP handlers and routes off a bundle's exports. */
import { types } from "node:util";
import { list, optionalText, text, wrong } from "./shape-reader.ts";
import type { HandlerShape, RouteShape } from "./shapes.ts";

const routesMax = 10_000;

/** @throws {LightconeError} `SchemaInvalid` */
export function readHandler(exportName: string, exported: object, facts: object): HandlerShape {
  const what = `HTTP handler \`${exportName}\``;
  const functionOf = (name: string): ((...values: unknown[]) => unknown) => {
    const found: unknown = Reflect.get(facts, name);
    if (typeof found !== "function" || types.isProxy(found)) wrong(`${what} has no function`);
    return found as (...values: unknown[]) => unknown; // whatever it is, it is only called
  };
  const body = functionOf("body");
  if (types.isGeneratorFunction(body))
    wrong(`${what} is a generator, whose body would never run: write (ctx, request) => new SyncResponse("…")`);
  return {
    exportName,
    exported,
    name: optionalText(Reflect.get(facts, "name"), `${what}: \`name\``),
    body,
    requestOf: functionOf("requestOf"),
    plainResponse: functionOf("plainResponse"),
  };
}

/** @throws {LightconeError} `SchemaInvalid` */
export function readRoutes(facts: object, handlers: readonly HandlerShape[]): RouteShape[] {
  const routes = list(Reflect.get(facts, "routes"), "the router's routes");
  if (routes.length > routesMax) wrong(`the router has ${routes.length} routes; there may be ${routesMax}`);
  return routes.map((route) => {
    const method = text(Reflect.get(route, "method"), "a route's method");
    const path = text(Reflect.get(route, "path"), "a route's path");
    const exported: unknown = Reflect.get(route, "handler");
    const handler = handlers.find((each) => each.exported === exported);
    if (handler === undefined)
      wrong(
        `the route ${method} ${JSON.stringify(path)}: its handler is no export of the entry file: write \`export const\` before what httpHandler(…) gives`,
      );
    return { handler: handler.exportName, method, path };
  });
}
