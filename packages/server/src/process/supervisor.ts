/**
 * What the front sees to while a host's thread is at something: that it does not take more memory or time than it may.
 * A host that is busy has a watching thread of its own, which is quicker; this is for all others, and for that thread's
 * sake as well.
 */
import { readFileSync } from "node:fs";
import type { Clock } from "@lightcone/base";
import type { EndReason } from "@lightcone/database/front";

const lookIntervalMs = 100;
/** What a host has beyond its call's time, to end the call by itself. */
const graceMs = 1000;

/** A host as it is looked after. */
export interface Supervised {
  readonly pid: number;
  /** Since when its thread has been at the same thing, by the steady clock; undefined when it is at nothing. */
  readonly busySinceMs: number | undefined;
  end(reason: EndReason): void;
}

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly memoryBytesMax: number;
  /** What one call may take. */
  readonly callMsMax: number;
}

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly busy = new Set<Supervised>();
  /** Those that were late at the last look. That they are at something else by now may not have been read yet. */
  private late = new Set<Supervised>();
  private cancel: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.options = options;
  }

  /** A host has begun with something; it is looked at until it has ended. */
  began(host: Supervised): void {
    this.busy.add(host);
    this.cancel ??= this.options.clock.after(lookIntervalMs, () => this.look());
  }

  private look(): void {
    const { clock, memoryBytesMax, callMsMax } = this.options;
    const nowMs = clock.steadyMs();
    const late = new Set<Supervised>();
    for (const host of this.busy) {
      const { busySinceMs } = host;
      if (busySinceMs === undefined) this.busy.delete(host);
      else if (residentBytes(host.pid) > memoryBytesMax) host.end("memory");
      else if (nowMs - busySinceMs > callMsMax + graceMs) {
        late.add(host);
        if (this.late.has(host)) host.end("time");
      }
    }
    this.late = late;
    this.cancel = this.busy.size === 0 ? undefined : clock.after(lookIntervalMs, () => this.look());
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.busy.clear();
  }
}

/** Whether the system says what another process takes. */
export const canSeeMemory: boolean = process.platform === "linux";

/** What a process has in memory; 0 when it is gone or the system does not say. */
function residentBytes(pid: number): number {
  if (!canSeeMemory) return 0;
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return Number(found?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
