/**
 * One queue, one thread: jobs run in arrival order, each to its end.
 *
 * One that is long and may not be interleaved with changes is done in parts (`beside`): what only reads runs between them, and
 * everything else waits until it is done.
 *
 * Jobs run in turns of about a millisecond. A turn is interruptible as a whole; when its time runs out, the job that was
 * running is told by `timedOut`, and the next turn goes on behind it. Between turns the event loop reads sockets and files.
 */
import type { JobClock } from "./job-clock.ts";
import { modulePromises, type Watchdog } from "@lightcone/base/node";

export interface Job {
  /** Does the work. What it throws is a bug or the end of the database. */
  run(): void;
  /** The watchdog ended `run` in the middle; undo what is half done and answer. */
  timedOut(): void;
  /** Whose jobs keep their order whatever else is going on; undefined for one that stands in nobody's. */
  readonly owner?: object;
  /** Whether it only reads: such a job may run between the parts of one that holds back all writing. */
  readsOnly?(): boolean;
}

export interface JobLoopOptions {
  readonly watchdog: Watchdog;
  readonly timeoutMs: number;
  readonly time: JobClock;
  /** Whether the next job must wait, as when too much is executed and not yet durable. `kick` ends the wait. */
  readonly mustWait: () => boolean;
  readonly turnEnded: () => void;
  /** A job threw: the database cannot go on. */
  readonly broken: (error: unknown) => void;
}

/** Time for what an ended call left behind. It is worth nothing: its transaction is rolled back. */
const purgeMs = 50;
// Kept: where a module runs in a process of others, there is none while it does.
const later = setImmediate;

export class JobLoop {
  private readonly options: JobLoopOptions;
  /** What runs, from `next` on, and what came since it began to. */
  private jobs: Job[] = [];
  private next = 0;
  private arrived: Job[] = [];
  private scheduled = false;
  private running: Job | undefined;
  private stopped = false;
  /** What is done in parts, and has more to do. */
  private long: Job | undefined;
  private ranLong = false;
  /** What waits until it is done, in order, and whose the waiting jobs are. */
  private deferred: Job[] = [];
  private readonly deferredOwners = new Set<object>();
  private readonly turn = (): void => this.runTurn();
  private readonly interruptible = (): void => this.runJobs();

  constructor(options: JobLoopOptions) {
    this.options = options;
  }

  get count(): number {
    return (
      this.jobs.length - this.next + this.arrived.length + this.deferred.length + (this.long === undefined ? 0 : 1)
    );
  }

  push(job: Job): void {
    if (this.stopped) return;
    this.arrived.push(job);
    this.kick();
  }

  /** Puts the job that runs back to the head of the queue: there is more of it. Only from within its `run`. */
  again(job: Job): void {
    if (!this.stopped) this.jobs[--this.next] = job;
  }

  /** Goes on with the job that runs, a part at a time, and lets in between only what reads. Only from within its `run`. */
  beside(job: Job): void {
    if (this.stopped) return;
    this.long = job;
    this.ranLong = true;
  }

  /** Whether what writes waits for what is done in parts. */
  get holdsWrites(): boolean {
    return this.long !== undefined;
  }

  /** Lets the queue go on if there is something in it. */
  kick(): void {
    if (this.scheduled || this.count === 0) return;
    this.scheduled = true;
    later(this.turn);
  }

  /** Ends the loop. What waits is dropped unanswered, for whoever holds it to hand in again elsewhere. */
  stop(): void {
    this.stopped = true;
    this.jobs = [];
    this.next = 0;
    this.arrived = [];
    this.long = undefined;
    this.deferred = [];
    this.deferredOwners.clear();
  }

  private runTurn(): void {
    this.scheduled = false;
    if (this.stopped || this.count === 0 || this.options.mustWait()) return;
    const { time, watchdog, timeoutMs } = this.options;
    time.turnStarts();
    try {
      if (!watchdog.run(this.interruptible, timeoutMs)) {
        this.purge();
        const job = this.running;
        this.running = undefined;
        job?.timedOut();
      }
    } catch (error) {
      this.running = undefined;
      this.options.broken(error);
      return;
    } finally {
      time.turnEnds();
    }
    this.options.turnEnded();
    this.kick();
  }

  /** Runs what an ended call left to its promises, while its transaction is still open; what loops there is dropped. */
  private purge(): void {
    modulePromises.end(); // what was ended did not get to say so
    this.options.watchdog.run(() => void modulePromises.settle(), purgeMs);
  }

  private runJobs(): void {
    const { time, mustWait, watchdog } = this.options;
    const until = time.look() + watchdog.sliceMs;
    const { activity } = modulePromises;
    for (;;) {
      const job = this.take();
      if (job === undefined) return;
      this.running = job;
      time.jobStarts();
      job.run();
      this.running = undefined;
      watchdog.critical.letGo();
      if (watchdog.critical.isAskedToEnd) return;
      // A call runs the microtasks that its module leaves, within its transaction: none of the host's own may wait then.
      if (mustWait() || time.latestMs > until || modulePromises.activity !== activity) return;
    }
  }

  private take(): Job | undefined {
    if (this.long !== undefined) return this.takeBeside(this.long);
    if (this.deferred.length > 0) this.takeBack();
    return this.takeNext();
  }

  /** In turns the next that only reads, and the next part of the long one. */
  private takeBeside(long: Job): Job {
    const { deferred, deferredOwners } = this;
    for (let job = this.ranLong ? this.takeNext() : undefined; job !== undefined; job = this.takeNext()) {
      const { owner } = job;
      if (owner !== undefined && !deferredOwners.has(owner) && job.readsOnly?.() === true) {
        this.ranLong = false;
        return job;
      }
      deferred.push(job);
      if (owner !== undefined) deferredOwners.add(owner);
    }
    this.long = undefined; // it says itself that there is more of it
    return long;
  }

  /** The long one is done: what has waited for it comes first. */
  private takeBack(): void {
    this.jobs = [...this.deferred, ...this.jobs.slice(this.next)];
    this.next = 0;
    this.deferred = [];
    this.deferredOwners.clear();
  }

  private takeNext(): Job | undefined {
    if (this.next === this.jobs.length) {
      const done = this.jobs;
      done.length = 0;
      this.jobs = this.arrived;
      this.arrived = done;
      this.next = 0;
      if (this.jobs.length === 0) return undefined;
    }
    return this.jobs[this.next++];
  }
}
