/**
 * How many sockets may be open, all addresses together: never so many that no descriptors are left for the processes of
 * databases and for files. Strangers open sockets; without descriptors no database could be opened or written to.
 */
import type { Server } from "node:net";
import type { Clock } from "@lightcone/base";
import type { ServerLog } from "./log.ts";

/** Descriptors that are no sockets: half of those that there are, but no more than the first and no fewer than the second. */
const keptMax = 4096;
const keptMin = 48;
/** Sockets that are refused are told of at most this often. */
const toldEveryMs = 60_000;

export interface SocketsOptions {
  readonly socketsMax: number;
  readonly descriptorsMax: number;
  readonly clock: Clock;
  readonly log: ServerLog;
}

export class Sockets {
  private readonly socketsMax: number;
  private readonly options: SocketsOptions;
  private readonly counts = new Map<Server, number>();
  private count = 0;
  private toldMs = -Infinity;

  constructor(options: SocketsOptions) {
    const { socketsMax, descriptorsMax, log } = options;
    const kept = Math.max(keptMin, Math.min(keptMax, Math.floor(descriptorsMax / 2)));
    this.options = options;
    this.socketsMax = Math.min(socketsMax, Math.max(1, descriptorsMax - kept));
    if (this.socketsMax < socketsMax)
      log.info({ socketsMax: this.socketsMax, descriptorsMax }, "`socketsMax` is lowered: `ulimit -n` allows no more");
  }

  /** Counts the sockets of `server`, which closes those that are too many without an answer. */
  add(server: Server): void {
    this.counts.set(server, 0);
    this.share();
    server.on("connection", (socket) => {
      this.changed(server, 1);
      socket.once("close", () => this.changed(server, -1));
    });
    server.on("drop", () => this.dropped());
  }

  private changed(server: Server, by: number): void {
    this.count += by;
    this.counts.set(server, (this.counts.get(server) ?? 0) + by);
    if (this.counts.size > 1) this.share();
  }

  /** Each server may have what the others leave. */
  private share(): void {
    for (const [server, count] of this.counts) server.maxConnections = this.socketsMax - (this.count - count);
  }

  private dropped(): void {
    const { clock, log } = this.options;
    const nowMs = clock.steadyMs();
    if (nowMs - this.toldMs < toldEveryMs) return;
    this.toldMs = nowMs;
    log.warn(
      { socketsMax: this.socketsMax },
      "as many sockets are open as may be: others are closed without an answer",
    );
  }
}

/** How many descriptors this process may have; Infinity where the system does not say. */
export function descriptorsMax(): number {
  // What it says of each network interface takes long. Node's types do not know of this yet.
  const name = "excludeNetwork";
  const before: unknown = Reflect.get(process.report, name);
  Reflect.set(process.report, name, true);
  // Node types the report as any object.
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: unknown } };
  };
  Reflect.set(process.report, name, before);
  const most = Number(userLimits?.open_files?.soft);
  return Number.isNaN(most) ? Infinity : most;
}
