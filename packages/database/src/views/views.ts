/**
 * The views of a database: for whom each was computed, when it is computed again, and what becomes of one that fails.
 *
 *   commit ─▶ who read what it changed? ─▶ run those ─▶ compare with their rows ─▶ a commit of the derived store
 *
 * An instance is a view for one caller, or an anonymous one for all. It is computed when it is first asked for and, as
 * long as somebody is subscribed to it, again with each commit that changes what it read: after the commit is in the log
 * and before anybody is told. A view that fails costs those who are subscribed to it, never the writer. Views run in a module
 * instance of their own. `docs/decisions/0195`.
 */
import {
  asRowRef,
  defined,
  isLightconeError,
  LightconeError,
  type Clock,
  type RowRef,
  type TableId,
} from "@lightcone/base";
import { modulePromises, type Watchdog } from "@lightcone/base/node";
import { CommitKind, makeHashSeed, type Commit, type Store } from "@lightcone/engine";
import { LogLevel, type FunctionKind, type LogLine, type ModuleInstance } from "@lightcone/host";
import type { Changes } from "@lightcone/query";
import type { ModuleDef } from "@lightcone/schema";
import type { SelectPlan } from "@lightcone/sql";
import type { DatabaseLimits } from "../link/limits.ts";
import type { Caller } from "../link/link.ts";
import { WorkKind, type Activity } from "../link/work.ts";
import type { ModuleLog } from "../module-log/module-log.ts";
import { runQuery } from "./query-view.ts";
import { ReadPort } from "./read-port.ts";
import { IndexKeys, Readers, ReadSet } from "./read-set.ts";
import { nobody, type Relations } from "./relations.ts";
import { Instances, type Instance } from "./instances.ts";
import { toCome, ViewRows } from "./view-rows.ts";

/** Runs go on in one stretch of the watchdog for so long; then the next begins, with all of its budget. */
const stretchMs = 5;
/** A view that takes longer of one commit is named in the log, once a minute. */
const slowMs = 5;
const minuteMs = 60_000;
/** Instances that are kept although nobody is subscribed to them. */
const unusedMax = 1000;
/** Views of one commit that find no room before all that are left do without. */
const roomTriesMax = 8;
/** After so many failures in a row an instance is not run again until the next publish. */
export const viewFailuresMax = 3;

export interface ViewSite {
  readonly store: Store;
  readonly relations: Relations;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly limits: DatabaseLimits;
  readonly log: ModuleLog;
  readonly activity: Activity;
  readonly ends: ViewEnds;
  readonly condemned: CondemnedViews;
  readonly databaseIdentity: Uint8Array;
  readonly seed: number;
}

/** The views that hosts have ended in, and how often. */
export interface ViewEnds {
  /** Why a view is refused now, if so. */
  refusal(view: string): LightconeError | undefined;
}

/** The views that the host before ended in. */
export interface CondemnedViews {
  /** Whether this is one, as long as what that host had been given is gone through. */
  has(view: TableId, isRestoring: boolean): boolean;
}

/** The module that views are of. */
export interface ViewModule {
  readonly def: ModuleDef;
  /** The instance that views run in; a new one after `discardViews`. */
  readonly views: ModuleInstance;
  /** Drops that: it was left in the middle of a view, or its module has had its time. */
  discardViews(): void;
  /** Where a function stands in the author's files, if that can be told. */
  placeOf(kind: FunctionKind, name: string): { readonly file: string; readonly line: number } | undefined;
}

/** Hears what changes of views apart from any commit. */
export interface ViewListener {
  /** Rows that nobody is subscribed to have come or gone. */
  filled(changes: Changes): void;
  /** Those who are subscribed to an instance are to be told that it has failed. Not within a commit. */
  failed(instance: Instance, error: LightconeError): void;
}

export class Views {
  /** Bytes that live queries keep, which count towards `liveStateBytesMax` too. */
  otherBytes: () => number = () => 0;
  listener: ViewListener = { filled: () => undefined, failed: () => undefined };
  /** The port of the instance that views run in. */
  readonly port: ReadPort;
  private readonly site: ViewSite;
  private readonly instances: Instances;
  private readonly keys: IndexKeys;
  private readonly readers: Readers<Instance>;
  private module: ViewModule | undefined;
  private bound: ViewModule | undefined;
  /** Whether the instance that views run in is there. */
  private isOpen = false;
  /** While subscriptions of a host before are restored. Their rows are known to their clients: they are computed if that can be. */
  isRestoring = false;
  /** What runs at the moment. */
  private running: Instance | undefined;
  private stale: Instance[] = [];
  /** The rows of before of what this round has changed. */
  private before: (readonly [Instance, readonly RowRef[]])[] = [];
  /** Those whose rows are to be taken away. */
  private dropped: Instance[] = [];
  /** How long runs of each view took since this was last looked at, and when one was last said to be slow. */
  private readonly slow = new Map<TableId, number>();
  private readonly slowNotedMs = new Map<TableId, number>();

  constructor(site: ViewSite) {
    this.site = site;
    this.keys = new IndexKeys(makeHashSeed(site.seed));
    this.readers = new Readers(this.keys);
    this.instances = new Instances();
    this.port = new ReadPort({
      store: site.store,
      databaseIdentity: site.databaseIdentity,
      log: (line) => site.log.write(line, this.running?.of.view.name),
      nowMicros: () => site.clock.nowMicros(),
    });
  }

  /** How many instances there are. */
  get count(): number {
    return this.instances.count;
  }

  /** Says which module runs. Its views take over with the commit that publishes it, or by `bind`. */
  use(module: ViewModule | undefined): void {
    this.module = module;
  }

  /** Lets the views of the module be those that there are. Instances of theirs that stay are computed again. */
  bind(): void {
    const { module, site } = this;
    if (module === this.bound) return;
    this.discard();
    this.bound = module;
    this.keys.clear();
    this.port.bind();
    const views = module?.def.views ?? [];
    if (views.length === 0 && !site.relations.hasViews) return;
    const changed = site.relations.bind(views);
    this.slowNotedMs.clear();
    for (const instance of [...this.instances.all()]) {
      this.forgetReads(instance);
      const of = site.relations.view(instance.of.schema.id);
      if (of === undefined || changed.has(instance.of.schema.id)) this.instances.remove(instance);
      else {
        instance.of = of;
        instance.failures = 0;
        instance.isQuarantined = false;
        if (instance.users.size === 0) instance.error = undefined;
        this.touch(instance);
      }
    }
  }

  // --- with a commit

  /**
   * Brings what is subscribed to up to a commit.
   *
   * @returns what has changed, to be released when all have been told; undefined for nothing
   */
  refresh(commit: Commit): Commit | undefined {
    if (commit.meta.kind === CommitKind.publish) this.bind();
    if (this.instances.count === 0) return undefined;
    this.readers.concerned(commit, this.site.store, this.touch);
    return this.refreshStale();
  }

  /** The same for what a new module has changed, apart from a commit. */
  refreshStale(): Commit | undefined {
    const { instances } = this;
    const { dropped } = this;
    if (this.stale.length === 0 && dropped.length === 0) return undefined;
    this.dropped = [];
    const all = this.stale;
    this.stale = [];
    const due: Instance[] = [];
    for (const instance of all) {
      instance.isTouched = false;
      if (instance.isGone) continue;
      if (instance.users.size === 0) {
        this.forgetReads(instance);
        instances.remove(instance);
        dropped.push(instance);
      } else if (instance.error === undefined) due.push(instance);
    }
    return this.write(dropped, due, true);
  }

  private readonly touch = (instance: Instance): void => {
    if (instance.isTouched) return;
    instance.isTouched = true;
    this.stale.push(instance);
  };

  // --- on demand

  /**
   * Computes what statements read of views, as far as it is not there. Only between transactions.
   *
   * @returns why one of them has no rows
   */
  compute(
    plans: readonly SelectPlan[],
    { identity, isOwner }: Pick<Caller, "identity" | "isOwner">,
  ): LightconeError | undefined {
    const { relations, ends } = this.site;
    if (!relations.hasViews) return undefined;
    const due: Instance[] = [];
    for (const { sources } of plans) {
      for (const { table } of sources) {
        const of = relations.view(table.id);
        if (of === undefined) continue;
        const refusal = isOwner || this.isRestoring ? undefined : ends.refusal(of.view.name);
        if (refusal !== undefined) return refusal;
        const instance = this.instances.of(of, of.view.isAnonymous ? nobody : identity);
        if (instance.isQuarantined) return instance.error;
        // Who is subscribed has rows of before: they go first.
        if (instance.error !== undefined && instance.users.size > 0) return instance.error;
        if (instance.reads === undefined && !due.includes(instance)) due.push(instance);
      }
    }
    if (due.length === 0) return undefined;
    for (const instance of due) instance.error = undefined;
    const { dropped } = this;
    this.dropped = [];
    const changes = this.write(dropped, due, false);
    if (changes !== undefined) {
      this.listener.filled({ offset: changes.offset, deltas: changes.deltas });
      relations.derived.release(changes);
    }
    for (const instance of this.instances.trim(unusedMax)) {
      this.forgetReads(instance);
      this.dropped.push(instance);
    }
    return due.find(({ error }) => error !== undefined)?.error;
  }

  /** The instances that a query reads, all computed. Each is kept up to date until it is released. */
  hold(plan: SelectPlan, params: readonly Uint8Array[], user: object): readonly Instance[] {
    const { relations } = this.site;
    if (!relations.hasViews) return noInstances;
    const held = plan.sources.flatMap(({ table }) => {
      const of = relations.view(table.id);
      if (of === undefined) return [];
      const sender = plan.params.findIndex(({ from }) => from.kind === "sender" && !from.asBytes);
      const caller = of.view.isAnonymous ? nobody : defined(params[sender], "the caller of a view");
      return this.instances.of(of, caller);
    });
    for (const instance of held) this.instances.hold(instance, user);
    return held.length === 0 ? noInstances : held;
  }

  /** Tells those who are subscribed to a view that is refused, since hosts have ended in it. */
  endRefused(): void {
    const { ends } = this.site;
    for (const instance of this.instances.all()) {
      const refusal = instance.users.size === 0 ? undefined : ends.refusal(instance.of.view.name);
      if (refusal === undefined || instance.error !== undefined) continue;
      this.forgetReads(instance);
      instance.error = refusal;
      this.listener.failed(instance, refusal);
    }
  }

  release(held: readonly Instance[], user: object): void {
    for (const instance of held) this.instances.release(instance, user);
  }

  // --- running

  /** Takes the rows of `dropped` away and computes `due`, in one commit of the derived store. */
  private write(dropped: readonly Instance[], wanted: readonly Instance[], isOfCommit: boolean): Commit | undefined {
    const { limits, relations, condemned } = this.site;
    const { derived } = relations;
    const gone = [...dropped, ...this.makeRoom(wanted)];
    const failed: Instance[] = [];
    for (const instance of wanted)
      if (condemned.has(instance.of.schema.id, this.isRestoring)) this.failIn(failed, instance, ended(instance));
    const due = failed.length === 0 ? wanted : wanted.filter((instance) => !failed.includes(instance));
    for (let times = 1; ; times += 1) {
      derived.begin();
      for (const instance of gone) this.clear(instance);
      const left = failed.length === 0 ? due : due.filter((instance) => !failed.includes(instance));
      if (times > roomTriesMax) {
        for (const instance of left)
          this.failIn(failed, instance, this.said(instance, outOfRoom(instance, limits.liveStateBytesMax)));
        break;
      }
      if (this.runAll(left, failed)) break;
      // The one that found no room has failed. Nothing of this round stands: the others have another.
      derived.rollback();
      for (const [instance, rows] of this.before.reverse()) instance.rows = rows;
      this.before = [];
    }
    this.before = [];
    if (isOfCommit) this.tellSlow();
    this.slow.clear();
    const commit = relations.commit();
    for (const instance of failed)
      if (instance.users.size > 0) this.listener.failed(instance, defined(instance.error, "why it failed"));
    return commit;
  }

  /** Where three quarters of the room are taken, lets go of what nobody is subscribed to. */
  private makeRoom(due: readonly Instance[]): readonly Instance[] {
    const { limits, relations } = this.site;
    if (relations.derivedBytes + this.otherBytes() < limits.liveStateBytesMax * 0.75) return noInstances;
    const gone = this.instances.trim(0, new Set(due));
    for (const instance of gone) this.forgetReads(instance);
    return gone;
  }

  /** @returns false when the rows of one found no room: it is among those that have failed */
  private runAll(due: readonly Instance[], failed: Instance[]): boolean {
    const { activity } = this.site;
    const notThere = this.isOpen || due.length === 0 ? undefined : this.openModule();
    if (notThere !== undefined) {
      for (const instance of due) this.failIn(failed, instance, failure(instance, notThere));
      return true;
    }
    try {
      return this.runInStretches(due, failed);
    } finally {
      activity.endParts();
    }
  }

  private runInStretches(due: readonly Instance[], failed: Instance[]): boolean {
    const { activity, clock, limits, watchdog } = this.site;
    let left = due;
    while (left.length > 0) {
      const ran: Ran[] = [];
      let hasBegun = false;
      const goOn = modulePromises.setAside();
      const isWhole = watchdog.runWithin(() => {
        hasBegun = true;
        const until = clock.steadyMs() + stretchMs;
        do {
          const instance = left[ran.length] as Instance; // below the length
          this.running = instance;
          activity.beginPart(WorkKind.view, instance.of.workId, this.isRestoring ? 1 : 0);
          const from = clock.steadyMs();
          const result = this.run(instance);
          this.running = undefined;
          ran.push({ instance, result, spentMs: clock.steadyMs() - from });
        } while (ran.length < left.length && clock.steadyMs() < until);
      }, limits.viewTimeoutMs);
      if (!isWhole) modulePromises.end();
      goOn();
      this.port.end();
      this.running = undefined;
      for (const each of ran) if (!this.take(each, failed)) return false;
      left = left.slice(ran.length);
      if (isWhole) continue;
      this.discard();
      left = this.failEnded(left, hasBegun, failed);
    }
    return true;
  }

  /**
   * What was running is ended, and with it others of the same view: each would hold the database for as long. When nothing
   * could begin, there is no time left for any.
   *
   * @returns those that are still to be run
   */
  private failEnded(left: readonly Instance[], hasBegun: boolean, failed: Instance[]): readonly Instance[] {
    const [first] = left;
    if (first === undefined) return left;
    const { viewTimeoutMs } = this.site.limits;
    this.said(first, timedOut(first, viewTimeoutMs));
    const isEnded = ({ of }: Instance): boolean => !hasBegun || of === first.of;
    for (const instance of left)
      if (isEnded(instance)) this.failIn(failed, instance, timedOut(instance, viewTimeoutMs));
    return left.filter((instance) => !isEnded(instance));
  }

  /** Takes what a run has brought. @returns false when its rows found no room: it is among those that have failed */
  private take({ instance, result, spentMs }: Ran, failed: Instance[]): boolean {
    const { clock, limits, relations, watchdog } = this.site;
    const from = clock.steadyMs();
    if (isLightconeError(result)) this.failIn(failed, instance, result);
    else {
      watchdog.critical.enter();
      try {
        this.replace(instance, result.rows);
        const bytes = relations.derivedBytes + this.otherBytes();
        if (bytes > limits.liveStateBytesMax) throw new LightconeError("OutOfMemory", { bytesMax: bytes });
      } catch (error) {
        if (!isLightconeError(error, "OutOfMemory")) throw error;
        this.failIn(failed, instance, this.said(instance, outOfRoom(instance, limits.liveStateBytesMax)));
        return false;
      } finally {
        watchdog.critical.leave();
      }
      instance.failures = 0;
      instance.error = undefined;
      if (instance.reads?.isSame(result.reads) !== true) {
        this.forgetReads(instance);
        instance.reads = result.reads;
        this.readers.add(instance, result.reads);
      }
    }
    this.noteTime(instance, spentMs + clock.steadyMs() - from);
    return true;
  }

  private discard(): void {
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
  private run(instance: Instance): Given | LightconeError {
    const { limits, store } = this.site;
    const { of, caller } = instance;
    const reads = new ReadSet(this.keys, limits.viewReadsMax);
    const rows = new ViewRows(of, caller, limits.viewRowsMax);
    try {
      const module = defined(this.bound, "the module of a view");
      const { view } = of;
      const { views } = module;
      this.port.begin(reads);
      const outcome = views.callView?.({
        viewIndex: view.index,
        isAnonymous: view.isAnonymous,
        sender: caller,
        args: noArgs,
      });
      this.port.end();
      reads.finish();
      switch (outcome?.kind) {
        case "rows":
          rows.addList(outcome.bytes);
          break;
        case "query":
          if (outcome.sql !== "") runQuery(store, view, outcome.sql, reads, rows.add);
          break;
        case "error":
          return this.refused(instance, outcome.message);
        case "panic":
          if (outcome.fatal) this.discard();
          return this.panicked(instance, outcome.message);
        case undefined:
          return failure(instance, "this release does not run its views");
      }
      rows.checkKey();
    } catch (error) {
      this.port.end();
      if (!isLightconeError(error)) return this.broke(instance, error);
      if (error.code !== "ViewFailed") this.discard();
      return this.said(instance, error);
    }
    return { rows, reads };
  }

  /** Makes the instance's rows be `rows`. */
  private replace(instance: Instance, rows: ViewRows): void {
    const { derived } = this.site.relations;
    const { table } = instance.of;
    const { deletes, inserts, rows: all } = rows.differenceTo(table, derived, instance.rows);
    for (const ref of deletes) derived.tx.deleteRow(table.id, ref);
    let next = all.indexOf(toCome);
    for (const row of inserts) {
      rows.use(row, (bytes, at, length) => {
        const result = derived.tx.insert(table.id, bytes, at, length);
        if (result < 0) throw new TypeError(`a row of view ${table.name} is refused: ${derived.tx.failure()}`);
        all[next] = asRowRef(table.findRow(bytes, at, length));
      });
      next = all.indexOf(toCome, next + 1);
    }
    this.stand(instance, inserts.length > 1 ? [...new Set(all)] : all);
  }

  /** Notes the rows of an instance, to be undone with the round. */
  private stand(instance: Instance, rows: readonly RowRef[]): void {
    this.before.push([instance, instance.rows]);
    instance.rows = rows;
  }

  private clear(instance: Instance): void {
    const { relations } = this.site;
    const { derived } = relations;
    const { table, schema } = instance.of;
    if (relations.view(schema.id)?.table !== table) return; // its rows went with its table
    for (const ref of instance.rows) derived.tx.deleteRow(table.id, ref);
    this.stand(instance, []);
  }

  private forgetReads(instance: Instance): void {
    if (instance.reads !== undefined) this.readers.remove(instance, instance.reads);
    instance.reads = undefined;
  }

  // --- failing

  private failIn(failed: Instance[], instance: Instance, error: LightconeError): void {
    failed.push(instance);
    this.forgetReads(instance);
    instance.failures += 1;
    instance.isQuarantined = instance.failures >= viewFailuresMax;
    instance.error = instance.isQuarantined
      ? new LightconeError("ViewQuarantined", { view: instance.of.view.name, failureCount: instance.failures })
      : error;
    if (instance.isQuarantined)
      this.say({ level: LogLevel.error, message: `${instance.error.message}. ${instance.error.hint}` }, instance);
  }

  private refused(instance: Instance, message: string): LightconeError {
    this.say({ level: LogLevel.error, message }, instance);
    return failure(instance, message);
  }

  private panicked(instance: Instance, message: string): LightconeError {
    const place = this.bound?.placeOf("view", instance.of.view.name);
    this.say({ level: LogLevel.panic, message, ...place }, instance);
    return failure(instance, "it broke; the database's log says how");
  }

  private broke(instance: Instance, error: unknown): LightconeError {
    this.discard();
    return this.panicked(instance, String(error instanceof Error ? (error.stack ?? error.message) : error));
  }

  /** Says in the module's log what has happened to an instance. */
  private said(instance: Instance, error: LightconeError): LightconeError {
    this.say({ level: LogLevel.error, message: `${error.message}. ${error.hint}` }, instance);
    return error;
  }

  private say(line: LogLine, { of }: Instance): void {
    this.site.log.writeEnd(line, of.view.name);
  }

  private noteTime({ of }: Instance, spentMs: number): void {
    this.slow.set(of.schema.id, (this.slow.get(of.schema.id) ?? 0) + spentMs);
  }

  private tellSlow(): void {
    const { clock, log, relations } = this.site;
    const now = clock.steadyMs();
    for (const [id, spentMs] of this.slow) {
      if (spentMs <= slowMs || now - (this.slowNotedMs.get(id) ?? -minuteMs) < minuteMs) continue;
      this.slowNotedMs.set(id, now);
      const name = relations.view(id)?.view.name ?? "";
      const message = `view \`${name}\` took ${Math.round(spentMs)} ms of one commit: everybody waits for it. Let it read by an index, and less`;
      log.writeEnd({ level: LogLevel.warn, message }, name);
    }
  }
}

/** What a run gives. */
interface Given {
  readonly rows: ViewRows;
  readonly reads: ReadSet;
}

/** An instance that was run, and how long that took. */
interface Ran {
  readonly instance: Instance;
  readonly result: Given | LightconeError;
  readonly spentMs: number;
}

const noArgs = new Uint8Array(0);
const noInstances: readonly Instance[] = [];

function failure({ of }: Instance, reason: string): LightconeError {
  return new LightconeError("ViewFailed", { view: of.view.name, reason });
}

function ended(instance: Instance): LightconeError {
  return failure(instance, "the database's process ended while it ran; the database's log says more");
}

function outOfRoom({ of }: Instance, bytesMax: number): LightconeError {
  const reason = `the rows of views and what subscriptions keep take all of the ${bytesMax} bytes that they may (liveStateBytesMax)`;
  return new LightconeError("ViewFailed", { view: of.view.name, reason });
}

function timedOut({ of }: Instance, timeoutMs: number): LightconeError {
  return new LightconeError("ViewTimedOut", { view: of.view.name, timeoutMs });
}
