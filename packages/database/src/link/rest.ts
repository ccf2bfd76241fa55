/** A database without a process of its own: it rests until it is wanted, and its clients do not notice. */

/** Why a database gets a process, most urgent first. */
export type WakeReason =
  /** The one that it had has ended. */
  | "again"
  /** Somebody asks something. */
  | "call"
  /** A client comes. */
  | "connect"
  /** A scheduled row is due. */
  | "schedule"
  /** A client has gone, and the others do not know. */
  | "leave"
  /** Nobody knows when it has to be woken. */
  | "look";

/** What is known of a database that has ended in order. */
export interface Rest {
  /** Its last offset: it is durable, and every client has been sent everything; -1 when there is none. */
  readonly offset: number;
  /** When its first scheduled row is due, microseconds since 1970; undefined when none is scheduled. */
  readonly nextDueMicros: number | undefined;
}

/** A database as seen by what decides about its rest. */
export interface Resting {
  /** Batches of messages that have gone to its process and come from it: while this stands still it is not used. */
  readonly traffic: number;
  /** Whether it has a process and nobody waits for anything. */
  readonly isIdle: boolean;
  /** Its process; undefined while it has none. */
  readonly pid: number | undefined;
  /** Lets go of its process. False when it has something to do, or rows that are due soon. */
  rest(): Promise<boolean>;
  wake(why: WakeReason): void;
}

/** What decides about a database's rest, as seen by the database. */
export interface Stay {
  /**
   * Waits until it may have a process.
   *
   * @returns to be called when it has one, or could not get one
   * @throws {LightconeError} `ServerBusy` when there is no room
   */
  enter(why: WakeReason): Promise<() => void>;
  /** There is a more urgent reason for what waits. */
  hurry(why: WakeReason): void;
  /** What waits is wanted no more: it is refused with `DatabaseStopped`. */
  giveUp(): void;
  /** It has a process, after so many milliseconds. */
  woke(database: Resting, ms: number, why: WakeReason): void;
  /** It has none any more. */
  left(): void;
  /** It has ended in order, with so many clients connected. It gets no process before this is done. */
  rested(rest: Rest, clientCount: number): Promise<void>;
}
