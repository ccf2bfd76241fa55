/** What is said when there is no database of a name: which of the caller's own may have been meant. */
import { identityOfToken } from "../config/logins.ts";
import { CliFailure } from "../failure.ts";
import { whatExists } from "../print/nearest.ts";
import { ServerApi } from "./server-api.ts";

/** A database with all of its names. */
export interface OwnDatabase {
  readonly identity: string;
  readonly names: readonly string[];
}

/** The databases of whoever is logged in. @param as what they are to them */
export async function ownDatabases(
  api: ServerApi,
  token: string,
  as: "owner" | "co-owner" = "owner",
): Promise<readonly OwnDatabase[]> {
  const path = `/v1/identity/${identityOfToken(token)}/databases`;
  const query = as === "owner" ? {} : { co_owned: "true" };
  const answer = await api.need("The server did not list databases", "GET", path, { query });
  const { identities }: { identities: readonly string[] } = JSON.parse(answer.body);
  return Promise.all(identities.map(async (identity) => ({ identity, names: await namesOf(api, identity) })));
}

async function namesOf(api: ServerApi, identity: string): Promise<readonly string[]> {
  const answer = await api.need("The server did not list names", "GET", ServerApi.database(identity, "/names"));
  const { names }: { names: readonly string[] } = JSON.parse(answer.body);
  return names;
}

/** The failure of naming a database that is not there. @param hint what else may have been meant */
export async function unknownDatabase(api: ServerApi, database: string, hint?: string): Promise<CliFailure> {
  const own = api.token === undefined ? [] : await ownDatabases(api, api.token);
  const names = own.flatMap((each) => each.names);
  return new CliFailure(`failed to find database \`${database}\`.`, {
    causes: names.length === 0 ? [] : [whatExists(database, [{ kind: "database", names }])],
    hint:
      hint ?? `\`lightcone list\` shows the ones that are yours; \`lightcone publish ${database}\` creates this one.`,
  });
}
