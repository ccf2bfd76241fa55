/**
 * The command's own settings: `$XDG_CONFIG_HOME/lightcone/cli.toml`.
 *
 *   default_server = "local"
 *   listen_addr = "0.0.0.0:3000"        where `start` listens unless it is told otherwise
 *   [[server_configs]]  nickname, host (with port), protocol, ecdsa_public_key
 *   [[logins]]          server, key, token        see `logins.ts`
 *
 * Written whole and atomically, readable by its owner alone, since it holds tokens.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { makeDirectoryNow } from "@lightcone/base/node";
import { parse, stringify } from "smol-toml";
import { CliFailure } from "../failure.ts";

export interface SavedServer {
  readonly nickname?: string;
  /** With the port, if it is not the protocol's own. */
  readonly host: string;
  readonly protocol: "http" | "https";
  /** The server's key as it was when somebody looked at it. */
  readonly ecdsa_public_key?: string;
}

export interface SavedLogin {
  /** The server's origin, or `local` for any of this machine. */
  readonly server: string;
  /** Of the server's public key. */
  readonly key: string;
  readonly token: string;
}

export interface CliConfig {
  readonly default_server?: string;
  readonly listen_addr?: string;
  readonly server_configs: readonly SavedServer[];
  readonly logins: readonly SavedLogin[];
}

const initial: CliConfig = {
  default_server: "local",
  server_configs: [{ nickname: "local", host: "127.0.0.1:3000", protocol: "http" }],
  logins: [],
};

/** Where the settings are: the flag, the environment, the user's configuration directory. */
export function configPathOf(
  flags: { readonly configPath?: string | undefined; readonly rootDir?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): string {
  const chosen = flags.configPath ?? env["LIGHTCONE_CONFIG_PATH"];
  if (chosen !== undefined) return resolve(chosen);
  if (flags.rootDir !== undefined) return resolve(flags.rootDir, "config", "cli.toml");
  const home = env["XDG_CONFIG_HOME"];
  return join(home === undefined || home === "" ? join(homedir(), ".config") : home, "lightcone", "cli.toml");
}

/** @throws {CliFailure} when the file is there and is not what it should be */
export function readConfig(path: string): CliConfig {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return initial;
    throw new CliFailure(`config file ${path} cannot be read`, {
      cause: error,
      hint: "--config-path (LIGHTCONE_CONFIG_PATH) says where it is.",
    });
  }
  try {
    const raw = parse(text);
    return {
      ...optional(raw, "default_server"),
      ...optional(raw, "listen_addr"),
      server_configs: tables(raw["server_configs"] ?? initial.server_configs).map(readServer),
      logins: tables(raw["logins"] ?? []).map(readLogin),
    };
  } catch (error) {
    throw new CliFailure(`config file ${path} is invalid`, {
      cause: error,
      hint: `Correct ${path}, or remove it and log in again.`,
    });
  }
}

/** @throws {CliFailure} naming the flag that puts them elsewhere */
export function writeConfig(path: string, config: CliConfig): void {
  const beside = `${path}.${process.pid}.new`;
  try {
    makeDirectoryNow(dirname(path), 0o700);
    writeFileSync(beside, stringify(config), { mode: 0o600 });
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new CliFailure(`config file ${path} cannot be written`, {
      cause: error,
      hint: "--config-path (LIGHTCONE_CONFIG_PATH) says where it is.",
    });
  }
}

type Table = Readonly<Record<string, unknown>>;

function tables(value: unknown): readonly Table[] {
  if (!Array.isArray(value)) throw new Error("server_configs and logins are lists of tables");
  return value.map((each: unknown) => {
    if (typeof each !== "object" || each === null) throw new Error("server_configs and logins are lists of tables");
    return each as Table;
  });
}

function text(table: Table, key: string): string {
  const value = table[key];
  if (typeof value !== "string") throw new Error(`${key} must be a string`);
  return value;
}

function optional<K extends string>(table: Table, key: K): Readonly<Partial<Record<K, string>>> {
  const found = key in table ? { [key]: text(table, key) } : {};
  // It has that one key, or none.
  return found as Readonly<Partial<Record<K, string>>>;
}

function readServer(table: Table): SavedServer {
  const protocol = text(table, "protocol");
  if (protocol !== "http" && protocol !== "https") throw new Error("protocol must be http or https");
  return {
    ...optional(table, "nickname"),
    host: text(table, "host"),
    protocol,
    ...optional(table, "ecdsa_public_key"),
  };
}

function readLogin(table: Table): SavedLogin {
  return { server: text(table, "server"), key: text(table, "key"), token: text(table, "token") };
}
