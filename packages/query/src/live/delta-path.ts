/**
 * One summand of a join's delta: it goes from the changed rows of one source to the tuples that contain them.
 *
 *   changed row ─condition─▶ lookup ─condition─▶ … ─condition─▶ tuple, with the row's weight, for each query
 *
 * Every step binds one more source and tests the conditions whose sources are all bound then. Conditions without
 * parameters are tested once for the tuple, the others once for each query that is left. One step is the routing step:
 * there the row's values select the queries that the tuple can concern. It is the step that narrows them down most;
 * before it, the tuple concerns all of them.
 */
import { empty, type RowRef } from "@lightcone/base";
import type { RowRefs } from "@lightcone/engine";
import { noArgs, type TupleFilter } from "../code/predicate-code.ts";
import { OverBound } from "./account.ts";
import type { Delta } from "./delta.ts";
import type { ParameterRow } from "./operator.ts";
import type { ParameterIndex } from "./parameter-index.ts";
import type { SeenIn } from "./qualifier.ts";
import type { Keyed, RelationDelta, RowResolver } from "./relation.ts";
import type { TupleKey } from "./tuple-key.ts";

/** Finds the rows of a source by a key that the rows bound before give. */
export interface Lookup {
  readonly key: TupleKey;
  readonly rows: Keyed;
}

export interface PathStep {
  readonly source: number;
  /** Undefined for the source that changed. */
  readonly lookup: Lookup | undefined;
  /** The condition without parameters. */
  readonly condition: TupleFilter | undefined;
  /** The condition with parameters. */
  readonly queryCondition: TupleFilter | undefined;
  /** Finds the queries that the step's row can concern. */
  readonly parameters: ParameterIndex | undefined;
  /** Whether the queries that it finds by their values fulfil all of the step's conditions. */
  readonly isExact: boolean;
  /** The rules that the source is under. Undefined where all rows are seen, and for the source that changed. */
  readonly seen: SeenIn | undefined;
}

export interface PathCounters {
  /** Changed rows looked at. */
  rowCount: number;
  /** Pairs of a tuple and a query that were tested. */
  candidateCount: number;
  /** Rows that lookups gave. */
  matchCount: number;
  /** What the last two may come to together in this evaluation. */
  visitsEnd: number;
  /** How many tuples a delta may have in this turn. */
  tuplesMax: number;
}

/**
 * Asked with each row that is looked up: what no row is looked up for costs no more than the commit and the queries are large.
 *
 * @throws {OverBound} when an evaluation has looked at all that it may
 */
export function checkVisits({ candidateCount, matchCount, visitsEnd }: PathCounters): void {
  if (candidateCount + matchCount > visitsEnd) throw new OverBound("liveVisitsMax");
}

export class DeltaPath {
  private readonly resolver: RowResolver;
  private readonly steps: readonly PathStep[];
  private readonly returned: readonly number[];
  private readonly queries: readonly ParameterRow[];
  private readonly counters: PathCounters;
  /** The tuple so far, by source. */
  private readonly refs: Uint32Array;
  private readonly views: DataView[];
  private readonly ats: number[];
  /** By step: the queries that are left. */
  private readonly narrowed: ParameterRow[][];
  /** The routing step. */
  private routedAt = 0;
  /** Whether the routing step's rules gave the queries, which then see its row. */
  private isBySeers = false;
  /** The only queries that are looked at; undefined while all are. */
  private only: ParameterRow[] | undefined;
  private readonly few: ParameterRow[] = [];
  /** Set when its values alone decide whether a changed row concerns a query. */
  private readonly exact: ParameterIndex | undefined;
  private weight = 0;
  private out: Delta | undefined;

  /**
   * @param returned the sources whose rows make a tuple of the result
   * @param queries all of the template, as they are when the path runs
   */
  constructor(
    resolver: RowResolver,
    steps: readonly PathStep[],
    returned: readonly number[],
    queries: readonly ParameterRow[],
    counters: PathCounters,
  ) {
    this.resolver = resolver;
    this.steps = steps;
    this.returned = returned;
    this.queries = queries;
    this.counters = counters;
    this.refs = new Uint32Array(steps.length);
    this.views = steps.map(() => new DataView(new ArrayBuffer(0)));
    this.ats = steps.map(() => 0);
    this.narrowed = steps.map(() => []);
    const [only] = steps;
    if (steps.length === 1 && only?.isExact === true && returned.length === 1) this.exact = only.parameters;
  }

  /** Adds the tuples that contain a changed row of the first step's source. */
  run({ deletes, inserts }: RelationDelta, out: Delta): void {
    this.counters.rowCount += deletes.count + inserts.count;
    const { exact } = this;
    if (exact !== undefined) {
      this.route(exact, deletes, inserts, out);
      return;
    }
    this.out = out;
    this.routedAt = this.steps.length > 1 ? this.mostTelling() : 0;
    this.start(deletes, -1);
    this.start(inserts, 1);
  }

  /** Adds the tuples that contain a row of a delta, each for the queries that have it there. */
  runEach({ refs, weights, queries, count }: Delta, out: Delta): void {
    this.out = out;
    this.routedAt = 0;
    this.counters.rowCount += count;
    const { few } = this;
    this.only = few;
    for (let i = 0; i < count;) {
      const row = refs[i] as RowRef; // below `count`
      this.weight = weights[i] ?? 0;
      empty(few);
      for (; i < count && refs[i] === row && weights[i] === this.weight; i += 1)
        few.push(this.queries[queries[i] ?? 0] as ParameterRow); // the delta was made for these queries
      this.bind(0, row);
    }
    this.only = undefined;
    empty(few);
  }

  /** Adds the tuples that contain one row, with the weight 1. */
  runRow(row: RowRef, out: Delta): void {
    this.out = out;
    this.routedAt = this.steps.length > 1 ? this.mostTelling() : 0;
    this.weight = 1;
    this.bind(0, row);
  }

  /** How well the tuples of a row tell queries apart. */
  get tell(): number {
    return this.steps.reduce((most, step) => Math.max(most, tellOf(step)), 0);
  }

  /**
   * Adds each row for the queries that have its values. Most changes are updates: a row that has the values of the one in
   * its place among the deletes has its queries too, and is not looked up.
   */
  private route(exact: ParameterIndex, deletes: RowRefs, inserts: RowRefs, out: Delta): void {
    const { resolver } = this;
    const { row } = resolver;
    const count = Math.max(deletes.count, inserts.count);
    let looked = 0;
    for (let i = 0; i < count; i += 1) {
      const from = out.count;
      let view: DataView | undefined;
      let at = 0;
      if (i < deletes.count) {
        const ref = deletes.refs[i] as RowRef; // below the count
        resolver.resolve(ref);
        ({ view, at } = row);
        looked += exact.addMatches(view, at, ref, -1, out);
      }
      if (i >= inserts.count) continue;
      const ref = inserts.refs[i] as RowRef; // below the count
      resolver.resolve(ref);
      if (view !== undefined && exact.isSame(view, at, row.view, row.at)) out.addSame(from, ref, 1);
      else looked += exact.addMatches(row.view, row.at, ref, 1, out);
    }
    this.counters.candidateCount += looked;
  }

  private start({ refs, count }: RowRefs, weight: number): void {
    this.weight = weight;
    for (let i = 0; i < count; i += 1) this.bind(0, refs[i] as RowRef); // below `count`
  }

  /** Binds a step's source to a row and continues with the next step for every match. */
  private bind(depth: number, row: RowRef): void {
    const step = this.steps[depth] as PathStep; // the caller looked
    const { source, condition } = step;
    this.resolver.resolve(row);
    const { view, at } = this.resolver.row;
    this.refs[source] = row;
    this.views[source] = view;
    this.ats[source] = at;
    if (condition !== undefined && !condition(this.views, this.ats, noArgs.numbers, noArgs.views)) return;
    const next = this.steps[depth + 1];
    if (depth >= this.routedAt) {
      const found = this.candidatesAt(depth, step, row);
      if (found.length === 0) return;
      this.counters.candidateCount += found.length;
      if (next === undefined) return this.emit(depth, found);
      if (!this.narrow(depth, found)) return;
    }
    const lookup = next?.lookup;
    if (lookup === undefined) return;
    const { key, rows } = lookup;
    key.read(this.views, this.ats);
    rows.seek(key.view, key.at, key.length);
    for (let match = rows.next(); match !== -1; match = rows.next()) {
      this.counters.matchCount += 1;
      checkVisits(this.counters);
      this.bind(depth + 1, match);
    }
  }

  /** The queries that the tuple can concern, before the step's conditions are tested. */
  private candidatesAt(depth: number, { parameters, seen, source }: PathStep, row: RowRef): readonly ParameterRow[] {
    if (depth > this.routedAt) return this.narrowed[depth - 1] ?? [];
    this.isBySeers = false;
    if (this.only !== undefined) return this.only;
    const found =
      parameters === undefined ? this.queries : parameters.find(this.views[source] as DataView, this.ats[source] ?? 0); // bound just now
    if (seen === undefined || found.length <= askedEachMax) return found;
    this.isBySeers = true;
    return seen.qualifier.seers(seen.state, row);
  }

  /** Keeps the queries whose conditions hold so far. False when none is left. */
  private narrow(depth: number, found: readonly ParameterRow[]): boolean {
    const list = this.narrowed[depth] ?? [];
    empty(list);
    for (let i = 0; i < found.length; i += 1) {
      const query = found[i] as ParameterRow; // below the length
      if (this.fulfils(depth, query)) list.push(query);
    }
    return list.length > 0;
  }

  /** Adds the complete tuple for each query whose conditions hold. */
  private emit(depth: number, found: readonly ParameterRow[]): void {
    for (let i = 0; i < found.length; i += 1) {
      const query = found[i] as ParameterRow; // below the length
      if (this.fulfils(depth, query)) this.out?.add(this.refs, this.returned, this.weight, query.position);
    }
  }

  /** Tests a query's conditions: those of this step and, at the routing step, those of the steps before. */
  private fulfils(depth: number, query: ParameterRow): boolean {
    const { numbers, views } = query;
    for (let step = depth === this.routedAt ? 0 : depth; step <= depth; step += 1) {
      const { source, queryCondition, seen } = this.steps[step] as PathStep; // up to `depth`
      if (queryCondition !== undefined && !queryCondition(this.views, this.ats, numbers, views)) return false;
      if (seen === undefined || (this.isBySeers && step === this.routedAt)) continue;
      const view = this.views[source] as DataView; // the source is bound
      if (!seen.qualifier.isSeen(seen.state, this.refs[source] as RowRef, view, this.ats[source] ?? 0, query))
        return false;
    }
    return true;
  }

  /** The step whose row tells queries apart best; the first step if none does. */
  private mostTelling(): number {
    let best = 0;
    let most = 0;
    for (let depth = 0; depth < this.steps.length; depth += 1) {
      const tell = tellOf(this.steps[depth] as PathStep); // below the length
      if (tell <= most) continue;
      best = depth;
      most = tell;
    }
    return best;
  }
}

/** Up to so many queries are asked whether they see a row; of more it is asked who does. */
const askedEachMax = 1;

function tellOf({ parameters, seen }: PathStep): number {
  const bySeers = seen === undefined ? 0 : Math.max(1, seen.qualifier.tell);
  return Math.max(parameters?.bucketCount ?? 0, bySeers);
}
