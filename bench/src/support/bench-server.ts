/** A Lightcone server in processes of its own, with one database. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bundleModule } from "@lightcone/cli/bundle";
import type { Target } from "./websocket-client.ts";

export interface ServeSettings {
  readonly dataDirectory: string;
  /** Whether the host echoes frames instead of hosting a database. */
  readonly isEcho: boolean;
  readonly hostFlags: readonly string[];
  readonly databaseLimits: object;
}

/** A program to publish. */
export interface Program {
  readonly bytes: string | Uint8Array<ArrayBuffer>;
  readonly hostType: "Js" | "Wasm";
}

/** The bank in TypeScript, bundled as `lightcone publish` does. */
export async function typescriptModule(name: string): Promise<Program> {
  const entry = fileURLToPath(new URL(`../../../modules/typescript/${name}/src/index.ts`, import.meta.url));
  return { bytes: (await bundleModule(entry)).code, hostType: "Js" };
}

/** The bank in Rust; undefined when it is not built. */
export async function rustModule(name: string): Promise<Program | undefined> {
  const path = fileURLToPath(new URL(`../../../modules/rust/built/${name}.wasm`, import.meta.url));
  return existsSync(path) ? { bytes: new Uint8Array(await readFile(path)), hostType: "Wasm" } : undefined;
}

export class BenchServer {
  private readonly child: ChildProcess;
  readonly port: number;
  private readonly hostPid: () => number;
  private token = "";

  private constructor(child: ChildProcess, port: number, hostPid: () => number) {
    this.child = child;
    this.port = port;
    this.hostPid = hostPid;
  }

  /** Starts a server over `dataDirectory`, which is made if it is missing. */
  static async open(
    dataDirectory: string,
    options: { readonly isEcho?: boolean; readonly databaseLimits?: object } = {},
  ): Promise<BenchServer> {
    await mkdir(dataDirectory, { recursive: true });
    const profile = process.env["LIGHTCONE_BENCH_PROFILE"];
    const flags = (of: string): string[] =>
      profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}/${of}`];
    const settings: ServeSettings = {
      dataDirectory,
      isEcho: options.isEcho ?? false,
      hostFlags: flags("host"),
      databaseLimits: options.databaseLimits ?? {},
    };
    const script = fileURLToPath(new URL("./serve-main.ts", import.meta.url));
    const child = spawn(process.execPath, [...flags("front"), script, JSON.stringify(settings)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let hostPid = 0;
    const port = await new Promise<number>((resolve, reject) => {
      child.once("exit", () => reject(new Error("the server ended before it listened")));
      createInterface({ input: child.stdout }).on("line", (line) => {
        const fact: { port?: number; host?: number } = JSON.parse(line);
        hostPid = fact.host ?? hostPid;
        if (fact.port !== undefined) resolve(fact.port);
      });
    });
    const server = new BenchServer(child, port, () => hostPid);
    const response = await fetch(`http://127.0.0.1:${port}/v1/identity`, { method: "POST" });
    const { token }: { token: string } = JSON.parse(await response.text());
    server.token = token;
    return server;
  }

  /** The processes of front and host. */
  get processes(): Readonly<Record<string, number>> {
    return { front: this.child.pid ?? 0, host: this.hostPid() };
  }

  /** Ends the server at once, as a power cut would. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await gone;
  }

  async publish(database: string, { bytes, hostType }: Program): Promise<void> {
    await this.request("PUT", `/v1/database/${database}?host_type=${hostType}`, bytes);
  }

  async call(database: string, reducer: string, args: readonly unknown[]): Promise<void> {
    await this.request("POST", `/v1/database/${database}/call/${reducer}`, JSON.stringify(args), "application/json");
  }

  /** @throws {Error} for any status but 200 */
  async request(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    type = "application/octet-stream",
  ): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": type },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text;
  }

  /** Where clients of `v1.bsatn` connect; answers come when they are durable. */
  target(database: string, accountCount: number): Target {
    return {
      port: this.port,
      path: `/v1/database/${database}/subscribe?compression=None&confirmed=true`,
      accountCount,
    };
  }
}
