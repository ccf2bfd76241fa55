/**
 * The front process: HTTP, WebSocket, identity. It knows databases only as links; what a frame says is theirs.
 *
 *   request ──▶ http/app ──▶ route ──▶ link.request      upgrade ──▶ websocket/upgrade ──▶ link.connect
 */
import { createServer } from "node:http";
import type { Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { realClock, realRandom } from "@lightcone/base";
import type { Clock, FileSystem, Random } from "@lightcone/base";
import type { WakeReason } from "@lightcone/database/front";
import { Issuers } from "./auth/issuers.ts";
import type { IssuersAllowed } from "./auth/issuers.ts";
import { makeIssuerFetch } from "./auth/issuer-fetch.ts";
import type { IssuerFetch } from "./auth/issuer-fetch.ts";
import { Tokens } from "./auth/tokens.ts";
import { openDataDirectory } from "./data-directory.ts";
import { makeApp } from "./http/app.ts";
import { ModuleLogs } from "./http/module-logs.ts";
import type { Pages } from "./http/app.ts";
import { IncomingBytes } from "./incoming-bytes.ts";
import { makeServerLimits } from "./limits.ts";
import type { ServerLimits } from "./limits.ts";
import type { ServerLog } from "./log.ts";
import { Awake } from "./awake/awake.ts";
import { UnusedMemory } from "./process/unused-memory.ts";
import { Databases, type OpenDatabase } from "./registry/databases.ts";
import type { Services } from "./services.ts";
import { descriptorsMax, Sockets } from "./sockets.ts";
import { ConnectionTable } from "./websocket/connection-table.ts";
import { serveUpgrades, wantsWebSocket } from "./websocket/upgrade.ts";

/** How long the headers of a request may take, and how often late ones are looked for. */
const headersTimeoutMs = 60_000;
const checkIntervalMs = 30_000;

/** Where to listen. Port 0 takes any that is free. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface ServerOptions {
  readonly listen: readonly ListenAddress[];
  /** Keys, registry and databases. Must exist, and be locked by the caller. */
  readonly dataDirectory: string;
  readonly files: FileSystem;
  readonly log: ServerLog;
  readonly openDatabase: OpenDatabase;
  /**
   * What a process takes of the machine's memory; undefined when that is not known. With it databases rest while nobody
   * uses them, those that nobody knows when to wake are looked into at the start, and this process, which is the front's
   * alone, gives back memory that it no longer uses; without it they stay open.
   */
  readonly memoryOf?: (pid: number) => Promise<number | undefined>;
  readonly version: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly limits?: Partial<ServerLimits>;
  /** How foreign issuers' keys are fetched. */
  readonly issuerFetch?: IssuerFetch;
  /** Foreign issuers that are believed; none if left out. */
  readonly issuers?: IssuersAllowed;
  /** What their tokens must be for; anything if left out or empty. */
  readonly audiences?: readonly string[];
  /** Answers what is not under `/v1`. */
  readonly pages?: Pages;
}

export interface Server {
  /** Where the server really listens. */
  readonly addresses: readonly ListenAddress[];
  /**
   * Refuses new work, lets the databases finish, closes sockets with 1001. Calling it again changes nothing.
   *
   * @param withinMs how long the databases may take; `stopWithinMs` if left out
   */
  stop(withinMs?: number): Promise<void>;
}

/** @throws {Error} with the code of the system when an address cannot be had, `EADDRINUSE` for one */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { files, dataDirectory, log } = options;
  const clock = options.clock ?? realClock;
  const random = options.random ?? realRandom;
  const limits = makeServerLimits(options.limits);
  const issuers = new Issuers({
    allowed: options.issuers ?? [],
    fetch: options.issuerFetch ?? makeIssuerFetch(clock),
    clock,
    limits,
    log,
  });
  const { keys, registry } = await openDataDirectory({ files, clock, dataDirectory, limits, log });
  const tokens = new Tokens({ keys, issuers, audiences: options.audiences ?? [], clock, random, limits });
  const incoming = new IncomingBytes(limits.incomingBytesMax);
  const table = new ConnectionTable(clock, limits, incoming);
  const { openDatabase } = options;
  const disconnect = table.closeGroup.bind(table);
  const { memoryOf } = options;
  const wake = (identityHex: string, why: WakeReason): void => void databases.wake(identityHex, why);
  const awake = memoryOf && new Awake({ clock, files, dataDirectory, log, limits, memoryOf, wake });
  const databases = new Databases({ registry, files, dataDirectory, clock, log, openDatabase, awake, disconnect });
  const moduleLogs = new ModuleLogs({ files, clock, registry, databases });

  let isStopping = false;
  const services: Services = {
    clock,
    random,
    log,
    limits,
    incoming,
    tokens,
    registry,
    databases,
    moduleLogs,
    publicPem: keys.publicPem,
    version: options.version,
    left: { count: 0 },
    told: { fullMs: -Infinity },
    isStopping: () => isStopping,
  };
  const app = makeApp(services, options.pages);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const { socketsMax } = limits;
  const sockets = new Sockets({ socketsMax, descriptorsMax: descriptorsMax(), clock, log });
  const servers: HttpServer[] = [];
  const stopListening = async (): Promise<void> => {
    await Promise.all(servers.map((server) => closeServer(server)));
  };
  const addresses: ListenAddress[] = [];
  try {
    for (const address of options.listen) {
      const server = createServer(
        {
          shouldUpgradeCallback: wantsWebSocket,
          requestTimeout: limits.requestTimeoutMs,
          headersTimeout: Math.min(limits.requestTimeoutMs, headersTimeoutMs),
          connectionsCheckingInterval: Math.min(limits.requestTimeoutMs, checkIntervalMs),
          noDelay: true,
        },
        (request, response) => void listener(request, response),
      );

      sockets.add(server);
      serveUpgrades(services, table, server);
      // Port 0 on several hosts means one port on all of them.
      const port = address.port === 0 ? (addresses[0]?.port ?? 0) : address.port;
      servers.push(server);
      addresses.push(await listen(server, { host: address.host, port }));
    }
  } catch (error) {
    await stopListening();
    await registry.close();
    throw error;
  }
  databases.tidyUp();
  const looked = awake?.lookAround(registry.state.databases.values());
  const unusedMemory = memoryOf && new UnusedMemory(clock);
  log.info({ addresses, version: options.version }, "listening");

  const stop = async (withinMs: number): Promise<void> => {
    isStopping = true;
    log.info({}, "stopping");
    unusedMemory?.stop();
    await databases.stop(withinMs);
    await looked;
    await moduleLogs.stop();
    await table.closeAll(1001, "server is stopping");
    await stopListening();
    await registry.close();
    log.info({}, "stopped");
  };
  let stopped: Promise<void> | undefined;
  return { addresses, stop: (withinMs = limits.stopWithinMs) => (stopped ??= stop(withinMs)) };
}

function listen(server: HttpServer, { host, port }: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      // A TCP server's address is never a path.
      const { address, port: chosen } = server.address() as AddressInfo;
      resolve({ host: address, port: chosen });
    });
  });
}

/** Ends idle connections, and those still busy as well: what they wait for has been answered or has stopped. */
function closeServer(server: HttpServer): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setImmediate(() => server.closeAllConnections());
  });
}
