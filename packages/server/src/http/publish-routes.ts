/** Programs on their way in: publish, plan, reset, delete, lock. */
import type { Credentials } from "../auth/tokens.ts";
import { identityFromHex } from "../auth/identity.ts";
import type { Identity } from "../auth/identity.ts";
import type { HostType, Reply } from "@lightcone/database/front";
import type { Program } from "../registry/databases.ts";
import type { DatabaseRecord } from "../registry/registry.ts";
import { readBody } from "./body.ts";
import { readBoolean, readCount, readVariant } from "./query.ts";
import { callerOf, readDatabasePath, requireOwner, resolveDatabase, resolveIdentity } from "./resolve.ts";
import type { DatabasePath } from "./resolve.ts";
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
  readonly hasParent: boolean;
}

async function publishUnnamed(exchange: Exchange): Promise<Response> {
  const { services } = exchange;
  const query = readPublishQuery(exchange);
  if (query.clear) throw fail(400, "Clear database requires database name or identity");
  const program = await readProgram(exchange, query.hostType);
  return create(exchange, services.tokens.makeDatabaseIdentity(), undefined, program);
}

/** `PUT /v1/database/:db`: creates or updates. */
export async function publishNamed(exchange: Exchange): Promise<Response> {
  const { services, parameter } = exchange;
  const path = readDatabasePath(parameter("db"));
  const query = readPublishQuery(exchange);
  const caller = callerOf(exchange);
  const program = await readProgram(exchange, query.hostType);
  const identity = await claimIdentity(exchange, path, caller);
  const name = path.kind === "name" ? path.name : undefined;
  return services.databases.exclusively(identity.hex, async () => {
    const record = services.registry.get(identity.hex);
    if (record === undefined) return create(exchange, identity, name, program);
    if (query.clear) {
      if (query.hasParent) throw fail(400, "Setting the parent of an existing database is not supported");
      return resetTo(exchange, record, caller, program, name);
    }
    return update(exchange, record, caller, program, query, name);
  });
}

/** The identity that a publish goes to; a name nobody has becomes the caller's, whatever comes of the program. */
async function claimIdentity({ services }: Exchange, path: DatabasePath, caller: Credentials): Promise<Identity> {
  if (path.kind === "identity") return path.identity;
  const { registry, tokens } = services;
  const present = registry.nameRecord(path.name);
  const refusal = (): HttpFailure => new HttpFailure(json(401, { PermissionDenied: { name: path.name } }));
  if (present?.database !== undefined) return resolveIdentity(registry, path);
  if (present !== undefined && present.owner !== caller.identity.hex) throw refusal();
  const identity = tokens.makeDatabaseIdentity();
  if (await registry.addName(path.name, caller.identity, identity.hex)) return identity;
  // Somebody else was quicker.
  return resolveIdentity(registry, path);
}

async function create(
  exchange: Exchange,
  identity: Identity,
  name: string | undefined,
  program: Program,
): Promise<Response> {
  const { services } = exchange;
  const reply = await services.databases.create(identity, callerOf(exchange).identity, program);
  if (reply.status !== 200) return fromReply(reply);
  services.log.info({ database: identity.hex, name, programBytes: program.bytes.length }, "database created");
  return success(name, identity, "created");
}

async function update(
  exchange: Exchange,
  record: DatabaseRecord,
  caller: Credentials,
  program: Program,
  query: PublishQuery,
  name: string | undefined,
): Promise<Response> {
  const { services } = exchange;
  requireOwner(record, caller, "update database");
  const link = await services.databases.link(record, true);
  const reply = await link.request({
    kind: "publish",
    program: program.bytes,
    hostType: program.hostType,
    breakClients: query.breakClients,
    ...(query.migrationToken === undefined ? {} : { migrationToken: query.migrationToken }),
  });
  if (reply.status !== 200) return fromReply(reply);
  if (record.hostType !== program.hostType) await services.registry.put({ ...record, hostType: program.hostType });
  services.log.info({ database: record.identity.hex, name, programBytes: program.bytes.length }, "database updated");
  return success(name, record.identity, "updated");
}

async function reset(exchange: Exchange): Promise<Response> {
  const { services, query, parameter } = exchange;
  const record = resolveDatabase(exchange);
  const caller = callerOf(exchange);
  requireOwner(record, caller, "reset database");
  checkReplicas(query);
  const program = await readProgram(exchange, readHostType(query) ?? record.hostType);
  const path = readDatabasePath(parameter("db"));
  return services.databases.exclusively(record.identity.hex, () =>
    resetTo(exchange, record, caller, program, path.kind === "name" ? path.name : undefined),
  );
}

async function resetTo(
  exchange: Exchange,
  record: DatabaseRecord,
  caller: Credentials,
  program: Program,
  name: string | undefined,
): Promise<Response> {
  const { services } = exchange;
  requireOwner(record, caller, "reset database");
  if (record.locked) {
    throw fail(403, "Database is locked and cannot be reset with --delete-data. Run `spacetime unlock` first.");
  }
  const next = program.bytes.length > 0 ? program : await currentProgram(exchange, record);
  const reply = await services.databases.reset(record, next);
  if (reply.status !== 200) return fromReply(reply);
  services.log.info({ database: record.identity.hex, name }, "database reset");
  return success(name, record.identity, "updated");
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
  requireOwner(record, callerOf(exchange), "update database");
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
    if (record.locked) throw fail(403, "Database is locked and cannot be deleted. Run `spacetime unlock` first.");
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
    if (record.locked !== locked) await services.registry.put({ ...record, locked });
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
  return { clear, hostType, breakClients, migrationToken, hasParent: parent !== null };
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

async function readProgram({ services, request }: Exchange, hostType: HostType): Promise<Program> {
  return { bytes: await readBody(request, services.limits.programBytesMax), hostType };
}

function success(domain: string | undefined, identity: Identity, op: "created" | "updated"): Response {
  return json(200, { Success: { domain: domain ?? null, database_identity: identity.hex, op } });
}
