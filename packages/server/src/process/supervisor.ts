/**
 * Supervises hosts while their thread runs something: ends a host that takes more memory or time than it may. A busy host
 * has a watching thread of its own, which is quicker; this is for all others, and in case that thread fails.
 */
import { readFileSync } from "node:fs";
import type { Clock } from "@lightcone/base";
import type { EndReason } from "@lightcone/database/front";

const lookIntervalMs = 100;
/** The time beyond a call's own in which the host may end the call itself: `sectionMsMax` and as much again. */
const graceMs = 2000;

/** A host as the supervisor sees it. */
export interface Supervised {
  readonly pid: number;
  /** The steady time since which its thread has run the same work; undefined when it runs none. */
  readonly busySinceMs: number | undefined;
  end(reason: EndReason): void;
}

export interface SupervisorOptions {
  readonly clock: Clock;
  readonly memoryBytesMax: number;
  /** The time that one call may take. */
  readonly callMsMax: number;
}

export class Supervisor {
  private readonly options: SupervisorOptions;
  private readonly busy = new Set<Supervised>();
  /** Hosts that were late at the last look. A note of other work may not have been read then. */
  private late = new Set<Supervised>();
  private cancel: (() => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.options = options;
  }

  /** A host has begun some work; it is supervised until that has ended. */
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

/** Whether the memory of another process can be read. */
export const canSeeMemory: boolean = process.platform === "linux";

/** The resident memory of a process; 0 when it is gone or cannot be read. */
function residentBytes(pid: number): number {
  if (!canSeeMemory) return 0;
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return Number(found?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
