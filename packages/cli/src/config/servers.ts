/** Which server a command means: a URL, a saved nickname, a saved host, or the default. */
import { CliFailure } from "../failure.ts";
import type { CliConfig, SavedServer } from "./cli-config.ts";

export const urlOf = (server: SavedServer): string => `${server.protocol}://${server.host}`;

/** The saved server of that nickname or host. */
export function findServer(config: CliConfig, name: string): SavedServer | undefined {
  return (
    config.server_configs.find((server) => server.nickname === name) ??
    config.server_configs.find((server) => server.host === name)
  );
}

/** Whether text is a URL of a server. */
export function isServerUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/**
 * The base URL of a server, without a slash at its end.
 *
 * @param named what `--server` or `LIGHTCONE_SERVER` says; the default server if left out
 */
export function resolveServer(config: CliConfig, named: string | undefined): string {
  const name = named ?? config.default_server ?? "local";
  if (isServerUrl(name)) return name.replace(/\/+$/, "");
  const saved = findServer(config, name);
  if (saved !== undefined) return urlOf(saved);
  // A host with a port can only be meant as itself.
  if (/^(?:[\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i.test(name)) return `http://${name}`;
  throw new CliFailure(`No such saved server configuration: ${name}`, {
    hint: "Give --server a URL, or save one: lightcone server add --url http://127.0.0.1:3000 NAME",
  });
}

/** Whether a URL points at this machine. */
export function isLocal(url: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);
}
