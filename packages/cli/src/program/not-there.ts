/** Options and commands of the reference's command line that are not here, each with why: they are refused in these words. */
import { CliFailure } from "../failure.ts";

const csharp = "no modules in C# are built";
const hosted = "it is the hosted service's";
const ownProcess = "it sets up the reference's own process; `--limit` sets up this one";
const keys =
  "the keys are `id_ecdsa` and `id_ecdsa.pub` in the data directory, where those of another server may be put";
const bindings = "bindings for C# and Unreal are not written";
const webLogin = "it is about logging in at the vendor's web site";
const versions = "the versions of a package are npm's";

/** By command, or `*` for what several have. */
const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  start: {
    "--edition": "there is one",
    "--pg-port": "there is no PostgreSQL protocol",
    "--jwt-key-dir": keys,
    "--jwt-pub-key-path": keys,
    "--jwt-priv-key-path": keys,
    "--page-pool-max-size": ownProcess,
    "--enable-tracy": ownProcess,
  },
  build: { "--dotnet-version": csharp, "--native-aot": csharp },
  publish: {
    "--num-replicas": "a database has one process",
    "--parent": hosted,
    "--organization": hosted,
    "--org": hosted,
    "--dotnet-version": csharp,
    "--native-aot": csharp,
  },
  generate: {
    "--uproject-dir": bindings,
    "--namespace": bindings,
    "--module-name": bindings,
    "--unreal-module-name": bindings,
    "--module-prefix": bindings,
    "--dotnet-version": csharp,
  },
  init: { "--dotnet-version": csharp, "--native-aot": csharp },
  dev: {
    "-t": "`lightcone init --template` makes a project",
    "--template": "`lightcone init --template` makes a project",
    "--dotnet-version": csharp,
  },
  login: { "--auth-host": webLogin, "--no-browser": webLogin },
  logout: { "--auth-host": webLogin },
};
const subcommands: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  version: {
    list: versions,
    use: versions,
    install: versions,
    uninstall: versions,
    upgrade: versions,
    link: versions,
  },
};

/** @throws {CliFailure} when the command's option is one of the reference's that is not here */
export function refuseOption(command: string, option: string): void {
  const reason = reasons[command]?.[option];
  if (reason === undefined) return;
  throw new CliFailure(`\`${option}\` of \`${command}\` is not there: ${reason}`, {
    hint: "docs/cli.md has every option with its state.",
    exitCode: 2,
  });
}

/** The same of a word behind a command. @throws {CliFailure} */
export function refuseSubcommand(command: string, word: string): void {
  const reason = subcommands[command]?.[word];
  if (reason === undefined) return;
  throw new CliFailure(`\`${command} ${word}\` is not there: ${reason}`, { exitCode: 2 });
}
