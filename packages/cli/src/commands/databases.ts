/** `list`, `delete`, `rename`, `lock`, `unlock`: databases as a whole. */
import { cutText } from "@lightcone/base";
import { openLoggedIn, openSession, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { ownDatabases, unknownDatabase } from "../api/unknown-database.ts";
import { identityOfToken } from "../config/logins.ts";
import { CliFailure } from "../failure.ts";
import { columnsText } from "../print/columns.ts";
import { insist, print } from "../terminal.ts";

export async function list(flags: ServerFlags & { readonly json?: boolean | undefined }): Promise<void> {
  const api = await openLoggedIn(flags);
  const user = identityOfToken(api.token ?? "");
  const roles = ["owner", "co-owner"] as const;
  const byRole = await Promise.all(roles.map((role) => ownDatabases(api, api.token ?? "", role)));
  const databases = roles.flatMap((role, at) => (byRole[at] ?? []).map((each) => ({ ...each, role })));
  if (flags.json === true) print(JSON.stringify(databases));
  else if (databases.length === 0) print(`No databases found for ${user}.`);
  else {
    print(`Associated databases for user ${user}:\n`);
    print(
      columnsText([
        ["Database Name(s)", "Identity"],
        ...databases.map(({ names, identity, role }) => [
          names.join(", "),
          identity,
          ...(role === "owner" ? [] : [role]),
        ]),
      ]),
    );
  }
}

export async function deleteDatabase(
  database: string,
  flags: ServerFlags & { readonly yes?: boolean | undefined },
): Promise<void> {
  const { api } = await openSession(flags);
  const identity = await resolveDatabase(api, database);
  // A name outlives its database.
  if ((await api.ask("GET", ServerApi.database(identity))).status === 404) throw await unknownDatabase(api, database);
  const question = `Are you sure you want to delete database ${database} (${identity})? This action cannot be undone.`;
  await insist(question, flags.yes === true, "Aborting");
  await api.need(`Database ${database} was not deleted`, "DELETE", ServerApi.database(identity));
  print(`Deleted database ${database} (${identity}).`);
}

export async function rename(database: string, flags: ServerFlags & { readonly to: string }): Promise<void> {
  const { api } = await openSession(flags);
  const identity = await resolveDatabase(api, database);
  const answer = await api.ask("PUT", ServerApi.database(identity, "/names"), {
    body: JSON.stringify([flags.to]),
    contentType: "application/json",
  });
  if (answer.body.includes("PermissionDenied"))
    throw new CliFailure(`Permission denied for domain: ${flags.to}`, {
      hint: "The name belongs to another identity: choose another.",
    });
  if (answer.body.includes("NotYourDatabase"))
    throw new CliFailure(`You cannot rename ${database} because it is owned by another identity.`, {
      hint: "`lightcone list` shows the databases that are yours.",
    });
  if (answer.status >= 400)
    throw refused(`Database ${database} was not renamed`, { ...answer, body: reasonIn(answer.body) });
  print(`Name set to ${flags.to} for identity ${identity}.`);
}

/** The text in an answer that is `{"OtherError": text}`; any other as it is. */
function reasonIn(body: string): string {
  try {
    const { OtherError: reason }: { OtherError?: unknown } = JSON.parse(body);
    if (typeof reason === "string") return reason;
  } catch {
    // A text already.
  }
  return body;
}

export async function setLocked(database: string, verb: "lock" | "unlock", flags: ServerFlags): Promise<void> {
  const { api } = await openSession(flags);
  const identity = await resolveDatabase(api, database);
  await api.need(`Database ${database} was not ${verb}ed`, "POST", ServerApi.database(identity, `/${verb}`));
  if (verb === "lock") print(`Database ${identity} is now locked. It cannot be deleted until unlocked.`);
  else print(`Database ${identity} is now unlocked.`);
}

/** The identity of a database. @throws {CliFailure} when there is none of that name */
export async function resolveDatabase(api: ServerApi, database: string): Promise<string> {
  const answer = await api.ask("GET", ServerApi.database(database, "/identity"));
  if (answer.status === 404) throw await unknownDatabase(api, database);
  if (answer.status >= 400) throw refused(`failed to find database \`${database}\`.`, answer);
  const identity = answer.body.trim();
  if (/^[\da-fA-F]{64}$/.test(identity)) return identity;
  throw new CliFailure(`${api.url} answers with no identity: ${JSON.stringify(cutText(identity, 100))}`, {
    hint: "Something else than a server of databases may listen there: `lightcone server list` shows the ones that are known.",
  });
}
