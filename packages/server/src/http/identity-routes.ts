/** `/v1/ping`, `/v1/health`, `/v1/identity…`: what needs no database. */
import { callerOf } from "./resolve.ts";
import { readBoolean } from "./query.ts";
import { empty, fail, json } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const identityRoutes: readonly Route[] = [
  { path: "/v1/ping", auth: "optional", methods: { GET: () => empty(200) } },
  { path: "/v1/health", auth: "none", methods: { GET: health } },
  { path: "/v1/identity", auth: "none", methods: { POST: createIdentity } },
  { path: "/v1/identity/public-key", auth: "none", methods: { GET: publicKey } },
  { path: "/v1/identity/websocket-token", auth: "required", methods: { POST: webSocketToken } },
  { path: "/v1/identity/:identity/verify", auth: "required", methods: { GET: verify } },
  { path: "/v1/identity/:identity/databases", auth: "none", methods: { GET: databases } },
];

function health({ services }: Exchange): Response {
  return json(200, { nodes: [0], package_name: "lightcone", schedulable: true, version: services.version });
}

async function createIdentity({ services }: Exchange): Promise<Response> {
  const { identity, token } = await services.tokens.mint();
  return json(200, { identity: identity.hex, token });
}

function publicKey({ services }: Exchange): Response {
  // Read from a file into an array of its own.
  const pem = services.publicPem as Uint8Array<ArrayBuffer>;
  return new Response(pem, { headers: { "content-type": "application/pem-certificate-chain" } });
}

async function webSocketToken(exchange: Exchange): Promise<Response> {
  const { token } = await exchange.services.tokens.exchange(callerOf(exchange).claims);
  return json(200, { token });
}

function verify(exchange: Exchange): Response {
  return empty(readIdentity(exchange) === callerOf(exchange).identity.hex ? 204 : 400);
}

function databases(exchange: Exchange): Response {
  const { state } = exchange.services.registry;
  const isShared = readBoolean(exchange.query, "co_owned") ?? false;
  const owned = isShared ? state.coOwnedBy(readIdentity(exchange)) : state.ownedBy(readIdentity(exchange));
  return json(200, { identities: owned.map((record) => record.identity.hex) });
}

/** The path's identity: exactly 64 digits, without `0x`. */
function readIdentity({ parameter }: Exchange): string {
  const segment = parameter("identity");
  if (!/^[0-9a-fA-F]{64}$/.test(segment)) throw fail(400, "Invalid URL: an identity is 64 hex digits");
  return segment.toLowerCase();
}
