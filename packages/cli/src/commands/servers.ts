/** `lightcone server …`: the servers that are known by nickname. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { isLightconeError } from "@lightcone/base";
import { openAnonymous } from "../api/session.ts";
import { ServerApi } from "../api/server-api.ts";
import { readConfig, writeConfig, type CliConfig, type SavedServer } from "../config/cli-config.ts";
import { fingerprint } from "../config/logins.ts";
import { findServer, isServerUrl, urlOf } from "../config/servers.ts";
import { CliFailure } from "../failure.ts";
import { columnsText } from "../print/columns.ts";
import { lockData } from "../server/data-directory.ts";
import { insist, note, print } from "../terminal.ts";

interface Flags {
  readonly configPath: string;
}

export function listServers(flags: Flags & { readonly json?: boolean | undefined }): void {
  const config = readConfig(flags.configPath);
  const isDefault = (server: SavedServer): boolean => findServer(config, config.default_server ?? "") === server;
  if (flags.json === true) {
    const shown = config.server_configs.map((server) => {
      const { ecdsa_public_key: key, ...rest } = server;
      const known = key === undefined ? {} : { fingerprint: fingerprint(key) };
      return { ...rest, ...known, default: isDefault(server) };
    });
    print(JSON.stringify(shown));
    return;
  }
  const rows = config.server_configs.map((server) => [
    isDefault(server) ? "***" : "",
    server.host,
    server.protocol,
    server.nickname ?? "",
  ]);
  print(columnsText([["DEFAULT", "HOSTNAME", "PROTOCOL", "NICKNAME"], ...rows]));
}

/** Fails only when nobody answers: any answer is a sign of life. */
export async function ping(flags: Flags & { readonly server?: string | undefined }): Promise<void> {
  const api = openAnonymous(flags);
  const { status } = await api.ask("GET", "/v1/ping");
  if (status < 400) print(`Server is online: ${api.url}`);
  else if (status === 404) print(`Server returned 404 (Not Found): ${api.url}`);
  else print(`Server could not be reached (${status}): ${api.url}`);
}

export async function addServer(
  name: string,
  flags: Flags & { readonly url: string; readonly default?: boolean | undefined; readonly fingerprint: boolean },
): Promise<void> {
  const config = readConfig(flags.configPath);
  const server: SavedServer = {
    nickname: checkNickname(name, `--url ${flags.url} ours`),
    ...readAddress(flags.url, "add --url http://127.0.0.1:4000 ours"),
  };
  checkFree(config, [name, server.host]);
  const key = flags.fingerprint ? await keyOf(server) : undefined;
  if (key !== undefined) print(`For server ${name}, got fingerprint:\n${fingerprint(key)}`);
  save(flags, {
    ...config,
    ...(flags.default === true ? { default_server: name } : {}),
    server_configs: [...config.server_configs, withKey(server, key)],
  });
  print(`Nickname: ${name}\nHost: ${server.host}\nProtocol: ${server.protocol}`);
}

/** `server edit`: another nickname, another address. Logins stay with the address and the key that they were made for. */
export async function editServer(
  name: string,
  flags: Flags & {
    readonly newName?: string | undefined;
    readonly url?: string | undefined;
    readonly fingerprint: boolean;
    readonly yes?: boolean | undefined;
  },
): Promise<void> {
  const config = readConfig(flags.configPath);
  const before = saved(config, name);
  if (flags.newName === undefined && flags.url === undefined)
    throw new CliFailure("nothing is to be changed", {
      hint: `lightcone server edit ${name} --new-name NAME, or --url ADDRESS`,
      exitCode: 2,
    });
  const nickname =
    flags.newName === undefined ? before.nickname : checkNickname(flags.newName, `edit ${name} --new-name ours`);
  const address = flags.url === undefined ? before : readAddress(flags.url, `edit ${name} --url http://127.0.0.1:4000`);
  const others = { ...config, server_configs: config.server_configs.filter((each) => each !== before) };
  checkFree(others, [...(nickname === undefined ? [] : [nickname]), address.host]);
  const after: SavedServer = {
    ...(nickname === undefined ? {} : { nickname }),
    host: address.host,
    protocol: address.protocol,
  };
  const changes = [
    ["nickname", before.nickname ?? "", after.nickname ?? ""],
    ["host", before.host, after.host],
    ["protocol", before.protocol, after.protocol],
  ] as const;
  for (const [what, from, to] of changes) if (from !== to) print(`Changing ${what} from ${from} to ${to}`);
  const isElsewhere = urlOf(before) !== urlOf(after);
  const key = !isElsewhere ? before.ecdsa_public_key : flags.fingerprint ? await keyOf(after) : undefined;
  if (isElsewhere && key !== undefined) print(`For server ${urlOf(after)}, got fingerprint:\n${fingerprint(key)}`);
  await insist("Continue?", flags.yes === true, "Aborted");
  const isDefault = findServer(config, config.default_server ?? "") === before;
  save(flags, {
    ...config,
    ...(isDefault ? { default_server: after.nickname ?? after.host } : {}),
    server_configs: config.server_configs.map((each) => (each === before ? withKey(after, key) : each)),
  });
}

/** `server fingerprint`: whether the server still has the key that was saved, and saves the one that it has. */
export async function compareFingerprint(name: string, flags: Flags & { readonly yes?: boolean | undefined }) {
  const config = readConfig(flags.configPath);
  const server = saved(config, name);
  const key = await keyOf(server);
  const before = server.ecdsa_public_key;
  print(`Fingerprint is ${before === key ? "unchanged" : "now"} for server ${name}:\n${fingerprint(key)}`);
  if (before === key) return;
  if (before === undefined) print(`No saved fingerprint for server ${name}.`);
  else {
    print(`Fingerprint has changed for server ${name}. It was:\n${fingerprint(before)}`);
    await insist("Continue?", flags.yes === true, "Aborted");
  }
  save(flags, {
    ...config,
    server_configs: config.server_configs.map((each) => (each === server ? withKey(server, key) : each)),
  });
}

/** `server clear`: removes everything that the server of this machine has kept. */
export async function clearData(
  flags: { readonly dataDir?: string | undefined; readonly yes?: boolean | undefined },
  dataDefault: string,
): Promise<void> {
  const path = resolve(flags.dataDir ?? process.env["LIGHTCONE_DATA_DIR"] ?? dataDefault);
  if (!existsSync(path)) {
    print("Local database not found. Nothing has been deleted.");
    return;
  }
  // Whatever else stands there is not a server's to remove.
  if (!existsSync(join(path, "id_ecdsa.pub")) && !existsSync(join(path, "databases")))
    throw new CliFailure(`there is no server's data in ${path}`, { hint: "Name it with --data-dir." });
  const lock = await lockData(path).catch((error: unknown) => {
    if (!isLightconeError(error, "DataDirectoryLocked")) throw error;
    throw new CliFailure(error.message, { hint: "Stop the server first." });
  });
  try {
    print(`Database path: ${path}`);
    const question = "Are you sure you want to delete all data from the local database?";
    await insist(question, flags.yes === true, "Aborting");
    for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true });
  } finally {
    await lock.release();
  }
  print(`Deleted database: ${path}`);
}

const withKey = (server: SavedServer, key: string | undefined): SavedServer =>
  key === undefined ? server : { ...server, ecdsa_public_key: key };

async function keyOf(server: SavedServer): Promise<string> {
  return (await new ServerApi(urlOf(server)).need("The server has no key", "GET", "/v1/identity/public-key")).body;
}

/** @throws {CliFailure} */
function checkNickname(name: string, example: string): string {
  if (/^[\w.-]+$/.test(name)) return name;
  throw new CliFailure(`${JSON.stringify(name)} is no nickname: it is one word of letters, digits, - _ and .`, {
    hint: `for example: lightcone server ${example.startsWith("edit") ? example : `add ${example}`}`,
    exitCode: 2,
  });
}

/** @throws {CliFailure} */
function readAddress(text: string, example: string): Pick<SavedServer, "host" | "protocol"> {
  if (!isServerUrl(text))
    throw new CliFailure(`Invalid url: ${text}`, {
      hint: `--url takes an address with http:// or https://, and the nickname stands by itself: lightcone server ${example}`,
    });
  const url = new URL(text);
  return { host: url.host, protocol: url.protocol === "https:" ? "https" : "http" };
}

/** @throws {CliFailure} naming what is taken */
function checkFree(config: CliConfig, names: readonly string[]): void {
  for (const taken of names)
    if (findServer(config, taken) !== undefined)
      throw new CliFailure(`Server ${taken} is already saved`, {
        hint: `\`lightcone server remove ${taken}\` forgets it; \`lightcone server list\` shows them all.`,
      });
}

export function removeServer(name: string, flags: Flags): void {
  const config = readConfig(flags.configPath);
  const server = saved(config, name);
  const isDefault = findServer(config, config.default_server ?? "") === server;
  const { default_server: chosen, ...rest } = config;
  save(flags, {
    ...rest,
    ...(isDefault || chosen === undefined ? {} : { default_server: chosen }),
    server_configs: config.server_configs.filter((each) => each !== server),
  });
}

export function setDefault(name: string, flags: Flags): void {
  const config = readConfig(flags.configPath);
  saved(config, name);
  save(flags, { ...config, default_server: name });
}

function saved(config: CliConfig, name: string): SavedServer {
  const server = findServer(config, name);
  if (server === undefined)
    throw new CliFailure(`No such saved server configuration: ${name}`, {
      hint: "`lightcone server list` shows them.",
    });
  return server;
}

function save(flags: Flags, config: CliConfig): void {
  writeConfig(flags.configPath, config);
  note(`Saving config to ${flags.configPath}.`);
}
