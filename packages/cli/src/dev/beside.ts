/** A command of the project's own that runs beside the module, as `--run` or `spacetime.json` names it: the client, mostly. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { tell } from "./stream.ts";

/** Starts it in a shell. What it says is in the stream; that it ends is said, and ends nothing. It ends with this process. */
export function runBeside(command: string, project: string, about: { database: string; server: string }): void {
  const env = { ...process.env, SPACETIMEDB_DB_NAME: about.database, SPACETIMEDB_HOST: about.server };
  const child = spawn(command, { shell: true, cwd: project, env, stdio: ["ignore", "pipe", "pipe"] });
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", (line) => tell("page", line));
  child.once("error", (error) => tell("page", `${command} could not be started: ${error.message}`));
  child.once("exit", (code, signal) => tell("page", `${command} has ended: ${signal ?? `code ${code}`}`));
  const end = (): void => void child.kill();
  process.once("exit", end);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      end();
      // Where nobody else ends this process in good order, the signal does.
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
}
