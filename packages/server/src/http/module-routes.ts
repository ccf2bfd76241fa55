/** What comes for the routes of a module: handed to the database as it came, and answered as its handler says. */
import type { IncomingMessage } from "node:http";
import type { HttpHeaders } from "@lightcone/host";
import { makeConnectionId } from "../services.ts";
import { readBody } from "./body.ts";
import { peerOf } from "./peer.ts";
import { resolveDatabase } from "./resolve.ts";
import { fail, fromReply } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const moduleRoutes: readonly Route[] = [
  { path: "/v1/database/:db/route/*", auth: "none", methods: {}, any: serveRoute },
];

const nobody = new Uint8Array(32);
const encodedHost = /^[A-Za-z0-9._~:[\]-]+$/;

async function serveRoute(exchange: Exchange): Promise<Response> {
  const { services, request, incoming } = exchange;
  const record = resolveDatabase(exchange);
  const body = await readBody(exchange, services.limits.routeBodyBytesMax);
  const path = pathOf(request);
  if (path === undefined) throw fail(404, "Database has not registered a handler for this route");
  const link = await services.databases.link(record);
  const reply = await link.request(
    {
      kind: "route",
      caller: { identity: nobody, connectionId: makeConnectionId(services.random), claims: "", isOwner: false },
      peer: peerOf(incoming?.socket.remoteAddress, request.headers.get("x-forwarded-for")),
      method: request.method,
      path,
      uri: uriOf(request),
      headers: headersOf(request, incoming),
      version: incoming?.httpVersion ?? "1.1",
      body,
    },
    request.signal,
  );
  return fromReply(reply);
}

/** What follows `/route`: nothing, or a path. Undefined when it cannot be decoded. */
function pathOf({ url }: Request): string | undefined {
  const segments = new URL(url).pathname.split("/").slice(5);
  try {
    return segments.map((segment) => `/${decodeURIComponent(segment)}`).join("");
  } catch {
    return undefined;
  }
}

/** The address as the client wrote it, also where a proxy stands between. */
function uriOf({ url, headers }: Request): string {
  const { pathname, search, host } = new URL(url);
  const first = (name: string): string | undefined => headers.get(name)?.split(",")[0]?.trim();
  const forwarded = first("x-forwarded-host");
  const scheme = first("x-forwarded-proto") === "https" ? "https" : "http";
  const authority = forwarded !== undefined && encodedHost.test(forwarded) ? forwarded : host;
  return `${scheme}://${authority}${pathname}${search}`;
}

/** Each field as it came, in its order. */
function headersOf({ headers }: Request, incoming: IncomingMessage | undefined): HttpHeaders {
  if (incoming === undefined) return [...headers].map(([name, value]) => [name, bytesOf(value)] as const);
  const { rawHeaders } = incoming;
  const fields: (readonly [string, Uint8Array])[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    fields.push([(rawHeaders[at] ?? "").toLowerCase(), bytesOf(rawHeaders[at + 1] ?? "")]);
  return fields;
}

/** Node has a header's bytes as characters. */
function bytesOf(value: string): Uint8Array {
  return Uint8Array.from(value, (character) => character.charCodeAt(0));
}
