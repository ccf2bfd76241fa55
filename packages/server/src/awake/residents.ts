/**
 * The databases that have a process, and which of them are parked: those that were not used for a while; and, when all
 * processes together take too much memory, those that were unused the longest.
 *
 *   opened ─▶ awake ──unused, or memory short──▶ parking ──▶ gone
 *               ▲                                   └── it is busy after all
 *               └────────────────────────────────────────┘
 */
import type { Clock } from "@lightcone/base";
import type { Resting } from "@lightcone/database/front";
import type { ServerLog } from "../log.ts";
import { hostBytesGuess } from "../process/host-memory.ts";

export interface ResidentsOptions {
  readonly clock: Clock;
  readonly log: ServerLog;
  /** The most memory that all processes together may take. */
  readonly memoryBytesMax: number;
  /** How many databases of one owner may be awake. */
  readonly ownerAwakeMax: number;
  /** A database is parked when it was unused for this long, */
  readonly parkAfterMs: number;
  /** or for this many times the duration of its last wake, if that is longer. */
  readonly wakeTimesMin: number;
  /** Memory that a process takes, in bytes; undefined when that is not known. */
  readonly memoryOf: (pid: number) => Promise<number | undefined>;
  /** Called when another database may have room. */
  readonly roomMade: () => void;
}

interface Resident {
  /** Its directory: a reset runs two databases of one identity at the same time. */
  readonly key: string;
  readonly owner: string;
  readonly rests: Resting;
  /** How long it took to wake. */
  readonly wokeInMs: number;
  /** When a message last crossed the pipe. */
  usedMs: number;
  traffic: number;
  memoryBytes: number;
  /** It is not asked to park before this. */
  notBeforeMs: number;
  isParking: boolean;
  /** Whether it was woken only to learn when its rows are due. */
  isLook: boolean;
}

const sweepMs = 1000;
/** A database that was woken only to look is parked after this. */
const lookedForMs = 1000;
/** When memory is short, a database is parked after it was unused for this long. */
const unusedMsMin = 1000;
/** A database that refused to park is asked again after this. */
const askAgainMs = 5000;
/** Larger processes are parked last, since waking them takes long. */
const largeBytes = 256 * 1024 ** 2;
/** Processes whose memory is read in one sweep; each read costs up to a millisecond. */
const measuredMax = 16;
const parkingMax = 4;

export class Residents {
  private readonly options: ResidentsOptions;
  private readonly residents = new Map<string, Resident>();
  /** The number of awake databases, by owner. */
  private readonly owned = new Map<string, number>();
  private cancel: (() => void) | undefined;
  private parking = 0;
  private measuring = false;
  /** The index of the process that is measured next. */
  private nextMeasured = 0;
  private isStopped = false;

  constructor(options: ResidentsOptions) {
    this.options = options;
  }

  get memoryBytes(): number {
    let sum = 0;
    for (const { memoryBytes } of this.residents.values()) sum += memoryBytes;
    return sum;
  }

  /** A database now has a process. */
  woke(key: string, owner: string, rests: Resting, wokeInMs: number, isLook: boolean): void {
    if (this.isStopped) return;
    this.left(key);
    const nowMs = this.options.clock.steadyMs();
    this.residents.set(key, {
      key,
      owner,
      rests,
      wokeInMs,
      usedMs: nowMs,
      traffic: rests.traffic,
      memoryBytes: hostBytesGuess,
      notBeforeMs: 0,
      isParking: false,
      isLook,
    });
    this.owned.set(owner, (this.owned.get(owner) ?? 0) + 1);
    this.cancel ??= this.options.clock.after(sweepMs, () => this.sweep());
  }

  /** A database has no process any more, for whatever reason. */
  left(key: string): void {
    const resident = this.residents.get(key);
    if (resident === undefined) return;
    this.residents.delete(key);
    const count = (this.owned.get(resident.owner) ?? 0) - 1;
    if (count > 0) this.owned.set(resident.owner, count);
    else this.owned.delete(resident.owner);
    this.options.roomMade();
  }

  /** Whether another database of this owner may wake. If not, makes room; `roomMade` is called when there is some. */
  hasRoom(owner: string): boolean {
    const { memoryBytesMax, ownerAwakeMax } = this.options;
    if ((this.owned.get(owner) ?? 0) >= ownerAwakeMax) {
      this.parkUnused((resident) => resident.owner === owner, 1);
      return false;
    }
    if (this.residents.size === 0 || this.memoryBytes + hostBytesGuess <= memoryBytesMax) return true;
    this.parkUnused(() => true, this.memoryBytes + hostBytesGuess - memoryBytesMax);
    return false;
  }

  stop(): void {
    this.isStopped = true;
    this.cancel?.();
    this.cancel = undefined;
  }

  private sweep(): void {
    this.cancel = undefined;
    if (this.isStopped) return;
    const nowMs = this.options.clock.steadyMs();
    for (const resident of this.residents.values()) this.look(resident, nowMs);
    const overBytes = this.memoryBytes - this.options.memoryBytesMax;
    if (overBytes > 0) this.parkUnused(() => true, overBytes);
    void this.measure();
    // Those that wait may have room now: memory was measured, or another database can be parked.
    this.options.roomMade();
    if (this.residents.size > 0) this.cancel = this.options.clock.after(sweepMs, () => this.sweep());
  }

  private look(resident: Resident, nowMs: number): void {
    const { rests } = resident;
    if (rests.traffic !== resident.traffic || !rests.isIdle) {
      if (rests.traffic !== resident.traffic) resident.isLook = false; // somebody wants it after all
      resident.traffic = rests.traffic;
      resident.usedMs = nowMs;
      return;
    }
    const restsAfterMs = resident.isLook
      ? lookedForMs
      : Math.max(this.options.parkAfterMs, this.options.wakeTimesMin * resident.wokeInMs);
    if (nowMs - resident.usedMs >= restsAfterMs) this.park(resident);
  }

  /** Parks databases that pass `may`, the longest unused first and large ones last, until `bytes` are free. */
  private parkUnused(may: (resident: Resident) => boolean, bytes: number): void {
    const nowMs = this.options.clock.steadyMs();
    const unused: Resident[] = [];
    let leftBytes = bytes;
    for (const resident of this.residents.values()) {
      const { rests, traffic, usedMs, isParking, notBeforeMs } = resident;
      // A database that is being parked frees its memory soon.
      if (isParking && may(resident)) leftBytes -= resident.memoryBytes;
      if (isParking || nowMs < notBeforeMs || !may(resident)) continue;
      if (rests.isIdle && rests.traffic === traffic && nowMs - usedMs >= unusedMsMin) unused.push(resident);
    }
    unused.sort(
      (a, b) => Number(a.memoryBytes > largeBytes) - Number(b.memoryBytes > largeBytes) || a.usedMs - b.usedMs,
    );
    for (const resident of unused) {
      if (leftBytes <= 0) return;
      leftBytes -= resident.memoryBytes;
      this.park(resident);
    }
  }

  private park(resident: Resident): void {
    const { clock, log } = this.options;
    if (resident.isParking || this.parking >= parkingMax || clock.steadyMs() < resident.notBeforeMs) return;
    resident.isParking = true;
    this.parking += 1;
    resident.rests
      .rest()
      .then(
        (isParked) => {
          if (!isParked) resident.notBeforeMs = clock.steadyMs() + askAgainMs;
        },
        (error: unknown) => {
          resident.notBeforeMs = clock.steadyMs() + askAgainMs;
          log.warn({ directory: resident.key, err: error }, "a database could not be parked");
        },
      )
      .finally(() => {
        resident.isParking = false;
        this.parking -= 1;
        this.options.roomMade();
      });
  }

  private async measure(): Promise<void> {
    if (this.measuring) return;
    this.measuring = true;
    const all = [...this.residents.values()];
    for (let count = 0; count < Math.min(measuredMax, all.length); count += 1) {
      const resident = all[this.nextMeasured++ % all.length];
      const pid = resident?.rests.pid;
      if (resident === undefined || pid === undefined) continue;
      resident.memoryBytes = (await this.options.memoryOf(pid)) ?? resident.memoryBytes;
    }
    this.measuring = false;
  }
}
