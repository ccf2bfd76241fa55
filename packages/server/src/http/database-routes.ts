/** What one asks of a database over HTTP: facts, calls, SQL, schema, logs. */
import type { DatabaseRequest } from "@lightcone/database/front";
import { hashToJson } from "../auth/identity.ts";
import { makeCaller, makeConnectionId } from "../services.ts";
import { checkUpgrade, fromUpgradeRefusal } from "../websocket/upgrade-check.ts";
import { readText } from "./body.ts";
import { deleteDatabase, publishNamed } from "./publish-routes.ts";
import { readBoolean, readCount, readVariant, requireVariant } from "./query.ts";
import { callerOf, requireManager, resolveDatabase } from "./resolve.ts";
import { fail, fromReply, json } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const databaseRoutes: readonly Route[] = [
  { path: "/v1/database/:db", auth: "minted", methods: { GET: info, PUT: publishNamed, DELETE: deleteDatabase } },
  { path: "/v1/database/:db/subscribe", auth: "minted", methods: { GET: subscribeWithoutUpgrade } },
  { path: "/v1/database/:db/call/:function", auth: "minted", methods: { POST: call } },
  { path: "/v1/database/:db/schema", auth: "minted", methods: { GET: schema } },
  { path: "/v1/database/:db/logs", auth: "minted", methods: { GET: logs } },
  { path: "/v1/database/:db/sql", auth: "minted", methods: { POST: sql } },
  { path: "/v1/database/:db/snapshot", auth: "minted", methods: { POST: snapshot } },
  { path: "/v1/database/:db/unstable/timestamp", auth: "minted", methods: { GET: timestamp } },
];

function info(exchange: Exchange): Response {
  const record = resolveDatabase(exchange);
  return json(200, {
    database_identity: { __identity__: `0x${record.identity.hex}` },
    owner_identity: { __identity__: `0x${record.owner.hex}` },
    host_type: record.hostType === "wasm" ? { Wasm: [] } : { Js: [] },
    initial_program: hashToJson(record.initialProgram),
  });
}

/** A request that is not an upgrade gets the same checks as one that is, in the same order. */
function subscribeWithoutUpgrade(exchange: Exchange): Response {
  const header = (name: string): string | undefined => exchange.request.headers.get(name) ?? undefined;
  const checked = checkUpgrade(exchange.services, {
    segment: exchange.parameter("db"),
    query: exchange.query,
    header,
    isUpgrade: false,
  });
  return fromUpgradeRefusal(checked);
}

async function call(exchange: Exchange): Promise<Response> {
  const { services, request, parameter } = exchange;
  const record = resolveDatabase(exchange);
  const type = request.headers.get("content-type");
  if (type === null) throw fail(400, "Header of type `content-type` was missing");
  if (type !== "application/json") throw fail(415, "Expected request with `Content-Type: application/json`");
  const args = await readText(exchange, services.limits.bodyBytesMax, "plain");
  const caller = makeCaller(record, callerOf(exchange), makeConnectionId(services.random));
  return ask(exchange, { kind: "call", caller, functionName: parameter("function"), args });
}

async function sql(exchange: Exchange): Promise<Response> {
  const { services, query } = exchange;
  const record = resolveDatabase(exchange);
  const confirmed = readBoolean(query, "confirmed") ?? true;
  const body = await readText(exchange, services.limits.bodyBytesMax, "detailed");
  const caller = makeCaller(record, callerOf(exchange), makeConnectionId(services.random));
  return ask(exchange, { kind: "sql", caller, text: body, confirmed });
}

async function schema(exchange: Exchange): Promise<Response> {
  resolveDatabase(exchange);
  const version = requireVariant(exchange.query, "version", ["9", "10"]);
  const reader = readVariant(exchange.query, "for", ["client"]);
  if (reader !== undefined && version !== "10") throw fail(400, "`for=client` is a part of version 10");
  return ask(exchange, { kind: "schema", form: reader ?? version });
}

async function logs(exchange: Exchange): Promise<Response> {
  const { services, query, request } = exchange;
  const record = resolveDatabase(exchange);
  const lineCount = readCount(query, "num_lines");
  const follow = readBoolean(query, "follow") ?? false;
  requireManager(record, callerOf(exchange), "view module logs");
  const headers = { "content-type": "application/x-ndjson", "cache-control": "no-cache" };
  if (request.method === "HEAD") return new Response(null, { headers });
  const lines = await services.moduleLogs.open(record, {
    lineCount: lineCount ?? (follow ? 0 : undefined),
    follow,
    reader: callerOf(exchange).identity.hex,
  });
  return new Response(lines, { headers });
}

/** Takes a snapshot now; answers `{"offset":…}` when it is published. */
async function snapshot(exchange: Exchange): Promise<Response> {
  requireManager(resolveDatabase(exchange), callerOf(exchange), "take snapshot");
  return ask(exchange, { kind: "snapshot" });
}

function timestamp(exchange: Exchange): Response {
  resolveDatabase(exchange);
  return json(200, { __timestamp_micros_since_unix_epoch__: exchange.services.clock.nowMicros() });
}

async function ask(exchange: Exchange, request: DatabaseRequest): Promise<Response> {
  const link = await exchange.services.databases.link(resolveDatabase(exchange));
  return fromReply(await link.request(request));
}
