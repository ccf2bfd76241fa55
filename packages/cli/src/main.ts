/**
 * The `lightcone` command.
 *
 * Exit codes: 0 success · 1 the command failed · 2 the command line does not read.
 */
import { CommanderError } from "commander";
import { inOrder } from "./arguments.ts";
import { CliFailure, failureText } from "./failure.ts";
import { makeProgram } from "./program.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads the output may have read enough, as `head` does.
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`Error: the output could not be written: ${error.message}\n`);
  process.exit(1);
});
process.exitCode = await run(process.argv.slice(2));

async function run(args: readonly string[]): Promise<number> {
  const program = makeProgram();
  if (args.length === 0) {
    program.outputHelp({ error: true });
    return 2;
  }
  try {
    await program.parseAsync([...inOrder(program, args)], { from: "user" });
    return 0;
  } catch (error) {
    // Commander has said what it had to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(failureText(error));
    return error instanceof CliFailure ? error.exitCode : 1;
  }
}
