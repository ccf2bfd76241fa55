/** Commands that say who somebody is to a server. */
import { Option } from "commander";
import type { Program } from "./adding.ts";
import { server, yes } from "./options.ts";

export function addLoginCommands({ add, globals }: Program): void {
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
    await (await import("../commands/login.ts")).login({ ...flags, server: named, ...globals() });
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
      (await import("../commands/login.ts")).showLogin({ ...flags, ...globals() }),
    );

  add("logout", "Forget the identity that is kept.", "lightcone logout", [server(), yes()]).action(
    async (flags: { server?: string; yes?: boolean }) =>
      (await import("../commands/login.ts")).logout({ ...flags, ...globals() }),
  );
}
