/** A project as `lightcone init` makes it, which `lightcone dev` runs, and a browser to look at its page. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const main = join(root, "packages/cli/src/main.ts");

export const browserPath = process.env["LIGHTCONE_CHROMIUM"] ?? "/usr/bin/chromium";
export const hasBrowser = existsSync(browserPath);
const browserArgs = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];

export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: browserPath, args: browserArgs });

/** Somebody's window, and the network that it is in. */
export interface Window {
  readonly page: Page;
  /** The network goes: nothing new gets through, and what was open breaks. */
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** The laptop sleeps: no timer of the page runs, and the network forgets what was open without telling it, then or later. */
  sleep(): Promise<void>;
  /** Hours later. */
  wake(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A window of somebody's own, as wide as a phone. What goes wrong in it by itself is kept.
 *
 * Chromium's offline mode has no effect on WebSockets: a way of its own to the page's server, which can be broken, is what
 * a network is beside that.
 */
export async function openWindow(browser: Browser, url: string, faults: string[]): Promise<Window> {
  const sockets = new Set<Socket>();
  /** Those on the server's side. */
  const fars = new Set<Socket>();
  let isCut = false;
  let isAsleep = false;
  const way = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(Number(new URL(url).port), "127.0.0.1");
    fars.add(far.on("close", () => fars.delete(far)));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket
        .on("error", () => undefined)
        .on("close", () => {
          sockets.delete(socket);
          if (!isAsleep) other.destroy();
        });
      socket.pipe(other);
    }
  }).listen(0, "127.0.0.1");
  await once(way, "listening");
  const address = way.address();
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const baseURL = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
  const context = await browser.newContext({ viewport: { width: 360, height: 720 }, baseURL });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (line) => {
    // That the server or the network is away shows there too, and is no fault.
    const isAway = /ERR_|WebSocket|server connection lost|status of 50\d/.test(line.text());
    if (line.type() === "error" && !isAway) faults.push(line.text());
  });
  // Runs as the machine's does, until it is told otherwise.
  const { clock } = page;
  await clock.install();
  return {
    page,
    async sleep() {
      isAsleep = true;
      await clock.pauseAt(Number(await page.evaluate("Date.now()")) + 1000);
      const gone = [...fars].map((far) => once(far.destroy(), "close"));
      await Promise.all(gone);
    },
    async wake() {
      isAsleep = false;
      // What was due meanwhile runs once. Nothing tells the page: its client sees by the clock that it was away, asks whether anybody
      // is there, and nobody answers.
      await clock.fastForward("03:00:00");
      await clock.fastForward("00:00:15");
      await clock.resume();
    },
    async cut() {
      isCut = true;
      breakAll();
      await context.setOffline(true);
    },
    async mend() {
      isCut = false;
      await context.setOffline(false);
    },
    async close() {
      await context.close();
      way.close();
      breakAll();
    },
  };
}

export class Project {
  readonly folder: string;
  url = "";
  out = "";
  private readonly place: string;
  private readonly env: NodeJS.ProcessEnv;
  private child: ChildProcess | undefined;
  private served: ChildProcess | undefined;

  private constructor(place: string) {
    this.place = place;
    this.folder = join(place, "my-app");
    const node = dirname(process.execPath);
    this.env = {
      ...process.env,
      PATH: `${node}:${process.env["PATH"]}`,
      NO_COLOR: "1",
      XDG_CONFIG_HOME: join(place, "config"),
    };
  }

  /** What `init` makes, with the packages of this repository in the place of those that npm would install. */
  static async init(template: string): Promise<Project> {
    const project = new Project(mkdtempSync(join(tmpdir(), `lightcone-${template}-`)));
    const { folder } = project;
    project.run(project.place, "init", "my-app", "--template", template);
    const { dependencies, devDependencies }: Readonly<Record<string, object>> = JSON.parse(
      readFileSync(join(folder, "package.json"), "utf8"),
    );
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      mkdirSync(dirname(join(folder, "node_modules", name)), { recursive: true });
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "dir");
    }
    // Ports that nobody else has. The rest is as it was made.
    const [server, page] = [await freePort(), await freePort()];
    project.edit("lightcone.json", ":3000", `:${server}`);
    project.edit("vite.config.ts", "server: {", `server: { host: "127.0.0.1", port: ${page}, strictPort: true,`);
    return project;
  }

  /** The rows of a statement, as anybody may ask for them. */
  async rows(statement: string): Promise<readonly (readonly unknown[])[]> {
    const { server, database }: Readonly<Record<"server" | "database", string>> = JSON.parse(
      readFileSync(join(this.folder, "lightcone.json"), "utf8"),
    );
    const answer = await fetch(`${server}/v1/database/${database}/sql`, { method: "POST", body: statement });
    const [result]: { readonly rows: readonly (readonly unknown[])[] }[] = JSON.parse(await answer.text());
    return result?.rows ?? [];
  }

  /** `lightcone …` in the project, or elsewhere. */
  run(cwd: string, ...args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
      cwd,
      env: this.env,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Looks at the project's types, and runs its own tests: what they say. */
  test(): string {
    const files = readdirSync(join(this.folder, "test")).filter((name) => name.endsWith(".test.ts"));
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    const said = [[compiler], [compiler, "-p", "page"], ["--test", ...files.map((name) => join("test", name))]].map(
      (args) => {
        const options = { cwd: this.folder, env: this.env, encoding: "utf8" } as const;
        const { status, stdout, stderr } = spawnSync(process.execPath, args, options);
        if (status !== 0) throw new Error(stdout + stderr);
        return stdout;
      },
    );
    return said.join("");
  }

  /** `lightcone dev`, until the page is there. */
  async dev(): Promise<void> {
    this.out = "";
    const child = spawn(process.execPath, [main, "dev"], {
      cwd: this.folder,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (this.out += chunk.toString()));
    this.url = (await this.saying(/^Page: (\S+)[^]*Waiting for next change/m))[1] ?? "";
  }

  /** The page as it is deployed, behind a server that leads `/v1` to the database's. */
  async preview(): Promise<string> {
    const vite = join(root, "node_modules/vite/bin/vite.js");
    const options = { cwd: this.folder, env: this.env };
    const build = spawn(process.execPath, [vite, "build"], { ...options, stdio: ["ignore", "ignore", "pipe"] });
    const [said] = await Promise.all([text(build.stderr), once(build, "exit")]);
    if (build.exitCode !== 0) throw new Error(said);
    const port = await freePort();
    const args = ["preview", "--host", "127.0.0.1", "--port", String(port), "--strictPort"];
    const child = spawn(process.execPath, [vite, ...args], { ...options, stdio: ["ignore", "pipe", "ignore"] });
    this.served = child;
    await once(child.stdout, "data");
    return `http://127.0.0.1:${port}/`;
  }

  /** Waits until `dev` has said something, from where it was on. */
  async saying(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.out.slice(from));
      if (match !== null) return match;
      if (this.child?.exitCode !== null) throw new Error(`dev ended before ${String(pattern)}:\n${this.out}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  edit(file: string, before: string, after: string): void {
    const path = join(this.folder, file);
    const text = readFileSync(path, "utf8");
    if (!text.includes(before)) throw new Error(`${file} has no ${before}`);
    writeFileSync(path, text.replace(before, after));
  }

  /** The process that has the database: a child of `dev` with its lock. */
  hosts(): readonly number[] {
    const { stdout } = spawnSync("ps", ["-o", "pid=,args=", "--ppid", String(this.child?.pid)], { encoding: "utf8" });
    return stdout
      .split("\n")
      .filter((line) => line.includes("host-main"))
      .map((line) => Number.parseInt(line, 10));
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  async close(): Promise<void> {
    this.served?.kill();
    await this.end("SIGTERM");
    rmSync(this.place, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  await new Promise((closed) => probe.close(closed));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}
