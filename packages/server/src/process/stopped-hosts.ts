/**
 * Finds hosts that somebody has stopped (SIGSTOP, Ctrl-Z in their group): they answer nobody, and do not end. A host that
 * stays stopped is ended, and another goes on for it.
 */
import { readFileSync } from "node:fs";
import type { Clock } from "@lightcone/base";
import type { ServerLog } from "../log.ts";

/** A host that may be stopped. */
export interface Stoppable {
  readonly pid: number;
  /** The identity of its database, 64 hex digits; undefined while it has none. */
  readonly database: string | undefined;
  readonly ended: Promise<string>;
  kill(): void;
}

export interface StoppedHostsOptions {
  readonly clock: Clock;
  readonly log: ServerLog;
  /** How long a host may be stopped. */
  readonly stoppedMsMax: number;
}

/** Looks within the time that a host may be stopped. */
const looksPerTime = 4;

export class StoppedHosts {
  private readonly options: StoppedHostsOptions;
  private readonly hosts = new Set<Stoppable>();
  /** Since when each has been seen stopped, by the steady time. */
  private readonly stoppedMs = new Map<Stoppable, number>();
  private cancel: (() => void) | undefined;

  constructor(options: StoppedHostsOptions) {
    this.options = options;
  }

  /** Looks after a host until it ends. */
  watch(host: Stoppable): void {
    if (process.platform !== "linux") return;
    this.hosts.add(host);
    void host.ended.then(() => {
      this.hosts.delete(host);
      this.stoppedMs.delete(host);
    });
    this.cancel ??= this.lookSoon();
  }

  stop(): void {
    this.cancel?.();
    this.hosts.clear();
    this.stoppedMs.clear();
  }

  private lookSoon(): () => void {
    const { clock, stoppedMsMax } = this.options;
    return clock.after(Math.ceil(stoppedMsMax / looksPerTime), () => this.look());
  }

  private look(): void {
    for (const host of this.hosts) this.lookAt(host);
    this.cancel = this.hosts.size === 0 ? undefined : this.lookSoon();
  }

  private lookAt(host: Stoppable): void {
    const { clock, log, stoppedMsMax } = this.options;
    const nowMs = clock.steadyMs();
    const fromMs = this.stoppedMs.get(host);
    const { pid, database } = host;
    if (!isStopped(pid)) this.stoppedMs.delete(host);
    else if (fromMs === undefined) {
      this.stoppedMs.set(host, nowMs);
      log.warn(
        { pid, database },
        `a host process is stopped: \`kill -CONT ${pid}\` lets it go on; it is ended after ${stoppedMsMax} ms (\`stoppedHostMsMax\`)`,
      );
    } else if (nowMs - fromMs >= stoppedMsMax) {
      log.warn({ pid, database }, "a host process that was stopped is ended, and another goes on for it");
      host.kill();
    }
  }
}

/** Whether a process is stopped by a signal; false when it is gone. */
function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The state follows the name, which stands in parentheses and may hold any.
    return stat.charAt(stat.lastIndexOf(")") + 2) === "T";
  } catch {
    return false;
  }
}
