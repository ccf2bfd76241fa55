/**
 * The server under load, front and host as they run anywhere: `node serve-main.ts SETTINGS_JSON`.
 *
 * Says as lines of JSON where it listens and which process hosts the database.
 */
import { realClock } from "@lightcone/base";
import { realFileSystem } from "@lightcone/base/node";
import { openResilient } from "@lightcone/database/front";
import { makeServerLimits, makeServerLog, openHostProcess, openServer } from "@lightcone/server";
import type { ServeSettings } from "./bench-server.ts";

const { dataDirectory, isEcho, hostFlags, databaseLimits }: ServeSettings = JSON.parse(process.argv[2] ?? "{}");
const log = makeServerLog("error");
const limits = makeServerLimits({});
const tell = (fact: object): void => void process.stdout.write(`${JSON.stringify(fact)}\n`);
const echo = new URL("../peers/echo.ts", import.meta.url).href;
const database = new URL("./host-factory.ts", import.meta.url).href;

const server = await openServer({
  listen: [{ host: "127.0.0.1", port: 0 }],
  dataDirectory,
  files: realFileSystem,
  log,
  version: "0.1.0",
  openDatabase: (record, directory, isNew) =>
    openResilient({
      clock: realClock,
      crashesMax: 1,
      note: (message) => process.stderr.write(`${message}\n`),
      openHost: async (resume) => {
        const host = await openHostProcess(
          record,
          directory,
          {
            factory: isEcho ? echo : database,
            settings: { limits: databaseLimits },
            nodeFlags: hostFlags,
            clock: realClock,
            log,
            limits,
            isNew,
          },
          resume,
        );
        tell({ host: host.pid });
        return host;
      },
    }),
});
tell({ port: server.addresses[0]?.port });
process.on("SIGTERM", () => void server.stop().then(() => process.exit(0)));
