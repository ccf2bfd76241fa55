/** Whose a database is. Only the operator of the server may change it: whoever can read its private key. */
import { operatorIdentity } from "../auth/operator.ts";
import { identityFromHex } from "../auth/identity.ts";
import type { Identity } from "../auth/identity.ts";
import { giveName } from "../registry/decisions.ts";
import { readText } from "./body.ts";
import { callerOf, readDatabasePath } from "./resolve.ts";
import { fail, json } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const ownerRoutes: readonly Route[] = [
  { path: "/v1/database/:db/owner", auth: "required", methods: { PUT: giveToOwner } },
];

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
  const owner = identityFromHex(body.trim());
  if (owner === undefined) throw fail(400, "the body is not an identity, which is 64 hex digits");
  if (services.registry.get(owner.hex) !== undefined)
    throw fail(400, "that is the identity of a database, not of a user");
  return owner;
}
