/**
 * The live queries of a database: its templates, their queries, and the subscribers.
 *
 * A query is a template with parameter values: two subscriptions with the same template and values are one query,
 * whatever their text. After each commit `advance` evaluates every template that reads a changed table, once, and
 * `forEachDelta` gives the parts of every query that changed. Parts refer to rows of the store: they are valid until
 * the commit is released or the next `advance`.
 */
import { assert, defined, empty, isLightconeError, type LightconeError, type TableId } from "@lightcone/base";
import { makeHashSeed, type RowSource } from "@lightcone/engine";
import type { RulePlan, SelectPlan, TemplateKey } from "@lightcone/sql";
import { bytesText } from "../code/bytes.ts";
import {
  adviceFor,
  arrangedRowBytes,
  clauseOf,
  exceeded,
  OverBound,
  queryBytes,
  unbounded,
  type BoundName,
  type LiveBounds,
} from "./account.ts";
import { Arrangements, type SharedArrangement, type WantedArrangement } from "./arrangements.ts";
import type { PathCounters } from "./delta-path.ts";
import { LiveQuery, noParts } from "./live-query.ts";
import { LiveTemplate, tablesOf, type GiveParts, type TemplateContext } from "./live-template.ts";
import { PartPool, type DeltaPart } from "./parts.ts";
import { TableRelation } from "./table-relation.ts";
import { CommitTurn, type Changes } from "./turn.ts";
import { Warming } from "./warming.ts";

/**
 * Takes what a commit changed of a query. All parts together are the change; a row occurs as often as its count
 * changed. Equal parts of a template are one object, so what is encoded from a part can be kept on it and used for all.
 */
export type DeltaCallback<S> = (query: LiveQuery<S>, parts: readonly DeltaPart[]) => void;
/** The same of a query that has a number for its only receiver. */
export type LoneCallback = (lone: number, part: DeltaPart) => void;

export interface LiveOptions {
  /** Fills hash seeds: clients choose parameter values, and must not be able to choose collisions. */
  readonly seed?: number | undefined;
  readonly limits?: LiveBounds | undefined;
  /** Of a table with more rows, an arrangement is made in slices if `warm` is asked. */
  readonly rowsAtOnceMax?: number | undefined;
  /** Bytes that count towards `liveStateBytesMax` and are kept elsewhere. */
  readonly otherBytes?: (() => number) | undefined;
}

/** How much work was done since the beginning. */
export interface LiveCounters extends PathCounters {
  /** Evaluations of templates. */
  templateCount: number;
}

interface Entry<S> {
  template: LiveTemplate<S>;
  readonly byValues: Map<string, LiveQuery<S>>;
  /** The last turn that evaluated it. A template of two changed tables is met twice. */
  seenAt: number;
  /** The limit that one of its arrangements went over at a commit. The template is kept up to date until nobody holds it. */
  outgrown: LightconeError | undefined;
}

/** Queries that end, and why. */
export interface StruckOff<S> {
  readonly queries: readonly LiveQuery<S>[];
  readonly error: LightconeError;
  /** Whether the last commit has changed them, and was not told. Then they are known no more; else they end with the last subscriber. */
  readonly hasMissed: boolean;
}

export class LiveQueries<S> {
  readonly counters: LiveCounters = {
    templateCount: 0,
    rowCount: 0,
    candidateCount: 0,
    matchCount: 0,
    visitsEnd: Infinity,
    tuplesMax: Infinity,
  };
  private readonly bounds: LiveBounds;
  private readonly otherBytes: () => number;
  private readonly rowsAtOnceMax: number;
  private struckOff: (readonly [entry: Entry<S>, error: LightconeError, hasMissed: boolean])[] = [];
  private allQueries = 0;
  private readonly store: RowSource;
  private readonly context: TemplateContext;
  private readonly turn: CommitTurn;
  private readonly arrangements = new Arrangements();
  private readonly pool = new PartPool();
  private readonly entries = new Map<TemplateKey, Entry<S>>();
  private readonly byTable = new Map<TableId, Entry<S>[]>();
  private readonly touched: LiveQuery<S>[] = [];
  /** Of the queries that have a number for their only receiver: these, and their parts. */
  private readonly loneReceivers: number[] = [];
  private readonly loneParts: DeltaPart[] = [];

  constructor(store: RowSource, options: LiveOptions = {}) {
    const { counters, arrangements, pool } = this;
    this.store = store;
    this.bounds = options.limits ?? unbounded;
    this.otherBytes = options.otherBytes ?? noBytes;
    this.rowsAtOnceMax = options.rowsAtOnceMax ?? 5_000;
    this.turn = new CommitTurn(store);
    this.context = {
      resolver: store,
      seed: makeHashSeed(options.seed ?? 0),
      turn: this.turn,
      arrangements,
      counters,
      pool,
      inSlices: false,
      makes: (wanted, plan) => this.makesArrangement(wanted, plan),
      relation: (id) => new TableRelation(store, defined(store.table(id), "the table of a live query")),
    };
  }

  /** Whether nobody has to do with what commits change: no query is there, and nothing is made for one to come. */
  get isIdle(): boolean {
    return this.entries.size === 0 && this.arrangements.isEmpty;
  }

  get templateCount(): number {
    return this.entries.size;
  }

  get queryCount(): number {
    return this.allQueries;
  }

  /** Bytes of all that is kept for queries. */
  get bytes(): number {
    return this.arrangements.bytes + this.allQueries * queryBytes;
  }

  /** Bytes of the arrangements that joins without an index need. */
  get arrangementBytes(): number {
    return this.arrangements.bytes;
  }

  /** The query of a plan and its values, if anyone subscribes to it. */
  find(plan: SelectPlan, values: readonly Uint8Array[]): LiveQuery<S> | undefined {
    return this.entries.get(plan.key)?.byValues.get(valuesKey(values));
  }

  /**
   * Adds a subscriber to the query of `plan` and `values`, which is made if nobody had it. Only while the
   * store is idle; the next `advance` is the first that it sees. Once per call: as many `unsubscribe`s end it.
   *
   * @param plan returns whole rows of one source; equalities join its sources
   * @param values of each parameter, BSATN: see `bindParams`
   * @throws {LightconeError} `LimitExceeded` when there is no room for what the query needs
   */
  subscribe(plan: SelectPlan, values: readonly Uint8Array[], subscriber: S): LiveQuery<S> {
    const known = this.entries.get(plan.key);
    if (known?.outgrown !== undefined) throw known.outgrown;
    const key = valuesKey(values);
    let query = known?.byValues.get(key);
    if (query === undefined) {
      this.makesQuery(plan, known?.byValues.size ?? 0);
      const entry = known ?? this.open(plan);
      this.allQueries += 1;
      query = new LiveQuery<S>(plan.key, entry.template.layout, values);
      entry.byValues.set(key, query);
      entry.template.add(query);
    }
    query.subscribers.set(subscriber, (query.subscribers.get(subscriber) ?? 0) + 1);
    return query;
  }

  /**
   * What has to be made before the queries of these plans can be subscribed without anybody waiting for it; undefined if
   * there is nothing. Step it, subscribe, and close it.
   *
   * @throws {LightconeError} `LimitExceeded` when there is no room for it
   */
  warm(plans: readonly SelectPlan[]): Warming | undefined {
    const mayNeed = plans.filter(
      (plan) => (plan.sources.length > 1 || plan.isRuled) && !this.entries.has(plan.key) && this.isOverLarge(plan),
    );
    if (mayNeed.length === 0) return undefined;
    return Warming.of({ ...this.context, inSlices: true }, mayNeed);
  }

  /** Takes one subscription back. A query without subscribers is dropped, and a template without queries. */
  unsubscribe(query: LiveQuery<S>, subscriber: S): void {
    const count = query.subscribers.get(subscriber);
    assert(count !== undefined, "only what was subscribed can be unsubscribed");
    if (count > 1) query.subscribers.set(subscriber, count - 1);
    else query.subscribers.delete(subscriber);
    if (query.subscribers.size > 0 || query.isStruckOff) return;
    const entry = defined(this.entries.get(query.key), "the template");
    entry.byValues.delete(valuesKey(query.values));
    this.allQueries -= 1;
    entry.template.drop(query);
    if (entry.byValues.size === 0) this.close(entry);
  }

  /** Evaluates a commit. Call once per commit, in order, before it is released. */
  advance(commit: Changes): void {
    const { turn } = this;
    this.settle();
    turn.begin(commit);
    const changed = this.arrangements.advance(turn);
    this.counters.tuplesMax = this.bounds.liveDeltaRowsMax + rowsOf(commit);
    for (const { table } of commit.deltas) {
      const concerned = this.byTable.get(table.id);
      if (concerned === undefined) continue;
      for (const entry of concerned) {
        if (entry.seenAt === turn.number) continue;
        entry.seenAt = turn.number;
        if (!entry.template.isCurrent && !this.remake(entry)) continue;
        this.counters.templateCount += 1;
        this.advanceOne(entry);
      }
    }
    turn.end();
    this.counters.tuplesMax = Infinity;
    for (const [{ template }] of this.struckOff) for (const query of template.queries) query.isStruckOff = true;
    if (changed.length > 0) this.measure(changed);
  }

  private advanceOne(entry: Entry<S>): void {
    const { counters } = this;
    counters.visitsEnd = counters.candidateCount + counters.matchCount + this.bounds.liveVisitsMax;
    try {
      entry.template.advance(this.turn, this.give);
    } catch (error) {
      if (!(error instanceof OverBound)) throw error;
      // Nothing of it has been given: parts are cut when all is there.
      const max = this.bounds[error.bound];
      this.struckOff.push([entry, exceeded(error.bound, max + 1, max, clauseOf(entry.template.plan)), true]);
    } finally {
      // What a query that is added looks at is no commit's.
      counters.visitsEnd = Infinity;
    }
  }

  /** Looks at arrangements that a commit has changed: the templates of one that has grown too large end. */
  private measure(changed: readonly SharedArrangement[]): void {
    const { liveQueryBytesMax, liveStateBytesMax } = this.bounds;
    const bytes = this.bytes + this.otherBytes();
    for (const arrangement of changed) {
      const own = arrangement.rows.bytes;
      if (own > liveQueryBytesMax) this.endUsers(arrangement, "liveQueryBytesMax", own);
      else if (bytes > liveStateBytesMax) this.endUsers(arrangement, "liveStateBytesMax", bytes);
    }
  }

  private endUsers(arrangement: SharedArrangement, bound: BoundName, value: number): void {
    for (const entry of this.entries.values()) {
      const { plan, arrangements } = entry.template;
      if (!arrangements.has(arrangement) || this.struckOff.some(([struck]) => struck === entry)) continue;
      if (entry.outgrown !== undefined) continue;
      const by = `${clauseOf(plan)}; ${adviceFor(arrangement.wanted, plan)}`;
      entry.outgrown = exceeded(bound, value, this.bounds[bound], by);
      this.struckOff.push([entry, entry.outgrown, false]);
    }
  }

  /** The queries that end with the last `advance`. Call after each. */
  takeStruckOff(): readonly StruckOff<S>[] {
    const { struckOff } = this;
    if (struckOff.length === 0) return nothing;
    this.struckOff = [];
    return struckOff.map(([entry, error, hasMissed]) => {
      const queries = [...entry.template.queries];
      if (hasMissed) {
        this.allQueries -= queries.length;
        this.close(entry);
      }
      return { queries, error, hasMissed };
    });
  }

  private readonly give: GiveParts<LiveQuery<S>> = {
    toQuery: (query, part) => {
      part.receivers += 2;
      query.parts = part.alone;
      this.touched.push(query);
    },
    toLone: (lone, part) => {
      this.loneReceivers.push(lone);
      part.receivers += 1;
      this.loneParts.push(part);
    },
  };

  /**
   * Says that a query has one receiver, known to the caller by a number: its parts then come with that, and the query's
   * own objects are not touched, which with very many queries is most of the time that a change takes. -1 for none.
   */
  setLone(query: LiveQuery<S>, lone: number): void {
    if (query.lone === lone || query.isStruckOff) return;
    query.lone = lone;
    defined(this.entries.get(query.key), "the template").template.noteLone(query);
  }

  /** Calls back for every query that the last commit changed. */
  forEachDelta(callback: DeltaCallback<S>, toLone: LoneCallback = noLone): void {
    for (const query of this.touched) callback(query, query.parts);
    const { loneReceivers, loneParts } = this;
    for (let i = 0; i < loneReceivers.length; i += 1) toLone(loneReceivers[i] ?? 0, loneParts[i] as DeltaPart); // as many
  }

  /** Releases the last commit's parts. `advance` does so by itself. */
  settle(): void {
    for (const query of this.touched) query.parts = noParts;
    empty(this.touched);
    empty(this.loneReceivers);
    empty(this.loneParts);
    this.pool.settle();
  }

  // --- room

  private makesQuery(plan: SelectPlan, there: number): void {
    const { liveQueryBytesMax, liveStateBytesMax } = this.bounds;
    const own = (there + 1) * queryBytes;
    if (own > liveQueryBytesMax) throw exceeded("liveQueryBytesMax", own, liveQueryBytesMax, clauseOf(plan));
    const bytes = this.bytes + queryBytes + this.otherBytes();
    if (bytes > liveStateBytesMax) throw exceeded("liveStateBytesMax", bytes, liveStateBytesMax, clauseOf(plan));
  }

  private isOverLarge(plan: SelectPlan): boolean {
    return tablesOf(plan).some((id) => (this.store.table(id)?.rowCount ?? 0) > this.rowsAtOnceMax);
  }

  private makesArrangement(wanted: WantedArrangement, plan: SelectPlan): void {
    const { liveQueryBytesMax, liveStateBytesMax } = this.bounds;
    const own = wanted.relation.rowCount * arrangedRowBytes;
    const bytes = this.bytes + own + this.otherBytes();
    if (own <= liveQueryBytesMax && bytes <= liveStateBytesMax) return;
    const by = `${clauseOf(plan)}; ${adviceFor(wanted, plan)}`;
    if (own > liveQueryBytesMax) throw exceeded("liveQueryBytesMax", own, liveQueryBytesMax, by);
    throw exceeded("liveStateBytesMax", bytes, liveStateBytesMax, by);
  }

  // --- templates

  private open(plan: SelectPlan): Entry<S> {
    const entry: Entry<S> = {
      template: new LiveTemplate(this.context, plan),
      byValues: new Map(),
      seenAt: 0,
      outgrown: undefined,
    };
    this.entries.set(plan.key, entry);
    for (const { id } of entry.template.relations) {
      const entries = this.byTable.get(id);
      if (entries === undefined) this.byTable.set(id, [entry]);
      else entries.push(entry);
    }
    return entry;
  }

  private close(entry: Entry<S>): void {
    const { template } = entry;
    template.close();
    this.entries.delete(template.plan.key);
    for (const { id } of template.relations) {
      const entries = defined(this.byTable.get(id), "the table's templates");
      entries.splice(entries.indexOf(entry), 1);
      if (entries.length === 0) this.byTable.delete(id);
    }
  }

  /** Makes a template again after a table's definition changed: new column types, new indexes. @returns false if it ends */
  private remake(entry: Entry<S>): boolean {
    const { plan } = entry.template;
    const queries = [...entry.template.queries];
    entry.template.close();
    try {
      entry.template = new LiveTemplate(this.context, { ...plan, ...this.current(plan) });
    } catch (error) {
      if (!isLightconeError(error, "LimitExceeded")) throw error;
      entry.template.queries.push(...queries);
      this.struckOff.push([entry, error, true]);
      return false;
    }
    for (const query of queries) entry.template.add(query);
    return true;
  }

  /** A plan, or a rule, over the tables as they are defined now. */
  private current(plan: RulePlan): RulePlan {
    const sources = plan.sources.map((source) => {
      return { ...source, table: defined(this.store.schema(source.table.id), "the table of a live query") };
    });
    const { joins, filters, residual } = plan;
    return {
      sources,
      joins,
      filters,
      residual,
      rules: plan.rules.map((each) => each?.map((rule) => this.current(rule))),
    };
  }
}

const nothing: readonly never[] = [];

const noBytes = (): number => 0;

function rowsOf({ deltas }: Changes): number {
  let count = 0;
  for (let i = 0; i < deltas.length; i += 1) count += (deltas[i]?.deletes.count ?? 0) + (deltas[i]?.inserts.count ?? 0);
  return count;
}

const noLone: LoneCallback = () => {
  throw new TypeError("a query with a receiver of its own, and nobody who takes its parts");
};

/** Values as a string; each has its length before it, so that different lists have different strings. */
function valuesKey(values: readonly Uint8Array[]): string {
  return values.map((value) => `${value.length}:${bytesText(value)}`).join("");
}
