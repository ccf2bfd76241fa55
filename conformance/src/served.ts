/** A server in a process of its own, for suites that kill it. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { HttpReach } from "@lightcone/server";
import { bundleModule } from "../../packages/cli/src/build/bundle.ts";

export interface ServedOptions {
  readonly databaseLimits?: object;
  readonly serverLimits?: object;
  /** Flags of the hosts' Node, and of the front's. */
  readonly nodeFlags?: readonly string[];
  readonly frontFlags?: readonly string[];
  readonly logLevel?: string;
  readonly procedureHttp?: HttpReach;
  /** Where its data directory is made. */
  readonly under?: string;
}

export class Served {
  readonly dataDirectory: string;
  private readonly options: ServedOptions;
  private child: ChildProcess | undefined;
  private port = 0;
  private whenTidy: () => void = () => undefined;
  /** The process that hosts a database, by the database's identity. */
  readonly hosts = new Map<string, number>();
  /** When that process began, in the system's ticks: numbers are used again. */
  private readonly startedAt = new Map<string, string>();
  /** How many processes were told to open a database, by its identity. */
  readonly openings = new Map<string, number>();
  /** What the server has logged, if it was given a level. */
  readonly log: string[] = [];
  token = "";

  private constructor(dataDirectory: string, options: ServedOptions) {
    this.dataDirectory = dataDirectory;
    this.options = options;
  }

  static async open(options: ServedOptions = {}): Promise<Served> {
    const served = new Served(await mkdtemp(join(options.under ?? tmpdir(), "lightcone-")), options);
    await served.start();
    const response = await fetch(`${served.url}/v1/identity`, { method: "POST" });
    const { token }: { token: string } = JSON.parse(await response.text());
    served.token = token;
    return served;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The front's process id. */
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts the server on the port that it had before. */
  async start(): Promise<void> {
    const errors = this.options.logLevel === undefined ? "inherit" : "pipe";
    const child = spawn(process.execPath, this.command(), { stdio: ["ignore", "pipe", errors] });
    this.child = child;
    if (child.stderr !== null) createInterface({ input: child.stderr }).on("line", (line) => this.log.push(line));
    await new Promise<void>((resolve, reject) => {
      child.once("exit", () => reject(new Error("the server ended before it listened")));
      createInterface({ input: child.stdout ?? process.stdin }).on("line", (line) => {
        const fact: { port?: number; host?: number; database?: string; isTidy?: boolean } = JSON.parse(line);
        if (fact.isTidy === true) this.whenTidy();
        if (fact.host !== undefined && fact.database !== undefined) {
          this.hosts.set(fact.database, fact.host);
          this.startedAt.set(fact.database, startOf(fact.host) ?? "");
          this.openings.set(fact.database, (this.openings.get(fact.database) ?? 0) + 1);
        }
        if (fact.port === undefined) return;
        this.port = fact.port;
        resolve();
      });
    });
  }

  /** Ends the front process at once, as a power cut would, and waits until it is gone. */
  async killFront(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Publishes to a new database. @returns its identity */
  async create(database: string, program: string): Promise<string> {
    const response = await this.request("PUT", `/v1/database/${database}?host_type=Js`, program);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`publish answered ${response.status}: ${text}`);
    const { Success: success }: { Success: { database_identity: string } } = JSON.parse(text);
    return success.database_identity;
  }

  /** Whether a database has a process. */
  isAwake(identity: string): boolean {
    const startedAt = this.startedAt.get(identity);
    return startedAt !== undefined && startOf(this.hosts.get(identity) ?? 0) === startedAt;
  }

  /** Databases that have a process, by their identity. */
  get awake(): readonly string[] {
    return [...this.hosts.keys()].filter((identity) => this.isAwake(identity));
  }

  /** The directory with a database's files. */
  async directoryOf(identity: string): Promise<string> {
    const databases = join(this.dataDirectory, "databases", identity);
    const [directory = ""] = await readdir(databases);
    return join(databases, directory);
  }

  /** The processor time that a database's process has used. It grows while something runs there, whatever others use. */
  workedMs(identity: string): number {
    const fields = statOf(this.hosts.get(identity) ?? 0);
    return (Number(fields?.[11] ?? 0) + Number(fields?.[12] ?? 0)) * tickMs;
  }

  /** What the front has for itself in memory, in bytes, its garbage left out. */
  async frontBytes(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.whenTidy = resolve;
      this.child?.kill("SIGUSR2");
    });
    const text = await readFile(`/proc/${this.pid}/smaps_rollup`, "latin1");
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]);
    return (kilobytes("Private_Clean") + kilobytes("Private_Dirty")) * 1024;
  }

  /** Asks the server to end, and waits until it has. */
  async stopFront(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** Starts a server that is expected to refuse. */
  tryStart(): { readonly status: number | null; readonly stderr: string } {
    return spawnSync(process.execPath, this.command(), { encoding: "utf8", timeout: 30_000 });
  }

  /** @returns how many processes were killed */
  killHost(): number {
    let count = 0;
    for (const identity of this.awake) {
      try {
        process.kill(this.hosts.get(identity) ?? 0, "SIGKILL");
        count += 1;
      } catch {
        // It was gone already, and the next one is on its way.
      }
    }
    return count;
  }

  async stop(): Promise<void> {
    await this.stopFront();
    await rm(this.dataDirectory, { recursive: true, force: true });
  }

  private command(): string[] {
    const script = fileURLToPath(new URL("./serve.ts", import.meta.url));
    const { frontFlags = [] } = this.options;
    return ["--expose-gc", ...frontFlags, script, this.dataDirectory, String(this.port), JSON.stringify(this.options)];
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  /** Publishes a TypeScript module of `modules/typescript`. */
  async publishTypeScript(database: string, module: string): Promise<void> {
    const entry = fileURLToPath(new URL(`../../modules/typescript/${module}/src/index.ts`, import.meta.url));
    const { code } = await bundleModule(entry);
    await this.publish(database, code, "Js");
  }

  async publish(database: string, program: string | Uint8Array<ArrayBuffer>, hostType: "Js" | "Wasm"): Promise<void> {
    const response = await this.request("PUT", `/v1/database/${database}?host_type=${hostType}`, program);
    if (response.status !== 200) throw new Error(`publish answered ${response.status}: ${await response.text()}`);
  }

  request(method: string, path: string, body?: string | Uint8Array<ArrayBuffer>): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}` },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Calls a reducer over HTTP, as the owner unless a token is given. */
  call(database: string, reducer: string, args: string, token: string = this.token): Promise<Response> {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    return fetch(`${this.url}/v1/database/${database}/call/${reducer}`, { method: "POST", headers, body: args });
  }

  /** Rows of a statement, in the positional form. */
  async sql(database: string, statement: string): Promise<readonly (readonly unknown[])[]> {
    const response = await this.request("POST", `/v1/database/${database}/sql`, statement);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`sql answered ${response.status}: ${text}`);
    const [result]: { rows: (readonly unknown[])[] }[] = JSON.parse(text);
    return result?.rows ?? [];
  }
}

/** When a process began; undefined when there is none. */
function startOf(pid: number): string | undefined {
  return statOf(pid)?.[19];
}

/** Linux counts in these. */
const tickMs = 10;

/** What the system says of a process, from its state on; undefined when there is none. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    // Its name, in parentheses, may have anything in it.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? undefined : fields;
  } catch {
    return undefined;
  }
}
