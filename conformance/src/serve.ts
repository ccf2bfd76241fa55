/**
 * A server for suites that kill it: `node serve.ts DATA_DIRECTORY [PORT] [SETTINGS_JSON]`.
 *
 * Says on standard output, a line of JSON each, where it listens and which process hosts which database.
 */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { Hosts, makeServerLimits, makeServerLog, openServer, proportionalBytes } from "@lightcone/server";

const [dataDirectory = "", port = "0", settings = "{}"] = process.argv.slice(2);
const {
  databaseLimits = {},
  serverLimits = {},
  nodeFlags = [],
  logLevel = "fatal",
  procedureHttp = "public",
} = JSON.parse(settings);
const log = makeServerLog(logLevel);
const tell = (fact: object): void => void process.stdout.write(`${JSON.stringify(fact)}\n`);
const hosts = new Hosts({
  clock: realClock,
  log,
  // Most suites open one database, and would pay for spares that nobody uses.
  limits: makeServerLimits({ spareHostsMax: 0, ...serverLimits }),
  databaseLimits,
  procedureHttp,
  nodeFlags,
  started: ({ identity }, pid) => tell({ host: pid, database: identity.hex }),
});

const server = await openServer({
  listen: [{ host: "127.0.0.1", port: Number(port) }],
  dataDirectory,
  files: realFileSystem,
  log,
  version: "0.1.0",
  limits: serverLimits,
  openDatabase: (record, directory, opening) => hosts.openDatabase(record, directory, opening),
  memoryOf: proportionalBytes,
});
tell({ port: server.addresses[0]?.port });
const stop = async (): Promise<void> => {
  await server.stop();
  await hosts.stop();
  process.exit(0);
};
process.on("SIGUSR2", () => {
  globalThis.gc?.();
  tell({ isTidy: true });
});
process.on("SIGTERM", () => void stop());
