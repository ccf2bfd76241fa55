// Goal: one process holds a directory, whatever namespace, host name or state it is in; one that ended in any way keeps
// nobody out, and whoever waits gets in as soon as it is gone.
// Method: real processes that lock a directory and say so; namespaces by `unshare`, where the system lets us.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isLightconeError } from "./index.ts";
import { lockDirectory } from "./node.ts";
import { realClock } from "./real-runtime.ts";

let directory: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lightcone-lock-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(directory, { recursive: true });
});

const script = `
import ${JSON.stringify(new URL("./errors.ts", import.meta.url).href)};
import { lockDirectory } from ${JSON.stringify(new URL("./node.ts", import.meta.url).href)};
import { realClock } from ${JSON.stringify(new URL("./real-runtime.ts", import.meta.url).href)};
const [directory, waitMs] = process.argv.slice(1);
async function enter() {
  await lockDirectory(directory, { clock: realClock, waitMs: Number(waitMs) });
}
try {
  await enter();
  console.log("locked " + process.pid);
  // Nobody holds on to what was returned.
  process.stdin.resume().on("data", () => {
    for (let turn = 0; turn < 5; turn += 1) setImmediate(() => globalThis.gc());
    setTimeout(() => console.log("collected"), 50);
  });
} catch (error) {
  console.log(error.code + " " + error.message);
  process.exit(1);
}`;

function nodeArgs(waitMs: number): string[] {
  return ["--expose-gc", "--input-type=module", "-e", script, directory, String(waitMs)];
}

class Holder {
  readonly child: ChildProcess;
  private said = "";

  /** @param around a command that runs the process, `unshare` for one */
  constructor(around: readonly string[] = [], waitMs = 0) {
    const [command = "", ...args] = [...around, process.execPath, ...nodeArgs(waitMs)];
    this.child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.said += chunk.toString()));
    children.push(this.child);
  }

  async saying(pattern: RegExp): Promise<string> {
    for (;;) {
      if (pattern.test(this.said)) return this.said;
      if (this.child.exitCode !== null) throw new Error(`it ended before ${String(pattern)}: ${this.said}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }
}

/** What became of another process that wants the directory. */
function outcome(around: readonly string[] = [], waitMs = 0): string {
  const [command = "", ...args] = [...around, process.execPath, ...nodeArgs(waitMs)];
  const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8", input: "" });
  expect(stderr).toBe("");
  return stdout;
}

const canUnshare = spawnSync("unshare", ["--pid", "--uts", "--fork", "true"]).status === 0;
const namespace = ["unshare", "--pid", "--uts", "--fork", "--kill-child", "--mount-proc"];
const renamed = (host: string): string[] => [
  "unshare",
  "--uts",
  "--pid",
  "--fork",
  "--kill-child",
  "sh",
  "-c",
  `hostname ${host}; exec "$0" "$@"`,
];

describe("row 4: the lock of a directory", () => {
  test("is held against everyone else, in the same process and in another, and let go of", async () => {
    const options = { clock: realClock, waitMs: 0 };
    const lock = await lockDirectory(directory, options);
    const own = await lockDirectory(directory, options).catch((error: unknown) => error);
    expect(isLightconeError(own, "DataDirectoryLocked") && own.detail).toMatchObject({ pid: process.pid });
    expect(outcome()).toMatch(
      new RegExp(`^DataDirectoryLocked .* is in use by process ${process.pid} of \\S+, since 2`),
    );
    await lock.release();
    expect(outcome()).toMatch(/^locked/);
    await (await lockDirectory(directory, options)).release();
    expect(readdirSync(directory)).toEqual(["lock"]);
  });

  test("outlives everything but its process", async () => {
    const holder = new Holder();
    await holder.saying(/^locked/);
    holder.child.stdin?.write("\n");
    await holder.saying(/collected/);
    // Whoever else reads the file takes nothing from the holder.
    readFileSync(join(directory, "lock"));
    expect(outcome()).toMatch(/^DataDirectoryLocked/);
    await holder.kill();
    expect(outcome()).toMatch(/^locked/);
  });

  test("is waited for while its holder ends, and no longer", async () => {
    const holder = new Holder();
    await holder.saying(/^locked/);
    const next = new Holder([], 20_000);
    setTimeout(() => holder.child.kill("SIGKILL"), 300);
    await next.saying(/^locked/);
    const said: string[] = [];
    const refused = lockDirectory(directory, {
      clock: realClock,
      waitMs: 700,
      onWait: ({ message }) => said.push(message),
    });
    await expect(refused).rejects.toMatchObject({ code: "DataDirectoryLocked" });
    expect(said).toEqual([expect.stringContaining(`process ${next.child.pid}`)]);
  });

  test.each([0, 20, 50, 100, 200])("is free %i ms after `kill -9`", async (afterMs) => {
    const holder = new Holder();
    await holder.saying(/^locked/);
    holder.child.kill("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    expect(outcome([], 5000)).toMatch(/^locked/);
  });

  test("is free when its holder is a zombie", async () => {
    // The shell becomes `sleep`, which never asks how its child ended.
    const parent = spawn("sh", ["-c", `"$0" "$@" & exec sleep 1000`, process.execPath, ...nodeArgs(0)]);
    children.push(parent);
    let said = "";
    parent.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    while (!/^locked \d+\n/.test(said)) await new Promise((resolve) => setTimeout(resolve, 5));
    const pid = Number(said.split(" ")[1]);
    process.kill(pid, "SIGKILL");
    const state = (): string | undefined => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    while (state() !== "Z") await new Promise((resolve) => setTimeout(resolve, 5));
    expect(outcome()).toMatch(/^locked/);
    expect(state()).toBe("Z");
  });

  test.skipIf(!canUnshare)("keeps out a process of another namespace with the same number and host name", async () => {
    const holder = new Holder(namespace);
    expect(await holder.saying(/locked/)).toBe("locked 1\n");
    expect(outcome(namespace)).toMatch(/^DataDirectoryLocked .* is in use by process 1 /);
    await holder.kill();
    expect(outcome(namespace, 2000)).toBe("locked 1\n");
  });

  test.skipIf(!canUnshare)("is free for a machine of another name when its holder was killed", async () => {
    const holder = new Holder(renamed("alpha"));
    await holder.saying(/locked/);
    expect(outcome(renamed("beta"))).toMatch(/^DataDirectoryLocked .* of alpha, since/);
    await holder.kill();
    expect(outcome(renamed("beta"), 2000)).toMatch(/^locked/);
  });
});
