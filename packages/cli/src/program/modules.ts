/** Commands that build a module and publish it, and those of a project. */
import { Option } from "commander";
import type { BuildFlags } from "../commands/build.ts";
import type { DevFlags } from "../commands/dev.ts";
import type { GenerateFlags } from "../commands/generate.ts";
import type { InitFlags } from "../commands/init.ts";
import type { PublishFlags } from "../commands/publish.ts";
import type { Program } from "./adding.ts";
import { modulePath, noCheck, prebuilt, projectFiles, server, shownAs, yes } from "./options.ts";

export function addModuleCommands({ add, globals }: Program): void {
  add("build", "Build a module.", "lightcone build --module-path ./chat", [
    ...modulePath(),
    new Option("-d, --debug", "for debugging: NODE_ENV is development, Rust is not optimised"),
    new Option("--features <list>", "features of a Rust module's package, by comma"),
    new Option(
      "--lint-dir <dir>",
      "where Rust sources are looked through for what prints to nobody; empty: nowhere",
    ).default("src"),
    noCheck(),
  ]).action(async (flags: BuildFlags) => (await import("../commands/build.ts")).build(flags));

  add(
    "publish",
    "Create a database from a module, or update one.",
    "lightcone publish my_database --module-path ./chat",
    [
      shownAs(
        "-c, --delete-data[=MODE]",
        new Option(
          "-c, --delete-data <mode>",
          "delete the data: always (also without a value), or on-conflict: only where the new schema cannot keep it",
        )
          .choices(["always", "on-conflict", "never"])
          .default("never"),
      ),
      ...modulePath(),
      ...prebuilt(),
      new Option("-d, --debug", "for debugging: NODE_ENV is development, Rust is not optimised"),
      noCheck(),
      new Option("--build-options <text>", "options for `build`, separated by spaces").default(""),
      new Option("--break-clients", "go on when clients have to be built again"),
      new Option("--drop-data", "go on when rows or values are lost with tables or columns that are gone"),
      new Option("--dry-run", "say what publishing would do, what it costs and what it breaks; change nothing"),
      ...projectFiles(),
      server(),
      new Option("--anonymous", "send no token: nobody owns what is created"),
      shownAs(
        "-y, --yes[=LIST]",
        new Option(
          "-y, --yes <list>",
          "answer yes: to every question, or to those listed, by comma: remote, migrate, break-clients, delete-data, no-owner",
        ),
      ),
    ],
  )
    .argument("[name]", "name or identity of the database; without it a new one without a name")
    .action(async (name: string | undefined, flags: PublishFlags) =>
      (await import("../commands/publish.ts")).publish(name, { ...flags, ...globals() }),
    );

  add(
    "generate",
    "Write typed bindings for the official client SDKs.",
    "lightcone generate --lang typescript --out-dir src/module_bindings",
    [
      new Option(
        "-l, --lang <language>",
        "typescript, rust, or json: the schema that a page of lightcone/client was built with",
      ),
      new Option(
        "-o, --out-dir <dir>",
        "where the files go: for json the folder one stands in, unless said; without it and --lang, what spacetime.json asks for",
      ),
      ...modulePath(),
      ...prebuilt(),
      new Option(
        "--module-def [file]",
        "a module's schema as JSON, as `describe --json` prints it, instead of the module; without a file, what standard input has",
      ).conflicts(["binPath", "jsPath", "modulePath", "projectPath"]),
      new Option("--include-private", "private tables and functions, and reducers of the life cycle, as well"),
      new Option(
        "--client-package <name>",
        "the package with the official client SDK, as TypeScript bindings import it",
      ).default("spacetimedb"),
      new Option("--import-extension <ending>", "ending of imports between the files; Node wants .ts").choices([
        "",
        ".js",
        ".ts",
      ]),
      new Option(
        "--sdk <major>",
        "the major version of the client SDK; that of the project where the files go, or 2",
      ).choices(["1", "2"]),
      new Option("--build-options <text>", "options for `build`, separated by spaces").default(""),
      ...projectFiles(),
      yes(),
    ],
  )
    .addHelpText(
      "after",
      "\nThe bindings import npm's spacetimedb, 1.12 or with `--sdk 2` 2.x. `lightcone/client` needs none: it takes its types from the module's own file.",
    )
    .action(async (flags: GenerateFlags) => (await import("../commands/generate.ts")).generate(flags));

  add("init", "Make a folder that a project begins with.", "lightcone init my-app --template todo", [
    new Option("-t, --template <name>", "a whole application: react, chat, todo, game or module-rust"),
    new Option("-l, --lang <language>", "of a module alone: rust or typescript"),
    new Option("--project-path <dir>", "where it goes (default: a folder of the project's name)"),
    new Option("--server-only", "nothing: there is a module alone").hideHelp(),
    new Option("--local", "nothing: the server is this machine's").hideHelp(),
    new Option("--non-interactive", "nothing: it never asks").hideHelp(),
  ])
    .argument("[name]", "the project's name")
    .action(async (name: string | undefined, flags: InitFlags) =>
      (await import("../commands/init.ts")).init(name, flags),
    );

  add("dev", "Build and publish a module, and again at every change; show its log.", "lightcone dev my-app", [
    new Option("--project-path <dir>", "the project's folder").default("."),
    new Option(
      "--module-path <dir>",
      "the module's folder, as seen from the project (default: spacetimedb, or the project)",
    ),
    new Option("--module-project-path <dir>", "the same as --module-path").hideHelp(),
    new Option("--module-bindings-path <dir>", "where bindings go, as seen from the project").default(
      "src/module_bindings",
    ),
    new Option(
      "--client-lang <language>",
      "of the bindings (default: that of the project beside the module; none without one)",
    ),
    new Option(
      "-c, --delete-data <mode>",
      "delete all data where the new schema cannot keep it: ask first, or on-conflict: unasked; always: each time",
    )
      .choices(["always", "on-conflict", "ask", "never"])
      .default("ask"),
    new Option("--drop-data", "go on when rows or values are lost with tables or columns that are gone"),
    shownAs(
      "--inspect[=PORT]",
      new Option("--inspect <port>", "let a debugger look at the module, at port 9229 unless another is named"),
    ),
    new Option("--run <command>", "run this beside the module, in place of the page's server"),
    new Option("--server-only", "run nothing beside the module"),
    new Option("--skip-publish", "build, and do not publish"),
    new Option("--skip-generate", "write no bindings"),
    noCheck(),
    new Option("--build-options <text>", "options for `build`, separated by spaces").default(""),
    ...projectFiles(),
    server(),
    yes(),
  ])
    .argument("[database]", "the database's name")
    .action(async (database: string | undefined, flags: DevFlags & { moduleProjectPath?: string }) =>
      (await import("../commands/dev.ts")).dev(database, {
        ...flags,
        ...globals(),
        modulePath: flags.modulePath ?? flags.moduleProjectPath,
      }),
    );
}
