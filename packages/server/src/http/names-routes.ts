/** What a database is called. */
import { databaseNameProblem } from "../registry/database-name.ts";
import type { Registry } from "../registry/registry.ts";
import { readText } from "./body.ts";
import { callerOf, readDatabasePath, requireOwner, resolveDatabase, resolveIdentity } from "./resolve.ts";
import { fail, HttpFailure, json, text } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const namesRoutes: readonly Route[] = [
  { path: "/v1/database/:db/names", auth: "minted", methods: { GET: listNames, POST: addName, PUT: replaceNames } },
  { path: "/v1/database/:db/identity", auth: "minted", methods: { GET: identityOfName } },
];

function listNames(exchange: Exchange): Response {
  const record = resolveDatabase(exchange);
  return json(200, { names: exchange.services.registry.namesOf(record.identity.hex) });
}

/** An identity is echoed, whether or not it is a database's. */
function identityOfName({ services, parameter }: Exchange): Response {
  return text(200, resolveIdentity(services.registry, readDatabasePath(parameter("db"))).hex);
}

async function addName(exchange: Exchange): Promise<Response> {
  const { services, request } = exchange;
  const record = resolveDatabase(exchange);
  const caller = callerOf(exchange);
  const name = await readText(request, services.limits.bodyBytesMax, "plain");
  const problem = databaseNameProblem(name);
  if (problem !== undefined) throw fail(400, problem);
  const present = services.registry.nameRecord(name);
  if (present?.database !== undefined) throw fail(500, `record with the name ${name} already exists`);
  if (present !== undefined && present.owner !== caller.identity.hex) return denied(name);
  requireOwner(record, caller, "rename database");
  checkNameCount(exchange, services.registry.namesOf(record.identity.hex).length + 1);
  const added = await services.registry.addName(name, caller.identity, record.identity.hex);
  if (!added) throw fail(500, `record with the name ${name} already exists`);
  return json(200, { Success: { domain: name, database_identity: record.identity.hex } });
}

async function replaceNames(exchange: Exchange): Promise<Response> {
  const { services } = exchange;
  const record = resolveDatabase(exchange);
  const caller = callerOf(exchange);
  const names = await readNames(exchange);
  if (record.owner.hex !== caller.identity.hex)
    return json(401, { NotYourDatabase: { database: record.identity.hex } });
  checkNameCount(exchange, names.length);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) return inUse(name);
    const refusal = checkFree(services.registry, name, caller.identity.hex);
    if (refusal !== undefined) return refusal;
  }
  const replaced = await services.registry.replaceNames(record.identity.hex, caller.identity, names);
  return replaced ? json(200, "Success") : inUse(names[0] ?? "");
}

/** Even a name that this very database has counts as taken, as clients know it. */
function checkFree(registry: Registry, name: string, callerHex: string): Response | undefined {
  const present = registry.nameRecord(name);
  if (present === undefined) return undefined;
  if (present.database !== undefined) return inUse(name);
  return present.owner === callerHex ? undefined : denied(name);
}

async function readNames(exchange: Exchange): Promise<readonly string[]> {
  const { services, request } = exchange;
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i.test(type)) {
    throw fail(415, "Expected request with `Content-Type: application/json`");
  }
  const body = await readText(request, services.limits.bodyBytesMax, "plain");
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    throw fail(400, `Failed to parse the request body as JSON: ${error instanceof Error ? error.message : ""}`);
  }
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string")) {
    throw fail(422, "Failed to deserialize the JSON body into the target type: expected a list of strings");
  }
  for (const name of value) {
    const problem = databaseNameProblem(name);
    if (problem !== undefined) throw fail(400, `Error parsing \`${name}\`: ${problem}`);
  }
  return value;
}

function checkNameCount({ services }: Exchange, count: number): void {
  const max = services.limits.databaseNamesMax;
  if (count > max) throw new HttpFailure(json(400, { OtherError: `databaseNamesMax: ${count} names are over ${max}` }));
}

function denied(name: string): Response {
  return json(401, { PermissionDenied: { domain: name } });
}

function inUse(name: string): Response {
  return json(400, { OtherError: `Cannot rename to ${name} because it already is in use.` });
}
