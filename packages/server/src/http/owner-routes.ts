/**
 * Whose a database is. Its owner says who owns it together with them; only the operator of the server, who is whoever
 * can read its private key, gives it to another owner.
 */
import { operatorIdentity } from "../auth/operator.ts";
import { identityFromHex } from "../auth/identity.ts";
import type { Identity } from "../auth/identity.ts";
import { addCoOwner as coOwnerAdded, giveName } from "../registry/decisions.ts";
import { readText } from "./body.ts";
import { callerOf, readDatabasePath, requireManager, requireOwner, resolveDatabase } from "./resolve.ts";
import { fail, json } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const ownerRoutes: readonly Route[] = [
  { path: "/v1/database/:db/owner", auth: "required", methods: { PUT: giveToOwner } },
  { path: "/v1/database/:db/owners", auth: "required", methods: { GET: listOwners } },
  { path: "/v1/database/:db/owners/:identity", auth: "required", methods: { PUT: addCoOwner, DELETE: dropCoOwner } },
];

/** `{"owner":…,"co_owners":[…]}`, for those who are in it. */
function listOwners(exchange: Exchange): Response {
  const record = resolveDatabase(exchange);
  requireManager(record, callerOf(exchange), "view owners");
  return ownersOf(exchange, record.identity.hex);
}

function ownersOf({ services }: Exchange, identityHex: string): Response {
  const record = services.registry.get(identityHex);
  if (record === undefined) throw fail(404, "No such database.");
  return json(200, { database_identity: identityHex, owner: record.owner.hex, co_owners: record.coOwners });
}

/** Idempotent, as `PUT` is. */
async function addCoOwner(exchange: Exchange): Promise<Response> {
  const { registry, databases, log } = exchange.services;
  const { identity } = resolveDatabase(exchange);
  return databases.exclusively(identity.hex, async () => {
    const record = resolveDatabase(exchange);
    const caller = callerOf(exchange);
    requireOwner(record, caller, "change owners");
    const added = checkUser(exchange, identityFromHex(exchange.parameter("identity")), "the path");
    if (added.hex === record.owner.hex) throw fail(400, `${added.hex} is the owner already`);
    const refused = await registry.change(coOwnerAdded(identity.hex, added));
    if (refused !== undefined) throw fail(404, "No such database.");
    log.info({ database: identity.hex, by: caller.identity.hex, coOwner: added.hex }, "database has a new co-owner");
    return ownersOf(exchange, identity.hex);
  });
}

/** For the owner, and for co-owners themselves. */
async function dropCoOwner(exchange: Exchange): Promise<Response> {
  const { databases, log } = exchange.services;
  const { identity } = resolveDatabase(exchange);
  return databases.exclusively(identity.hex, async () => {
    const record = resolveDatabase(exchange);
    const caller = callerOf(exchange);
    const removedHex = exchange.parameter("identity").toLowerCase();
    if (removedHex !== caller.identity.hex) requireOwner(record, caller, "change owners");
    const refused = await databases.removeCoOwner(record, removedHex);
    if (refused?.kind === "not-owner") throw fail(404, `${removedHex} is no co-owner of the database`);
    if (refused !== undefined) throw fail(404, "No such database.");
    log.info({ database: identity.hex, by: caller.identity.hex, coOwner: removedHex }, "database has a co-owner less");
    return ownersOf(exchange, identity.hex);
  });
}

/**
 * `PUT /v1/database/:db/owner`, body: the new owner's identity as 64 hex digits. A database goes with all its names; a
 * name whose database is gone goes alone.
 */
async function giveToOwner(exchange: Exchange): Promise<Response> {
  const { services, parameter } = exchange;
  const { registry, databases, log } = services;
  const caller = callerOf(exchange).identity.hex;
  if (caller !== operatorIdentity.hex)
    throw fail(403, `${caller} is not authorized to change owners: only the server's operator is`);
  const path = readDatabasePath(parameter("db"));
  const owner = await readOwner(exchange);
  const record = path.kind === "identity" ? registry.get(path.identity.hex) : registry.named(path.name);
  if (record !== undefined) {
    const { identity } = record;
    const names = registry.state.namesOf(identity.hex);
    const refused = await databases.exclusively(identity.hex, () => databases.give(record, owner));
    if (refused !== undefined) throw fail(404, "No such database.");
    log.warn({ database: identity.hex, from: record.owner.hex, owner: owner.hex }, "database has a new owner");
    return json(200, { database_identity: identity.hex, owner: owner.hex, names });
  }
  if (path.kind === "identity") throw fail(404, "No such database.");
  const refused = await registry.change(giveName(path.name, owner));
  if (refused !== undefined) throw fail(404, `\`${path.name}\` not found`);
  log.warn({ name: path.name, owner: owner.hex }, "name has a new owner");
  return json(200, { database_identity: null, owner: owner.hex, names: [path.name] });
}

async function readOwner(exchange: Exchange): Promise<Identity> {
  const { services } = exchange;
  const body = await readText(exchange, services.limits.bodyBytesMax, "plain");
  return checkUser(exchange, identityFromHex(body.trim()), "the body");
}

/** @throws {HttpFailure} 400 unless it can be a user's identity */
function checkUser({ services }: Exchange, user: Identity | undefined, where: string): Identity {
  if (user === undefined) throw fail(400, `${where} is not an identity, which is 64 hex digits`);
  if (services.registry.get(user.hex) !== undefined)
    throw fail(400, "that is the identity of a database, not of a user");
  return user;
}
