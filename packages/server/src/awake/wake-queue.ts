/**
 * The queue of databases that wait to be opened. At most one per processor is opened at a time. More urgent reasons go
 * first; within a reason owners take turns, so an owner with a thousand waiting databases delays another's by one
 * opening.
 *
 *   enter ─▶ waiting ──a processor and memory are free──▶ opening ──done──▶
 *               └──waited too long──▶ refused
 */
import { LightconeError, type Clock } from "@lightcone/base";
import type { WakeReason } from "@lightcone/database/front";

/** Most urgent first. */
const urgency: readonly WakeReason[] = ["again", "call", "connect", "schedule", "leave", "look"];
/** Reasons with a client behind them, which is answered `ServerBusy` when it takes too long. */
const awaited: ReadonlySet<WakeReason> = new Set<WakeReason>(["call", "connect"]);

/** An opening that takes longer than this gives its place to the next. Less than `wakeWaitMs`, so that the next gets one. */
const placeMsMax = 5000;

export interface WakeQueueOptions {
  readonly clock: Clock;
  /** Databases that may be opened at the same time. */
  readonly openingsMax: number;
  /** Of these, those with the reason "look". */
  readonly looksMax: number;
  /** How long a client waits for its turn. */
  readonly waitMsMax: number;
  /** Whether another database of this owner has room. May make room, and then has `pump` called. */
  readonly hasRoom: (owner: string) => boolean;
}

interface Waiting {
  readonly key: string;
  readonly owner: string;
  why: WakeReason;
  cancel: (() => void) | undefined;
  readonly enter: () => void;
  readonly refuse: (error: LightconeError) => void;
}

export class WakeQueue {
  private readonly options: WakeQueueOptions;
  /** The waiting databases by reason and owner; owners in the order of their turns. */
  private readonly waiting: Readonly<Record<WakeReason, Map<string, Waiting[]>>> = {
    again: new Map(),
    call: new Map(),
    connect: new Map(),
    schedule: new Map(),
    leave: new Map(),
    look: new Map(),
  };
  private readonly byKey = new Map<string, Waiting>();
  private opening = 0;
  private looking = 0;
  private isStopped = false;

  constructor(options: WakeQueueOptions) {
    this.options = options;
  }

  /**
   * Waits for a turn to open a database.
   *
   * @param key of the database
   * @returns to be called once the database is open, or could not be opened
   * @throws {LightconeError} `ServerBusy` after `waitMsMax` if somebody waits for it; `DatabaseStopped` after `stop` and `giveUp`
   */
  async enter(key: string, owner: string, why: WakeReason): Promise<() => void> {
    const entered = await this.turn(key, owner, why);
    let isDone = false;
    const done = (): void => {
      if (isDone) return;
      isDone = true;
      cancel();
      this.opening -= 1;
      if (entered === "look") this.looking -= 1;
      this.pump();
    };
    // A large database, or one whose process hangs, must not block all others.
    const cancel = this.options.clock.after(placeMsMax, done);
    return done;
  }

  /** Raises the urgency of a database that waits; does nothing if it does not wait. */
  hurry(key: string, why: WakeReason): void {
    const waiting = this.byKey.get(key);
    if (waiting === undefined || urgency.indexOf(why) >= urgency.indexOf(waiting.why)) return;
    this.leave(waiting);
    waiting.why = why;
    this.join(waiting);
    this.pump();
  }

  /** Refuses a database that waits, as when it is deleted. */
  giveUp(key: string): void {
    const waiting = this.byKey.get(key);
    if (waiting === undefined) return;
    this.leave(waiting);
    waiting.refuse(stopped("it was given up while it waited to be woken"));
  }

  /** Lets in all that may be opened now. Call it whenever there may be more room. */
  pump(): void {
    for (;;) {
      if (this.isStopped || this.opening >= this.options.openingsMax) return;
      const next = this.next();
      if (next === undefined) return;
      this.leave(next);
      this.opening += 1;
      if (next.why === "look") this.looking += 1;
      // The owner goes to the end of the line.
      const owners = this.waiting[next.why];
      const rest = owners.get(next.owner);
      if (rest !== undefined) {
        owners.delete(next.owner);
        owners.set(next.owner, rest);
      }
      next.enter();
    }
  }

  /** Refuses all that wait, and all that come. */
  stop(): void {
    this.isStopped = true;
    for (const waiting of this.byKey.values()) {
      this.leave(waiting);
      waiting.refuse(stopped());
    }
  }

  /** Resolves with the reason for which it was let in. */
  private turn(key: string, owner: string, why: WakeReason): Promise<WakeReason> {
    if (this.isStopped) return Promise.reject(stopped());
    return new Promise((resolve, refuse) => {
      const waiting: Waiting = {
        key,
        owner,
        why,
        cancel: undefined,
        enter: () => resolve(waiting.why),
        refuse,
      };
      this.join(waiting);
      this.pump();
    });
  }

  private join(waiting: Waiting): void {
    const owners = this.waiting[waiting.why];
    const before = owners.get(waiting.owner);
    if (before === undefined) owners.set(waiting.owner, [waiting]);
    else before.push(waiting);
    this.byKey.set(waiting.key, waiting);
    if (!awaited.has(waiting.why)) return;
    const { clock, waitMsMax } = this.options;
    waiting.cancel = clock.after(waitMsMax, () => {
      this.leave(waiting);
      waiting.refuse(new LightconeError("ServerBusy", { waitedMs: waitMsMax }));
    });
  }

  private leave(waiting: Waiting): void {
    waiting.cancel?.();
    waiting.cancel = undefined;
    this.byKey.delete(waiting.key);
    const owners = this.waiting[waiting.why];
    const of = owners.get(waiting.owner) ?? [];
    if (of[0] === waiting) of.shift();
    else of.splice(of.indexOf(waiting), 1);
    if (of.length === 0) owners.delete(waiting.owner);
  }

  private next(): Waiting | undefined {
    for (const why of urgency) {
      if (why === "look" && this.looking >= this.options.looksMax) continue;
      for (const [owner, [first]] of this.waiting[why]) {
        // A database that has just lost its process needs no new room.
        if (why === "again" || this.options.hasRoom(owner)) return first;
      }
    }
    return undefined;
  }
}

function stopped(reason = "the server is stopping"): LightconeError {
  return new LightconeError("DatabaseStopped", { reason });
}
