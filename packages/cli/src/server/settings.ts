/**
 * What a server runs with. Each setting is a flag, a variable of the environment, and a key of
 * `<data>/config.toml`; the first of the three that says something wins.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, type TomlTable, type TomlValue } from "smol-toml";
import { defaultDatabaseLimits, type DatabaseLimits } from "@lightcone/database/front";
import { serverLimits, type HttpReach, type ListenAddress, type LogLevel, type ServerLimits } from "@lightcone/server";
import { CliFailure } from "../failure.ts";
import { whatExists } from "../print/nearest.ts";

export interface StartFlags {
  readonly listenAddr?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly inMemory?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly issuers?: string | undefined;
  readonly audiences?: string | undefined;
  readonly procedureHttp?: string | undefined;
  readonly limit?: readonly string[] | undefined;
}

export interface ServerSettings {
  readonly listen: readonly ListenAddress[];
  readonly dataDirectory: string;
  readonly inMemory: boolean;
  readonly logLevel: LogLevel;
  readonly issuers: "any" | readonly string[];
  readonly audiences: readonly string[];
  readonly procedureHttp: HttpReach;
  readonly serverLimits: Partial<ServerLimits>;
  readonly databaseLimits: Partial<DatabaseLimits>;
  /** Keys of the configuration file that mean nothing. */
  readonly unknownKeys: readonly string[];
}

export const defaultPort = 3000;
const loopback = ["127.0.0.1", "::1"];
const logLevels: readonly string[] = ["trace", "debug", "info", "warn", "error", "silent"] satisfies LogLevel[];
const reaches: readonly string[] = ["public", "any", "off"] satisfies HttpReach[];
const isReach = (text: string): text is HttpReach => reaches.includes(text);
/** Keys of the reference's file that say the same in milliseconds. */
const aliases: Readonly<Record<string, string>> = {
  "websocket.ping-interval": "pingIntervalMs",
  "websocket.idle-timeout": "idleTimeoutMs",
  "websocket.close-handshake-timeout": "closeTimeoutMs",
  "websocket.incoming-queue-length": "connectionQueueMax",
};

/**
 * @param listenDefault where to listen when nothing says it
 * @throws {CliFailure} naming the flag, variable or key that does not read
 */
export function resolveSettings(
  flags: StartFlags,
  env: NodeJS.ProcessEnv,
  dataDefault: string,
  listenDefault?: string,
): ServerSettings {
  const dataDirectory = resolve(flags.dataDir ?? env["LIGHTCONE_DATA_DIR"] ?? dataDefault);
  const inMemory = flags.inMemory ?? truth("LIGHTCONE_IN_MEMORY", env["LIGHTCONE_IN_MEMORY"]) ?? false;
  const configPath = join(dataDirectory, "config.toml");
  const config = inMemory ? new Map<string, string>() : readServerConfig(configPath);
  const used = new Set<string>();
  const fromConfig = (key: string): string | undefined => {
    used.add(key);
    return config.get(key);
  };
  const keyOf = (key: string): string => `${configPath}: ${key}`;
  const pick = (flag: string, value: string | undefined, ...keys: readonly string[]): Given | undefined => {
    const variable = `LIGHTCONE_${flag.slice("--".length).replaceAll("-", "_").toUpperCase()}`;
    return [
      { where: flag, text: value },
      { where: variable, text: env[variable] },
      ...keys.map((key) => ({ where: keyOf(key), text: fromConfig(key) })),
    ].find((each): each is Given => each.text !== undefined && each.text !== "");
  };

  const saved = listenDefault === undefined ? undefined : { where: "listen_addr of cli.toml", text: listenDefault };
  const listenAddr = pick("--listen-addr", flags.listenAddr, "listen-addr") ?? saved;
  const logLevel = pick("--log-level", flags.logLevel, "log-level", "logs.level") ?? { where: "", text: "info" };
  if (!logLevels.includes(logLevel.text)) throw unreadable(logLevel, logLevels.join(", "));
  const issuers = pick("--issuers", flags.issuers, "issuers");
  const audiences = pick("--audiences", flags.audiences, "audiences");
  const procedureHttp = pick("--procedure-http", flags.procedureHttp, "procedure-http") ?? {
    where: "",
    text: "public",
  };
  if (!isReach(procedureHttp.text)) throw unreadable(procedureHttp, reaches.join(", "));
  const given = new Map<string, Given>();
  for (const key of config.keys()) {
    const name = key.startsWith("limits.") ? key.slice("limits.".length) : aliases[key];
    if (name !== undefined) given.set(name, { where: keyOf(key), text: fromConfig(key) ?? "" });
  }
  const listed = [
    ...(env["LIGHTCONE_LIMIT"]?.split(",") ?? []).map((text) => ({ where: "LIGHTCONE_LIMIT", text })),
    ...(flags.limit ?? []).map((text) => ({ where: "--limit", text })),
  ];
  for (const each of listed.filter(({ text }) => text !== "")) {
    const [, name, value] = /^(\w+)=(.+)$/.exec(each.text) ?? [];
    if (name === undefined || value === undefined) throw unreadable(each, "NAME=VALUE");
    given.set(name, { where: `${each.where} ${name}`, text: value });
  }
  return {
    listen: listenAddr === undefined ? onLoopback(defaultPort) : parseListenAddr(listenAddr),
    dataDirectory,
    inMemory,
    // Checked above against the list of levels.
    logLevel: logLevel.text as LogLevel,
    issuers: issuers?.text === "any" ? "any" : readIssuers(issuers),
    audiences: wordsOf(audiences),
    procedureHttp: procedureHttp.text,
    ...readLimits(given),
    unknownKeys: [...config.keys()].filter((key) => !used.has(key)),
  };
}

/** What is listed by comma. */
const wordsOf = (list: Given | undefined): readonly string[] =>
  (list?.text ?? "").split(",").filter((word) => word !== "");

/** @throws {CliFailure} when one of them cannot be the address of an issuer */
function readIssuers(list: Given | undefined): readonly string[] {
  const issuers = wordsOf(list);
  for (const issuer of issuers) {
    if (!/^https?:\/\/[^|]+$/.test(issuer) || !URL.canParse(issuer))
      throw unreadable(
        { where: list?.where ?? "", text: issuer },
        "addresses by comma, each as `iss` has it in its tokens, for example https://accounts.example.com; or `any`",
      );
  }
  return issuers;
}

const onLoopback = (port: number): readonly ListenAddress[] => loopback.map((host) => ({ host, port }));

/** `HOST:PORT`, `[V6]:PORT`, or a port alone, which is then this machine's. @throws {CliFailure} */
function parseListenAddr(given: Given): readonly ListenAddress[] {
  const match = /^(?:(?:\[([\da-fA-F:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(given.text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw unreadable(given, "HOST:PORT, for example 127.0.0.1:4000");
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

/** @throws {CliFailure} */
function readLimits(given: ReadonlyMap<string, Given>): {
  readonly serverLimits: Partial<ServerLimits>;
  readonly databaseLimits: Partial<DatabaseLimits>;
} {
  const server: Record<string, number> = {};
  const database: Record<string, number> = {};
  for (const [name, each] of given) {
    const value = amount(each.text);
    const isServers = Object.hasOwn(serverLimits, name);
    const isDatabases = Object.hasOwn(defaultDatabaseLimits, name);
    if (!isServers && !isDatabases)
      throw new CliFailure(`${each.where}: there is no limit \`${name}\``, {
        causes: [
          whatExists(name, [
            { kind: "limit", names: [...Object.keys(serverLimits), ...Object.keys(defaultDatabaseLimits)] },
          ]),
        ],
        hint: "docs/limits.md lists them all.",
      });
    if (value === undefined) throw unreadable(each, "a number, or a duration as 15s or 250ms");
    if (isServers) server[name] = value;
    if (isDatabases) database[name] = value;
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
  throw unreadable({ where: name, text }, "true or false");
}

/** What a setting says, and where: the flag, the variable, or the file with the key. */
interface Given {
  readonly where: string;
  readonly text: string;
}

function unreadable({ where, text }: Given, wanted: string): CliFailure {
  return new CliFailure(`${where}: ${JSON.stringify(text)} does not read; it takes ${wanted}`);
}
