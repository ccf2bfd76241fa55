/** `login`, `login show`, `logout`: the identity that a server gave. */
import { logIn, openSession, saveLogin, type ServerFlags } from "../api/session.ts";
import { ServerApi } from "../api/server-api.ts";
import { identityOfToken } from "../config/logins.ts";
import { print } from "../terminal.ts";

export async function login(flags: ServerFlags & { readonly token?: string | undefined }): Promise<void> {
  const session = await openSession(flags);
  if (flags.token !== undefined) {
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

export async function showLogin(flags: ServerFlags & { readonly token?: boolean | undefined }): Promise<void> {
  const { token } = (await openSession(flags)).api;
  if (token === undefined) {
    print("You are not logged in. Run `lightcone login` to log in.");
    return;
  }
  print(`You are logged in as ${identityOfToken(token)}`);
  if (flags.token === true) print(`Your auth token (don't share this!) is ${token}`);
}

export async function logout(flags: ServerFlags): Promise<void> {
  const { api, key } = await openSession(flags);
  if (api.token === undefined) {
    print("You are not logged in.");
    return;
  }
  saveLogin(flags, api.url, key, undefined);
  print(`Logged out (identity ${identityOfToken(api.token)}).`);
}

/** Whether the server takes the token that is kept. */
async function isBelieved(api: ServerApi): Promise<boolean> {
  return (await api.ask("GET", "/v1/ping")).status === 200;
}
