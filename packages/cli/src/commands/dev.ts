/** `lightcone dev`: builds and publishes a module, writes bindings, shows its log; again at every change of its sources. */
import { existsSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { openLoggedIn, serverAsked, type ServerFlags } from "../api/session.ts";
import { checkDatabaseName, type ServerApi } from "../api/server-api.ts";
import { buildModule, type Program } from "../build/build-module.ts";
import { findModule } from "../build/detect.ts";
import { findProject, projectFile, type Project } from "../config/project.ts";
import { runBeside } from "../dev/beside.ts";
import { devServer, type DevServer } from "../dev/own-server.ts";
import { startPage } from "../dev/page.ts";
import { tell } from "../dev/stream.ts";
import { SourceWatch } from "../dev/watch.ts";
import { CliFailure, failureText } from "../failure.ts";
import type { LogRecord } from "../print/log-line.ts";
import { note, paint, print, shareTerminal } from "../terminal.ts";
import { generate } from "./generate.ts";
import { logs } from "./logs.ts";
import { publishProgram } from "./publish.ts";

export interface DevFlags extends ServerFlags {
  readonly projectPath: string;
  readonly modulePath?: string | undefined;
  readonly moduleBindingsPath: string;
  readonly clientLang?: string | undefined;
  readonly deleteData: "always" | "on-conflict" | "ask" | "never";
  readonly dropData?: boolean | undefined;
  readonly buildOptions?: string | undefined;
  readonly check?: boolean | undefined;
  readonly yes?: boolean | undefined;
  /** A command that runs beside the module. */
  readonly run?: string | undefined;
  /** Whether nothing runs beside the module. */
  readonly serverOnly?: boolean | undefined;
  readonly skipPublish?: boolean | undefined;
  readonly skipGenerate?: boolean | undefined;
  /** The port at which a debugger finds the module. */
  readonly inspect?: string | undefined;
}

/** Until the log is asked for again after it ended. */
const logAgainMs = 10_000;

/** Lines that are shown of those that were written before the log was followed, or while it was not. */
const linesMissedMax = "1000";

/** What a developer's own database may be asked without asking the developer: whatever keeps its data. */
const agreed = "migrate";

export async function dev(named: string | undefined, flags: DevFlags): Promise<void> {
  const folder = resolve(flags.projectPath);
  const found = findProject(folder);
  const database = named ?? found?.database;
  const project = found && { ...found, ...found.targets?.find((each) => each.database === database) };
  if (database === undefined)
    throw new CliFailure("the name of the database is missing", {
      hint: `lightcone dev my-app, or "database" in ${projectFile}`,
      exitCode: 2,
    });
  checkDatabaseName(database);
  const { path: module } = findModule({ modulePath: moduleIn(folder, flags.modulePath, project) });
  const root = project?.folder ?? folder;
  print(
    `Starting development mode...\nDatabase: ${database}\nWatching for changes in: ${module}\nPress Ctrl+C to stop`,
  );
  shareTerminal();
  using sources = new SourceWatch(module);
  const to = { ...flags, server: serverAsked(flags) ?? project?.server };
  const inspectPort = readPort(flags.inspect);
  const server = await devServer(to, join(root, ".lightcone"), serverAsked(flags) !== undefined, inspectPort);
  if (inspectPort !== undefined)
    print(`Debugger: 127.0.0.1:${inspectPort}, for VS Code, or chrome://inspect; calls have no time limit`);
  if (server.dataDirectory !== undefined) print(`Server: ${server.url}, data in ${server.dataDirectory}`);
  const cycle = new Cycle(database, { ...to, server: server.url }, module, clientOf(folder, flags));
  const seen = flags.skipPublish === true ? 0 : await lastLineTime(database, cycle.flags);
  let hasBegun = false;
  for (;;) {
    try {
      await cycle.run();
      if (!hasBegun) {
        if (flags.skipPublish !== true) void follow(database, cycle.flags, server, seen);
        const command = flags.run ?? project?.run;
        if (flags.serverOnly !== true && command !== undefined)
          runBeside(command, root, { database, server: server.url });
        else if (flags.serverOnly !== true) await showPage(root, server.url);
      }
      hasBegun = true;
    } catch (error) {
      if (!hasBegun && error instanceof CliFailure && error.exitCode === 2) throw error; // No change mends that.
      note(failureText(error));
    }
    print("Waiting for next change...");
    await sources.change();
    print("File change detected, rebuilding...");
  }
}

/** Builds and publishes a module, and writes bindings, as often as it changes. */
class Cycle {
  readonly flags: DevFlags;
  private readonly database: string;
  private readonly module: string;
  private readonly client: Client | undefined;
  private last: Uint8Array | undefined;

  constructor(database: string, flags: DevFlags, module: string, client: Client | undefined) {
    this.database = database;
    this.flags = flags;
    this.module = module;
    this.client = client;
  }

  async run(): Promise<void> {
    const { flags, client } = this;
    const began = performance.now();
    const api = await openLoggedIn(flags);
    const program = await buildModule({
      ...flags,
      modulePath: this.module,
      projectPath: undefined,
      isDebugged: flags.inspect !== undefined,
      warn: (text) => note(`Warning: ${text}`),
    });
    if (this.last !== undefined && Buffer.compare(this.last, program.bytes) === 0) {
      print("The module is the same as before.");
      return;
    }
    if (flags.skipPublish !== true) await this.publish(api, program);
    this.last = program.bytes;
    if (client !== undefined && flags.skipGenerate !== true)
      await generate({
        ...client,
        modulePath: this.module,
        clientPackage: "spacetimedb",
        buildOptions: flags.buildOptions,
        check: false,
        yes: true,
      });
    const done = flags.skipPublish === true ? "Built, and not published." : "Published successfully!";
    print(`${done}\n--- ${Math.round(performance.now() - began)} ms`);
  }

  private async publish(api: ServerApi, program: Program): Promise<void> {
    const { flags, database } = this;
    await publishProgram(api, database, program, {
      ...flags,
      breakClients: true,
      yes: flags.yes === true ? "all" : flags.deleteData === "ask" ? agreed : `${agreed},delete-data`,
    });
  }
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65_536) return port;
  throw new CliFailure(`--inspect takes a port, not ${JSON.stringify(text)}`, { exitCode: 2 });
}

/** The page's server, which what is wrong with does not keep from publishing. */
async function showPage(project: string, server: string): Promise<void> {
  try {
    const url = await startPage(project, server);
    if (url !== undefined) print(`Page: ${paint("cyan", url)}`);
  } catch (error) {
    note(failureText(error));
  }
}

/** The module's folder: what is named, as seen from the project; what its file names; `spacetimedb`; the project itself. */
function moduleIn(project: string, named: string | undefined, told: Project | undefined): string {
  if (named !== undefined) {
    const path = resolve(project, named);
    if (isAbsolute(named) || relative(project, path).startsWith(".."))
      throw new CliFailure(`--module-path ${named} is outside of the project`, {
        hint: "It is relative to --project-path, and below it.",
        exitCode: 2,
      });
    return path;
  }
  const inside = join(project, "spacetimedb");
  return told?.module ?? (existsSync(inside) ? inside : project);
}

interface Client {
  readonly lang: string;
  readonly outDir: string;
}

/** The client that bindings are written for. */
function clientOf(project: string, flags: DevFlags): Client | undefined {
  const lang = flags.clientLang ?? clientLanguage(project);
  return lang === undefined ? undefined : { lang, outDir: join(project, flags.moduleBindingsPath) };
}

/** The language of the client beside the module; undefined when there is none. */
function clientLanguage(project: string): "rust" | "typescript" | undefined {
  if (!existsSync(join(project, "spacetimedb"))) return undefined;
  if (existsSync(join(project, "package.json"))) return "typescript";
  return existsSync(join(project, "Cargo.toml")) ? "rust" : undefined;
}

/** The time of the last line of the database's log, in microseconds; 0 where there is none yet. */
async function lastLineTime(database: string, flags: ServerFlags): Promise<number> {
  let last = 0;
  try {
    await logs(database, { ...flags, numLines: "1", format: "text", show: (_, { ts = 0 }) => void (last = ts) });
  } catch (error) {
    // Whatever keeps it from being read is said when the module is published.
    if (!(error instanceof CliFailure)) throw error;
  }
  return last;
}

/** Shows what the database's log says after `seen`, again when it ended. */
async function follow(database: string, flags: DevFlags, server: DevServer, seen: number): Promise<void> {
  while (!server.isStopping()) {
    const from = seen;
    const show = (line: string, { ts }: LogRecord): void => {
      if (ts !== undefined && ts <= from) return;
      seen = ts ?? seen;
      tell("module", line);
    };
    try {
      await logs(database, { ...flags, follow: true, numLines: linesMissedMax, format: "text", show });
    } catch (error) {
      if (!server.isStopping()) note(failureText(error));
    }
    await new Promise((resolve) => setTimeout(resolve, logAgainMs));
  }
}
