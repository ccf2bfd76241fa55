/** Commands that ask a database, and those that say what becomes of it. */
import { type Command, Option } from "commander";
import type { CallFlags } from "../commands/call.ts";
import type { CoOwnerFlags } from "../commands/co-owners.ts";
import type { DescribeFlags } from "../commands/describe.ts";
import type { LogsFlags } from "../commands/logs.ts";
import type { OwnerFlags } from "../commands/owner.ts";
import type { SqlFlags } from "../commands/sql.ts";
import type { SubscribeFlags } from "../commands/subscribe.ts";
import { formats } from "../print/formats.ts";
import type { Globals, Program } from "./adding.ts";
import { anonymous, confirmed, noConfig, readFormat, server, yes } from "./options.ts";

export function addDatabaseCommands({ add, globals }: Program): void {
  add("call", "Call a reducer or procedure.", `lightcone call chat send_message "hello"`, [
    noConfig(),
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
      (await import("../commands/call.ts")).call(database, name, args, { ...flags, ...globals() }),
    );

  add("sql", "Run a SQL statement.", `lightcone sql chat "SELECT * FROM message"`, [
    new Option("--interactive", "read statements line by line"),
    new Option("--format <format>", `${formats.join(", ")} (the server's answer as it is)`)
      .argParser(readFormat)
      .default("table"),
    new Option("--json", "rows as objects: the same as --format json"),
    confirmed("wait until what was read is durable"),
    noConfig(),
    server(),
    anonymous(),
    yes(),
  ])
    .argument("<database>", "name or identity")
    .argument("[query...]", "the statement; without it what standard input has")
    .action(async (database: string, words: readonly string[], flags: SqlFlags) =>
      (await import("../commands/sql.ts")).sql(database, words.join(" "), { ...flags, ...globals() }),
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
      noConfig(),
      server(),
      anonymous(),
      yes(),
    ],
  )
    .argument("<database>", "name or identity")
    .argument("<query...>", "what to subscribe to")
    .action(async (database: string, queries: readonly string[], flags: SubscribeFlags) =>
      (await import("../commands/subscribe.ts")).subscribe(database, queries, { ...flags, ...globals() }),
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
    noConfig(),
    server(),
    yes(),
  ])
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: LogsFlags) =>
      (await import("../commands/logs.ts")).logs(database, { ...flags, ...globals() }),
    );

  add("describe", "Show a database's tables and functions.", "lightcone describe chat --json", [
    new Option("--json", "the whole description as JSON"),
    noConfig(),
    server(),
    anonymous(),
    yes(),
  ])
    .argument("<database>", "name or identity")
    .argument("[kind]", "table, reducer, procedure, view or handler")
    .argument("[name]", "which one")
    .action(async (database: string, kind: string | undefined, name: string | undefined, flags: DescribeFlags) =>
      (await import("../commands/describe.ts")).describe(database, kind, name, { ...flags, ...globals() }),
    );

  add(
    "mcp",
    "Serve MCP over standard input and output: a language model's tools, for a database or for all of yours.",
    "lightcone mcp my_database",
    [server(), anonymous()],
  )
    .argument("[database]", "name or identity (SPACETIMEDB_DB_NAME); without it each request names one")
    .action(async (database: string | undefined, flags: { server?: string; anonymous?: boolean }) =>
      (await import("../commands/mcp.ts")).mcp(database, { ...flags, ...globals() }),
    );

  add("list", "List your databases.", "lightcone list", [new Option("--json", "as JSON"), server(), yes()]).action(
    async (flags: { server?: string; json?: boolean }) =>
      (await import("../commands/databases.ts")).list({ ...flags, ...globals() }),
  );

  add("delete", "Delete a database with its data.", "lightcone delete my_database", [noConfig(), server(), yes()])
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: { server?: string; yes?: boolean }) =>
      (await import("../commands/databases.ts")).deleteDatabase(database, { ...flags, ...globals() }),
    );

  add("rename", "Give a database another name.", "lightcone rename old_name --to new_name", [
    new Option("--to <name>", "the new name").makeOptionMandatory(),
    server(),
    yes(),
  ])
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: { server?: string; to: string }) =>
      (await import("../commands/databases.ts")).rename(database, { ...flags, ...globals() }),
    );

  for (const verb of ["lock", "unlock"] as const) {
    const summary = verb === "lock" ? "Keep a database from being deleted." : "Allow a database to be deleted again.";
    add(verb, summary, `lightcone ${verb} my_database`, [noConfig(), server()])
      .argument("<database>", "name or identity")
      .action(async (database: string, flags: { server?: string }) =>
        (await import("../commands/databases.ts")).setLocked(database, verb, { ...flags, ...globals() }),
      );
  }

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
      (await import("../commands/owner.ts")).giveToOwner(database, { ...flags, ...globals() }, globals().dataDefault),
    );

  addCoOwnerCommands(owner, globals);
}

/** `owner add|remove|list`. A database of one of these names is named by its identity. */
function addCoOwnerCommands(owner: Command, globals: () => Globals): void {
  owner.enablePositionalOptions();
  const add = (name: string, summary: string, example: string): Command =>
    owner
      .command(name)
      .description(summary)
      .argument("<database>", "name or identity")
      .addOption(server())
      .addHelpText("after", `\nExample:\n  lightcone owner ${example}`)
      .showHelpAfterError(`\nExample:\n  lightcone owner ${example}`);
  const load = () => import("../commands/co-owners.ts");
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
