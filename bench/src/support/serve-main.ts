/**
 * The server under load, front and host as they run anywhere: `node serve-main.ts SETTINGS_JSON`.
 *
 * Says as lines of JSON where it listens and which process hosts the database.
 */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { Hosts, makeServerLimits, makeServerLog, openServer, proportionalBytes, programHere } from "@lightcone/server";
import type { ServeSettings } from "./bench-server.ts";

const { dataDirectory, isEcho, hostFlags, databaseLimits }: ServeSettings = JSON.parse(process.argv[2] ?? "{}");
const log = makeServerLog("error");
const tell = (fact: object): void => void process.stdout.write(`${JSON.stringify(fact)}\n`);
const hosts = new Hosts({
  clock: realClock,
  log,
  limits: makeServerLimits({ spareHostsMax: 0 }),
  databaseLimits,
  nodeFlags: hostFlags,
  started: (_, pid) => tell({ host: pid }),
  ...(isEcho ? { program: programHere(new URL("../peers/echo.ts", import.meta.url)) } : {}),
});

const server = await openServer({
  listen: [{ host: "127.0.0.1", port: 0 }],
  dataDirectory,
  files: realFileSystem,
  log,
  version: "0.1.0",
  openDatabase: (record, directory, opening) => hosts.openDatabase(record, directory, opening),
  memoryOf: proportionalBytes,
});
tell({ port: server.addresses[0]?.port });
process.on("SIGTERM", () => void server.stop().then(() => process.exit(0)));
