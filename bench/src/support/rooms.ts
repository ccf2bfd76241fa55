/** Many databases on one server, each with a silent client, for questions about memory and waking. */
import { readFileSync } from "node:fs";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { proportionalBytes } from "@lightcone/server";
import { buildPrograms } from "@lightcone/server/build-programs";
import { WebSocket } from "ws";
import { typescriptModule, type Program } from "./bench-server.ts";

interface Fact {
  readonly port?: number;
  readonly host?: number;
  readonly database?: string;
  readonly spares?: readonly number[];
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const sources: Readonly<Record<string, string>> = {
  "rooms-main": "bench/src/support/rooms-main.ts",
  "host-main": "packages/server/src/process/host-main.ts",
  "watch-main": "packages/server/src/process/watch-main.ts",
  "database-factory": "packages/server/src/process/database-factory.ts",
  "procedure-main": "packages/host-js/src/sys/procedure-main.ts",
};
const waitMsMax = 120_000;

export class Rooms {
  private readonly child: ChildProcess;
  private readonly built: string;
  private readonly program: Program;
  /** The process that hosts a database, and when that began, by the database's identity. */
  private readonly hosts = new Map<string, { readonly pid: number; readonly startedAt: string | undefined }>();
  private readonly identities: string[] = [];
  private readonly sockets: WebSocket[] = [];
  private port = 0;
  private token = "";
  private tellSpares: (spares: readonly number[]) => void = () => undefined;

  private constructor(child: ChildProcess, built: string, program: Program) {
    this.child = child;
    this.built = built;
    this.program = program;
  }

  /** Starts a server, built as what ships is: running from sources takes the front 35 MB more. */
  static async open(dataDirectory: string, parkAfterMs: number): Promise<Rooms> {
    await mkdir(dataDirectory, { recursive: true });
    // Within the repository, where the npm packages are found.
    const cache = join(root, "node_modules/.cache");
    await mkdir(cache, { recursive: true });
    const built = await mkdtemp(join(cache, "lightcone-bench-"));
    await buildPrograms(
      built,
      Object.fromEntries(Object.entries(sources).map(([name, path]) => [name, join(root, path)])),
    );
    const child = spawn(process.execPath, [join(built, "rooms-main.js"), dataDirectory, String(parkAfterMs)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const rooms = new Rooms(child, built, await typescriptModule("chat"));
    await rooms.listening();
    const response = await fetch(`http://127.0.0.1:${rooms.port}/v1/identity`, { method: "POST" });
    const { token }: { token: string } = JSON.parse(await response.text());
    rooms.token = token;
    return rooms;
  }

  /** Makes one more room, with a client in it that says nothing. @returns how long that took until it was durable */
  async add(): Promise<number> {
    const fromMs = performance.now();
    const name = `room-${this.identities.length}`;
    const text = await this.request("PUT", `/v1/database/${name}?host_type=Js`, this.program.bytes);
    const ms = performance.now() - fromMs;
    const { Success: success }: { Success: { database_identity: string } } = JSON.parse(text);
    this.identities.push(success.database_identity);
    await this.visit(name);
    return ms;
  }

  /** Calls a reducer. @returns how long it took to be answered, durable */
  async call(room: number): Promise<number> {
    const fromMs = performance.now();
    await this.request("POST", `/v1/database/room-${room}/call/send_message`, `["hello"]`, "application/json");
    return performance.now() - fromMs;
  }

  /** Rooms that have a process. */
  get awake(): readonly number[] {
    const hosts = [...this.hosts.values()];
    return hosts
      .filter(({ pid, startedAt }) => startedAt !== undefined && startOf(pid) === startedAt)
      .map(({ pid }) => pid);
  }

  /** Waits until no more than `count` rooms have a process. */
  async parked(count = 0): Promise<void> {
    const endMs = performance.now() + waitMsMax;
    while (this.awake.length > count) {
      if (performance.now() > endMs) throw new Error(`${this.awake.length} rooms keep their process`);
      await sleep(50);
    }
  }

  /** Waits until as many hosts as may be wait for a room. */
  async sparesAreThere(count: number): Promise<readonly number[]> {
    const endMs = performance.now() + waitMsMax;
    for (;;) {
      const spares = await this.spares();
      if (spares.length >= count) return spares;
      if (performance.now() > endMs) throw new Error("no spare hosts come");
      await sleep(50);
    }
  }

  /** Bytes of memory that processes take, what they share counted once. */
  async bytesOf(pids: readonly number[]): Promise<number> {
    let bytes = 0;
    for (const pid of pids) bytes += (await proportionalBytes(pid)) ?? 0;
    return bytes;
  }

  get front(): number {
    return this.child.pid ?? 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    if (this.child.exitCode === null) {
      const gone = new Promise((resolve) => this.child.once("exit", resolve));
      this.child.kill("SIGTERM");
      await gone;
    }
    await rm(this.built, { recursive: true, force: true });
  }

  private listening(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.child.once("exit", () => reject(new Error("the server ended before it listened")));
      createInterface({ input: this.child.stdout ?? process.stdin }).on("line", (line) => {
        const fact: Fact = JSON.parse(line);
        if (fact.host !== undefined && fact.database !== undefined)
          this.hosts.set(fact.database, { pid: fact.host, startedAt: startOf(fact.host) });
        if (fact.spares !== undefined) this.tellSpares(fact.spares);
        if (fact.port === undefined) return;
        this.port = fact.port;
        resolve();
      });
    });
  }

  private spares(): Promise<readonly number[]> {
    return new Promise((resolve) => {
      this.tellSpares = resolve;
      this.child.kill("SIGUSR2");
    });
  }

  private async visit(name: string): Promise<void> {
    const url = `ws://127.0.0.1:${this.port}/v1/database/${name}/subscribe?compression=None&confirmed=true`;
    const socket = new WebSocket(url, "v1.bsatn.spacetimedb", { perMessageDeflate: false });
    this.sockets.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("message", () => resolve());
      socket.once("error", reject);
    });
  }

  private async request(method: string, path: string, body: Program["bytes"], type = "application/octet-stream") {
    const headers = { authorization: `Bearer ${this.token}`, "content-type": type };
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, { method, headers, body });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return text;
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** When a process began, in the system's ticks; undefined when there is none. With so many, numbers are used again. */
function startOf(pid: number): string | undefined {
  try {
    // Its name, in parentheses, may have anything in it.
    return readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ")[19];
  } catch {
    return undefined;
  }
}
