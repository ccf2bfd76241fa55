/** What a database is called. */
import { databaseNameProblem } from "../registry/database-name.ts";
import { addName as addNameTo, replaceNames as replaceNamesOf } from "../registry/decisions.ts";
import { readText } from "./body.ts";
import { callerOf, notOwner, readDatabasePath, resolveDatabase } from "./resolve.ts";
import { fail, json, text } from "./responses.ts";
import type { Exchange, Route } from "./route.ts";

export const namesRoutes: readonly Route[] = [
  { path: "/v1/database/:db/names", auth: "minted", methods: { GET: listNames, POST: addName, PUT: replaceNames } },
  { path: "/v1/database/:db/identity", auth: "minted", methods: { GET: identityOfName } },
];

function listNames(exchange: Exchange): Response {
  const record = resolveDatabase(exchange);
  return json(200, { names: exchange.services.registry.state.namesOf(record.identity.hex) });
}

/** An identity is echoed, whether or not it is a database's; a name is one only while its database is there. */
function identityOfName({ services, parameter }: Exchange): Response {
  const path = readDatabasePath(parameter("db"));
  if (path.kind === "identity") return text(200, path.identity.hex);
  const record = services.registry.named(path.name);
  if (record === undefined) throw fail(404, `\`${path.name}\` not found`);
  return text(200, record.identity.hex);
}

async function addName(exchange: Exchange): Promise<Response> {
  const { services } = exchange;
  const record = resolveDatabase(exchange);
  const caller = callerOf(exchange);
  const name = await readText(exchange, services.limits.bodyBytesMax, "plain");
  const problem = databaseNameProblem(name);
  if (problem !== undefined) throw fail(400, problem);
  const refused = await services.registry.change(addNameTo(record.identity.hex, caller.identity, name));
  switch (refused?.kind) {
    case undefined:
      return json(200, { Success: { domain: name, database_identity: record.identity.hex } });
    case "name-in-use":
      throw fail(500, `record with the name ${name} already exists`);
    case "name-of-another":
      return denied(name);
    case "not-owner":
      throw notOwner(record, caller, "rename database");
    case "too-many-names":
      return tooMany(exchange, refused.count);
    case "no-database":
      throw fail(404, "No such database.");
  }
}

async function replaceNames(exchange: Exchange): Promise<Response> {
  const { services } = exchange;
  const record = resolveDatabase(exchange);
  const caller = callerOf(exchange);
  const names = await readNames(exchange);
  const refused = await services.registry.change(replaceNamesOf(record.identity.hex, caller.identity, names));
  switch (refused?.kind) {
    case undefined:
      return json(200, "Success");
    case "name-in-use":
      return json(400, { OtherError: `Cannot rename to ${refused.name} because it already is in use.` });
    case "name-of-another":
      return denied(refused.name);
    case "not-owner":
      return json(401, { NotYourDatabase: { database: record.identity.hex } });
    case "too-many-names":
      return tooMany(exchange, refused.count);
    case "no-database":
      throw fail(404, "No such database.");
  }
}

async function readNames(exchange: Exchange): Promise<readonly string[]> {
  const { services, request } = exchange;
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/(?:json|[\w.-]+\+json)\s*(?:;|$)/i.test(type)) {
    throw fail(415, "Expected request with `Content-Type: application/json`");
  }
  const body = await readText(exchange, services.limits.bodyBytesMax, "plain");
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

function tooMany({ services }: Exchange, count: number): Response {
  return json(400, { OtherError: `databaseNamesMax: ${count} names are over ${services.limits.databaseNamesMax}` });
}

function denied(name: string): Response {
  return json(401, { PermissionDenied: { domain: name } });
}
