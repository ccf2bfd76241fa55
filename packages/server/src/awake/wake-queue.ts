/**
 * Who may be woken next. As many databases are opened at once as there are processors; the rest wait, more urgent
 * reasons first, and among the same reasons one of each owner in turn: an owner with a thousand databases that all want
 * to be awake delays another's by one opening.
 *
 *   enter ─▶ waiting ──a processor and memory are free──▶ opening ──done──▶
 *               └──waited too long──▶ refused
 */
import { LightconeError, type Clock } from "@lightcone/base";
import type { WakeReason } from "@lightcone/database/front";

/** Most urgent first. */
const urgency: readonly WakeReason[] = ["again", "call", "connect", "schedule", "leave", "look"];
/** Reasons that somebody waits for, and is told when it takes too long. */
const awaited: ReadonlySet<WakeReason> = new Set<WakeReason>(["call", "connect"]);

/** An opening that takes longer no longer counts as one of those at once. Shorter than anybody waits. */
const placeMsMax = 5000;

export interface WakeQueueOptions {
  readonly clock: Clock;
  /** Databases that are opened at once. */
  readonly openingsMax: number;
  /** Of these, those that are only looked into. */
  readonly looksMax: number;
  /** How long somebody waits to be let in. */
  readonly waitMsMax: number;
  /** Whether there is room for one more of this owner's. It may make some, and has `pump` called then. */
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
  /** For each reason, by owner, those who wait; the owner whose turn it is comes first. */
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
    // A large database, or one whose process hangs, does not keep all others from waking.
    const cancel = this.options.clock.after(placeMsMax, done);
    return done;
  }

  /** There is a more urgent reason for a database that waits. Nothing if it does not. */
  hurry(key: string, why: WakeReason): void {
    const waiting = this.byKey.get(key);
    if (waiting === undefined || urgency.indexOf(why) >= urgency.indexOf(waiting.why)) return;
    this.leave(waiting);
    waiting.why = why;
    this.join(waiting);
    this.pump();
  }

  /** A database is wanted no more: it is refused if it waits. */
  giveUp(key: string): void {
    const waiting = this.byKey.get(key);
    if (waiting === undefined) return;
    this.leave(waiting);
    waiting.refuse(stopped("it was given up while it waited to be woken"));
  }

  /** Lets in whoever may; to be called whenever there may be more room. */
  pump(): void {
    for (;;) {
      if (this.isStopped || this.opening >= this.options.openingsMax) return;
      const next = this.next();
      if (next === undefined) return;
      this.leave(next);
      this.opening += 1;
      if (next.why === "look") this.looking += 1;
      // Its owner's next comes after everybody else's.
      const owners = this.waiting[next.why];
      const rest = owners.get(next.owner);
      if (rest !== undefined) {
        owners.delete(next.owner);
        owners.set(next.owner, rest);
      }
      next.enter();
    }
  }

  /** Lets nobody in any more. */
  stop(): void {
    this.isStopped = true;
    for (const waiting of this.byKey.values()) {
      this.leave(waiting);
      waiting.refuse(stopped());
    }
  }

  /** Resolves with the reason that it was let in for. */
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
        // Whoever has just lost its process gets one again: it counted before.
        if (why === "again" || this.options.hasRoom(owner)) return first;
      }
    }
    return undefined;
  }
}

function stopped(reason = "the server is stopping"): LightconeError {
  return new LightconeError("DatabaseStopped", { reason });
}
