/**
 * One queue, one thread: jobs run in arrival order, each to its end.
 *
 * Jobs run in turns of a few milliseconds. A turn is armed as a whole (see `turn.ts`); when its time runs
 * out, the job that was running is told so, and the next turn goes on behind it. Between turns the event
 * loop reads sockets and files.
 */
import type { JobClock } from "./job-clock.ts";
import { runArmed } from "./turn.ts";

/** A unit of work. */
export interface Job {
  /** Does it all. What it throws is a bug or the end of the database. */
  run(): void;
  /** The armed time ended `run` in the middle; undo what is half done and answer. */
  timedOut(): void;
}

export interface JobLoopOptions {
  readonly timeoutMs: number;
  readonly time: JobClock;
  /** Whether the next job must wait, as when too much is executed and not yet durable. `kick` ends the wait. */
  readonly mustWait: () => boolean;
  /** Whether the log is at work: what runs now becomes durable only after that. `kick` says that it is done. */
  readonly isSyncing: () => boolean;
  /** Runs after every turn. */
  readonly turnEnded: () => void;
  /** A job threw: the database cannot go on. */
  readonly broken: (error: unknown) => void;
}

/** Long enough to spread the cost of arming over many calls, short enough that nobody notices the pause. */
const turnMs = 3;
/**
 * Arming, a write to the log and one to the front are paid per turn: they are shared where waiting for more jobs
 * costs little. That is while the log syncs, since a commit made now has to wait for it; and after a turn of
 * `busyJobs`. No wait is longer than `gatherMs`, and none is for more than `enoughJobs`.
 */
const busyJobs = 96;
const enoughJobs = 1024;
const gatherMs = 1;

/** Runs the microtasks that wait. The platform does so by itself only after the stretch that is armed. */
const drainMicrotasks: () => void = (() => {
  const drain: unknown = Reflect.get(process, "_tickCallback");
  return typeof drain === "function" ? () => void Reflect.apply(drain, process, []) : () => undefined;
})();

export class JobLoop {
  readonly #options: JobLoopOptions;
  #jobs: (Job | undefined)[] = [];
  #head = 0;
  #scheduled = false;
  #running: Job | undefined;
  #stopped = false;
  /** Jobs of the last turn. */
  #ranLast = 0;
  #gathering: NodeJS.Timeout | undefined;
  readonly #turn = (): void => this.#runTurn();
  readonly #armed = (): void => {
    this.#runJobs();
    // What a module left to its promises runs here too, where it can be ended, and not behind the turn.
    drainMicrotasks();
  };

  constructor(options: JobLoopOptions) {
    this.#options = options;
  }

  /** Jobs that wait. */
  get count(): number {
    return this.#jobs.length - this.#head;
  }

  push(job: Job): void {
    if (this.#stopped) return;
    this.#jobs.push(job);
    if (!this.#scheduled) this.#schedule();
    else if (this.#gathering !== undefined && this.count >= enoughJobs) this.#endGathering();
  }

  /** Lets the queue go on if there is something in it. */
  kick(): void {
    if (!this.#scheduled) this.#schedule();
    else if (this.#gathering !== undefined && !this.#isBusy) this.#endGathering();
  }

  get #isBusy(): boolean {
    return this.#ranLast >= busyJobs;
  }

  #schedule(): void {
    if (this.count === 0) return;
    this.#scheduled = true;
    const mayGather = this.count < enoughJobs && (this.#isBusy || this.#options.isSyncing());
    if (mayGather) this.#gathering = setTimeout(this.#turn, gatherMs);
    else setImmediate(this.#turn);
  }

  #endGathering(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    setImmediate(this.#turn);
  }

  /** Ends the loop. What waits is dropped unanswered, for whoever holds it to hand in again elsewhere. */
  stop(): void {
    this.#stopped = true;
    this.#jobs = [];
    this.#head = 0;
  }

  #runTurn(): void {
    this.#scheduled = false;
    this.#gathering = undefined;
    if (this.#stopped || this.count === 0 || this.#options.mustWait()) return;
    const { time } = this.#options;
    time.turnStarts();
    try {
      if (!runArmed(this.#armed, this.#options.timeoutMs)) {
        const job = this.#running;
        this.#running = undefined;
        job?.timedOut();
      }
    } catch (error) {
      this.#running = undefined;
      this.#options.broken(error);
      return;
    } finally {
      time.turnEnds();
    }
    this.#options.turnEnded();
    if (!this.#scheduled) this.#schedule();
  }

  #runJobs(): void {
    const { time, mustWait } = this.#options;
    const until = time.look() + turnMs;
    this.#ranLast = 0;
    while (this.#head < this.#jobs.length) {
      this.#ranLast++;
      const job = this.#jobs[this.#head];
      this.#jobs[this.#head++] = undefined;
      if (this.#head === this.#jobs.length) {
        this.#jobs.length = 0;
        this.#head = 0;
      } else if (this.#head > 4096 && this.#head * 2 > this.#jobs.length) {
        this.#jobs = this.#jobs.slice(this.#head);
        this.#head = 0;
      }
      if (job === undefined) continue;
      this.#running = job;
      time.jobStarts();
      job.run();
      this.#running = undefined;
      if (mustWait() || time.latestMs > until) return;
    }
  }
}
