/** Runs subscribers in a process of their own. */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Target } from "./websocket-client.ts";

/** What the connections subscribe to: all to one text, or so many values of a column between them, `text = value` each. */
export type Queries =
  | { readonly kind: "same"; readonly text: string }
  | { readonly kind: "points"; readonly text: string; readonly count: number };

export interface ListenOptions {
  readonly target: Pick<Target, "port" | "path">;
  readonly connectionCount: number;
  readonly queries: Queries;
}

export interface ListenResult {
  /** Messages a second, all connections together. */
  readonly perSecond: number;
  /** From the time that stands behind a `stamp` in a message to its arrival; of one message a read. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMicrosPerDelivery: number;
}

/** Stands in a row before the time that it was written at, microseconds since 1970 as an i64. */
export const stamp = 0x5eed_71c4_a11b_0a7dn;
const bytes = new DataView(new ArrayBuffer(8));
bytes.setBigUint64(0, stamp, true);
export const stampBytes: Uint8Array = new Uint8Array(bytes.buffer);

export class Listeners {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>) {
    this.child = child;
    this.lines = lines;
  }

  /** Connects and subscribes them all. */
  static async open(options: ListenOptions): Promise<Listeners> {
    const script = fileURLToPath(new URL("./listen-main.ts", import.meta.url));
    const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const listeners = new Listeners(child, lines);
    await listeners.line();
    return listeners;
  }

  /** Counts anew from here. */
  restart(): void {
    this.child.stdin?.write("\n");
  }

  /** Ends them. @returns what has come since they were ready, or counted anew */
  async stop(): Promise<ListenResult> {
    this.child.stdin?.end();
    return JSON.parse(await this.line());
  }

  /** The next line of the process. @throws {Error} when it ended instead */
  private async line(): Promise<string> {
    const next = await this.lines.next();
    if (next.done === true) throw new Error("the subscribers ended: what they wrote says why");
    return next.value;
  }
}
