/** `lightcone owner add|remove|list`: who owns a database together with its owner. */
import { identityFromHex } from "@lightcone/server";
import { openSession, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { CliFailure } from "../failure.ts";
import { columnsText } from "../print/columns.ts";
import { print } from "../terminal.ts";
import { resolveDatabase } from "./databases.ts";

export interface CoOwnerFlags extends ServerFlags {
  readonly json?: boolean | undefined;
}

interface Owners {
  readonly owner: string;
  readonly co_owners: readonly string[];
}

export async function addCoOwner(database: string, who: string, flags: CoOwnerFlags): Promise<void> {
  const identity = readIdentity(who);
  await ask(database, "PUT", `/owners/${identity}`, `${database} has no new co-owner`, flags);
  print(`${identity} is a co-owner of ${database}.`);
}

export async function removeCoOwner(database: string, who: string, flags: CoOwnerFlags): Promise<void> {
  const identity = readIdentity(who);
  await ask(database, "DELETE", `/owners/${identity}`, "Nobody was removed", flags);
  print(`${identity} is no co-owner of ${database} any more.`);
}

export async function listOwners(database: string, flags: CoOwnerFlags): Promise<void> {
  const { owner, co_owners: coOwners } = await ask(database, "GET", "/owners", "The owners are not told", flags);
  if (flags.json === true) print(JSON.stringify({ owner, co_owners: coOwners }));
  else print(columnsText([["owner", owner], ...coOwners.map((each) => ["co-owner", each])]));
}

async function ask(
  database: string,
  method: "GET" | "PUT" | "DELETE",
  path: string,
  failure: string,
  flags: CoOwnerFlags,
): Promise<Owners> {
  const { api } = await openSession(flags);
  const identity = await resolveDatabase(api, database);
  const answer = await api.ask(method, ServerApi.database(identity, path));
  if (answer.status >= 400) throw refused(failure, answer);
  return JSON.parse(answer.body);
}

function readIdentity(text: string): string {
  const identity = identityFromHex(text);
  if (identity === undefined)
    throw new CliFailure(`an identity is 64 hex digits, which ${JSON.stringify(text)} is not`, {
      hint: "`lightcone login show` says theirs to whoever is to own it too.",
      exitCode: 2,
    });
  return identity.hex;
}
