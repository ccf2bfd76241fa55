/**
 * Runs views: in a module instance of their own, in stretches of the watchdog, which ends what takes too long. What a run
 * gives is for whoever asked for it to take.
 */
import { defined, isLightconeError, type LightconeError } from "@lightcone/base";
import { modulePromises } from "@lightcone/base/node";
import { LogLevel } from "@lightcone/host";
import type { SelectPlan } from "@lightcone/sql";
import { WorkKind } from "../link/work.ts";
import type { Instance } from "./instances.ts";
import type { Kept } from "./kept-queries.ts";
import { planOf, runQuery, viewsOf } from "./query-view.ts";
import { ReadPort } from "./read-port.ts";
import { ReadSet, type IndexKeys } from "./read-set.ts";
import { failure, timedOut, type ViewLog } from "./view-log.ts";
import type { ViewTable } from "./relations.ts";
import { ViewRows } from "./view-rows.ts";
import type { ViewModule, ViewSite } from "./view-site.ts";

/** Runs go on in one stretch of the watchdog for so long; then the next begins, with all of its budget. */
const stretchMs = 5;

/** What a run gives. */
export interface Given {
  readonly rows: ViewRows;
  readonly reads: ReadSet;
  /** Instances that were read. */
  readonly inner: readonly Instance[];
  /** A query whose rows these are, and nothing else. */
  readonly kept: Kept | undefined;
}

/** What a run gives whose query reads views: it is run when those are up to date. */
export interface Asked {
  readonly plan: SelectPlan;
  readonly views: readonly ViewTable[];
  /** Instances of those: for who is to run it to say. */
  readonly inner: readonly Instance[];
  readonly reads: ReadSet;
}

/** An instance to be run. */
export interface Task {
  readonly instance: Instance;
  /** The query that its function has given, when that alone is left to be run. */
  readonly asked: Asked | undefined;
}

/** An instance that was run, and how long that took. */
export interface Ran<T> {
  readonly task: T;
  readonly result: Given | Asked | LightconeError;
  readonly spentMs: number;
}

export interface RunTaker<T> {
  /** Takes what a run has brought. @returns whether the others are to be run */
  take(ran: Ran<T>): boolean;
  /** One was not run to its end. */
  failed(task: T, error: LightconeError): void;
}

const noArgs = new Uint8Array(0);

export class ViewRunner {
  /** The port of the instance that views run in. */
  readonly port: ReadPort;
  private readonly site: ViewSite;
  private readonly keys: IndexKeys;
  private readonly log: ViewLog;
  private bound: ViewModule | undefined;
  /** Whether the instance that views run in is there. */
  private isOpen = false;
  /** What runs at the moment. */
  private running: Instance | undefined;

  constructor(site: ViewSite, keys: IndexKeys, log: ViewLog) {
    this.site = site;
    this.keys = keys;
    this.log = log;
    this.port = new ReadPort({
      store: site.store,
      databaseIdentity: site.databaseIdentity,
      refusal: "a view only reads",
      log: (line) => site.log.write(line, this.running?.of.view.name),
      nowMicros: () => site.clock.nowMicros(),
    });
  }

  /** Runs views of a module from now on. */
  bind(module: ViewModule | undefined): void {
    this.discard();
    this.bound = module;
    this.port.bind();
  }

  /**
   * Runs instances, in their order, until one is not taken.
   *
   * @param attempt what the runs are numbered by, for whoever asks what a host ended at
   * @returns whether all have been taken
   */
  run<T extends Task>(due: readonly T[], taker: RunTaker<T>, attempt: number): boolean {
    const { activity } = this.site;
    const notThere = this.isOpen || due.length === 0 ? undefined : this.openModule();
    if (notThere !== undefined) {
      for (const task of due) taker.failed(task, failure(task.instance, notThere));
      return true;
    }
    try {
      return this.runInStretches(due, taker, attempt);
    } finally {
      activity.endParts();
    }
  }

  private runInStretches<T extends Task>(due: readonly T[], taker: RunTaker<T>, attempt: number): boolean {
    const { activity, clock, limits, watchdog } = this.site;
    let left = due;
    while (left.length > 0) {
      const ran: Ran<T>[] = [];
      let hasBegun = false;
      const goOn = modulePromises.setAside();
      const isWhole = watchdog.runWithin(() => {
        hasBegun = true;
        const until = clock.steadyMs() + stretchMs;
        do {
          const task = left[ran.length] as T; // below the length
          const { instance } = task;
          this.running = instance;
          activity.beginPart(WorkKind.view, instance.of.workId, attempt);
          const from = clock.steadyMs();
          const result = this.runOne(task);
          this.running = undefined;
          ran.push({ task, result, spentMs: clock.steadyMs() - from });
        } while (ran.length < left.length && clock.steadyMs() < until);
      }, limits.viewTimeoutMs);
      if (!isWhole) modulePromises.end();
      goOn();
      this.port.end();
      this.running = undefined;
      for (const each of ran) if (!taker.take(each)) return false;
      left = left.slice(ran.length);
      if (isWhole) continue;
      this.discard();
      // The first range over a large unique index makes its tree, which is no view's time: it is run again.
      if (hasBegun && this.site.store.finishIndexes()) continue;
      left = this.failEnded(left, hasBegun, taker);
    }
    return true;
  }

  /**
   * What was running is ended, and with it others of the same view: each would hold the database for as long. When nothing
   * could begin, there is no time left for any.
   *
   * @returns those that are still to be run
   */
  private failEnded<T extends Task>(left: readonly T[], hasBegun: boolean, taker: RunTaker<T>): readonly T[] {
    const first = left[0]?.instance;
    if (first === undefined) return left;
    const { viewTimeoutMs } = this.site.limits;
    this.log.said(first, timedOut(first, viewTimeoutMs));
    const isEnded = ({ instance }: T): boolean => !hasBegun || instance.of === first.of;
    for (const task of left) if (isEnded(task)) taker.failed(task, timedOut(task.instance, viewTimeoutMs));
    return left.filter((task) => !isEnded(task));
  }

  /** Lets go of the instance that views run in. */
  discard(): void {
    this.isOpen = false;
    this.bound?.discardViews();
  }

  /** Has the instance that views run in be there, which is no view's time. @returns why it is not */
  private openModule(): string | undefined {
    const { limits, log, watchdog } = this.site;
    let thrown: unknown;
    const goOn = modulePromises.setAside();
    const isWhole = watchdog.runWithin(() => {
      try {
        void this.bound?.views;
      } catch (error) {
        thrown = error;
      }
    }, limits.reducerTimeoutMs);
    if (!isWhole) modulePromises.end();
    goOn();
    this.isOpen = isWhole && thrown === undefined;
    if (this.isOpen) return undefined;
    this.discard();
    const why = isWhole ? String(thrown) : `it took longer than ${limits.reducerTimeoutMs / 1000} s (reducerTimeoutMs)`;
    log.note(LogLevel.error, `the module did not start for its views: ${why}`);
    return "the module did not start; the database's log says why";
  }

  /** Runs an instance. @returns what it gives, or why it gives nothing */
  private runOne({ instance, asked }: Task): Given | Asked | LightconeError {
    const { limits } = this.site;
    const { of, caller } = instance;
    const rows = new ViewRows(of, caller, limits.viewRowsMax);
    try {
      const given = asked ?? this.call(instance, rows);
      if (isLightconeError(given)) return given;
      let kept: Kept | undefined;
      if ("plan" in given) {
        if (asked === undefined && given.views.length > 0) return given;
        kept = runQuery(this.site.relations, given.plan, of.view, caller, given.reads, rows.add);
      }
      rows.checkKey();
      return { rows, reads: given.reads, inner: given.inner, kept };
    } catch (error) {
      this.port.end();
      if (!isLightconeError(error)) {
        this.discard();
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        return this.log.panicked(instance, text, this.bound);
      }
      if (error.code !== "ViewFailed") this.discard();
      return this.log.said(instance, error);
    }
  }

  /** Calls the view's function: it gives rows, or a query. */
  private call(instance: Instance, rows: ViewRows): Given | Asked | LightconeError {
    const { limits, relations } = this.site;
    const { view } = instance.of;
    const reads = new ReadSet(this.keys, limits.viewReadsMax);
    const { views } = defined(this.bound, "the module of a view");
    this.port.begin(reads);
    const outcome = views.callView?.({
      viewIndex: view.index,
      isAnonymous: view.isAnonymous,
      sender: instance.caller,
      args: noArgs,
    });
    this.port.end();
    reads.finish();
    switch (outcome?.kind) {
      case "rows":
        rows.addList(outcome.bytes);
        return { rows, reads, inner: [], kept: undefined };
      case "query": {
        if (outcome.sql === "") return { rows, reads, inner: [], kept: undefined };
        const plan = planOf(relations, view, outcome.sql);
        return { plan, views: viewsOf(relations, plan), inner: [], reads };
      }
      case "error":
        return this.log.refused(instance, outcome.message);
      case "panic":
        if (outcome.fatal) this.discard();
        return this.log.panicked(instance, outcome.message, this.bound);
      case undefined:
        return failure(instance, "this release does not run its views");
    }
  }
}
