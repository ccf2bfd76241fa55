/** Turns upgrade requests on Node's HTTP server into connections of a database. */
import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { corsHeaders, identityHeaders } from "../http/app.ts";
import { readCredentials } from "../http/authenticate.ts";
import { fail, fromError } from "../http/responses.ts";
import type { Credentials } from "../auth/tokens.ts";
import { makeCaller, makeConnectionId } from "../services.ts";
import type { Services } from "../services.ts";
import { CompressingSink } from "./compressing-sink.ts";
import type { ConnectionTable } from "./connection-table.ts";
import { checkUpgrade } from "./upgrade-check.ts";
import type { UpgradeAccepted } from "./upgrade-check.ts";

/** Joined to the client's key to answer it: RFC 6455 §1.3. */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const subscribePath = /^\/v1\/database\/([^/]+)\/subscribe$/;

/**
 * Whether a request asks to become a WebSocket; any other `Upgrade` is not for us and is ignored, as is one of another
 * method or version than the WebSocket's: those are answered like requests without it.
 */
export function wantsWebSocket(request: IncomingMessage): boolean {
  const isLater = request.httpVersionMajor === 1 && request.httpVersionMinor >= 1;
  return request.method === "GET" && isLater && (request.headers.upgrade ?? "").toLowerCase() === "websocket";
}

/** Serves upgrades of `server`. */
export function serveUpgrades(services: Services, table: ConnectionTable, server: Server): void {
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Uint8Array) => {
    // A socket that breaks must not end the process, whoever holds it by then.
    socket.on("error", () => socket.destroy());
    upgrade(services, table, request, socket, head).catch((error: unknown) => {
      services.log.error({ err: error }, "upgrade failed");
      socket.destroy();
    });
  });
  // Who takes this for a proxy is told that it is none.
  server.on("connect", (_request: IncomingMessage, socket: Socket) => {
    socket.on("error", () => socket.destroy());
    refuse(socket, fail(405, "this is not a proxy").response, undefined).catch(() => socket.destroy());
  });
}

async function upgrade(
  services: Services,
  table: ConnectionTable,
  request: IncomingMessage,
  socket: Socket,
  head: Uint8Array,
): Promise<void> {
  let credentials: Credentials | undefined;
  try {
    const url = urlOf(request.url ?? "/");
    if (services.isStopping()) throw fail(503, "the server is stopping");
    const segment = segmentOf(url.pathname);
    const shown = await readCredentials(services.tokens, request.headers.authorization, url.searchParams);
    credentials = shown ?? (await services.tokens.mint());
    const header = (name: string): string | undefined => headerOf(request, name);
    const checked = checkUpgrade(services, { segment, query: url.searchParams, header, isUpgrade: isUpgrade(request) });
    if (checked.kind === "refused") await refuse(socket, checked.response, credentials);
    else await accept(services, table, socket, head, checked, credentials);
  } catch (error) {
    const response = fromError(error);
    const level = response.status >= 500 ? "warn" : "debug";
    services.log[level]({ status: response.status, err: error }, "upgrade refused");
    await refuse(socket, response, credentials);
  }
}

async function accept(
  services: Services,
  table: ConnectionTable,
  socket: Socket,
  head: Uint8Array,
  checked: UpgradeAccepted,
  credentials: Credentials,
): Promise<void> {
  if (table.count >= services.limits.connectionsMax) {
    throw fail(503, `connectionsMax: ${services.limits.connectionsMax} connections are open`);
  }
  const link = await services.databases.link(checked.record, "connect");
  // The client may have left while the database was starting.
  if (socket.destroyed) return;
  socket.write(switchingProtocols(checked, credentials));
  const connectionId = checked.connectionId ?? makeConnectionId(services.random);
  const group = { database: checked.record.identity.hex, client: credentials.identity.hex };
  const connection = table.open(socket, group, checked.protocol === "v1.json");
  // Whose it is may have changed while the database was starting.
  const record = services.registry.get(group.database) ?? checked.record;
  const handle = link.connect(
    {
      caller: makeCaller(record, credentials, connectionId),
      token: credentials.token,
      protocol: checked.protocol,
      compression: checked.compression,
      light: checked.light,
      confirmed: checked.confirmed,
      results: checked.results,
    },
    checked.compression === "brotli" && checked.protocol !== "v1.json" ? new CompressingSink(connection) : connection,
  );
  connection.start(handle, head);
}

function switchingProtocols(checked: UpgradeAccepted, credentials: Credentials): string {
  const answer = createHash("sha1")
    .update(checked.key + acceptSuffix)
    .digest("base64");
  return writeHead("101 Switching Protocols", {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-accept": answer,
    "sec-websocket-protocol": checked.subprotocol,
    ...corsHeaders,
    ...identityHeaders(credentials),
  });
}

/** Answers without an upgrade and ends the socket. */
async function refuse(socket: Socket, response: Response, credentials: Credentials | undefined): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers: Record<string, string> = {
    connection: "close",
    ...Object.fromEntries(response.headers),
    "content-length": String(body.length),
    ...corsHeaders,
    ...(credentials === undefined ? {} : identityHeaders(credentials)),
  };
  socket.cork();
  socket.write(writeHead(`${response.status} ${STATUS_CODES[response.status] ?? "Refused"}`, headers));
  socket.end(body);
}

/** Every value here is a token, digits or fixed text: nothing a client sends gets in with a line break. */
function writeHead(status: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`;
}

/** The address of a request: a path as a rule, or a whole URL. */
function urlOf(target: string): URL {
  // A path may begin with two slashes, and does not name a host then.
  const url = URL.parse(target.startsWith("/") ? `http://server.invalid${target}` : target);
  if (url === null) throw fail(400, "Invalid URL");
  return url;
}

function segmentOf(pathname: string): string {
  const segment = subscribePath.exec(pathname)?.[1];
  if (segment === undefined) throw fail(404, "");
  try {
    return decodeURIComponent(segment);
  } catch {
    throw fail(400, "Invalid URL: malformed percent-encoding");
  }
}

function isUpgrade(request: IncomingMessage): boolean {
  const connection = (request.headers.connection ?? "").toLowerCase();
  return connection.split(",").some((part) => part.trim() === "upgrade") && wantsWebSocket(request);
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
