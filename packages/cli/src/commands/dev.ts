/** `lightcone dev`: builds and publishes a module, writes bindings, shows its log; again at every change of its sources. */
import { existsSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import type { ServerFlags } from "../api/session.ts";
import { findModule } from "../build/detect.ts";
import { SourceWatch } from "../dev/watch.ts";
import { CliFailure, failureText } from "../failure.ts";
import { note, print } from "../terminal.ts";
import { generate } from "./generate.ts";
import { logs } from "./logs.ts";
import { publish } from "./publish.ts";

export interface DevFlags extends ServerFlags {
  readonly projectPath: string;
  readonly modulePath?: string | undefined;
  readonly moduleBindingsPath: string;
  readonly clientLang?: string | undefined;
  readonly deleteData: "always" | "on-conflict" | "never";
  readonly buildOptions?: string | undefined;
  readonly check?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

/** Until the log is asked for again after it ended. */
const logAgainMs = 10_000;

/** What a developer's own database may be asked without asking the developer: everything but another machine. */
const agreed = "migrate,break-clients,delete-data";

export async function dev(database: string | undefined, flags: DevFlags): Promise<void> {
  if (database === undefined)
    throw new CliFailure("the name of the database is missing", { hint: "lightcone dev my-app", exitCode: 2 });
  const project = resolve(flags.projectPath);
  const { path: module } = findModule({ modulePath: moduleIn(project, flags.modulePath) });
  print(
    `Starting development mode...\nDatabase: ${database}\nWatching for changes in: ${module}\nPress Ctrl+C to stop`,
  );
  using sources = new SourceWatch(module);
  const client = flags.clientLang ?? clientLanguage(project);
  let isFollowed = false;
  for (;;) {
    try {
      await publish(database, {
        ...flags,
        modulePath: module,
        projectPath: undefined,
        yes: flags.yes === true ? "all" : agreed,
      });
      if (client !== undefined)
        await generate({
          lang: client,
          outDir: join(project, flags.moduleBindingsPath),
          modulePath: module,
          clientPackage: "spacetimedb",
          buildOptions: flags.buildOptions,
          check: false,
          yes: true,
        });
      print("Published successfully!\n---");
      if (!isFollowed) void follow(database, flags);
      isFollowed = true;
    } catch (error) {
      if (!isFollowed && error instanceof CliFailure && error.exitCode === 2) throw error; // No change mends that.
      note(failureText(error));
    }
    print("Waiting for next change...");
    await sources.change();
    print("File change detected, rebuilding...");
  }
}

/** The module's folder: the one that is named, as seen from the project, or `spacetimedb`, or the project itself. */
function moduleIn(project: string, named: string | undefined): string {
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
  return existsSync(inside) ? inside : project;
}

/** The language of the client beside the module; undefined when there is none. */
function clientLanguage(project: string): "rust" | "typescript" | undefined {
  if (!existsSync(join(project, "spacetimedb"))) return undefined;
  if (existsSync(join(project, "package.json"))) return "typescript";
  return existsSync(join(project, "Cargo.toml")) ? "rust" : undefined;
}

/** Shows the database's log, again when it ended. */
async function follow(database: string, flags: DevFlags): Promise<void> {
  for (;;) {
    await logs(database, { ...flags, follow: true, format: "text" }).catch((error: unknown) =>
      note(failureText(error)),
    );
    await new Promise((resolve) => setTimeout(resolve, logAgainMs));
  }
}
