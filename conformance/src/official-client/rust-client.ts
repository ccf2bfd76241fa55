/** A native program over the official Rust crate, which does what it is told and says what its callbacks are given. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The program for a line of the crate, undefined when it is not built: `node scripts/build-rust-clients.mjs` does. */
export function rustClient(sdk: 1 | 2): string | undefined {
  const name = sdk === 1 ? "one" : "two";
  const path = fileURLToPath(new URL(`../../rust-clients/built/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}

type Line = readonly string[];

export class RustClient {
  private readonly child: ChildProcess;
  private readonly lines: Line[] = [];
  private wake: (() => void) | undefined;
  private isOver = false;

  constructor(program: string, uri: string, database: string) {
    this.child = spawn(program, [uri, database], { stdio: ["pipe", "pipe", "ignore"] });
    createInterface({ input: this.child.stdout ?? process.stdin }).on("line", (line) => {
      this.lines.push(line.split("\t"));
      this.wake?.();
    });
    this.child.once("close", () => {
      this.isOver = true;
      this.wake?.();
    });
  }

  say(...words: readonly (string | number)[]): void {
    this.child.stdin?.write(`${words.join("\t")}\n`);
  }

  /** What the program prints up to the first line that begins with these words, that line last. */
  async until(...words: Line): Promise<readonly Line[]> {
    const isIt = (line: Line): boolean => words.every((word, at) => line[at] === word);
    for (;;) {
      const at = this.lines.findIndex(isIt);
      if (at >= 0) return this.lines.splice(0, at + 1);
      if (this.isOver) throw new Error(`the client ended before ${words.join(" ")}: ${JSON.stringify(this.lines)}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** That line alone. */
  async line(...words: Line): Promise<Line> {
    return (await this.until(...words)).at(-1) ?? [];
  }

  /** Says something, and gives what is printed up to the answer. */
  ask(command: Line, ...answer: Line): Promise<readonly Line[]> {
    this.say(...command);
    return this.until(...answer);
  }

  async end(): Promise<void> {
    if (this.isOver) return;
    const over = new Promise((resolve) => this.child.once("close", resolve));
    this.child.kill("SIGKILL");
    await over;
  }
}
