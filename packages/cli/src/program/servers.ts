/** Commands that run a server, look after its data, and know servers by name. */
import { type Command, Option } from "commander";
import type { RepairFlags } from "../commands/repair.ts";
import type { ReplayFlags } from "../commands/replay.ts";
import type { RerunFlags } from "../commands/rerun.ts";
import type { StartFlags } from "../server/settings.ts";
import type { Program } from "./adding.ts";
import { dataDir, server, yes } from "./options.ts";

/** What a server takes. */
const startOptions = (): readonly Option[] => [
  new Option("-l, --listen-addr <addr>", "HOST:PORT (LIGHTCONE_LISTEN_ADDR; default: port 3000 of this machine alone)"),
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

export function addStartCommand({ root, add, globals }: Program): void {
  add(
    "start",
    "Run a server.",
    "lightcone start --listen-addr 127.0.0.1:4000 --data-dir ./data",
    startOptions(),
  ).action(async (flags: StartFlags) => (await import("../commands/start.ts")).start(flags, globals()));

  const demo = root.command("demo", { hidden: true }).exitOverride();

  for (const option of startOptions()) demo.addOption(option);

  demo.action(async (flags: StartFlags) => (await import("../demo/demo.ts")).demo({ ...flags, ...globals() }));
}

export function addServerCommands(program: Program): void {
  const { add, globals } = program;
  addKnownServers(program);
  add("snapshot", "Write the present state to disk, for a quick start.", "lightcone snapshot my_database", [server()])
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: { server?: string }) =>
      (await import("../commands/snapshot.ts")).snapshot(database, { ...flags, ...globals() }),
    );

  add(
    "repair",
    "Show what can be kept of a damaged database, and keep it, with the server stopped.",
    "lightcone repair my_database --cut-at 41827 --data-dir ./data",
    [
      new Option("--cut-at <offset>", "keep everything up to this record, and give up the rest"),
      new Option("--registry", "the log that says what databases there are, instead of a database's"),
      new Option("--new-keys", "make new signing keys, which voids every token, instead"),
      dataDir(),
      yes(),
    ],
  )
    .argument("[database]", "name or identity")
    .action(async (database: string | undefined, flags: RepairFlags) =>
      (await import("../commands/repair.ts")).repair(database, flags, globals().dataDefault),
    );

  add(
    "rerun",
    "Run the calls of a database's log again, and say which row differs, with the server stopped.",
    "lightcone rerun my_database --data-dir ./data",
    [
      new Option("--from <offset>", "the first record whose call is run again (default: the first that is left)"),
      new Option("--list", "say which calls there are, with their offsets"),
      new Option("--json", "say it as JSON").conflicts("list"),
      dataDir(),
    ],
  )
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: RerunFlags) =>
      (await import("../commands/rerun.ts")).rerun(database, flags, globals().dataDefault),
    );

  add(
    "replay",
    "Run one call of a database's log again under a debugger, and say whether its rows are the same.",
    "lightcone replay my_database --to 1234 --inspect-brk --data-dir ./data",
    [
      new Option("--to <offset>", "the record whose call is run again"),
      new Option("--inspect-brk [host:port]", "wait for a debugger, and stop right before the call (default: 9229)"),
      dataDir(),
    ],
  )
    .argument("<database>", "name or identity")
    .action(async (database: string, flags: ReplayFlags) =>
      (await import("../commands/replay.ts")).replay(database, flags, globals().dataDefault),
    );
}

/** `server list|add|…`. */
function addKnownServers({ root, globals }: Program): void {
  const servers = root
    .command("server")
    .description("Manage the servers that are known by nickname.")
    .addHelpText("after", "\nExample:\n  lightcone server list")
    .showHelpAfterError(
      "\nThere are list, ping, add, edit, fingerprint, remove, set-default and clear; all of it: lightcone server --help",
    )
    .exitOverride();
  const load = () => import("../commands/servers.ts");
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
