/**
 * The command line: every command with its options and an example, group by group in `program/`. What a command does is in
 * `commands/`, loaded when it runs, so that `--help` needs nothing of the server or the bundler.
 */
import { Command, Option } from "commander";
import { configPathOf } from "./config/cli-config.ts";
import { CliFailure } from "./failure.ts";
import type { Globals, Program } from "./program/adding.ts";
import { addDatabaseCommands } from "./program/databases.ts";
import { addLoginCommands } from "./program/logins.ts";
import { addModuleCommands } from "./program/modules.ts";
import { addServerCommands, addStartCommand } from "./program/servers.ts";
import { version } from "./version.ts";

export function makeProgram(): Command {
  const root = new Command("lightcone");
  root
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
  const globals = (): Globals => {
    const flags = root.opts<{ rootDir?: string; configPath?: string }>();
    return {
      configPath: configPathOf(flags),
      dataDefault: flags.rootDir === undefined ? ".lightcone" : `${flags.rootDir}/data`,
    };
  };
  const add = (name: string, summary: string, example: string, options: readonly Option[] = []): Command => {
    const command = root.command(name).description(summary).exitOverride();
    for (const option of options) command.addOption(option);
    return command
      .addHelpText("after", `\nExample:\n  ${example}`)
      .showHelpAfterError(`\nExample:\n  ${example}\nAll of it: lightcone ${name} --help`);
  };

  const program: Program = { root, add, globals };
  addStartCommand(program);
  addModuleCommands(program);
  addDatabaseCommands(program);
  addLoginCommands(program);
  addServerCommands(program);
  add("version", "Say which version this is.", "lightcone version --json", [new Option("--json", "as JSON")]).action(
    async (flags: { json?: boolean }) => (await import("./commands/version.ts")).showVersion(flags.json === true),
  );

  // Guides to the reference end with it.
  root
    .command("energy", { hidden: true })
    .exitOverride()
    .argument("[words...]")
    .action(() => {
      throw new CliFailure("there is no energy here: nothing is charged, and no call is stopped for want of it", {
        hint: "What bounds a call is its time: docs/limits.md.",
      });
    });
  return root;
}
