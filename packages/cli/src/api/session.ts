/** A command's way to its server: which one, and as whom. */
import { readConfig, writeConfig } from "../config/cli-config.ts";
import { findLogin, fingerprint, identityOfToken, withLogin } from "../config/logins.ts";
import { findProject } from "../config/project.ts";
import { resolveServer } from "../config/servers.ts";
import { note } from "../terminal.ts";
import { ServerApi } from "./server-api.ts";

/** What every command that talks to a server takes. */
export interface ServerFlags {
  readonly configPath: string;
  readonly server?: string | undefined;
  readonly anonymous?: boolean | undefined;
}

export interface Session {
  readonly api: ServerApi;
  /** The fingerprint of the server's key. */
  readonly key: string;
}

/** The server that whoever types the command names, by the flag or the environment. */
export function serverAsked(flags: { readonly server?: string | undefined }): string | undefined {
  const { LIGHTCONE_SERVER: variable } = process.env;
  return flags.server ?? (variable === "" ? undefined : variable);
}

/** The server that is asked for, or the project's. */
export function serverNamed(flags: { readonly server?: string | undefined }): string | undefined {
  return serverAsked(flags) ?? findProject()?.server;
}

/** The server alone, as nobody. */
export function openAnonymous(flags: ServerFlags): ServerApi {
  return new ServerApi(resolveServer(readConfig(flags.configPath), serverNamed(flags)));
}

/** The server, as whoever is logged in there; as nobody if nobody is, or with `--anonymous`. */
export async function openSession(flags: ServerFlags): Promise<Session> {
  const nobody = openAnonymous(flags);
  const key = fingerprint((await nobody.need("The server has no key", "GET", "/v1/identity/public-key")).body);
  const login = flags.anonymous === true ? undefined : findLogin(readConfig(flags.configPath), nobody.url, key);
  return { api: new ServerApi(nobody.url, login?.token), key };
}

/** The server, as someone: whoever is not logged in there gets an identity, which is kept. */
export async function openLoggedIn(flags: ServerFlags): Promise<ServerApi> {
  const session = await openSession(flags);
  if (session.api.token !== undefined || flags.anonymous === true) return session.api;
  const api = await logIn(flags, session);
  note(`Logged in to ${api.url} as ${identityOfToken(api.token ?? "")}.`);
  return api;
}

/** Gets a new identity of the server and keeps it. */
export async function logIn(flags: ServerFlags, { api, key }: Session): Promise<ServerApi> {
  const answer = await api.need("The server gave no identity", "POST", "/v1/identity");
  const { token }: { token: string } = JSON.parse(answer.body);
  saveLogin(flags, api.url, key, token);
  return new ServerApi(api.url, token);
}

/** Keeps a token, or with `undefined` forgets the one that is kept. */
export function saveLogin(flags: ServerFlags, url: string, key: string, token: string | undefined): void {
  writeConfig(flags.configPath, withLogin(readConfig(flags.configPath), url, key, token));
  note(`Saving config to ${flags.configPath}.`);
}
