/**
 * A server for suites that kill it: `node serve.ts DATA_DIRECTORY [PORT] [SETTINGS_JSON]`.
 *
 * Says on standard output, a line of JSON each, where it listens and which process hosts which database.
 */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { makeServerLimits, makeServerLog, openResilientDatabase, openServer } from "@lightcone/server";

const [dataDirectory = "", port = "0", settings = "{}"] = process.argv.slice(2);
const { databaseLimits = {}, serverLimits = {}, nodeFlags = [], logLevel = "fatal" } = JSON.parse(settings);
const log = makeServerLog(logLevel);
const limits = makeServerLimits(serverLimits);
const tell = (fact: object): void => void process.stdout.write(`${JSON.stringify(fact)}\n`);

const server = await openServer({
  listen: [{ host: "127.0.0.1", port: Number(port) }],
  dataDirectory,
  files: realFileSystem,
  log,
  version: "0.1.0",
  limits: serverLimits,
  openDatabase: (record, directory, isNew) =>
    openResilientDatabase(record, directory, {
      isNew,
      clock: realClock,
      log,
      limits,
      databaseLimits,
      nodeFlags,
      started: ({ identity }, pid) => tell({ host: pid, database: identity.hex }),
    }),
});
tell({ port: server.addresses[0]?.port });
process.on("SIGTERM", () => void server.stop().then(() => process.exit(0)));
