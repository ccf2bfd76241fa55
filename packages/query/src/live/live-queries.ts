/**
 * The live queries of a database: which templates there are, which queries they have, who subscribed.
 *
 * A query is (template, parameter values): two subscriptions that agree in both are one query, whatever
 * their text. After each commit `advance` evaluates every template that reads a changed table, once, and
 * `forEachDelta` hands out what changed for whom. The lists show rows in place: they are good until the
 * commit is released or the next `advance`.
 */
import { asTableId, assert, defined } from "@lightcone/base";
import { makeHashSeed, type Commit, type RowRefs, type Store } from "@lightcone/engine";
import type { SelectPlan } from "@lightcone/sql";
import { LiveJoin } from "./live-join.ts";
import { LiveQuery } from "./live-query.ts";
import { LiveNothing } from "./live-nothing.ts";
import { LiveTable } from "./live-table.ts";
import type { LiveContext, LiveCounters, LiveTemplate } from "./live-template.ts";
import { prepare, type Prepared } from "../plan/prepared.ts";
import { RefListPool } from "../code/ref-list.ts";
import { SideIndexes } from "./side-indexes.ts";

export type DeltaCallback<S> = (query: LiveQuery<S>, deletes: RowRefs, inserts: RowRefs) => void;

export interface LiveOptions {
  /** Fills hash seeds: clients choose parameter values, and must not be able to choose collisions. */
  readonly seed?: number | undefined;
}

interface Entry<S> {
  template: LiveTemplate<S>;
  prepared: Prepared;
  /** Of its tables when it was made: another number means that it must be made again. */
  versions: readonly number[];
  readonly byValues: Map<string, LiveQuery<S>>;
  /** The commit that it last saw: it may read two changed tables. */
  seenAt: number;
}

export class LiveQueries<S> {
  readonly counters: LiveCounters = { templateCount: 0, rowCount: 0, candidateCount: 0, matchCount: 0 };
  private readonly context: LiveContext<S>;
  private readonly sideIndexes: SideIndexes;
  private readonly entries = new Map<string, Entry<S>>();
  private readonly byTable = new Map<number, Entry<S>[]>();
  private readonly touched: LiveQuery<S>[] = [];
  private readonly pool = new RefListPool();
  private turn = 0;

  constructor(store: Store, options: LiveOptions = {}) {
    const { counters, pool, touched } = this;
    const touch = (query: LiveQuery<S>): void => {
      if (query.isTouched) return;
      query.isTouched = true;
      touched.push(query);
    };
    this.context = { store, seed: makeHashSeed(options.seed ?? 0), pool, counters, touch };
    this.sideIndexes = new SideIndexes(store);
  }

  get templateCount(): number {
    return this.entries.size;
  }

  get queryCount(): number {
    let count = 0;
    for (const { byValues } of this.entries.values()) count += byValues.size;
    return count;
  }

  /** The query of a plan and its values, if anyone subscribes to it. */
  find(plan: SelectPlan, values: readonly Uint8Array[]): LiveQuery<S> | undefined {
    return this.entries.get(plan.key)?.byValues.get(valuesKey(values));
  }

  /**
   * Adds a subscriber to the query of `plan` and `values`, which is made if nobody had it. Only while the
   * store is idle; the next `advance` is the first that it sees. Once per call: as many `unsubscribe`s end it.
   *
   * @param plan a plan that `compileSubscription` made
   * @param values of each parameter, BSATN: see `bindParams`
   */
  subscribe(plan: SelectPlan, values: readonly Uint8Array[], subscriber: S): LiveQuery<S> {
    const entry = this.entries.get(plan.key) ?? this.open(plan);
    const key = valuesKey(values);
    let query = entry.byValues.get(key);
    if (query === undefined) {
      query = new LiveQuery<S>(entry.prepared, values);
      entry.byValues.set(key, query);
      entry.template.add(query);
    }
    query.subscribers.set(subscriber, (query.subscribers.get(subscriber) ?? 0) + 1);
    return query;
  }

  /** Takes one subscription back. A query without subscribers is dropped, and a template without queries. */
  unsubscribe(query: LiveQuery<S>, subscriber: S): void {
    const count = query.subscribers.get(subscriber);
    assert(count !== undefined, "only what was subscribed can be unsubscribed");
    if (count > 1) query.subscribers.set(subscriber, count - 1);
    else query.subscribers.delete(subscriber);
    if (query.subscribers.size > 0) return;
    const { plan } = query.prepared;
    const entry = defined(this.entries.get(plan.key), "the template");
    entry.byValues.delete(valuesKey(query.values));
    entry.template.remove(query);
    if (entry.byValues.size === 0) this.close(plan, entry);
  }

  /** Evaluates a commit. Call once per commit, in order, before it is released. */
  advance(commit: Commit): void {
    this.settle();
    this.turn += 1;
    this.sideIndexes.advance(commit);
    for (const { table } of commit.deltas) {
      const concerned = this.byTable.get(table.id);
      if (concerned === undefined) continue;
      for (const entry of concerned) {
        if (entry.seenAt === this.turn) continue;
        entry.seenAt = this.turn;
        if (this.isStale(entry)) this.remake(entry);
        this.counters.templateCount += 1;
        entry.template.advance(commit);
      }
    }
  }

  /** Calls back for every query that the last commit changed, with rows as often as their count changed. */
  forEachDelta(callback: DeltaCallback<S>): void {
    for (const query of this.touched) callback(query, query.deletes, query.inserts);
  }

  /** Lets go of the last commit's lists. `advance` does so by itself. */
  settle(): void {
    for (const query of this.touched) query.settle(this.pool);
    this.touched.length = 0;
  }

  // --- templates

  private open(plan: SelectPlan): Entry<S> {
    assert(
      plan.projection.kind === "rows" && plan.projection.source === 0,
      "a live query returns rows of its first source",
    );
    assert(plan.limit === undefined && plan.sources.length <= 2, "a live query has no limit and at most two tables");
    const prepared = prepare(plan);
    const template = this.makeTemplate(prepared);
    const entry: Entry<S> = { template, prepared, versions: this.versionsOf(plan), byValues: new Map(), seenAt: 0 };
    this.entries.set(plan.key, entry);
    for (const table of tablesOf(plan)) {
      const entries = this.byTable.get(table);
      if (entries === undefined) this.byTable.set(table, [entry]);
      else entries.push(entry);
    }
    return entry;
  }

  private makeTemplate(prepared: Prepared): LiveTemplate<S> {
    if (prepared.isEmpty) return new LiveNothing(prepared.plan);
    return prepared.sources.length === 2
      ? new LiveJoin(this.context, prepared, this.sideIndexes)
      : new LiveTable(this.context, prepared);
  }

  private close(plan: SelectPlan, entry: Entry<S>): void {
    entry.template.close();
    this.entries.delete(plan.key);
    for (const table of tablesOf(plan)) {
      const entries = defined(this.byTable.get(table), "the table's templates");
      entries.splice(entries.indexOf(entry), 1);
      if (entries.length === 0) this.byTable.delete(table);
    }
  }

  private versionsOf(plan: SelectPlan): readonly number[] {
    return plan.sources.map(({ table }) => this.context.store.table(table.id)?.version ?? -1);
  }

  private isStale({ template, versions }: Entry<S>): boolean {
    const { sources } = template.plan;
    for (let i = 0; i < sources.length; i += 1) {
      const id = asTableId(sources[i]?.table.id ?? 0);
      if (this.context.store.table(id)?.version !== versions[i]) return true;
    }
    return false;
  }

  /** Makes a template again after a table's definition changed: new column types, new indexes. */
  private remake(entry: Entry<S>): void {
    const queries = [...entry.template.queries];
    const { plan } = entry.template;
    const sources = plan.sources.map((source) => {
      const table = defined(this.context.store.table(source.table.id), "the table of a live query");
      return { ...source, table: table.schema };
    });
    entry.template.close();
    entry.prepared = prepare({ ...plan, sources });
    entry.template = this.makeTemplate(entry.prepared);
    entry.versions = this.versionsOf(plan);
    for (const query of queries) {
      query.prepared = entry.prepared;
      entry.template.add(query);
    }
  }
}

function tablesOf(plan: SelectPlan): ReadonlySet<number> {
  return new Set(plan.sources.map(({ table }) => table.id));
}

/** Values as a string: lengths make the boundaries plain. */
function valuesKey(values: readonly Uint8Array[]): string {
  let key = "";
  for (const value of values) {
    key += `${value.length}:`;
    for (let at = 0; at < value.length; at += 4096) key += String.fromCharCode(...value.subarray(at, at + 4096));
  }
  return key;
}
