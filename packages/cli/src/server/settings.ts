/**
 * What a server runs with. Each setting is a flag, a variable of the environment, and a key of
 * `<data>/config.toml`; the first of the three that says something wins.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, type TomlTable, type TomlValue } from "smol-toml";
import { defaultDatabaseLimits, type DatabaseLimits } from "@lightcone/database/front";
import { serverLimits, type ListenAddress, type LogLevel, type ServerLimits } from "@lightcone/server";
import { CliFailure } from "../failure.ts";

export interface StartFlags {
  readonly listenAddr?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly inMemory?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly issuers?: string | undefined;
  readonly limit?: readonly string[] | undefined;
}

export interface ServerSettings {
  readonly listen: readonly ListenAddress[];
  readonly dataDirectory: string;
  readonly inMemory: boolean;
  readonly logLevel: LogLevel;
  readonly issuers: "any" | readonly string[];
  readonly serverLimits: Partial<ServerLimits>;
  readonly databaseLimits: Partial<DatabaseLimits>;
  /** Keys of the configuration file that mean nothing. */
  readonly unknownKeys: readonly string[];
}

export const defaultPort = 3000;
const loopback = ["127.0.0.1", "::1"];
const logLevels: readonly string[] = ["trace", "debug", "info", "warn", "error", "silent"] satisfies LogLevel[];
/** Keys of the reference's file that say the same in milliseconds. */
const aliases: Readonly<Record<string, string>> = {
  "websocket.ping-interval": "pingIntervalMs",
  "websocket.idle-timeout": "idleTimeoutMs",
  "websocket.close-handshake-timeout": "closeTimeoutMs",
  "websocket.incoming-queue-length": "connectionQueueMax",
};

/** @throws {CliFailure} naming the flag, variable or key that does not read */
export function resolveSettings(flags: StartFlags, env: NodeJS.ProcessEnv, dataDefault: string): ServerSettings {
  const dataDirectory = resolve(flags.dataDir ?? env["LIGHTCONE_DATA_DIR"] ?? dataDefault);
  const inMemory = flags.inMemory ?? truth("LIGHTCONE_IN_MEMORY", env["LIGHTCONE_IN_MEMORY"]) ?? false;
  const config = inMemory ? new Map<string, string>() : readServerConfig(join(dataDirectory, "config.toml"));
  const used = new Set<string>();
  const fromConfig = (key: string): string | undefined => {
    used.add(key);
    return config.get(key);
  };
  const pick = (flag: string | undefined, name: string, ...keys: readonly string[]): string | undefined =>
    [flag, env[`LIGHTCONE_${name}`], ...keys.map(fromConfig)].find((value) => value !== undefined && value !== "");

  const listenAddr = pick(flags.listenAddr, "LISTEN_ADDR", "listen-addr");
  const logLevel = pick(flags.logLevel, "LOG_LEVEL", "log-level", "logs.level") ?? "info";
  if (!logLevels.includes(logLevel)) throw unreadable("--log-level", logLevel, logLevels.join(", "));
  const issuers = pick(flags.issuers, "ISSUERS", "issuers") ?? "";
  const given = new Map<string, string>();
  for (const key of config.keys()) {
    const name = key.startsWith("limits.") ? key.slice("limits.".length) : aliases[key];
    if (name !== undefined) given.set(name, fromConfig(key) ?? "");
  }
  const listed = [...(env["LIGHTCONE_LIMIT"]?.split(",") ?? []), ...(flags.limit ?? [])];
  for (const each of listed.filter((text) => text !== "")) {
    const [, name, value] = /^(\w+)=(.+)$/.exec(each) ?? [];
    if (name === undefined || value === undefined) throw unreadable("--limit", each, "NAME=VALUE");
    given.set(name, value);
  }
  return {
    listen: listenAddr === undefined ? onLoopback(defaultPort) : parseListenAddr(listenAddr),
    dataDirectory,
    inMemory,
    // Checked above against the list of levels.
    logLevel: logLevel as LogLevel,
    issuers: issuers === "any" ? "any" : readIssuers(issuers),
    ...readLimits(given),
    unknownKeys: [...config.keys()].filter((key) => !used.has(key)),
  };
}

/** @throws {CliFailure} when one of them cannot be the address of an issuer */
function readIssuers(list: string): readonly string[] {
  const issuers = list.split(",").filter((issuer) => issuer !== "");
  for (const issuer of issuers) {
    if (!/^https?:\/\/[^|]+$/.test(issuer) || !URL.canParse(issuer))
      throw unreadable("--issuers", issuer, "addresses by comma, each as `iss` has it in its tokens, or any");
  }
  return issuers;
}

const onLoopback = (port: number): readonly ListenAddress[] => loopback.map((host) => ({ host, port }));

/** `HOST:PORT`, `[V6]:PORT`, or a port alone, which is then this machine's. @throws {CliFailure} */
export function parseListenAddr(text: string): readonly ListenAddress[] {
  const match = /^(?:(?:\[([\da-fA-F:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw unreadable("--listen-addr", text, "HOST:PORT, for example 127.0.0.1:4000");
  const host = match[1] ?? match[2];
  if (host === undefined || host === "localhost") return onLoopback(port);
  return [{ host, port }];
}

/** Keys of the file and their values as text, with those of tables as `table.key`, lists by comma. */
function readServerConfig(path: string): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  if (!existsSync(path)) return keys;
  try {
    const isTable = (value: TomlValue): value is TomlTable =>
      typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
    for (const [key, value] of Object.entries(parse(readFileSync(path, "utf8")))) {
      if (!isTable(value)) keys.set(key, textOf(value));
      else for (const [inner, each] of Object.entries(value)) keys.set(`${key}.${inner}`, textOf(each));
    }
  } catch (error) {
    throw new CliFailure(`config file ${path} is invalid`, { cause: error });
  }
  return keys;
}

function textOf(value: TomlValue): string {
  if (Array.isArray(value)) return value.map(textOf).join(",");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function readLimits(given: ReadonlyMap<string, string>): {
  readonly serverLimits: Partial<ServerLimits>;
  readonly databaseLimits: Partial<DatabaseLimits>;
} {
  const server: Record<string, number> = {};
  const database: Record<string, number> = {};
  for (const [name, text] of given) {
    const value = amount(text);
    if (value === undefined) throw unreadable(`--limit ${name}`, text, "a number, or a duration as 15s or 250ms");
    const isServers = Object.hasOwn(serverLimits, name);
    const isDatabases = Object.hasOwn(defaultDatabaseLimits, name);
    if (isServers) server[name] = value;
    if (isDatabases) database[name] = value;
    if (!isServers && !isDatabases)
      throw new CliFailure(`--limit: there is no limit \`${name}\``, { hint: "docs/limits.md lists them." });
  }
  return { serverLimits: server, databaseLimits: database };
}

const unitMs: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** A count, or a duration in milliseconds. */
function amount(text: string): number | undefined {
  const match = /^(\d[\d_]*)(ms|s|min|m|h)?$/.exec(text.trim());
  if (match === null) return undefined;
  const value = Number((match[1] ?? "").replaceAll("_", "")) * (unitMs[match[2] ?? ""] ?? 1);
  return Number.isSafeInteger(value) ? value : undefined;
}

function truth(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return undefined;
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw unreadable(name, text, "true or false");
}

function unreadable(name: string, text: string, wanted: string): CliFailure {
  return new CliFailure(`${name}: ${JSON.stringify(text)} does not read; it takes ${wanted}`);
}
