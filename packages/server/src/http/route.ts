/** What a route is: a path, who may come without a token, and a handler per method. */
import type { IncomingMessage } from "node:http";
import type { Credentials } from "../auth/tokens.ts";
import type { Services } from "../services.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** A request that has been let in. */
export interface Exchange {
  readonly services: Services;
  readonly request: Request;
  /** The request as it came over the wire; undefined where none did. */
  readonly incoming: IncomingMessage | undefined;
  readonly query: URLSearchParams;
  /** A part of the path, percent-decoded; empty if the route has no such part. */
  readonly parameter: (name: string) => string;
  readonly credentials: Credentials | undefined;
  /** How much of the body counts among `IncomingBytes`. */
  readonly held: { bytes: number };
}

export type Handler = (exchange: Exchange) => Response | Promise<Response>;

/**
 * What a route does about credentials: `none` ignores them, `optional` refuses bad ones, `minted` gives a new
 * identity to whoever has none and says it in the headers, `required` answers 401.
 */
type RouteAuth = "none" | "optional" | "minted" | "required";

export interface Route {
  readonly path: string;
  readonly auth: RouteAuth;
  /** In the order in which `Allow` lists them. */
  readonly methods: Readonly<Partial<Record<Method, Handler>>>;
  /** Serves whatever method there is, in the place of those. */
  readonly any?: Handler;
}

/** The value of `Allow`: every route that serves GET serves HEAD. */
export function allowOf(route: Route): string {
  return Object.keys(route.methods)
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    .join(",");
}
