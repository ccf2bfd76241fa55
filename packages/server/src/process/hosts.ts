/**
 * The processes that databases run in. A few spare ones have loaded and warmed up everything and wait for a database:
 * starting a process takes a third of a second of processor time, opening a database in a spare one a tenth of that.
 *
 *   spawn ─▶ warming up ─▶ spare ─▶ opened ─▶ ended
 */
import { randomBytes } from "node:crypto";
import { totalmem } from "node:os";
import type { Clock } from "@lightcone/base";
import { openFailoverLink, defaultDatabaseLimits, type DatabaseLimits } from "@lightcone/database/front";
import type { DatabaseLink, Resume } from "@lightcone/database/front";
import type { ServerLimits } from "../limits.ts";
import type { ServerLog } from "../log.ts";
import type { Opening } from "../registry/databases.ts";
import type { DatabaseRecord } from "../registry/state.ts";
import type { HostSettings } from "./database-factory.ts";
import { databaseProgram, type HostProgram } from "./host-program.ts";
import { Keeper } from "./keeper.ts";
import { openInHost, type HostProcess } from "./open-host-process.ts";
import type { HttpReach } from "../outgoing/procedure-http.ts";
import { SpawnedHost } from "./spawn-host.ts";
import { StoppedHosts } from "./stopped-hosts.ts";
import { Supervisor } from "./supervisor.ts";

export interface HostsOptions {
  readonly clock: Clock;
  readonly log: ServerLog;
  readonly limits: ServerLimits;
  readonly databaseLimits?: Partial<DatabaseLimits>;
  /** Where requests of procedures may go; to public addresses if left out. */
  readonly procedureHttp?: HttpReach;
  /** Flags for the hosts' Node, as `--max-old-space-size=…`. */
  readonly nodeFlags?: readonly string[];
  /** The program of hosts; that for databases if left out. */
  readonly program?: HostProgram;
  /** What hosts get beside the record; the limits if left out. */
  readonly settings?: unknown;
  /** Called with the host's process id each time a database is about to be opened in one. */
  readonly started?: (record: DatabaseRecord, pid: number) => void;
}

/** Ends of a host by its module's fault after which the database is quarantined until the next publish. */
const crashesMax = 3;
/** The most of the machine's memory that one process may take, whatever the limit. */
const memoryShareMax = 0.8;
/** Spares that may fail to start, or end before they are warm, one after another; then there are none until a database opens. */
const failuresMax = 3;
/** The time until a spare that ended or did not start is replaced. */
const replaceMs = 1000;

export class Hosts {
  private readonly options: HostsOptions;
  private readonly keeper: Keeper;
  private readonly supervisor: Supervisor;
  private readonly stopped: StoppedHosts;
  /** Tells this front's hosts from other processes. */
  private readonly mark = `front=${process.pid}.${randomBytes(6).toString("hex")}`;
  private readonly settings: unknown;
  private readonly reducerTimeoutMs: number;
  private program: Promise<HostProgram> | undefined;
  /** Hosts without a database: warm, or still starting. */
  private readonly spareHosts: SpawnedHost[] = [];
  private warming = 0;
  private opening = 0;
  private failures = 0;
  private isStopping = false;

  constructor(options: HostsOptions) {
    this.options = options;
    const { clock, log, limits, databaseLimits = {} } = options;
    const settings: HostSettings = { limits: databaseLimits, procedureHttp: options.procedureHttp ?? "public" };
    this.settings = options.settings ?? settings;
    this.keeper = new Keeper(this.mark, log);
    this.reducerTimeoutMs = databaseLimits.reducerTimeoutMs ?? defaultDatabaseLimits.reducerTimeoutMs;
    this.supervisor = new Supervisor({
      clock,
      memoryBytesMax: memoryBytesMax(limits),
      callMsMax: this.reducerTimeoutMs,
    });
    this.stopped = new StoppedHosts({ clock, log, stoppedMsMax: limits.stoppedHostMsMax });
  }

  /** Opens a database that gets another host when one ends, and has none while it is parked. */
  openDatabase(record: DatabaseRecord, directory: string, { isNew, stay, why }: Opening): Promise<DatabaseLink> {
    const { clock, log } = this.options;
    return openFailoverLink(
      {
        clock,
        crashesMax,
        reducerTimeoutMs: this.reducerTimeoutMs,
        stay,
        note: (message) => log.warn({ database: record.identity.hex }, message),
        openHost: (resume) => this.openHost(record, directory, isNew, resume),
      },
      why,
    );
  }

  /** Opens a database in one host. @throws {Error} why it does not open */
  async openHost(record: DatabaseRecord, directory: string, isNew: boolean, resume: Resume = []): Promise<HostProcess> {
    const { log, started } = this.options;
    this.opening += 1;
    try {
      const host = await this.take();
      host.database = record.identity.hex;
      started?.(record, host.pid);
      const opened = await openInHost(host, record, directory, { settings: this.settings, isNew, log }, resume);
      this.failures = 0;
      return opened;
    } finally {
      this.opening -= 1;
      this.refill();
    }
  }

  /** The process ids of the spares. */
  get spares(): readonly number[] {
    return this.spareHosts.map(({ pid }) => pid);
  }

  /** Ends the spares and starts no more. A host with a database ends with it. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const spares = this.spareHosts.splice(0);
    for (const spare of spares) spare.kill();
    await Promise.all(spares.map(({ ended }) => ended));
    this.supervisor.stop();
    this.stopped.stop();
  }

  private async take(): Promise<SpawnedHost> {
    // A warm one before one that is still starting; one that was killed is about to be removed.
    const usable = this.spareHosts.filter(({ hasExited }) => !hasExited);
    const spare = usable.find(({ isWarm }) => isWarm) ?? usable[0];
    if (spare === undefined) return this.spawn();
    this.spareHosts.splice(this.spareHosts.indexOf(spare), 1);
    return spare;
  }

  private async spawn(): Promise<SpawnedHost> {
    const { clock, limits, nodeFlags = [] } = this.options;
    this.program ??= this.options.program ? Promise.resolve(this.options.program) : databaseProgram(this.options.log);
    const host = await SpawnedHost.start({
      program: await this.program,
      nodeFlags,
      memoryBytesMax: memoryBytesMax(limits),
      clock,
      limits,
      keeper: this.keeper,
      supervisor: this.supervisor,
      mark: this.mark,
    });
    this.stopped.watch(host);
    return host;
  }

  /** Starts a spare if one is missing and nothing is being opened. */
  private refill(): void {
    if (this.isStopping || this.opening + this.warming > 0) return;
    if (this.spareHosts.length >= this.options.limits.spareHostsMax || this.failures >= failuresMax) return;
    this.warming += 1;
    this.warmUp().then(
      () => {
        this.warming -= 1;
        this.refill();
      },
      (error: unknown) => {
        this.warming -= 1;
        this.options.log.warn({ err: error }, "a spare host did not start");
        this.failed(String(error));
      },
    );
  }

  private async warmUp(): Promise<void> {
    const host = await this.spawn();
    if (this.isStopping) {
      host.kill();
      return;
    }
    this.spareHosts.push(host);
    void host.ended.then((how) => this.sparesEnd(host, how));
    await Promise.race([host.link.warm, host.ended]);
    if (host.isWarm) this.failures = 0;
  }

  /** Replaces a spare that has ended by itself. */
  private sparesEnd(host: SpawnedHost, how: string): void {
    const at = this.spareHosts.indexOf(host);
    if (at === -1) return;
    this.spareHosts.splice(at, 1);
    this.options.log.debug({ pid: host.pid, how }, "a spare host ended");
    if (host.isWarm) this.refillSoon();
    else this.failed(how);
  }

  private failed(how: string): void {
    this.failures += 1;
    if (this.failures < failuresMax) this.refillSoon();
    else
      this.options.log.warn({ how }, "hosts end before they are ready: no more spares are kept until a database opens");
  }

  private refillSoon(): void {
    this.options.clock.after(replaceMs, () => this.refill());
  }
}

function memoryBytesMax({ hostMemoryBytesMax }: ServerLimits): number {
  return Math.min(hostMemoryBytesMax, Math.floor(totalmem() * memoryShareMax));
}
