/**
 * One round of runs: instances that are due, and those that read them, each at most once and behind what it reads.
 *
 *   due ─▶ run together ─▶ rows have changed? ─▶ who reads those is due ─▶ … until none waits
 *
 * What a view reads of other views is known when its function has given its query: then it waits for those that are not up to date.
 * Views that wait for each other in a circle fail.
 */
import { isLightconeError, type LightconeError } from "@lightcone/base";
import type { Instance } from "./instances.ts";
import { nobody, type ViewTable } from "./relations.ts";
import { failedWithin, readsItself, timedOut, type ViewLog } from "./view-log.ts";
import type { Asked, Given, Ran, RunTaker, Task, ViewRunner } from "./view-runner.ts";

export interface RoundSite {
  readonly runner: ViewRunner;
  readonly log: ViewLog;
  readonly viewTimeoutMs: number;
  /** What the runs are numbered by, for whoever asks what a host ended at. */
  readonly attempt: number;
  /** The instance of a view for a caller, which is made if it is not there. */
  instanceOf(view: ViewTable, caller: Uint8Array): Instance;
  /** Whether an instance is kept up to date. It is let go of if not. */
  isKept(instance: Instance): boolean;
  /** Why an instance is not to be run; undefined if it is. */
  refusal(instance: Instance): LightconeError | undefined;
  /** Changes rows as the commit has, where nothing is to be run for that. @returns whether it has done so; undefined: no room */
  apply(instance: Instance): boolean | undefined;
  /** Takes rows. @returns whether they are other ones than before; undefined when there was no room for them */
  take(instance: Instance, given: Given): boolean | undefined;
  /** @param isOwn false when a view that it reads is to blame @returns what is told of it */
  failed(instance: Instance, error: LightconeError, isOwn: boolean): LightconeError;
  noteTime(instance: Instance, spentMs: number): void;
}

class Waiting implements Task {
  readonly instance: Instance;
  asked: Asked | undefined;
  /** Whether it has to be run; if not, it is when one that it waits for has other rows. */
  isDue: boolean;
  isDone = false;
  readonly waitsFor = new Set<Waiting>();
  readonly waiters: Waiting[] = [];

  constructor(instance: Instance, isDue: boolean) {
    this.instance = instance;
    this.isDue = isDue;
  }
}

/** What has become of one, for those that wait for it. */
type End = "same" | "changed" | { readonly error: LightconeError; readonly isOwn: boolean };

export class Round implements RunTaker<Waiting> {
  private readonly site: RoundSite;
  private readonly tasks = new Map<Instance, Waiting>();
  private readonly failures: ReadonlyMap<Instance, LightconeError>;
  /** Views of which a run took too long: no other run of theirs is tried. */
  private readonly ended = new Set<ViewTable>();
  private ready: Waiting[] = [];

  /** @param failures instances that have failed in this turn */
  constructor(site: RoundSite, failures: ReadonlyMap<Instance, LightconeError>) {
    this.site = site;
    this.failures = failures;
  }

  /** Those that have to be run, or had to be once what they read had changed. */
  get due(): readonly Instance[] {
    return [...this.tasks.values()].filter(({ isDue }) => isDue).map(({ instance }) => instance);
  }

  /** Runs what is due. @returns false when rows found no room: nothing of the round stands */
  run(due: readonly Instance[]): boolean {
    const { runner, attempt } = this.site;
    for (const instance of due) this.add(instance, true);
    this.waitForKnown();
    for (;;) {
      const { ready } = this;
      this.ready = [];
      const batch: Waiting[] = [];
      for (const task of ready) {
        if (this.isRefused(task)) continue;
        const isApplied = task.asked === undefined && this.site.apply(task.instance);
        if (isApplied === undefined) return false;
        if (isApplied) this.end([task, "changed"]);
        else batch.push(task);
      }
      if (batch.length === 0 && this.ready.length === 0 && !this.failCircle()) return true;
      if (!runner.run(batch, this, attempt)) return false;
    }
  }

  take({ task, result, spentMs }: Ran<Waiting>): boolean {
    const { instance } = task;
    this.site.noteTime(instance, spentMs);
    if (isLightconeError(result)) this.failed(task, result);
    else if ("plan" in result) this.wait(task, result);
    else {
      const hasChanged = this.site.take(instance, result);
      if (hasChanged === undefined) return false;
      this.end([task, hasChanged ? "changed" : "same"]);
    }
    return true;
  }

  failed(task: Waiting, error: LightconeError): void {
    if (error.code === "ViewTimedOut") this.ended.add(task.instance.of);
    this.end([task, { error, isOwn: true }]);
  }

  private add(instance: Instance, isDue: boolean): Waiting {
    let task = this.tasks.get(instance);
    if (task === undefined) {
      this.tasks.set(instance, (task = new Waiting(instance, isDue)));
      if (isDue) this.ready.push(task);
    }
    return task;
  }

  /** Those that read what is due wait for it. One that is due itself waits for what its new run asks for. */
  private waitForKnown(): void {
    for (const instance of this.failures.keys()) this.addReaders(instance, true);
    for (const { instance } of this.tasks.values()) this.addReaders(instance, false);
    for (const task of this.tasks.values()) {
      if (task.isDue) continue;
      for (const inner of task.instance.inner) {
        const other = this.tasks.get(inner);
        if (other !== undefined) this.waitFor(task, other);
      }
    }
  }

  private addReaders(instance: Instance, isDue: boolean): void {
    for (const reader of instance.readers) if (this.site.isKept(reader)) this.add(reader, isDue);
  }

  private waitFor(task: Waiting, other: Waiting): void {
    task.waitsFor.add(other);
    other.waiters.push(task);
  }

  /** A function has given a query that reads views. */
  private wait(task: Waiting, asked: Asked): void {
    const { caller } = task.instance;
    const inner = asked.views.map((of) => this.site.instanceOf(of, of.view.isAnonymous ? nobody : caller));
    task.asked = { ...asked, inner };
    for (const each of inner) {
      const error = this.failures.get(each) ?? this.errorOf(each);
      if (error !== undefined) {
        this.end([task, { error: failedWithin(task.instance, each, error), isOwn: false }]);
        return;
      }
      const other = this.tasks.get(each) ?? (each.reads === undefined ? this.add(each, true) : undefined);
      if (other?.isDone === false) this.waitFor(task, other);
    }
    if (task.waitsFor.size === 0) this.ready.push(task);
  }

  /** Why an instance has no rows and gets none in this round. */
  private errorOf(instance: Instance): LightconeError | undefined {
    if (instance.isQuarantined) return instance.error;
    // Who is subscribed has rows of before: they go first.
    if (instance.error !== undefined && instance.isFollowed) return instance.error;
    return this.tasks.has(instance) || instance.reads !== undefined ? undefined : this.site.refusal(instance);
  }

  private isRefused(task: Waiting): boolean {
    if (task.isDone) return true;
    const { viewTimeoutMs } = this.site;
    if (!this.ended.has(task.instance.of)) return false;
    this.end([task, { error: timedOut(task.instance, viewTimeoutMs), isOwn: true }]);
    return true;
  }

  /** Some are through. Those that waited for them alone come next, or are through as well. */
  private end(...ends: [Waiting, End][]): void {
    for (const [task, end] of ends) {
      if (task.isDone) continue;
      task.isDone = true;
      const failure = typeof end === "string" ? undefined : end;
      const error = failure && this.site.failed(task.instance, failure.error, failure.isOwn);
      for (const waiter of task.waiters) {
        if (waiter.isDone) continue;
        waiter.waitsFor.delete(task);
        if (error !== undefined)
          ends.push([waiter, { error: failedWithin(waiter.instance, task.instance, error), isOwn: false }]);
        else {
          if (end === "changed") waiter.isDue = true;
          if (waiter.waitsFor.size > 0) continue;
          if (waiter.isDue) this.ready.push(waiter);
          else ends.push([waiter, "same"]);
        }
      }
    }
  }

  /** All that are left wait: some of them for each other. Those fail, and who waits for them. @returns whether any was left */
  private failCircle(): boolean {
    const path: Waiting[] = [];
    let [task] = [...this.tasks.values()].filter(({ isDone }) => !isDone);
    while (task !== undefined && !path.includes(task)) {
      path.push(task);
      [task] = task.waitsFor;
    }
    if (task === undefined) return false;
    const circle = path.slice(path.indexOf(task));
    const names = [...circle, task].map(({ instance }) => instance.of.view.name);
    const isOwn = true;
    this.end(
      ...circle.map((each): [Waiting, End] => {
        return [each, { error: this.site.log.said(each.instance, readsItself(each.instance, names)), isOwn }];
      }),
    );
    return true;
  }
}
