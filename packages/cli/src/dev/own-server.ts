/** The server that `dev` publishes to: the one that is there, or one that it starts for the project. */
import { once } from "node:events";
import { createServer } from "node:net";
import { makeServerLog } from "@lightcone/server";
import { openAnonymous, type ServerFlags } from "../api/session.ts";
import { isLocal } from "../config/servers.ts";
import { CliFailure } from "../failure.ts";
import { runServer, serveUntilSignal } from "../server/run-server.ts";
import { forPeople } from "../server/server-log.ts";
import { resolveSettings } from "../server/settings.ts";
import { paint } from "../terminal.ts";
import { tell } from "./stream.ts";

export interface DevServer {
  readonly url: string;
  /** Where its data is, if it was started here. */
  readonly dataDirectory: string | undefined;
  /** Whether it was asked to stop, and with it all that it serves. */
  isStopping(): boolean;
}

const elsewhere = (url: string): DevServer => ({ url, dataDirectory: undefined, isStopping: () => false });

/** How long a server that is there may take to answer. */
const answerMs = 5_000;

/**
 * @param dataDirectory where a server that is started keeps its data
 * @param isNamed whether the developer named the server: then it is theirs to start
 * @throws {CliFailure} when something else listens there
 */
export async function devServer(
  flags: ServerFlags,
  dataDirectory: string,
  isNamed: boolean,
  inspectPort: number | undefined,
): Promise<DevServer> {
  const { url } = openAnonymous(flags);
  const isRunning = await isThere(url);
  if (inspectPort !== undefined && (isRunning || isNamed))
    throw new CliFailure("--inspect needs a server that `dev` starts itself", {
      hint: `${isRunning ? `End the one at ${url}` : "Leave out --server and LIGHTCONE_SERVER"}, or name another port in lightcone.json.`,
      exitCode: 2,
    });
  if (isRunning) return elsewhere(url);
  if (isNamed || !isLocal(url)) return elsewhere(url);
  const { hostname, port } = new URL(url);
  const listenAddr = `${hostname === "localhost" ? "127.0.0.1" : hostname}:${port === "" ? "80" : port}`;
  if (inspectPort !== undefined) await prepareInspection(inspectPort);
  const limit = inspectPort === undefined ? [] : patience;
  const settings = resolveSettings(
    { listenAddr, limit },
    { LIGHTCONE_LOG_LEVEL: "warn", ...process.env },
    dataDirectory,
  );
  const log = makeServerLog(settings.logLevel, { write: (line) => tell("server", forPeople(line, paint)) });
  const server = await runServer(settings, log, { inspectPort });
  void serveUntilSignal(server, log);
  let isStopping = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => (isStopping = true));
  return { url: server.url, dataDirectory: server.dataDirectory, isStopping: () => isStopping };
}

/** Who stands at a break point is not hurried, and the process that is looked at is not let go of. */
const patience = ["reducerTimeoutMs", "viewTimeoutMs", "procedureTimeoutMs", "parkAfterMs"].map(
  (limit) => `${limit}=86400000`,
);

/** @throws {CliFailure} when the port is taken */
async function prepareInspection(port: number): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, "127.0.0.1"), "listening");
  } catch (error) {
    throw new CliFailure(`port ${port}, where a debugger is to look, is in use`, {
      cause: error,
      hint: `Another: lightcone dev --inspect=${port + 1}`,
      exitCode: 2,
    });
  }
  await new Promise((closed) => probe.close(closed));
  // What the processes of databases are told by: to open the port when asked, and to say where their sources are.
  process.env["LIGHTCONE_INSPECT"] = "1";
}

/** Whether a server answers. @throws {CliFailure} when what answers is none */
async function isThere(url: string): Promise<boolean> {
  let status: number;
  try {
    ({ status } = await fetch(`${url}/v1/ping`, { signal: AbortSignal.timeout(answerMs) }));
  } catch (error) {
    if (codeOf(error) === "ECONNREFUSED") return false;
    // Whatever is wrong with it is said by what asks it next.
    if (!isLocal(url)) return true;
    throw taken(url, error);
  }
  if (status !== 200) throw taken(url, undefined);
  return true;
}

function taken(url: string, cause: unknown): CliFailure {
  return new CliFailure(`What listens on ${new URL(url).host} is no Lightcone server`, {
    cause,
    hint: 'End it, or give the project another port: "server": "http://127.0.0.1:3001" in lightcone.json.',
  });
}

function codeOf(error: unknown): string | undefined {
  const { cause } = error as {
    readonly cause?: { readonly code?: string; readonly errors?: readonly { code?: string }[] };
  };
  return cause?.code ?? cause?.errors?.[0]?.code;
}
