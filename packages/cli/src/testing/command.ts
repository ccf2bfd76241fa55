/** Runs the `lightcone` command as its users do: as a process, in a folder and with settings of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../../../../", import.meta.url));
export const bin = join(repository, "packages/lightcone/bin/lightcone.js");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Where a process runs, and what its standard input says; nothing can be read there if left out. */
interface Opening {
  readonly cwd?: string;
  readonly input?: string;
}

/** A process that is under way. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out = "";
  err = "";

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => (this.out += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.err += chunk.toString()));
    this.ended = once(child, "close").then(() => ({ code: child.exitCode, out: this.out, err: this.err }));
  }

  /** Waits until it has said what is looked for. */
  async saying(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.out) ?? pattern.exec(this.err);
      if (match !== null) return match;
      if (this.child.exitCode !== null) throw new Error(`ended before ${String(pattern)}:\n${this.out}${this.err}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** A temporary folder with settings and data, and the commands that run in it. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), "lightcone-cli-"));
  readonly env: NodeJS.ProcessEnv = {
    ...process.env,
    // Commands that start `node` find this one.
    PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
    XDG_CONFIG_HOME: join(this.folder, "config"),
    NO_COLOR: "1",
    // Whether packages are up to date is not what is tested here.
    LIGHTCONE_SKIP_INSTALL: "1",
  };
  private readonly running = new Set<Running>();

  path(name: string): string {
    return join(this.folder, name);
  }

  /** `lightcone …`, in the repository's root. */
  run(...args: readonly string[]): Promise<Ended> {
    return this.open(process.execPath, [bin, ...args]).ended;
  }

  start(...args: readonly string[]): Running {
    return this.open(process.execPath, [bin, ...args]);
  }

  /** `lightcone …` whose standard input says `input`, and ends. */
  answered(input: string, ...args: readonly string[]): Promise<Ended> {
    return this.open(process.execPath, [bin, ...args], { input }).ended;
  }

  open(command: string, args: readonly string[], { cwd = repository, input }: Opening = {}): Running {
    const stdin = input === undefined ? "ignore" : "pipe";
    const child = spawn(command, args, { cwd, env: this.env, stdio: [stdin, "pipe", "pipe"] });
    // A command that asks nothing leaves what it was told unread.
    child.stdin?.on("error", () => undefined).end(input);
    const running = new Running(child);
    this.running.add(running);
    void running.ended.then(() => this.running.delete(running));
    return running;
  }

  /** Ends what still runs and removes the folder. */
  async close(): Promise<void> {
    for (const running of this.running) running.child.kill("SIGKILL");
    await Promise.all([...this.running].map((running) => running.ended));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
