/**
 * The command line: every command with its options and an example. What a command does is in `commands/`,
 * loaded when it runs, so that `--help` needs nothing of the server or the bundler.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { formats, type Format } from "./print/formats.ts";
import { configPathOf } from "./config/cli-config.ts";
import { CliFailure } from "./failure.ts";
import type { CallFlags } from "./commands/call.ts";
import type { CoOwnerFlags } from "./commands/co-owners.ts";
import type { DescribeFlags } from "./commands/describe.ts";
import type { DevFlags } from "./commands/dev.ts";
import type { GenerateFlags } from "./commands/generate.ts";
import type { InitFlags } from "./commands/init.ts";
import type { LogsFlags } from "./commands/logs.ts";
import type { BuildFlags } from "./commands/build.ts";
import type { OwnerFlags } from "./commands/owner.ts";
import type { PublishFlags } from "./commands/publish.ts";
import type { RepairFlags } from "./commands/repair.ts";
import type { ReplayFlags } from "./commands/replay.ts";
import type { RerunFlags } from "./commands/rerun.ts";
import type { SqlFlags } from "./commands/sql.ts";
import type { SubscribeFlags } from "./commands/subscribe.ts";
import type { StartFlags } from "./server/settings.ts";
import { version } from "./version.ts";

/** An option that is there under two names; the first is the one that is shown. */
const modulePath = (): readonly Option[] => [
  new Option("-p, --module-path <dir>", "the module's folder (default: ./spacetimedb if it is a module, else .)"),
  new Option("--project-path <dir>", "the same as --module-path").hideHelp(),
];
const prebuilt = (): readonly Option[] => [
  new Option("-b, --bin-path <file>", "a module that is built already, as WebAssembly").conflicts("jsPath"),
  new Option("-j, --js-path <file>", "a module that is built already, as JavaScript"),
];
const noCheck = (): Option =>
  new Option(
    "--no-check",
    "do not check types; else a TypeScript module with a tsconfig.json is, if it has TypeScript",
  );
const server = (): Option => new Option("-s, --server <server>", "nickname, host or URL of the server");
const anonymous = (): Option => new Option("--anonymous", "send no token");
const confirmed = (what: string): Option =>
  new Option("--confirmed [boolean]", `${what} (default: true)`).choices(["true", "false"]);
const yes = (): Option => new Option("-y, --yes", "answer yes to every question");

/** An option whose value may be left out, as help has it; `arguments.ts` puts in what is left out. */
function shownAs(flags: string, option: Option): Option {
  option.flags = flags;
  return option;
}

/** @throws {InvalidArgumentError} naming the formats that there are */
function readFormat(word: string): Format {
  const named = ["text", "txt", "default"].includes(word) ? "table" : word;
  const format = formats.find((each) => each === named);
  if (format === undefined) throw new InvalidArgumentError(`It is one of ${formats.join(", ")}.`);
  return format;
}

export function makeProgram(): Command {
  const program = new Command("lightcone");
  program
    .description("A database that runs your application inside itself.")
    .version(`lightcone ${version}`, "-V, --version")
    .option("--root-dir <dir>", "keep settings and data under this folder")
    .option("--config-path <file>", "settings of this command (LIGHTCONE_CONFIG_PATH)")
    .addHelpText("after", "\nExamples:\n  lightcone start\n  lightcone publish my_database --module-path ./chat")
    .showSuggestionAfterError()
    .showHelpAfterError("\nAll commands: lightcone --help")
    // An option belongs to the command that it follows: `login --token T` and `login show --token` are two.
    .enablePositionalOptions()
    .exitOverride();
  const globals = (): { readonly configPath: string; readonly dataDefault: string } => {
    const flags = program.opts<{ rootDir?: string; configPath?: string }>();
    return {
      configPath: configPathOf(flags),
      dataDefault: flags.rootDir === undefined ? ".lightcone" : `${flags.rootDir}/data`,
    };
  };
  const add = (name: string, summary: string, example: string, options: readonly Option[] = []): Command => {
    const command = program.command(name).description(summary).exitOverride();
    for (const option of options) command.addOption(option);
    return command
      .addHelpText("after", `\nExample:\n  ${example}`)
      .showHelpAfterError(`\nExample:\n  ${example}\nAll of it: lightcone ${name} --help`);
  };

  const startOptions = (): readonly Option[] => [
    new Option(
      "-l, --listen-addr <addr>",
      "HOST:PORT (LIGHTCONE_LISTEN_ADDR; default: port 3000 of this machine alone)",
    ),
    new Option("--data-dir <dir>", "where the data is (LIGHTCONE_DATA_DIR; default: ./.lightcone)"),
    new Option("--in-memory", "keep nothing after the end (LIGHTCONE_IN_MEMORY)"),
    new Option("--log-level <level>", "trace, debug, info, warn, error or silent (LIGHTCONE_LOG_LEVEL; default: info)"),
    new Option(
      "--issuers <urls>",
      "token issuers to believe besides this server, by comma, or `any` (LIGHTCONE_ISSUERS; default: none)",
    ),
    new Option(
      "--audiences <names>",
      "what tokens of those issuers must be for, by comma, one of which their `aud` names (LIGHTCONE_AUDIENCES; default: anything)",
    ),
    new Option(
      "--procedure-http <where>",
      "where procedures may send requests: public (addresses of the internet), any (this machine and its network too) or off (LIGHTCONE_PROCEDURE_HTTP; default: public)",
    ),
    new Option("--limit <name=value...>", "a limit of docs/limits.md (LIGHTCONE_LIMIT, by comma)"),
    new Option("--non-interactive", "nothing: it never asks").hideHelp(),
  ];
  add(
    "start",
    "Run a server.",
    "lightcone start --listen-addr 127.0.0.1:4000 --data-dir ./data",
    startOptions(),
  ).action(async (flags: StartFlags) => (await import("./commands/start.ts")).start(flags, globals()));

  add("build", "Build a module.", "lightcone build --module-path ./chat", [
    ...modulePath(),
    new Option("-d, --debug", "for debugging: NODE_ENV is development, Rust is not optimised"),
    new Option("--features <list>", "features of a Rust module's package, by comma"),
    new Option(
      "--lint-dir <dir>",
      "where Rust sources are looked through for what prints to nobody; empty: nowhere",
    ).default("src"),
    noCheck(),
  ]).action(async (flags: BuildFlags) => (await import("./commands/build.ts")).build(flags));

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
      (await import("./commands/publish.ts")).publish(name, { ...flags, ...globals() }),
    );

  add("call", "Call a reducer or procedure.", `lightcone call chat send_message "hello"`, [
    server(),
    anonymous(),
    yes(),
  ])
    .addHelpText(
      "after",
      `
Arguments are typed as one would write them:
  text          hello                      an identity   c200… (0x before it or not)
  a number      7 · -5 · 0xff · 1_000_000  bytes         00ff · 0x00ff
  a time        2026-11-30T12:00:00Z       a duration    5s · 1h30m · -250ms
  an option     what it holds · none       an enum       red · Circle(5) · '{"Circle": 5}'
  a list        '[1, 2]'                   an object     '{x: 1, name: hello}'
The JSON of the HTTP interface is taken as well.`,
    )
    .argument("<database>", "name or identity")
    .argument("<function>", "name of the reducer or procedure")
    .argument("[args...]", "one for each parameter")
    .action(async (database: string, name: string, args: readonly string[], flags: CallFlags) =>
      (await import("./commands/call.ts")).call(database, name, args, { ...flags, ...globals() }),
    );

  add("sql", "Run a SQL statement.", `lightcone sql chat "SELECT * FROM message"`, [
    new Option("--interactive", "read statements line by line"),
    new Option("--format <format>", `${formats.join(", ")} (the server's answer as it is)`)
      .argParser(readFormat)
      .default("table"),
    new Option("--json", "rows as objects: the same as --format json"),
    confirmed("wait until what was read is durable"),
    server(),
    anonymous(),
    yes(),
  ])
    .argument("<database>", "name or identity")
    .argument("[query...]", "the statement; without it what standard input has")
    .action(async (database: string, words: readonly string[], flags: SqlFlags) =>
      (await import("./commands/sql.ts")).sql(database, words.join(" "), { ...flags, ...globals() }),
    );

  add(
    "subscribe",
    "Print rows of queries as they change.",
    `lightcone subscribe chat "SELECT * FROM message" --num-updates 1`,
    [
      new Option("-n, --num-updates <count>", "end after so many updates (default: none)"),
      new Option("-t, --timeout <seconds>", "end after so long; a failure if --num-updates were not reached"),
      new Option("--print-initial-update", "print the rows that are there at the start, too"),
      confirmed("wait until what is told is durable"),
      server(),
      anonymous(),
      yes(),
    ],
  )
    .argument("<database>", "name or identity")
    .argument("<query...>", "what to subscribe to")
    .action(async (database: string, queries: readonly string[], flags: SubscribeFlags) =>
      (await import("./commands/subscribe.ts")).subscribe(database, queries, { ...flags, ...globals() }),
    );

  add("logs", "Show what a module has written to its log.", "lightcone logs chat -n 10 --follow", [
    new Option("-n, --num-lines <count>", "only the last lines (default: all; 10 with --follow)"),
    new Option("-f, --follow", "go on as lines are written"),
    new Option("--format <format>", "text or json").choices(["text", "json"]).default("text"),
    new Option("--json", "the same as --format json"),
    new Option("-l, --level <level>", "the lowest level to show").choices([
      "trace",
      "debug",
      "info",
      "warn",
      "error",
      "panic",
    ]),
    new Option("--level-exact", "only that level"),
    server(),
    yes(),
  ])
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: LogsFlags) =>
      (await import("./commands/logs.ts")).logs(database, { ...flags, ...globals() }),
    );

  add("describe", "Show a database's tables and functions.", "lightcone describe chat --json", [
    new Option("--json", "the whole description as JSON"),
    server(),
    anonymous(),
    yes(),
  ])
    .argument("<database>", "name or identity")
    .argument("[kind]", "table, reducer, procedure or view")
    .argument("[name]", "which one")
    .action(async (database: string, kind: string | undefined, name: string | undefined, flags: DescribeFlags) =>
      (await import("./commands/describe.ts")).describe(database, kind, name, { ...flags, ...globals() }),
    );

  add("list", "List your databases.", "lightcone list", [new Option("--json", "as JSON"), server(), yes()]).action(
    async (flags: { server?: string; json?: boolean }) =>
      (await import("./commands/databases.ts")).list({ ...flags, ...globals() }),
  );

  add("delete", "Delete a database with its data.", "lightcone delete my_database", [server(), yes()])
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: { server?: string; yes?: boolean }) =>
      (await import("./commands/databases.ts")).deleteDatabase(database, { ...flags, ...globals() }),
    );

  add("snapshot", "Write the present state to disk, for a quick start.", "lightcone snapshot my_database", [server()])
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: { server?: string }) =>
      (await import("./commands/snapshot.ts")).snapshot(database, { ...flags, ...globals() }),
    );

  add(
    "repair",
    "Show what can be kept of a damaged database, and keep it, with the server stopped.",
    "lightcone repair my_database --cut-at 41827 --data-dir ./data",
    [
      new Option("--cut-at <offset>", "keep everything up to this record, and give up the rest"),
      new Option("--registry", "the log that says what databases there are, instead of a database's"),
      new Option("--new-keys", "make new signing keys, which voids every token, instead"),
      new Option("--data-dir <dir>", "where the data is (default: ./.lightcone)"),
      yes(),
    ],
  )
    .argument("[database]", "name or identity")
    .action(async (database: string | undefined, flags: RepairFlags) =>
      (await import("./commands/repair.ts")).repair(database, flags, globals().dataDefault),
    );

  add(
    "rerun",
    "Run the calls of a database's log again, and say which row differs, with the server stopped.",
    "lightcone rerun my_database --data-dir ./data",
    [
      new Option("--from <offset>", "the first record whose call is run again (default: the first that is left)"),
      new Option("--data-dir <dir>", "where the data is (default: ./.lightcone)"),
    ],
  )
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: RerunFlags) =>
      (await import("./commands/rerun.ts")).rerun(database, flags, globals().dataDefault),
    );

  add(
    "replay",
    "Run one call of a database's log again under a debugger, and say whether its rows are the same.",
    "lightcone replay my_database --to 1234 --inspect-brk --data-dir ./data",
    [
      new Option("--to <offset>", "the record whose call is run again"),
      new Option("--inspect-brk [host:port]", "wait for a debugger, and stop right before the call (default: 9229)"),
      new Option("--data-dir <dir>", "where the data is (default: ./.lightcone)"),
    ],
  )
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: ReplayFlags) =>
      (await import("./commands/replay.ts")).replay(database, flags, globals().dataDefault),
    );

  const owner = add(
    "owner",
    "Say who owns a database besides you; or give one to another identity, on the machine of its server.",
    "lightcone owner my_database --to c200… --data-dir ./data",
    [
      new Option("--to <identity>", "who gets it (default: who is logged in)"),
      new Option("--data-dir <dir>", "where the server's data is (LIGHTCONE_DATA_DIR; default: ./.lightcone)"),
      server(),
      yes(),
    ],
  )
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: OwnerFlags) =>
      (await import("./commands/owner.ts")).giveToOwner(database, { ...flags, ...globals() }, globals().dataDefault),
    );
  addCoOwnerCommands(owner, globals);

  add("rename", "Give a database another name.", "lightcone rename old_name --to new_name", [
    new Option("--to <name>", "the new name").makeOptionMandatory(),
    server(),
    yes(),
  ])
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: { server?: string; to: string }) =>
      (await import("./commands/databases.ts")).rename(database, { ...flags, ...globals() }),
    );

  for (const verb of ["lock", "unlock"] as const) {
    const summary = verb === "lock" ? "Keep a database from being deleted." : "Allow a database to be deleted again.";
    add(verb, summary, `lightcone ${verb} my_database`, [server()])
      .argument("<database>", "name or identity")
      .action(async (database: string, flags: { server?: string }) =>
        (await import("./commands/databases.ts")).setLocked(database, verb, { ...flags, ...globals() }),
      );
  }

  const login = add(
    "login",
    "Get an identity from a server, and keep it.",
    "lightcone login --server http://127.0.0.1:3000",
    [
      server(),
      new Option("--server-issued-login <server>", "the same as --server").hideHelp(),
      new Option("--token <token>", "keep this token instead"),
      yes(),
    ],
  ).action(async (flags: { server?: string; serverIssuedLogin?: string; token?: string; yes?: boolean }) => {
    const named = flags.server ?? flags.serverIssuedLogin;
    await (await import("./commands/login.ts")).login({ ...flags, server: named, ...globals() });
  });
  login
    .enablePositionalOptions()
    .command("show")
    .description("Say who is logged in.")
    .option("--token", "print the token as well")
    .option("-s, --server <server>", "nickname, host or URL of the server")
    .addHelpText("after", "\nExample:\n  lightcone login show")
    .option("--json", "as JSON")
    .action(async (flags: { server?: string; token?: boolean; json?: boolean }) =>
      (await import("./commands/login.ts")).showLogin({ ...flags, ...globals() }),
    );
  add("logout", "Forget the identity that is kept.", "lightcone logout", [server(), yes()]).action(
    async (flags: { server?: string; yes?: boolean }) =>
      (await import("./commands/login.ts")).logout({ ...flags, ...globals() }),
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
      new Option("-o, --out-dir <dir>", "where the files go; without it and --lang, what spacetime.json asks for"),
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
      yes(),
    ],
  )
    .addHelpText(
      "after",
      "\nThe bindings import npm's spacetimedb, 1.12 or with `--sdk 2` 2.x. `lightcone/client` needs none: it takes its types from the module's own file.",
    )
    .action(async (flags: GenerateFlags) => (await import("./commands/generate.ts")).generate(flags));

  addServerCommands(program, globals);

  add("version", "Say which version this is.", "lightcone version --json", [new Option("--json", "as JSON")]).action(
    async (flags: { json?: boolean }) => (await import("./commands/version.ts")).showVersion(flags.json === true),
  );

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
      (await import("./commands/init.ts")).init(name, flags),
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
      "delete the data where the new schema cannot keep it: ask first, or on-conflict: unasked; always: each time",
    )
      .choices(["always", "on-conflict", "ask", "never"])
      .default("ask"),
    shownAs(
      "--inspect[=PORT]",
      new Option("--inspect <port>", "let a debugger look at the module, at port 9229 unless another is named"),
    ),
    noCheck(),
    new Option("--build-options <text>", "options for `build`, separated by spaces").default(""),
    server(),
    yes(),
  ])
    .argument("[database]", "the database's name")
    .action(async (database: string | undefined, flags: DevFlags & { moduleProjectPath?: string }) =>
      (await import("./commands/dev.ts")).dev(database, {
        ...flags,
        ...globals(),
        modulePath: flags.modulePath ?? flags.moduleProjectPath,
      }),
    );

  // Guides to the reference end with it.
  program
    .command("energy", { hidden: true })
    .exitOverride()
    .argument("[words...]")
    .action(() => {
      throw new CliFailure("there is no energy here: nothing is charged, and no call is stopped for want of it", {
        hint: "What bounds a call is its time: docs/limits.md.",
      });
    });

  const demo = program.command("demo", { hidden: true }).exitOverride();
  for (const option of startOptions()) demo.addOption(option);
  demo.action(async (flags: StartFlags) => (await import("./demo/demo.ts")).demo({ ...flags, ...globals() }));
  return program;
}

/** `owner add|remove|list`. A database of one of these names is named by its identity. */
function addCoOwnerCommands(owner: Command, globals: () => { readonly configPath: string }): void {
  owner.enablePositionalOptions();
  const add = (name: string, summary: string, example: string): Command =>
    owner
      .command(name)
      .description(summary)
      .argument("<database>", "name or identity")
      .addOption(server())
      .addHelpText("after", `\nExample:\n  lightcone owner ${example}`)
      .showHelpAfterError(`\nExample:\n  lightcone owner ${example}`);
  const load = () => import("./commands/co-owners.ts");
  add("add", "Let somebody do what its owner may, but delete it, rename it or say who owns it.", "add chat c200…")
    .argument("<identity>", "who; `lightcone login show` says it to them")
    .action(async (database: string, identity: string, flags: CoOwnerFlags) =>
      (await load()).addCoOwner(database, identity, { ...flags, ...globals() }),
    );
  add("remove", "Take that away again; also from oneself.", "remove chat c200…")
    .argument("<identity>", "who")
    .action(async (database: string, identity: string, flags: CoOwnerFlags) =>
      (await load()).removeCoOwner(database, identity, { ...flags, ...globals() }),
    );
  add("list", "Show who owns it.", "list chat --json")
    .option("--json", "as JSON")
    .action(async (database: string, flags: CoOwnerFlags) =>
      (await load()).listOwners(database, { ...flags, ...globals() }),
    );
}

function addServerCommands(
  program: Command,
  globals: () => { readonly configPath: string; readonly dataDefault: string },
): void {
  const servers = program
    .command("server")
    .description("Manage the servers that are known by nickname.")
    .addHelpText("after", "\nExample:\n  lightcone server list")
    .showHelpAfterError(
      "\nThere are list, ping, add, edit, fingerprint, remove, set-default and clear; all of it: lightcone server --help",
    )
    .exitOverride();
  const load = () => import("./commands/servers.ts");
  const add = (usage: string, summary: string, example: string): Command =>
    servers
      .command(usage)
      .description(summary)
      .addHelpText("after", `\nExample:\n  lightcone server ${example}`)
      .showHelpAfterError(`\nExample:\n  lightcone server ${example}`);
  add("list", "List them.", "list")
    .option("--json", "as JSON")
    .action(async (flags: { json?: boolean }) => (await load()).listServers({ ...flags, ...globals() }));
  add("ping [server]", "Say whether a server answers.", "ping local").action(async (name: string | undefined) =>
    (await load()).ping({ server: name, ...globals() }),
  );
  add("add <name>", "Save one.", "add --url https://db.example.com ours")
    .requiredOption("--url <url>", "its address")
    .option("-d, --default", "use it where no --server is given")
    .option("--no-fingerprint", "do not fetch its key")
    .action(async (name: string, flags: { url: string; default?: boolean; fingerprint: boolean }) =>
      (await load()).addServer(name, { ...flags, ...globals() }),
    );
  add("edit <server>", "Give one another nickname or address.", "edit ours --new-name theirs")
    .option("--new-name <name>", "its nickname")
    .option("--url <url>", "its address")
    .option("--no-fingerprint", "do not fetch the key of another address")
    .option("-y, --yes", "do not ask")
    .action(async (name: string, flags: { newName?: string; url?: string; fingerprint: boolean; yes?: boolean }) =>
      (await load()).editServer(name, { ...flags, ...globals() }),
    );
  add("fingerprint <server>", "Say whether its key is the one that was saved.", "fingerprint ours")
    .option("-y, --yes", "save another key unasked")
    .action(async (name: string, flags: { yes?: boolean }) =>
      (await load()).compareFingerprint(name, { ...flags, ...globals() }),
    );
  add("clear", "Delete all data of this machine's server, which is stopped.", "clear --data-dir ./data")
    .option("--data-dir <dir>", "where the data is (LIGHTCONE_DATA_DIR; default: ./.lightcone)")
    .option("-y, --yes", "do not ask")
    .action(async (flags: { dataDir?: string; yes?: boolean }) =>
      (await load()).clearData(flags, globals().dataDefault),
    );
  add("remove <server>", "Forget one.", "remove ours")
    .option("-y, --yes", "nothing: it never asks")
    .action(async (name: string) => (await load()).removeServer(name, globals()));
  add("set-default <server>", "Use one where no --server is given.", "set-default ours").action(async (name: string) =>
    (await load()).setDefault(name, globals()),
  );
}
