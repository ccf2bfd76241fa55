/** A server that keeps nothing, with this project's module in it. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const folder = dirname(import.meta.dirname);
const installed = createRequire(import.meta.url).resolve("lightcone/package.json");
const lightcone = join(dirname(installed), "bin/lightcone.js");

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startServer(database: string): Promise<Server> {
  const args = ["start", "--in-memory", "--log-level", "warn", "--listen-addr", "127.0.0.1:0"];
  const server = spawn(process.execPath, [lightcone, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  while (!said.includes("listening on")) said += String((await once(server.stdout, "data"))[0]);
  const url = /listening on (\S+)/.exec(said)?.[1] ?? "";
  const words = ["publish", database, "--server", url, "--no-check"];
  const published = spawnSync(process.execPath, [lightcone, ...words], { cwd: folder, encoding: "utf8" });
  if (published.status !== 0) throw new Error(published.stdout + published.stderr);
  return {
    url,
    async stop() {
      server.kill();
      await once(server, "exit");
    },
  };
}
