/**
 * The HTTP side: lets a request in, finds its route, and dresses the answer.
 *
 * Order: preflight · the server is stopping · route · credentials · method · handler. Every answer under `/v1`
 * carries the CORS headers; every answer of a route that mints carries the caller's identity and token.
 */
import { isLightconeError, type LightconeError } from "@lightcone/base";
import { fileFailure } from "@lightcone/base/node";
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { Context } from "hono";
import type { Credentials } from "../auth/tokens.ts";
import type { Services } from "../services.ts";
import { readCredentials } from "./authenticate.ts";
import { databaseRoutes } from "./database-routes.ts";
import { identityRoutes } from "./identity-routes.ts";
import { mcpRoutes } from "./mcp-routes.ts";
import { moduleRoutes } from "./module-routes.ts";
import { namesRoutes } from "./names-routes.ts";
import { ownerRoutes } from "./owner-routes.ts";
import { publishRoutes } from "./publish-routes.ts";
import { empty, fail, fromError, HttpFailure } from "./responses.ts";
import { allowOf } from "./route.ts";
import type { Handler, Method, Route } from "./route.ts";

/** Answers what is not under `/v1`; undefined for a page that it does not have. */
export type Pages = (request: Request) => Response | undefined | Promise<Response | undefined>;

export const corsHeaders: Readonly<Record<string, string>> = {
  "access-control-allow-origin": "*",
  vary: "origin, access-control-request-method, access-control-request-headers",
};

const preflightHeaders: Readonly<Record<string, string>> = {
  ...corsHeaders,
  "access-control-allow-methods": "*",
  "access-control-allow-headers": "authorization,accept,content-type",
};

const routes: readonly Route[] = [
  ...identityRoutes,
  ...publishRoutes,
  ...namesRoutes,
  ...ownerRoutes,
  ...databaseRoutes,
  ...mcpRoutes,
  ...moduleRoutes,
];

/** The identity headers of an answer. */
export function identityHeaders(credentials: Credentials): Record<string, string> {
  return { "spacetime-identity": credentials.identity.hex, "spacetime-identity-token": credentials.token };
}

export function makeApp(services: Services, pages: Pages | undefined): Hono {
  const app = new Hono({ strict: true });
  app.use("/v1/*", async (context, next) => {
    if (services.isStopping()) context.res = fromError(fail(503, "the server is stopping"));
    else await next();
    const { headers } = context.res;
    // A module's own word on who may read its answer is kept.
    for (const [name, value] of Object.entries(corsHeaders))
      if (!headers.has(name)) headers.set(name, value);
      else if (name === "vary" && headers.get(name)?.includes(value) === false) headers.append(name, value);
  });
  for (const route of routes) app.all(route.path, (context) => serve(services, route, context));
  app.options("/v1/*", () => empty(200, preflightHeaders));
  app.notFound(async (context) => {
    const isPage = !context.req.path.startsWith("/v1/") && pages !== undefined;
    return (isPage ? await pages(context.req.raw) : undefined) ?? empty(404);
  });
  app.onError((error) => {
    if (!(error instanceof HttpFailure)) services.log.error({ err: error }, "request failed");
    return fromError(error);
  });
  return app;
}

async function serve(services: Services, route: Route, context: Context): Promise<Response> {
  const startMs = services.clock.steadyMs();
  const { method } = context.req;
  if (method === "OPTIONS") return empty(200, { ...preflightHeaders, allow: allowOf(route) });
  const response = await answer(services, route, context);
  const ms = Math.round(services.clock.steadyMs() - startMs);
  // The path alone: a query may hold a token.
  services.log.debug({ method, path: context.req.path, status: response.status, ms }, "request");
  return response;
}

async function answer(services: Services, route: Route, context: Context): Promise<Response> {
  // What stands in `Host` is part of it, and may be anything.
  const query = URL.parse(context.req.url)?.searchParams;
  if (query === undefined) return failed(services, fail(400, "the header `Host` and the path make no address"));
  let credentials: Credentials | undefined;
  try {
    credentials = await admit(services, route, context.req.header("authorization"), query);
  } catch (error) {
    return failed(services, error);
  }
  let response: Response;
  const held = { bytes: 0 };
  try {
    const handler = handlerOf(route, context.req.method);
    const incoming = (context.env as Partial<HttpBindings> | undefined)?.incoming; // as Node's listener gives it
    const parameter = (name: string): string => context.req.param(name) ?? "";
    response =
      handler === undefined
        ? empty(405, { allow: allowOf(route) })
        : await handler({ services, request: context.req.raw, incoming, query, parameter, credentials, held });
  } catch (error) {
    response = failed(services, error);
  } finally {
    services.incoming.giveBack(held.bytes);
  }
  if (route.auth === "minted" && credentials !== undefined) {
    for (const [name, value] of Object.entries(identityHeaders(credentials))) response.headers.set(name, value);
  }
  return response;
}

function handlerOf(route: Route, method: string): Handler | undefined {
  if (route.any !== undefined) return route.any;
  const served = method === "HEAD" ? "GET" : method;
  return Object.hasOwn(route.methods, served) ? route.methods[served as Method] : undefined;
}

async function admit(
  services: Services,
  route: Route,
  authorization: string | undefined,
  query: URLSearchParams,
): Promise<Credentials | undefined> {
  if (route.auth === "none") return undefined;
  const shown = await readCredentials(services.tokens, authorization, query);
  if (shown !== undefined || route.auth === "optional") return shown;
  if (route.auth === "required") throw fail(401, "Authorization required");
  return services.tokens.mint();
}

function failed(services: Services, thrown: unknown): Response {
  // What the log says of it is what to do as well.
  const error = fileFailure(thrown);
  const response = fromError(error);
  if (isLightconeError(error, "DiskFull")) sayFull(services, error);
  else if (response.status >= 500) services.log.warn({ err: error, status: response.status }, "request failed");
  return response;
}

/** A full disk refuses whoever asks, and anybody may ask. */
function sayFull({ clock, log, told }: Services, error: LightconeError<"DiskFull">): void {
  const nowMs = clock.steadyMs();
  if (nowMs - told.fullMs < fullEveryMs) return;
  told.fullMs = nowMs;
  log.warn({ path: error.detail.path }, `${error.message}. ${error.hint}`);
}

const fullEveryMs = 60_000;
