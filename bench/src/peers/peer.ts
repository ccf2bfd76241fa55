/** A peer's server in a process of its own: says on standard output where it listens. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Target } from "../support/websocket-client.ts";

export interface Peer {
  readonly target: Target;
  stop(): Promise<void>;
}

/** @param script a file of this folder */
export async function openPeer(script: string, args: readonly string[], accountCount: number): Promise<Peer> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`${script} ended before it listened`)));
    createInterface({ input: child.stdout }).once("line", (line) => resolve(JSON.parse(line).port));
  });
  return {
    target: { port, path: "/", accountCount },
    stop: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await gone;
    },
  };
}
