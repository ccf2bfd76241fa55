/** Programs on their way in: publish, plan, reset, delete, lock. */
import { identityFromHex } from "../auth/identity.ts";
import type { Identity } from "../auth/identity.ts";
import type { HostType, Reply } from "@lightcone/database/front";
import type { Program } from "../registry/databases.ts";
import { changeDatabase } from "../registry/decisions.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import { readBody } from "./body.ts";
import { readBoolean, readCount, readVariant } from "./query.ts";
import {
  callerOf,
  readDatabasePath,
  requireManager,
  requireOwner,
  resolveDatabase,
  resolveIdentity,
} from "./resolve.ts";
import { HttpFailure, empty, fail, fromReply, json } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const publishRoutes: readonly Route[] = [
  { path: "/v1/database", auth: "minted", methods: { POST: publishUnnamed } },
  { path: "/v1/database/:db/pre_publish", auth: "minted", methods: { POST: plan } },
  { path: "/v1/database/:db/reset", auth: "minted", methods: { PUT: reset } },
  { path: "/v1/database/:db/lock", auth: "minted", methods: { POST: (exchange) => setLocked(exchange, true) } },
  { path: "/v1/database/:db/unlock", auth: "minted", methods: { POST: (exchange) => setLocked(exchange, false) } },
];

const replicasMax = 255;

/** What the query of a publish says. */
interface PublishQuery {
  readonly clear: boolean;
  readonly hostType: HostType;
  readonly breakClients: boolean;
  readonly migrationToken: string | undefined;
  readonly dropsData: boolean;
  readonly hasParent: boolean;
}

async function publishUnnamed(exchange: Exchange): Promise<Response> {
  const query = readPublishQuery(exchange);
  if (query.clear) throw fail(400, "Clear database requires database name or identity");
  const program = await readProgram(exchange, query.hostType);
  return create(exchange, undefined, program);
}

/** `PUT /v1/database/:db`: creates or updates. An identity is only ever updated: it is the server that makes them. */
export async function publishNamed(exchange: Exchange): Promise<Response> {
  const { services, parameter } = exchange;
  const { databases, registry } = services;
  const path = readDatabasePath(parameter("db"));
  const query = readPublishQuery(exchange);
  const program = await readProgram(exchange, query.hostType);
  if (path.kind === "identity") {
    const { hex } = path.identity;
    return databases.exclusively(hex, () => change(exchange, registry.get(hex), program, query, undefined));
  }
  const { name } = path;
  // Who publishes first has the name until it is known whether a database comes of it; the others wait.
  return databases.exclusively(`name ${name}`, () => {
    const record = registry.named(name);
    if (record === undefined) return createNamed(exchange, name, program);
    // While it was waited for, it may have got another name.
    return databases.exclusively(record.identity.hex, () => {
      const isStill = registry.nameRecord(name)?.database === record.identity.hex;
      return change(exchange, isStill ? registry.get(record.identity.hex) : undefined, program, query, name);
    });
  });
}

/** Updates or resets a database. */
async function change(
  exchange: Exchange,
  record: DatabaseRecord | undefined,
  program: Program,
  query: PublishQuery,
  name: string | undefined,
): Promise<Response> {
  if (record === undefined) throw fail(404, "No such database.");
  if (!query.clear) return update(exchange, record, program, query, name);
  if (query.hasParent) throw fail(400, "Setting the parent of an existing database is not supported");
  return resetTo(exchange, record, program, name);
}

/** The name of a database that is gone is still its owner's; the new database has an identity of its own. */
function createNamed(exchange: Exchange, name: string, program: Program): Promise<Response> {
  const present = exchange.services.registry.nameRecord(name);
  if (present !== undefined && present.owner !== callerOf(exchange).identity.hex) throw denied(name);
  return create(exchange, name, program);
}

async function create(exchange: Exchange, name: string | undefined, program: Program): Promise<Response> {
  const { services } = exchange;
  const identity = services.tokens.makeDatabaseIdentity();
  const outcome = await services.databases.create(identity, callerOf(exchange).identity, name, program);
  // Somebody has given the name to another database meanwhile.
  if ("refused" in outcome) throw denied(name ?? "");
  if (outcome.reply.status !== 200) return fromReply(outcome.reply);
  services.log.info({ database: identity.hex, name, programBytes: program.bytes.length }, "database created");
  return success(name, identity, "created", outcome.reply);
}

function denied(name: string): HttpFailure {
  return new HttpFailure(json(401, { PermissionDenied: { name } }));
}

async function update(
  exchange: Exchange,
  record: DatabaseRecord,
  program: Program,
  query: PublishQuery,
  name: string | undefined,
): Promise<Response> {
  const { services } = exchange;
  requireManager(record, callerOf(exchange), "update database");
  const link = await services.databases.link(record, "call", true);
  const reply = await link.request({
    kind: "publish",
    program: program.bytes,
    hostType: program.hostType,
    breakClients: query.breakClients,
    dropsData: query.dropsData,
    ...(query.migrationToken === undefined ? {} : { migrationToken: query.migrationToken }),
  });
  if (reply.status !== 200) return fromReply(reply);
  const { hostType } = program;
  if (record.hostType !== hostType) await services.registry.change(changeDatabase(record.identity.hex, { hostType }));
  services.log.info({ database: record.identity.hex, name, programBytes: program.bytes.length }, "database updated");
  return success(name, record.identity, "updated", reply);
}

async function reset(exchange: Exchange): Promise<Response> {
  const { services, query, parameter } = exchange;
  const record = resolveDatabase(exchange);
  requireManager(record, callerOf(exchange), "reset database");
  checkReplicas(query);
  const program = await readProgram(exchange, readHostType(query) ?? record.hostType);
  const path = readDatabasePath(parameter("db"));
  return services.databases.exclusively(record.identity.hex, () => {
    const present = services.registry.get(record.identity.hex);
    if (present === undefined) throw fail(404, "No such database.");
    return resetTo(exchange, present, program, path.kind === "name" ? path.name : undefined);
  });
}

async function resetTo(
  exchange: Exchange,
  record: DatabaseRecord,
  program: Program,
  name: string | undefined,
): Promise<Response> {
  const { services } = exchange;
  requireManager(record, callerOf(exchange), "reset database");
  if (record.locked) {
    throw fail(
      403,
      `Database is locked and cannot be reset with --delete-data. Run \`lightcone unlock ${name ?? record.identity.hex}\` first.`,
    );
  }
  const next = program.bytes.length > 0 ? program : await currentProgram(exchange, record);
  const outcome = await services.databases.reset(record, next);
  if ("refused" in outcome) throw fail(404, "No such database.");
  if (outcome.reply.status !== 200) return fromReply(outcome.reply);
  services.log.info({ database: record.identity.hex, name }, "database reset");
  return success(name, record.identity, "updated", outcome.reply);
}

/** An empty body keeps the program that runs. */
async function currentProgram({ services }: Exchange, record: DatabaseRecord): Promise<Program> {
  const link = await services.databases.link(record);
  const reply: Reply = await link.request({ kind: "program" });
  if (reply.status !== 200) throw new HttpFailure(fromReply(reply));
  return { bytes: reply.body, hostType: record.hostType };
}

async function plan(exchange: Exchange): Promise<Response> {
  const { services, query } = exchange;
  const record = resolveDatabase(exchange);
  requireManager(record, callerOf(exchange), "update database");
  const styles = ["AnsiColor", "NoColor"] as const;
  const style = readVariant(query, "style", styles) ?? readVariant(query, "pretty_print_style", styles) ?? "AnsiColor";
  const program = await readProgram(exchange, readHostType(query) ?? "wasm");
  const link = await services.databases.link(record);
  return fromReply(
    await link.request({
      kind: "plan",
      program: program.bytes,
      hostType: program.hostType,
      style: style === "AnsiColor" ? "ansi" : "plain",
      dropsData: readBoolean(query, "drop_data") ?? false,
      isDetailed: readBoolean(query, "details") ?? false,
    }),
  );
}

/** `DELETE /v1/database/:db`: a name that nobody has is 404, a database that is gone already is no error. */
export async function deleteDatabase(exchange: Exchange): Promise<Response> {
  const { services, parameter } = exchange;
  const identity = resolveIdentity(services.registry, readDatabasePath(parameter("db")));
  return services.databases.exclusively(identity.hex, async () => {
    const record = services.registry.get(identity.hex);
    if (record === undefined) return empty(200);
    requireOwner(record, callerOf(exchange), "delete database");
    if (record.locked)
      throw fail(403, `Database is locked and cannot be deleted. Run \`lightcone unlock ${parameter("db")}\` first.`);
    await services.databases.delete(record);
    services.log.info({ database: identity.hex }, "database deleted");
    return empty(200);
  });
}

async function setLocked(exchange: Exchange, locked: boolean): Promise<Response> {
  const { services } = exchange;
  const { identity } = resolveDatabase(exchange);
  return services.databases.exclusively(identity.hex, async () => {
    const record = services.registry.get(identity.hex);
    if (record === undefined) throw fail(404, "No such database.");
    requireOwner(record, callerOf(exchange), "delete database");
    if (record.locked !== locked) await services.registry.change(changeDatabase(identity.hex, { locked }));
    return empty(200);
  });
}

function readPublishQuery(exchange: Exchange): PublishQuery {
  const { services, query } = exchange;
  checkReplicas(query);
  const clear = readBoolean(query, "clear") ?? false;
  const hostType = readHostType(query) ?? "wasm";
  const breakClients = readVariant(query, "policy", ["Compatible", "BreakClients"]) === "BreakClients";
  const migrationToken = query.get("token") ?? undefined;
  if (breakClients && migrationToken === undefined) {
    throw fail(400, "Migration policy is set to `BreakClients`, but no migration token was provided.");
  }
  const parent = query.get("parent");
  if (parent !== null) resolveIdentity(services.registry, readDatabasePath(parent));
  const organization = query.get("organization") ?? query.get("org");
  if (organization !== null && identityFromHex(organization) === undefined) {
    if (services.registry.nameRecord(organization) === undefined) throw fail(404, `\`${organization}\` not found`);
  }
  const dropsData = readBoolean(query, "drop_data") ?? false;
  return { clear, hostType, breakClients, migrationToken, dropsData, hasParent: parent !== null };
}

function checkReplicas(query: URLSearchParams): void {
  const replicas = readCount(query, "num_replicas") ?? 0;
  if (replicas > replicasMax) throw fail(400, `Replication factor ${replicas} out of bounds`);
}

function readHostType(query: URLSearchParams): HostType | undefined {
  const word = readVariant(query, "host_type", ["Wasm", "Js"]);
  if (word === undefined) return undefined;
  return word === "Wasm" ? "wasm" : "js";
}

async function readProgram(exchange: Exchange, hostType: HostType): Promise<Program> {
  return { bytes: await readBody(exchange, exchange.services.limits.programBytesMax), hostType };
}

function success(
  domain: string | undefined,
  identity: Identity,
  op: "created" | "updated",
  { headers }: Reply,
): Response {
  const response = json(200, { Success: { domain: domain ?? null, database_identity: identity.hex, op } });
  const { "lightcone-note": note } = headers;
  if (note !== undefined) response.headers.set("lightcone-note", note);
  return response;
}
