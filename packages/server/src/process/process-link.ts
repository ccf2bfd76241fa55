/** A link that owns its host's process. */
import type { Duplex } from "node:stream";
import type { Clock } from "@lightcone/base";
import type { Rest, Suspect } from "@lightcone/database/front";
import type { ServerLimits } from "../limits.ts";
import { HostLink } from "./host-link.ts";

/** The time after `withinMs` after which a process that has not ended is killed. */
const killAfterMs = 1000;
/** The interval at which a call that goes on too long is interrupted: another may have begun after it. */
const endCallAgainMs = 250;

export interface ProcessLinkOptions {
  readonly clock: Clock;
  readonly limits: ServerLimits;
}

/** The process at the other end. */
export interface LinkedProcess {
  /** Resolves when the process has ended, with how. */
  readonly ended: Promise<string>;
  /** What has been running for a while. */
  readonly suspect: Suspect | undefined;
  kill(signal?: NodeJS.Signals): void;
}

export class ProcessLink extends HostLink {
  private readonly host: LinkedProcess;
  private readonly clock: Clock;
  private readonly callTimeoutMs: number;
  private failure: Error | undefined;

  constructor(host: LinkedProcess, socket: Duplex, { clock, limits }: ProcessLinkOptions) {
    super(socket, {
      clock,
      connectionBytesMax: limits.linkConnectionBytesMax,
      bytesMax: limits.linkBytesMax,
    });
    this.host = host;
    this.clock = clock;
    this.callTimeoutMs = limits.stopCallTimeoutMs;
  }

  /** The pipe ends a moment before the process, whose exit tells more. If only the pipe broke, this ends the process. */
  protected override pipeGone(): void {
    this.host.kill();
  }

  /** The next host may open the same files, so this one must be gone first. */
  protected override hostFailed(error: Error): void {
    this.failure ??= error;
    this.host.kill();
  }

  /** The process has ended. The database's own reason goes before the system's. */
  over(ended: Error): void {
    this.gone(this.failure ?? ended);
  }

  override async park(): Promise<Rest | undefined> {
    const rest = await super.park();
    if (rest === undefined) return undefined;
    const cancel = this.clock.after(killAfterMs, () => this.host.kill());
    await this.host.ended;
    cancel();
    return rest;
  }

  override async stop(withinMs: number): Promise<Rest | undefined> {
    const cancel = this.clock.after(withinMs + killAfterMs, () => this.host.kill());
    // While a call runs, the process does not read `stop`. SIGINT ends its turn.
    const endCall = (): void => {
      if (this.host.suspect !== undefined) this.host.kill("SIGINT");
      cancelNext = this.clock.after(endCallAgainMs, endCall);
    };
    let cancelNext = this.clock.after(Math.min(this.callTimeoutMs, withinMs), endCall);
    const rest = await super.stop(withinMs);
    await this.host.ended;
    cancelNext();
    cancel();
    return rest;
  }
}
