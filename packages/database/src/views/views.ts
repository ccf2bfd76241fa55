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
import { asRowRef, defined, isLightconeError, LightconeError, type RowRef } from "@lightcone/base";
import { CommitKind, makeHashSeed, type Commit } from "@lightcone/engine";
import { LogLevel } from "@lightcone/host";
import type { SelectPlan } from "@lightcone/sql";
import type { Caller } from "../link/link.ts";
import { Instances, type Instance } from "./instances.ts";
import { KeptQueries } from "./kept-queries.ts";
import type { ReadPort } from "./read-port.ts";
import { IndexKeys, Readers } from "./read-set.ts";
import { nobody } from "./relations.ts";
import { Round, type RoundSite } from "./round.ts";
import { ended, failedWithin, outOfRoom, ViewLog } from "./view-log.ts";
import { toCome, type ViewRows } from "./view-rows.ts";
import { ViewRunner, type Given } from "./view-runner.ts";
import type { ViewListener, ViewModule, ViewSite } from "./view-site.ts";

/** Instances that are kept although nobody is subscribed to them. */
const unusedMax = 1000;
/** Views of one commit that find no room before all that are left do without. */
const roomTriesMax = 8;
/** After so many failures in a row an instance is not run again until the next publish. */
export const viewFailuresMax = 3;

export class Views {
  /** Bytes that live queries keep, which count towards `liveStateBytesMax` too. */
  otherBytes: () => number = () => 0;
  listener: ViewListener = { filled: () => undefined, failed: () => undefined };
  private readonly site: ViewSite;
  private readonly instances: Instances;
  private readonly keys: IndexKeys;
  private readonly readers: Readers<Instance>;
  private readonly log: ViewLog;
  private readonly runner: ViewRunner;
  private module: ViewModule | undefined;
  private bound: ViewModule | undefined;
  /** While subscriptions of a host before are restored. Their rows are known to their clients: they are computed if that can be. */
  isRestoring = false;
  private stale: Instance[] = [];
  private readonly kept: KeptQueries;
  /** What takes back what this round has changed of instances' rows, the last first. */
  private undo: (() => void)[] = [];
  /** Those whose rows are to be taken away. */
  private dropped: Instance[] = [];

  constructor(site: ViewSite) {
    this.site = site;
    this.keys = new IndexKeys(makeHashSeed(site.seed));
    this.readers = new Readers(this.keys);
    this.instances = new Instances();
    this.kept = new KeptQueries(site.relations, site.seed);
    this.log = new ViewLog(site);
    this.runner = new ViewRunner(site, this.keys, this.log);
  }

  /** The port of the instance that views run in. */
  get port(): ReadPort {
    return this.runner.port;
  }

  /** Bytes of rows of views, and of what keeps them. */
  get bytes(): number {
    return this.site.relations.derivedBytes + this.kept.bytes;
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
    this.bound = module;
    this.keys.clear();
    this.runner.bind(module);
    const views = module?.def.views ?? [];
    if (views.length === 0 && !site.relations.hasViews) return;
    const changed = site.relations.bind(views);
    this.log.forgetSlow();
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
    this.kept.advance(commit, this.touch);
    const changes = this.refreshStale();
    this.kept.settle();
    return changes;
  }

  /** The same for what a new module has changed, apart from a commit. */
  refreshStale(): Commit | undefined {
    if (this.stale.length === 0 && this.dropped.length === 0) return undefined;
    const all = this.stale;
    this.stale = [];
    const due: Instance[] = [];
    for (const instance of all) {
      instance.isTouched = false;
      if (instance.isGone) continue;
      if (!instance.isFollowed) this.drop(instance, this.dropped);
      else if (instance.error === undefined) due.push(instance);
    }
    const { dropped } = this;
    this.dropped = [];
    return this.write(dropped, due, true);
  }

  /** Lets go of an instance that nobody follows, and of those that read it. Whose rows are to go is added to `dropped`. */
  private drop(instance: Instance, dropped: Instance[]): void {
    const all = [instance];
    for (const each of all) {
      if (each.isGone) continue;
      for (const reader of each.readers) all.push(reader);
      this.forgetReads(each);
      this.instances.remove(each);
      dropped.push(each);
    }
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
      const refusal = instance.isFollowed ? ends.refusal(instance.of.view.name) : undefined;
      if (refusal === undefined || instance.error !== undefined) continue;
      for (const [each, error] of withReaders([[instance, refusal]])) {
        this.forgetReads(each);
        each.error = error;
        if (each.users.size > 0) this.listener.failed(each, error);
      }
    }
  }

  release(held: readonly Instance[], user: object): void {
    for (const instance of held) this.instances.release(instance, user);
  }

  // --- running

  /** Takes the rows of `dropped` away and computes `wanted`, in one commit of the derived store. */
  private write(dropped: readonly Instance[], wanted: readonly Instance[], isOfCommit: boolean): Commit | undefined {
    const { relations, condemned } = this.site;
    const { derived } = relations;
    const gone = [...dropped, ...this.makeRoom(wanted)];
    const failures = new Map<Instance, LightconeError>();
    for (const instance of wanted)
      if (condemned.has(instance.of.schema.id, this.isRestoring)) this.failIn(failures, instance, ended(instance));
    const due = new Set(wanted);
    for (let times = 1; ; times += 1) {
      derived.begin();
      for (const instance of gone) this.clear(instance);
      for (const instance of failures.keys()) due.delete(instance);
      if (times > roomTriesMax) {
        const left = [...due].map((each): [Instance, LightconeError] => [each, this.saidOutOfRoom(each)]);
        for (const [instance, error] of withReaders([...left, ...failures]))
          if (!failures.has(instance)) this.failIn(failures, instance, error, due.has(instance));
        break;
      }
      const round = new Round(this.roundSite(failures, gone), failures);
      if (round.run([...due])) break;
      // The one that found no room has failed. Nothing of this round stands: the others have another.
      for (const instance of round.due) due.add(instance);
      derived.rollback();
      for (const undo of this.undo.reverse()) undo();
      this.undo = [];
    }
    this.undo = [];
    if (isOfCommit) this.log.tellSlow();
    this.log.forgetTimes();
    const commit = relations.commit();
    for (const [instance, error] of failures) if (instance.users.size > 0) this.listener.failed(instance, error);
    return commit;
  }

  /** Where three quarters of the room are taken, lets go of what nobody is subscribed to. */
  private makeRoom(due: readonly Instance[]): readonly Instance[] {
    const { limits } = this.site;
    if (this.bytes + this.otherBytes() < limits.liveStateBytesMax * 0.75) return noInstances;
    const except = new Set(due);
    const gone: Instance[] = [];
    // What only those have read that go can go after them.
    for (let more = this.instances.trim(0, except); more.length > 0; more = this.instances.trim(0, except)) {
      for (const instance of more) {
        this.forgetReads(instance);
        gone.push(instance);
      }
    }
    return gone;
  }

  /** @param gone those whose rows have gone in the open transaction */
  private roundSite(failures: Map<Instance, LightconeError>, gone: Instance[]): RoundSite {
    const { instances, log, runner, site } = this;
    return {
      runner,
      log,
      viewTimeoutMs: site.limits.viewTimeoutMs,
      attempt: this.isRestoring ? 1 : 0,
      instanceOf: (view, caller) => instances.of(view, caller),
      isKept: (instance) => {
        if (instance.isFollowed) return true;
        // At once: whatever asks for the same view in this round finds a table without these rows.
        const dropped: Instance[] = [];
        this.drop(instance, dropped);
        for (const each of dropped) {
          gone.push(each);
          this.clear(each);
        }
        return false;
      },
      refusal: (instance) => {
        if (site.condemned.has(instance.of.schema.id, this.isRestoring)) return ended(instance);
        return this.isRestoring ? undefined : site.ends.refusal(instance.of.view.name);
      },
      apply: (instance) => this.apply(instance, failures),
      take: (instance, given) => this.take(instance, given, failures),
      failed: (instance, error, isOwn) => this.failIn(failures, instance, error, isOwn),
      noteTime: (instance, spentMs) => log.noteTime(instance, spentMs),
    };
  }

  private saidOutOfRoom(instance: Instance): LightconeError {
    return this.log.said(instance, outOfRoom(instance, this.site.limits.liveStateBytesMax));
  }

  /** Takes what a run has brought. @returns whether its rows are others now; undefined when they found no room: it has failed */
  private take(
    instance: Instance,
    { rows, reads, inner, kept }: Given,
    failures: Map<Instance, LightconeError>,
  ): boolean | undefined {
    const { clock } = this.site;
    const from = clock.steadyMs();
    let hasChanged = false;
    if (!this.isInRoom(instance, failures, () => (hasChanged = this.replace(instance, rows)))) return undefined;
    instance.failures = 0;
    instance.error = undefined;
    if (instance.reads?.isSame(reads) !== true || !isSameList(instance.inner, inner)) {
      this.forgetReads(instance);
      this.instances.setReads(instance, reads, inner);
      this.readers.add(instance, reads);
    }
    if (kept !== undefined) this.kept.keep(instance, kept);
    this.log.noteTime(instance, clock.steadyMs() - from);
    return hasChanged;
  }

  /**
   * Changes the rows of an instance as the commit has changed those of its query.
   *
   * @returns false when it is to be run; undefined when there was no room: it has failed
   */
  private apply(instance: Instance, failures: Map<Instance, LightconeError>): boolean | undefined {
    const { clock, limits } = this.site;
    if (!this.kept.has(instance)) return false;
    const from = clock.steadyMs();
    let isApplied = false;
    const hasRoom = this.isInRoom(instance, failures, () => {
      const rows = instance.rows instanceof Set ? instance.rows : new Set(instance.rows);
      if (rows !== instance.rows) this.stand(instance, rows);
      isApplied = this.kept.apply(instance, rows, limits.viewRowsMax, this.undo);
    });
    this.log.noteTime(instance, clock.steadyMs() - from);
    return hasRoom ? isApplied : undefined;
  }

  /** Writes rows of an instance. @returns false when they found no room: it has failed */
  private isInRoom(instance: Instance, failures: Map<Instance, LightconeError>, write: () => void): boolean {
    const { limits, watchdog } = this.site;
    watchdog.critical.enter();
    try {
      write();
      const bytes = this.bytes + this.otherBytes();
      if (bytes > limits.liveStateBytesMax)
        throw new LightconeError("OutOfMemory", { bytesMax: limits.liveStateBytesMax });
    } catch (error) {
      if (!isLightconeError(error, "OutOfMemory")) throw error;
      this.failIn(failures, instance, this.saidOutOfRoom(instance));
      return false;
    } finally {
      watchdog.critical.leave();
    }
    return true;
  }

  /** Makes the instance's rows be `rows`. @returns whether they were others */
  private replace(instance: Instance, rows: ViewRows): boolean {
    const { derived } = this.site.relations;
    const { table } = instance.of;
    const { deletes, inserts, rows: all } = rows.differenceTo(table, derived, listOf(instance.rows));
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
    return deletes.length + inserts.length > 0;
  }

  /** Notes the rows of an instance, to be undone with the round. */
  private stand(instance: Instance, rows: Instance["rows"]): void {
    const before = instance.rows;
    this.undo.push(() => void (instance.rows = before));
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
    const reads = this.instances.forgetReads(instance);
    if (reads !== undefined) this.readers.remove(instance, reads);
    this.kept.forget(instance);
  }

  // --- failing

  private failIn(
    failures: Map<Instance, LightconeError>,
    instance: Instance,
    error: LightconeError,
    isOwn = true,
  ): LightconeError {
    this.forgetReads(instance);
    if (isOwn) instance.failures += 1;
    instance.isQuarantined = instance.failures >= viewFailuresMax;
    instance.error = instance.isQuarantined
      ? new LightconeError("ViewQuarantined", { view: instance.of.view.name, failureCount: instance.failures })
      : error;
    failures.set(instance, instance.error);
    if (instance.isQuarantined)
      this.log.say({ level: LogLevel.error, message: `${instance.error.message}. ${instance.error.hint}` }, instance);
    return instance.error;
  }
}

function listOf(rows: Instance["rows"]): readonly RowRef[] {
  return rows instanceof Set ? [...rows] : rows;
}

function isSameList(some: readonly Instance[], others: readonly Instance[]): boolean {
  return some.length === others.length && some.every((instance, at) => instance === others[at]);
}

/** Instances that fail, and those that read them, which are added to `failing`. */
function withReaders(failing: [Instance, LightconeError][]): readonly (readonly [Instance, LightconeError])[] {
  const seen = new Set(failing.map(([instance]) => instance));
  for (const [instance, error] of failing)
    for (const reader of instance.readers) {
      if (seen.has(reader)) continue;
      seen.add(reader);
      failing.push([reader, failedWithin(reader, instance, error)]);
    }
  return failing;
}

const noInstances: readonly Instance[] = [];
