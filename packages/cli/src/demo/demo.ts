/** What `npm start` runs: a server with the chat in it and a page to chat on. It never asks anything. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { staticPages, type ServerLog } from "@lightcone/server";
import { openLoggedIn } from "../api/session.ts";
import type { ServerApi } from "../api/server-api.ts";
import { bundleModule } from "../build/bundle.ts";
import type { Program } from "../build/build-module.ts";
import { askForPlan, send } from "../commands/publish.ts";
import { readConfig } from "../config/cli-config.ts";
import { resolveServer } from "../config/servers.ts";
import { CliFailure } from "../failure.ts";
import { runServer, serveUntilSignal } from "../server/run-server.ts";
import { openServerLog } from "../server/server-log.ts";
import { resolveSettings, type StartFlags } from "../server/settings.ts";
import { paint, print } from "../terminal.ts";
import { version } from "../version.ts";
import { buildChatPage } from "./chat-page.ts";

export interface DemoFlags extends StartFlags {
  readonly configPath: string;
  readonly dataDefault: string;
}

const repository = fileURLToPath(new URL("../../../../", import.meta.url));
const moduleFolders = ["examples/chat/module", "modules/typescript/chat"];
const database = "chat";

export async function demo(flags: DemoFlags): Promise<void> {
  // A demo's terminal is for its own words, unless someone asks for the log.
  const settings = resolveSettings(flags, { LIGHTCONE_LOG_LEVEL: "warn", ...process.env }, flags.dataDefault);
  const log = openServerLog(settings.logLevel);
  const page = await buildChatPage(join(repository, "examples/chat/page"));
  const server = await runServer(settings, log, { pages: staticPages(page) });
  try {
    const api = await openLoggedIn({ configPath: flags.configPath, server: server.url });
    await publishChat(api, log);
  } catch (error) {
    await server.stop();
    throw error;
  }
  // Before it says that it is there: whoever reads that may send a signal at once.
  const ended = serveUntilSignal(server, log);
  print(welcome(server.url, server.dataDirectory, page.size > 0, serverFlag(flags.configPath, server.url)));
  await ended;
}

/** Brings the chat to what its source says. What stands in the way is said, and the chat that is there goes on. */
async function publishChat(api: ServerApi, log: ServerLog): Promise<void> {
  const program = await bundleChat();
  const plan = await askForPlan(api, database, program).catch((error: unknown) => {
    if (!(error instanceof CliFailure)) throw error;
    log.warn({ reason: error.causes[0] }, "the chat belongs to another identity and runs as it was published");
    return "foreign" as const;
  });
  if (plan === "foreign") return;
  if (plan !== undefined && "ManualMigrate" in plan) {
    log.warn(
      { reason: plan.ManualMigrate.reason },
      "the chat's source no longer fits its data; it runs as it was published",
    );
    return;
  }
  await send(
    api,
    database,
    program,
    plan === undefined ? {} : { policy: "BreakClients", token: plan.AutoMigrate.token },
  );
}

async function bundleChat(): Promise<Program> {
  const folder = moduleFolders.map((each) => join(repository, each)).find(existsSync);
  if (folder === undefined) throw new CliFailure(`the chat's source is missing: ${moduleFolders.join(" or ")}`);
  const path = join(folder, "src/index.ts");
  const { code } = await bundleModule(path, { projectPath: folder });
  return { bytes: new TextEncoder().encode(code), hostType: "Js", path };
}

/** What a command needs to find this server: nothing if it is the default one. */
function serverFlag(configPath: string, url: string): string {
  return resolveServer(readConfig(configPath), process.env["LIGHTCONE_SERVER"]) === url ? "" : ` -s ${url}`;
}

function welcome(url: string, dataDirectory: string, hasPage: boolean, flag: string): string {
  const commands = [
    `npx lightcone call ${database} send_message "hello from the terminal"${flag}`,
    `npx lightcone sql ${database} "SELECT * FROM message"${flag}`,
    `npx lightcone logs ${database} -n 10${flag}`,
  ];
  return [
    "",
    `  ${paint("bold", `Lightcone ${version}`)}`,
    "",
    hasPage ? `  Chat   ${paint("cyan", `${url}/`)}   open it in two windows` : `  Server ${paint("cyan", url)}`,
    `  Data   ${dataDirectory}${paint("dim", "   kept; start again and it is there")}`,
    "",
    "  Try next, in another terminal:",
    ...commands.map((command) => `    ${command}`),
    "",
    paint("dim", "  Ctrl-C stops it."),
    "",
  ].join("\n");
}
