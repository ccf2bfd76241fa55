/** `lightcone server …`: the servers that are known by nickname. */
import { openAnonymous } from "../api/session.ts";
import { ServerApi } from "../api/server-api.ts";
import { readConfig, writeConfig, type CliConfig, type SavedServer } from "../config/cli-config.ts";
import { fingerprint } from "../config/logins.ts";
import { findServer, isServerUrl, urlOf } from "../config/servers.ts";
import { CliFailure } from "../failure.ts";
import { columnsText } from "../print/columns.ts";
import { note, print } from "../terminal.ts";

interface Flags {
  readonly configPath: string;
}

export function listServers(flags: Flags & { readonly json?: boolean | undefined }): void {
  const config = readConfig(flags.configPath);
  const isDefault = (server: SavedServer): boolean => findServer(config, config.default_server ?? "") === server;
  if (flags.json === true) {
    print(JSON.stringify(config.server_configs.map((server) => ({ ...server, default: isDefault(server) }))));
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
  if (!isServerUrl(flags.url))
    throw new CliFailure(`Invalid url: ${flags.url}`, {
      hint: "--url takes an address with http:// or https://, and the nickname stands by itself: lightcone server add --url http://127.0.0.1:4000 ours",
    });
  const url = new URL(flags.url);
  const config = readConfig(flags.configPath);
  const server: SavedServer = {
    nickname: name,
    host: url.host,
    protocol: url.protocol === "https:" ? "https" : "http",
  };
  if (!/^[\w.-]+$/.test(name))
    throw new CliFailure(`${JSON.stringify(name)} is no nickname: it is one word of letters, digits, - _ and .`, {
      hint: `for example: lightcone server add --url ${flags.url} ours`,
      exitCode: 2,
    });
  for (const taken of [name, url.host])
    if (findServer(config, taken) !== undefined)
      throw new CliFailure(`Server ${taken} is already saved`, {
        hint: `\`lightcone server remove ${taken}\` forgets it; \`lightcone server list\` shows them all.`,
      });
  if (flags.fingerprint) {
    const key = await new ServerApi(urlOf(server)).need("The server has no key", "GET", "/v1/identity/public-key");
    print(`For server ${name}, got fingerprint:\n${fingerprint(key.body)}`);
  }
  save(flags, {
    ...config,
    ...(flags.default === true ? { default_server: name } : {}),
    server_configs: [...config.server_configs, server],
  });
  print(`Nickname: ${name}\nHost: ${server.host}\nProtocol: ${server.protocol}`);
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
