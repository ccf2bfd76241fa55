/**
 * `owner`: gives a database to another identity, for whoever can read the server's data. Owners who lost their token
 * have no other way back to what they own.
 *
 * While the server runs it is asked, with a token that its private key signs here. Otherwise the list of databases is
 * changed in place.
 */
import { isLightconeError, realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { giveDatabase, giveName, identityFromHex, signOperatorToken } from "@lightcone/server";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openAnonymous, openSession, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { identityOfToken } from "../config/logins.ts";
import { CliFailure } from "../failure.ts";
import { lockData, openRegistry } from "../server/data-directory.ts";
import { insist, print } from "../terminal.ts";

export interface OwnerFlags extends ServerFlags {
  readonly to?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly yes?: boolean | undefined;
}

export async function giveToOwner(database: string, flags: OwnerFlags, dataDefault: string): Promise<void> {
  const dataDirectory = flags.dataDir ?? process.env["LIGHTCONE_DATA_DIR"] ?? dataDefault;
  const keyPath = join(dataDirectory, "id_ecdsa.pub");
  if (!existsSync(keyPath))
    throw new CliFailure(`there is no server's data in ${dataDirectory}`, {
      hint: "Name it with --data-dir, on the server's machine.",
    });
  const isRunning = await serves(openAnonymous(flags), readFileSync(keyPath, "utf8"));
  const owner = await readOwner(flags, isRunning);
  const question = `Give ${database} to ${owner}? Whoever owns it now can no longer change or delete it.`;
  await insist(question, flags.yes === true, "Aborting");
  const names = isRunning
    ? await askServer(flags, dataDirectory, database, owner)
    : await changeInPlace(dataDirectory, database, owner);
  const of = names.length === 0 ? database : names.join(", ");
  print(`${of} now belongs to ${owner}.`);
}

/** Whether the server that the command would talk to is the one with this key. */
async function serves(api: ServerApi, publicKey: string): Promise<boolean> {
  const answer = await api.ask("GET", "/v1/identity/public-key").catch(() => undefined);
  return answer?.status === 200 && answer.body === publicKey;
}

/** Who is to get it: `--to`, or who is logged in. */
async function readOwner(flags: OwnerFlags, isRunning: boolean): Promise<string> {
  const token = flags.to === undefined && isRunning ? (await openSession(flags)).api.token : undefined;
  const text = flags.to ?? (token === undefined ? undefined : identityOfToken(token));
  if (text === undefined)
    throw new CliFailure("--to is missing: nobody is logged in who could get it", {
      hint: "`lightcone login` gets an identity from a running server; `lightcone login show` prints it.",
      exitCode: 2,
    });
  const identity = identityFromHex(text);
  if (identity === undefined)
    throw new CliFailure(`--to takes an identity, which is 64 hex digits, not ${text}`, { exitCode: 2 });
  return identity.hex;
}

async function askServer(
  flags: OwnerFlags,
  dataDirectory: string,
  database: string,
  owner: string,
): Promise<readonly string[]> {
  const token = await signOperatorToken(realFileSystem, dataDirectory, realClock);
  const api = new ServerApi(openAnonymous(flags).url, token);
  const answer = await api.ask("PUT", ServerApi.database(database, "/owner"), { body: owner });
  if (answer.status >= 400) throw refused(`${database} still has its owner`, answer);
  const { names }: { names: readonly string[] } = JSON.parse(answer.body);
  return names;
}

async function changeInPlace(dataDirectory: string, database: string, owner: string): Promise<readonly string[]> {
  const lock = await lockData(dataDirectory).catch((error: unknown) => {
    if (!isLightconeError(error, "DataDirectoryLocked")) throw error;
    throw new CliFailure(error.message, { hint: "If that is the running server, name its address with --server." });
  });
  try {
    const registry = await openRegistry(dataDirectory);
    try {
      const identity = identityFromHex(owner);
      const record = registry.named(database) ?? registry.get(identityFromHex(database)?.hex ?? "");
      const isName = registry.nameRecord(database) !== undefined;
      if (identity === undefined || (record === undefined && !isName))
        throw new CliFailure(`there is no database ${database} in ${dataDirectory}`, {
          hint: "`lightcone list` shows names and identities while the server runs.",
        });
      if (record === undefined) {
        await registry.change(giveName(database, identity));
        return [database];
      }
      await registry.change(giveDatabase(record.identity.hex, identity));
      return registry.state.namesOf(record.identity.hex);
    } finally {
      await registry.close();
    }
  } finally {
    await lock.release();
  }
}
