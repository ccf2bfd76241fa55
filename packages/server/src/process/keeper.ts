/**
 * Ends all hosts when their front is gone, whatever they run: a shell that knows the hosts' process ids and waits for the
 * end of its input, which comes when the front is gone for any reason. An idle host sees the end of its own pipe as
 * well; what was acknowledged is durable, so either may be first.
 *
 * A process id may have been reused meanwhile: only a process that still runs the host's program is ended.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { ServerLog } from "../log.ts";

/** Arguments: a part of every host's command line, then the first hosts. Reads lines `+ PID` and `- PID`. */
const script = `
mark=$1
shift
held=" $* "
while read -r sign pid; do
  case $sign in
    +) held="$held$pid " ;;
    -) case $held in *" $pid "*) held="\${held%%" $pid "*} \${held#*" $pid "}" ;; esac ;;
  esac
done
for pid in $held; do
  if [ -d /proc/self ]; then line=$(tr '\\0' ' ' <"/proc/$pid/cmdline"); else line=$(ps -o args= -p "$pid"); fi
  case $line in *"$mark"*) kill -9 "$pid" ;; esac
done
`;
/** Ends of the shell after which it is not started again. */
const endsMax = 5;

export class Keeper {
  private readonly mark: string;
  private readonly log: ServerLog;
  private readonly held = new Set<number>();
  private shell: ChildProcess | undefined;
  private endCount = 0;

  /** @param mark a part of the hosts' command line that other processes do not have */
  constructor(mark: string, log: ServerLog) {
    this.mark = mark;
    this.log = log;
  }

  /** Whether there is a shell. Without one each host has to watch its front itself. */
  get isThere(): boolean {
    return this.endCount < endsMax;
  }

  hold(pid: number): void {
    this.held.add(pid);
    if (this.shell === undefined) this.start();
    else this.say("+", pid);
  }

  letGo(pid: number): void {
    if (!this.held.delete(pid)) return;
    this.say("-", pid);
    if (this.held.size > 0) return;
    // Without hosts no shell is needed; the next host starts another.
    const shell = this.shell;
    this.shell = undefined;
    shell?.stdin?.end();
  }

  private start(): void {
    if (!this.isThere) return;
    const shell = spawn("/bin/sh", ["-c", script, "lightcone-keeper", this.mark, ...[...this.held].map(String)], {
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
      // In a process group of its own, so that a signal to the front's group does not end it first.
      detached: true,
    });
    this.shell = shell;
    shell.unref();
    // `exit` reports its end; an error of the pipe adds nothing.
    shell.stdin?.on("error", () => undefined);
    const ended = (): void => {
      if (this.shell !== shell) return;
      this.shell = undefined;
      this.endCount += 1;
      if (this.isThere) this.start();
      else this.log.warn({}, "there is no shell to end hosts with their front: each watches it by itself");
    };
    shell.once("error", ended);
    shell.once("exit", ended);
  }

  private say(sign: "+" | "-", pid: number): void {
    this.shell?.stdin?.write(`${sign} ${pid}\n`);
  }
}
