/**
 * The promises of module code: whose they are, whether one was rejected, whether all are settled.
 *
 * Node runs microtasks and speaks of rejections between two callbacks of the event loop, and a database runs many
 * calls in one. What a call leaves to its promises must neither run in another call's transaction nor end the
 * process, so each call settles its own before its transaction ends:
 *
 *   begin ─▶ the module's code ─▶ end ─▶ (did anything happen to a promise?) ─▶ settle: run microtasks, look
 *
 * V8's promise hooks count what happens to promises, which costs code without promises nothing. Whoever runs calls
 * lets the event loop go round once whenever `activity` has risen: so none of the host's own microtasks wait when
 * a call settles its.
 *
 * A procedure that waits is such a piece of work in parts: its promises stay its own from one to the next, and open ones are
 * what it is about.
 */
import { promiseHooks } from "node:v8";
import { assert } from "./assert.ts";

/** Node's step between two callbacks: what `process.nextTick` was given, microtasks, rejections that nobody handled. */
const step: unknown = Reflect.get(process, "_tickCallback");
if (typeof step !== "function") throw unfit("lacks process._tickCallback");
const runStep = step;
// Kept: where a module runs in a process of others, there is none while it does.
const ownProcess = process;

function unfit(problem: string): Error {
  return new Error(
    `Node ${process.version} ${problem}, without which what modules leave to promises cannot be kept to their calls: use a release of Node 24`,
  );
}

/** Runs what waits in the queues of microtasks. Nothing happens within a microtask. */
export function drainMicrotasks(): void {
  Reflect.apply(runStep, ownProcess, []);
}

/** Runs `work` between two callbacks of the event loop, where microtasks can be drained: what may run module code. */
export function outsideMicrotasks<T>(work: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/** A promise that was rejected and that nobody handled. */
export interface Rejection {
  readonly reason: unknown;
  /** The stack that the promise was made under; undefined when the call had made many before. */
  readonly madeUnder: string | undefined;
}

export interface Settled {
  readonly rejection: Rejection | undefined;
  /** A promise that is still open; what waits for it would run at some later time. */
  readonly open: { readonly madeUnder: string | undefined } | undefined;
}

/** A piece of work that is done in parts. */
export interface WorkInParts {
  readonly work: number;
  readonly open: Map<object, Origin>;
  stackCount: number;
}

interface Origin {
  readonly work: number;
  readonly made: Error | undefined;
}

/** Stacks are kept of so many promises of a call: taking one costs microseconds. */
const stacksMax = 16;

class ModulePromises {
  /** Rises whenever a promise is made or settled, whoever's it is. Stands still until `watch`. */
  activity = 0;
  private isWatching = false;
  /** The present piece of work. */
  private work = 0;
  private workCount = 0;
  private isRunning = false;
  private stackCount = 0;
  private readonly origins = new WeakMap<object, Origin>();
  /** Of work that is done in one go. */
  private readonly openNow = new Map<object, Origin>();
  private open: Map<object, Origin> = this.openNow;
  private rejection: Rejection | undefined;
  private stopTelling: () => void = () => undefined;

  /** Begins to count, until what is returned is called. To be called before module code runs. */
  watch(): () => void {
    if (this.isWatching) return () => undefined;
    this.isWatching = true;
    const stopHooks = promiseHooks.createHook({
      init: (promise) => {
        this.activity += 1;
        if (this.isRunning) this.made(promise);
      },
      settled: (promise) => {
        this.activity += 1;
        this.open.delete(promise);
      },
    });
    // A listener would make every rejection in the process count as handled, the host's own among them, and listeners
    // of others would still hear of the module's.
    const before: unknown = Reflect.get(process, "emit");
    const emit = process.emit.bind(process) as (name: string, ...values: unknown[]) => boolean;
    const kept = (name: string, ...values: unknown[]): boolean => {
      const isRejection = name === "unhandledRejection";
      const promise = isRejection ? values[1] : name === "rejectionHandled" ? values[0] : undefined;
      const origin = typeof promise === "object" && promise !== null ? this.origins.get(promise) : undefined;
      if (origin === undefined) return emit(name, ...values);
      if (isRejection && origin.work === this.work)
        this.rejection ??= { reason: values[0], madeUnder: origin.made?.stack };
      return true;
    };
    Reflect.set(process, "emit", kept);
    return () => {
      stopHooks();
      Reflect.set(process, "emit", before);
      this.isWatching = false;
    };
  }

  /** Module code begins to run: promises are its own from here on. */
  begin(): void {
    this.work = this.workCount += 1;
    this.isRunning = true;
    this.open = this.openNow;
    if (this.open.size > 0) this.open.clear();
    this.rejection = undefined;
    this.stackCount = 0;
  }

  /** A piece of work that will be done in parts. */
  plan(): WorkInParts {
    return { work: (this.workCount += 1), open: new Map(), stackCount: 0 };
  }

  /** Module code begins to run a part of a piece of work. What is open stays so until another part closes it. */
  beginPart({ work, open, stackCount }: WorkInParts): void {
    this.work = work;
    this.isRunning = true;
    this.open = open;
    this.rejection = undefined;
    this.stackCount = stackCount;
  }

  /**
   * Sets aside the work that is under way, for module code that runs within it and leaves nothing to promises.
   *
   * @returns goes on with that work
   */
  setAside(): () => void {
    const { work, isRunning, open, rejection, stackCount } = this;
    this.open = new Map();
    return () => {
      this.work = work;
      this.isRunning = isRunning;
      this.open = open;
      this.rejection = rejection;
      this.stackCount = stackCount;
    };
  }

  /** Module code has ended, whichever way. */
  end(): void {
    this.isRunning = false;
    this.stopTelling();
  }

  /** Runs what the host does on behalf of module code: promises of that are not the module's. */
  outside<T>(work: () => T): T {
    const wasRunning = this.isRunning;
    this.isRunning = false;
    try {
      return work();
    } finally {
      this.isRunning = wasRunning;
    }
  }

  /**
   * Runs the microtasks of the work that has just ended, and says what became of its promises. A microtask is the
   * module's if its promise is: the host may have begun something on the module's behalf. Time is the caller's to
   * limit; a time-out passes.
   *
   * @param part that which the work was a part of
   */
  settle(part?: WorkInParts): Settled {
    let hasRun = false;
    void Promise.resolve().then(() => (hasRun = true));
    const stop = promiseHooks.createHook({
      before: (promise) => (this.isRunning = this.origins.get(promise)?.work === this.work),
      after: () => (this.isRunning = false),
    });
    this.stopTelling = () => void stop();
    drainMicrotasks();
    stop();
    assert(hasRun, "module code that makes promises must not run within a microtask");
    const rejection = this.rejection;
    this.rejection = undefined;
    const [first] = this.open.values();
    if (part === undefined) this.open.clear();
    else part.stackCount = this.stackCount;
    return { rejection, open: first === undefined ? undefined : { madeUnder: first.made?.stack } };
  }

  private made(promise: object): void {
    this.stackCount += 1;
    const origin = { work: this.work, made: this.stackCount <= stacksMax ? new Error() : undefined };
    this.origins.set(promise, origin);
    this.open.set(promise, origin);
  }
}

/** Of this process: hooks and rejections are the process's. */
export const modulePromises: ModulePromises = new ModulePromises();

/**
 * Shows that this Node does with promises what calls rely on; only the hooks are in Node's
 * manual. To be called as a host starts: a Node upgrade must not take a guarantee away unseen.
 *
 * @throws {Error} that says what is missing, and which Node to use
 */
export function checkPromiseHooks(): Promise<void> {
  return outsideMicrotasks(() => {
    let hasRun = false;
    void Promise.resolve().then(() => (hasRun = true));
    drainMicrotasks();
    if (!hasRun) throw unfit("runs no microtasks in process._tickCallback");
    const probe = new ModulePromises();
    const stop = probe.watch();
    void new Promise(() => undefined);
    if (probe.activity === 0) throw unfit("does not call v8.promiseHooks");
    const unheard = unfit("does not emit rejections that nobody handled by process.emit");
    probe.begin();
    void Promise.reject(unheard);
    probe.end();
    const { rejection } = probe.settle();
    stop();
    if (rejection?.reason !== unheard) throw unheard;
  });
}
