/**
 * A server of many databases: `node rooms-main.js DATA_DIRECTORY PARK_AFTER_MS`, built as what ships is.
 *
 * Says as lines of JSON where it listens, and at SIGUSR2 which processes wait for a database.
 */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { Hosts, makeServerLimits, makeServerLog, openServer, proportionalBytes } from "@lightcone/server";

const [dataDirectory = "", parkAfterMs = "0"] = process.argv.slice(2);
const log = makeServerLog("error");
// Of those that are woken at once the last may wait for longer than a user would.
const limits = { parkAfterMs: Number(parkAfterMs), parkWakeTimesMin: 0, wakeWaitMs: 120_000 };
const tell = (fact: object): void => void process.stdout.write(`${JSON.stringify(fact)}\n`);
const hosts = new Hosts({
  clock: realClock,
  log,
  limits: makeServerLimits(limits),
  started: ({ identity }, pid) => tell({ host: pid, database: identity.hex }),
});
const server = await openServer({
  listen: [{ host: "127.0.0.1", port: 0 }],
  dataDirectory,
  files: realFileSystem,
  log,
  version: "0.1.0",
  limits,
  openDatabase: (record, directory, opening) => hosts.openDatabase(record, directory, opening),
  memoryOf: proportionalBytes,
});
tell({ port: server.addresses[0]?.port });
process.on("SIGUSR2", () => tell({ spares: hosts.spares }));
const stop = async (): Promise<void> => {
  await server.stop();
  await hosts.stop();
  process.exit(0);
};
process.on("SIGTERM", () => void stop());
