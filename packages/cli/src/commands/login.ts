/** `login`, `login show`, `logout`: the identity that a server gave. */
import { logIn, openSession, saveLogin, type ServerFlags } from "../api/session.ts";
import { refused, ServerApi } from "../api/server-api.ts";
import { ownDatabases } from "../api/unknown-database.ts";
import { identityOfToken } from "../config/logins.ts";
import { CliFailure } from "../failure.ts";
import { insist, note, print } from "../terminal.ts";

interface AskingFlags extends ServerFlags {
  readonly yes?: boolean | undefined;
}

export async function login(flags: AskingFlags & { readonly token?: string | undefined }): Promise<void> {
  const session = await openSession(flags);
  if (flags.token !== undefined) {
    await checkToken(new ServerApi(session.api.url, flags.token));
    if (flags.token !== session.api.token) await askToForget(session.api, flags);
    saveLogin(flags, session.api.url, session.key, flags.token);
    print("Token saved.");
    return;
  }
  if (session.api.token !== undefined && (await isBelieved(session.api))) {
    print(`You are already logged in as ${identityOfToken(session.api.token)}.`);
    print("If you want another identity, use lightcone logout first: the present one is lost then.");
    return;
  }
  const { token = "" } = await logIn(flags, { ...session, api: new ServerApi(session.api.url) });
  print(`Logged in with identity ${identityOfToken(token)}`);
}

export async function showLogin(
  flags: ServerFlags & { readonly token?: boolean | undefined; readonly json?: boolean | undefined },
): Promise<void> {
  const { token } = (await openSession(flags)).api;
  if (flags.json === true) {
    const identity = token === undefined ? null : identityOfToken(token);
    print(JSON.stringify(flags.token === true ? { identity, token: token ?? null } : { identity }));
    return;
  }
  if (token === undefined) {
    print("You are not logged in. Run `lightcone login` to log in.");
    return;
  }
  print(`You are logged in as ${identityOfToken(token)}`);
  if (flags.token === true) print(`Your auth token (don't share this!) is ${token}`);
}

export async function logout(flags: AskingFlags): Promise<void> {
  const { api, key } = await openSession(flags);
  if (api.token === undefined) {
    print("You are not logged in.");
    return;
  }
  await askToForget(api, flags);
  saveLogin(flags, api.url, key, undefined);
  print(`Logged out (identity ${identityOfToken(api.token)}).`);
}

/**
 * Asks before the token that is kept is forgotten, if databases are owned by it: it is kept nowhere else.
 *
 * @throws {CliFailure} when it is to stay
 */
async function askToForget(api: ServerApi, flags: AskingFlags): Promise<void> {
  if (api.token === undefined || !(await isBelieved(api))) return;
  const owned = await ownDatabases(api, api.token);
  if (owned.length === 0) return;
  const names = owned.map(({ identity, names: [name = identity] }) => name);
  const shown = names.length > shownMax ? [...names.slice(0, shownMax), `${names.length - shownMax} more`] : names;
  note(
    `${identityOfToken(api.token)} owns on ${api.url}: ${shown.join(", ")}.\n` +
      `Its token is kept here and nowhere else. Without it nobody can publish to them, read their private tables or delete them.\n` +
      `To keep it, put away what \`lightcone login show --token\` prints: \`lightcone login --token TOKEN\` brings it back.\n` +
      `Who runs the server can give a database to another identity there: \`lightcone owner ${names[0] ?? ""} --to IDENTITY\`.`,
  );
  const question = `Forget this identity, and lose ${owned.length === 1 ? "the database" : `${owned.length} databases`}?`;
  await insist(question, flags.yes === true, "The identity is kept.");
}

/** Databases that are named in a question. */
const shownMax = 10;

/** @throws {CliFailure} when the server does not take the token, so that it would be worth nothing here */
async function checkToken(api: ServerApi): Promise<void> {
  // What no request can carry is no token either.
  const isWord = /^[\w.~+/=-]+$/.test(api.token ?? "");
  const answer = isWord ? await api.ask("GET", "/v1/ping") : undefined;
  if (answer !== undefined && answer.status < 400) return;
  throw new CliFailure("The token was not saved: the server does not take it", {
    causes: answer === undefined ? ["it is no token at all"] : [answer.body, `HTTP status ${answer.status}`],
    hint: "`lightcone login show --token` prints the token that is kept; one of another issuer needs a server that was started with --issuers.",
  });
}

/** Whether the server takes the token that is kept. @throws {CliFailure} when it says neither */
async function isBelieved(api: ServerApi): Promise<boolean> {
  const answer = await api.ask("GET", "/v1/ping");
  if (answer.status === 401) return false;
  if (answer.status >= 400) throw refused("The server does not say whether it takes the saved token", answer);
  return true;
}
