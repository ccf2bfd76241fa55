/** Runs the clients of a load in a process of their own. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Target } from "./websocket-client.ts";

export interface LoadOptions {
  readonly target: Target;
  readonly connectionCount: number;
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly runMs: number;
  /** Processes whose processor time is wanted, by what they are. */
  readonly processes?: Readonly<Record<string, number>>;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly answered: number;
  /** Calls that the module or the server refused. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Processor time by process, the clients' among them: what takes a second of each second is what is measured. */
  readonly cpuMicrosPerCall: Readonly<Record<string, number>>;
}

/** @throws {Error} when no call was answered, or one in a hundred failed: the figure would mean something else */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const script = fileURLToPath(new URL("./load-main.ts", import.meta.url));
  const profile = process.env["LIGHTCONE_BENCH_PROFILE"];
  const flags = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}/client`];
  const child = spawn(process.execPath, [...flags, script, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the clients ended with ${code}`))));
  });
  const result: LoadResult = JSON.parse(text);
  if (result.answered === 0 || result.failed * 100 > result.answered)
    throw new Error(`${result.failed} of ${result.answered} calls failed`);
  return result;
}
