/** From the `:db` of a path to a database, and the question who owns it. */
import { identityFromHex } from "../auth/identity.ts";
import type { Identity } from "../auth/identity.ts";
import type { Credentials } from "../auth/tokens.ts";
import { databaseNameProblem } from "../registry/database-name.ts";
import type { Registry } from "../registry/registry.ts";
import { mayManage } from "../registry/state.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import { defined } from "@lightcone/base";
import type { Exchange } from "./route.ts";
import { fail } from "./responses.ts";
import type { HttpFailure } from "./responses.ts";

/** A path segment: an identity, or a name within the grammar. */
export type DatabasePath =
  | { readonly kind: "identity"; readonly identity: Identity }
  | { readonly kind: "name"; readonly name: string };

/** @throws {HttpFailure} 400 when the segment is neither */
export function readDatabasePath(segment: string): DatabasePath {
  const identity = identityFromHex(segment);
  if (identity !== undefined) return { kind: "identity", identity };
  const problem = databaseNameProblem(segment);
  if (problem !== undefined) throw fail(400, `Invalid URL: ${problem}`);
  return { kind: "name", name: segment };
}

/** The identity a path means. @throws {HttpFailure} 404 for a name that points nowhere */
export function resolveIdentity(registry: Registry, path: DatabasePath): Identity {
  if (path.kind === "identity") return path.identity;
  const hex = registry.nameRecord(path.name)?.database;
  const identity = hex === undefined ? undefined : identityFromHex(hex);
  if (identity === undefined) throw fail(404, `\`${path.name}\` not found`);
  return identity;
}

/** The database of a request's `:db`. @throws {HttpFailure} 400 or 404 */
export function resolveDatabase(exchange: Exchange): DatabaseRecord {
  const { registry } = exchange.services;
  const record = registry.get(resolveIdentity(registry, readDatabasePath(exchange.parameter("db"))).hex);
  if (record === undefined) throw fail(404, "No such database.");
  return record;
}

/** The caller, on a route whose auth is `minted` or `required`. */
export function callerOf(exchange: Exchange): Credentials {
  return defined(exchange.credentials, "the caller's credentials");
}

/** What co-owners may do as well. */
type SharedAction = "update database" | "reset database" | "view module logs" | "view owners" | "take snapshot";
/** What makes a database another's, or nobody's. */
type OwnerAction = "delete database" | "rename database" | "change owners";

/** @throws {HttpFailure} 403 unless the caller owns the database, alone or with others */
export function requireManager(record: DatabaseRecord, caller: Credentials, action: SharedAction): void {
  if (!mayManage(record, caller.identity.hex)) throw notOwner(record, caller, action);
}

/** @throws {HttpFailure} 403 unless the caller is the owner */
export function requireOwner(record: DatabaseRecord, caller: Credentials, action: OwnerAction): void {
  if (record.owner.hex === caller.identity.hex) return;
  const failure = notOwner(record, caller, action);
  if (mayManage(record, caller.identity.hex)) failure.response.headers.set("lightcone-hint", coOwnerHint);
  throw failure;
}

const coOwnerHint =
  "You are a co-owner, and this is the owner's alone: `lightcone owner list NAME` says who that is. On the server's machine `lightcone owner` names another one.";

export function notOwner(record: DatabaseRecord, caller: Credentials, action: OwnerAction | SharedAction): HttpFailure {
  return fail(
    403,
    `${caller.identity.hex} is not authorized to perform action on database ${record.identity.hex}: ${action}`,
  );
}
