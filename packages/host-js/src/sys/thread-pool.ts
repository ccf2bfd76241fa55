/**
 * The threads of a program's procedures: a few that are idle, for the next ones, and no more at a time than the limit. Who finds none
 * comes again, in the order of asking.
 */
import type { HostPort } from "@lightcone/host";
import { ProcedureThread, type ThreadLimits } from "./procedure-thread.ts";
import type { ThreadProgram } from "./thread-messages.ts";

/** Threads that are kept. Each costs some 40 MB. */
const idleMax = 2;
/** Beyond those a thread is started only for who has waited so long: starting one takes a third of a second of the processor. */
const patienceMs = 30;

export class ThreadPool {
  private readonly program: ThreadProgram;
  private readonly limits: ThreadLimits;
  private readonly idle: ProcedureThread[] = [];
  /** Who has asked and found none, the first at first, and since when. */
  private readonly queue = new Map<object, number>();
  private keeps = true;

  constructor(program: ThreadProgram, limits: ThreadLimits) {
    this.program = program;
    this.limits = limits;
  }

  /** A thread for `who`, who gives it back; otherwise how many are before it. */
  take(who: object, port: HostPort): ProcedureThread | number {
    this.keeps = true;
    const sinceMs = this.queue.get(who) ?? performance.now();
    this.queue.set(who, sinceMs);
    const [first] = this.queue.keys();
    if (first === who) {
      const isPatient = ProcedureThread.count >= idleMax && performance.now() - sinceMs < patienceMs;
      const thread = this.idleOne() ?? (isPatient ? undefined : this.started(port));
      if (thread !== undefined) {
        this.queue.delete(who);
        return thread;
      }
    }
    return [...this.queue.keys()].indexOf(who);
  }

  private idleOne(): ProcedureThread | undefined {
    for (let thread = this.idle.pop(); thread !== undefined; thread = this.idle.pop())
      if (!thread.isOver) return thread;
    return undefined;
  }

  private started(port: HostPort): ProcedureThread | undefined {
    return ProcedureThread.count < this.limits.threadsMax
      ? new ProcedureThread(this.program, port, this.limits)
      : undefined;
  }

  /** It has been asked for one and does not want it any more. */
  leave(who: object): void {
    this.queue.delete(who);
  }

  give(thread: ProcedureThread): void {
    if (thread.isOver) return;
    if (this.keeps && this.idle.length < idleMax) this.idle.push(thread);
    else thread.close();
  }

  /** Ends those that are idle, and those that come back, until one is asked for again. */
  rest(): void {
    this.keeps = false;
    for (const thread of this.idle.splice(0)) thread.close();
  }
}
