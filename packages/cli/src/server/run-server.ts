/** A server from its settings to its end: port, lock, databases, signals. */
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { realClock } from "@lightcone/base";
import { lockDirectory, makeDirectoryNow, realFileSystem } from "@lightcone/base/node";
import {
  Hosts,
  makeServerLimits,
  openServer,
  proportionalBytes,
  type ListenAddress,
  type Pages,
  type ServerLog,
} from "@lightcone/server";
import { CliFailure } from "../failure.ts";
import { isInteractive, note } from "../terminal.ts";
import { version } from "../version.ts";
import { makeMemoryDirectory, removeAbandoned } from "./memory-directory.ts";
import type { ServerSettings } from "./settings.ts";
import { StopSignals } from "./stop-signals.ts";

export interface RunningServer {
  /** Where a client on this machine finds it. */
  readonly url: string;
  readonly dataDirectory: string;
  /** Finishes, syncs, closes; whatever is not done in time is left to recovery. */
  stop(): Promise<void>;
}

/** Of the ten seconds that a stop may take, what the databases get. */
const finishWithinMs = 8_000;
const exitWithinMs = 9_700;
/** How long a server that was killed or is stopping may take to be gone. */
const lockWaitMs = 5_000;
/** A database's JavaScript heap: rows are not on it, so it is the module's and the host's working memory. */
const heapMegabytesMax = 1024;

export interface RunOptions {
  readonly pages?: Pages | undefined;
  /** The port of this machine at which a debugger finds the process of a database. */
  readonly inspectPort?: number | undefined;
}

/** @throws {CliFailure} naming the flag that helps when the port or the directory is taken */
export async function runServer(
  settings: ServerSettings,
  log: ServerLog,
  { pages, inspectPort }: RunOptions = {},
): Promise<RunningServer> {
  const listen = await freeAddresses(settings.listen);
  if (settings.inMemory) await removeAbandoned();
  const dataDirectory = settings.inMemory ? makeMemoryDirectory() : settings.dataDirectory;
  try {
    makeDirectoryNow(dataDirectory, 0o700);
  } catch (error) {
    throw new CliFailure(`the data directory ${dataDirectory} cannot be made`, {
      cause: error,
      hint: "--data-dir (LIGHTCONE_DATA_DIR) says where the data is.",
    });
  }
  const lock = await lockDirectory(dataDirectory, {
    clock: realClock,
    waitMs: lockWaitMs,
    onWait: (held) => log.warn({}, `${held.message}; waiting ${lockWaitMs / 1000} s for it to end`),
  });
  for (const key of settings.unknownKeys) log.warn({ key }, "config.toml has a key that means nothing");
  const hosts = new Hosts({
    clock: realClock,
    log,
    limits: makeServerLimits(settings.serverLimits),
    databaseLimits: settings.databaseLimits,
    procedureHttp: settings.procedureHttp,
    nodeFlags: [
      `--max-old-space-size=${heapMegabytesMax}`,
      ...(inspectPort === undefined ? [] : [`--inspect-port=127.0.0.1:${inspectPort}`]),
    ],
    // Node opens the port at this signal: no earlier than the process has a database, and no process of another.
    ...(inspectPort === undefined ? {} : { started: (_, pid) => void process.kill(pid, "SIGUSR1") }),
  });
  const close = async (): Promise<void> => {
    await hosts.stop();
    await lock.release();
    if (settings.inMemory) rmSync(dataDirectory, { recursive: true, force: true });
  };
  try {
    const server = await openServer({
      listen,
      dataDirectory,
      files: realFileSystem,
      log,
      openDatabase: (record, directory, opening) => hosts.openDatabase(record, directory, opening),
      memoryOf: proportionalBytes,
      version,
      limits: settings.serverLimits,
      issuers: settings.issuers,
      audiences: settings.audiences,
      ...(pages === undefined ? {} : { pages }),
    });
    return {
      url: urlOf(server.addresses),
      dataDirectory,
      stop: async () => {
        await server.stop(finishWithinMs);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Serves until the process is asked to end, then ends it: cleanly at the first signal, at once at the second. */
export async function serveUntilSignal(server: RunningServer, log: ServerLog): Promise<never> {
  // A terminal that is closed takes its output along, and nothing else.
  for (const stream of [process.stdout, process.stderr])
    stream.removeAllListeners("error").on("error", () => undefined);
  await new Promise<void>((resolve) => {
    const signals = new StopSignals(() => realClock.steadyMs());
    for (const [signal, code] of stopSignals) {
      process.on(signal, () => {
        const meaning = signals.hear(signal);
        if (signal === "SIGHUP" && meaning === "stop") log.warn({ signal }, terminalClosed);
        if (meaning === "end at once") process.exit(code);
        if (meaning === "stop") resolve();
      });
    }
  });
  // The log says so too; among its lines of JSON stand no others.
  if (isInteractive()) note("Stopping; a second signal stops at once.");
  // Whatever hangs, the process is gone in time: all that was acknowledged is durable.
  setTimeout(() => process.exit(0), exitWithinMs).unref();
  await server.stop();
  process.exit(0);
}

/** What asks for the end, and the exit code of asking twice. Node lets `nohup` have no effect on SIGHUP, so it asks as well. */
const stopSignals = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;
const terminalClosed =
  "the terminal that the server ran in was closed, so it stops; a service, or `setsid`, starts one that goes on";

function urlOf(addresses: readonly ListenAddress[]): string {
  const { host, port } = addresses[0] ?? { host: "127.0.0.1", port: 0 };
  if (host === "0.0.0.0" || host === "::") return `http://127.0.0.1:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Those of `wanted` that this machine has. @throws {CliFailure} when one is in use */
async function freeAddresses(wanted: readonly ListenAddress[]): Promise<readonly ListenAddress[]> {
  const free: ListenAddress[] = [];
  for (const address of wanted) {
    const code = await tryListen(address);
    if (code === undefined) free.push(address);
    // A machine without IPv6 has no second loopback address.
    else if ((code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT") || wanted.length === 1) throw busy(address, code);
  }
  return free;
}

function tryListen({ host, port }: ListenAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "EADDRINUSE"));
    probe.listen({ host, port }, () => probe.close(() => resolve(undefined)));
  });
}

function busy({ host, port }: ListenAddress, code: string): CliFailure {
  if (code === "EADDRINUSE")
    return new CliFailure(
      `Port ${port} is already in use. Please free up the port or specify a different port with --listen-addr.`,
      { hint: anotherPort(host, port) },
    );
  return new CliFailure(`Cannot listen on ${host}:${port} (${code}); --listen-addr says where to listen`);
}

/** The command with another port, as it was started. */
function anotherPort(host: string, port: number): string {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port < 65_535 ? port + 1 : port - 1}`;
  // npm keeps what stands before `--` for itself.
  const isNpm = process.env["npm_lifecycle_event"] === "start";
  return `for example: ${isNpm ? "npm start --" : "lightcone start"} --listen-addr ${address}`;
}
