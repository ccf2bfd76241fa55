/** `lightcone start`: the server in the foreground. */
import { readConfig } from "../config/cli-config.ts";
import { openServerLog } from "../server/server-log.ts";
import { runServer, serveUntilSignal } from "../server/run-server.ts";
import { resolveSettings, type StartFlags } from "../server/settings.ts";
import { print } from "../terminal.ts";
import { version } from "../version.ts";

export async function start(
  flags: StartFlags,
  { dataDefault, configPath }: { readonly dataDefault: string; readonly configPath: string },
): Promise<void> {
  const settings = resolveSettings(flags, process.env, dataDefault, readConfig(configPath).listen_addr);
  const log = openServerLog(settings.logLevel);
  const server = await runServer(settings, log);
  // Before it says that it is there: whoever reads that may send a signal at once.
  const ended = serveUntilSignal(server, log);
  print(`lightcone version: ${version}`);
  print(
    `database running in data directory ${server.dataDirectory}${settings.inMemory ? " (in memory; nothing is kept)" : ""}`,
  );
  print(`Lightcone listening on ${server.url}`);
  await ended;
}
