/**
 * A join of N sources. It keeps no state of its own:
 *
 *   ΔQ = Σᵢ R₁′ ⋈ … ⋈ Rᵢ₋₁′ ⋈ ΔRᵢ ⋈ Rᵢ₊₁° ⋈ … ⋈ Rₙ°        ′ new state, ° old state, Δ change
 *
 * There is a delta path for each source that changed. The sum telescopes, so nothing is counted twice when several
 * sources change in one commit; a self join is one table in two positions. An event table counts as the last position:
 * its path reads the new state of all others, their paths find it empty, and no row is ever taken back.
 *
 * A single source with a condition is a join with one path and no lookup.
 */
import { assert, defined } from "@lightcone/base";
import type { HashSeed } from "@lightcone/engine";
import type { JoinEdge, Predicate } from "@lightcone/sql";
import { columnPlace } from "../code/column-place.ts";
import type { ArgLayout } from "../code/args.ts";
import {
  compileTupleFilter,
  edgePredicate,
  isAlways,
  readsParams,
  sourcesOf,
  type TupleFilter,
} from "../code/predicate-code.ts";
import { boundsOf, conjuncts, equalities } from "../plan/bounds.ts";
import type { UsedArrangements } from "./arrangements.ts";
import { DeltaPath, type Lookup, type PathCounters, type PathStep } from "./delta-path.ts";
import { Delta } from "./delta.ts";
import type { Operator, ParameterRow } from "./operator.ts";
import { ParameterIndex } from "./parameter-index.ts";
import type { KeyedAccess, Relation, RowResolver } from "./relation.ts";
import { isBetter } from "./table-relation.ts";
import { Probe, type ProbeKeyPart, type ProbeStep } from "./probe.ts";
import type { Qualifier, SeenIn, StateName } from "./qualifier.ts";
import { TupleKey } from "./tuple-key.ts";
import { OldState, type CommitTurn, type Turn } from "./turn.ts";

/** What operators share with the others of their database. */
export interface OperatorContext {
  readonly resolver: RowResolver;
  readonly seed: HashSeed;
  readonly turn: CommitTurn;
  /** Of the template. */
  readonly arrangements: Pick<UsedArrangements, "acquire">;
  readonly counters: PathCounters;
}

/** A join whose predicates name the sources by position. */
export interface JoinShape {
  readonly relations: readonly Relation[];
  readonly edges: readonly JoinEdge[];
  /** The condition on each source alone. */
  readonly filters: readonly Predicate[];
  readonly residual: Predicate;
  readonly layout: ArgLayout;
  /** The sources whose rows make a tuple of the result. */
  readonly returned: readonly number[];
  /** By source: the rules that it is under. Undefined where all rows are seen. */
  readonly qualifiers: readonly (Qualifier | undefined)[];
}

/** A condition with the sources that it reads. */
interface Term {
  readonly predicate: Predicate;
  readonly sources: ReadonlySet<number>;
  readonly hasParams: boolean;
}

/** How a path can reach a source from the sources before it. */
interface Reach {
  readonly source: number;
  readonly access: KeyedAccess | undefined;
  /** The columns that edges join to the sources before. */
  readonly columns: readonly number[];
}

const noFixed: ReadonlyMap<number, number> = new Map();

export class DeltaJoin implements Operator {
  readonly width: number;
  readonly isConsolidated: boolean;
  readonly stateBytes = 0;
  private readonly context: OperatorContext;
  private readonly shape: JoinShape;
  private readonly paths: readonly DeltaPath[];
  private readonly parameters: readonly (ParameterIndex | undefined)[];
  /** By source: column → the parameter that it must equal. */
  private readonly fixed: readonly ReadonlyMap<number, number>[];
  private readonly queries: readonly ParameterRow[];
  private readonly terms: readonly Term[];
  /** What a turn changes of a source under rules. */
  private readonly seenDelta: Delta;

  /** @param queries of the template, kept up to date by it */
  constructor(context: OperatorContext, shape: JoinShape, queries: readonly ParameterRow[]) {
    const { relations, edges, filters, residual, returned } = shape;
    assert(relations.filter(({ isEvent }) => isEvent).length <= 1, "a live query reads one event table at most");
    this.context = context;
    this.shape = shape;
    this.seenDelta = new Delta(1, context.counters);
    this.width = returned.length;
    // Rules give different queries the same rows in different orders.
    this.isConsolidated = relations.length === 1 && shape.qualifiers[0] === undefined;
    this.queries = queries;
    this.terms = [...filters, ...edges.map(edgePredicate), residual]
      .flatMap(conjuncts)
      .filter((term) => !isAlways(term))
      .map((predicate): Term => ({ predicate, sources: sourcesOf(predicate), hasParams: readsParams(predicate) }));
    this.fixed = filters.map((own) => equalities(boundsOf(conjuncts(own))));
    this.parameters = relations.map(({ types }, source) =>
      ParameterIndex.over(types, this.fixed[source] ?? noFixed, context.seed, queries),
    );
    this.paths = relations.map((_, start) => {
      const stateOf = (source: number): StateName => (this.standsBefore(source, start) ? "new" : "old");
      return this.path(this.stepsFrom(start, stateOf), returned);
    });
  }

  private path(steps: readonly PathStep[], returned: readonly number[]): DeltaPath {
    const { resolver, counters } = this.context;
    return new DeltaPath(resolver, steps, returned, this.queries, counters);
  }

  /** The path from a row of source 0 to the tuples that contain it in one state. */
  rowPath(state: StateName): DeltaPath {
    return this.path(
      this.stepsFrom(0, () => state),
      [0],
    );
  }

  /** How well the tuples of a row of source 0 tell queries apart. */
  get tell(): number {
    return this.paths[0]?.tell ?? 0;
  }

  add(query: ParameterRow): void {
    for (const index of this.parameters) index?.add(query);
    for (const qualifier of this.shape.qualifiers) qualifier?.add(query);
  }

  drop(query: ParameterRow): void {
    for (const index of this.parameters) index?.drop(query);
    for (const qualifier of this.shape.qualifiers) qualifier?.drop(query);
  }

  advance(turn: Turn, out: Delta): void {
    const { relations, qualifiers } = this.shape;
    for (let source = 0; source < relations.length; source += 1) {
      const qualifier = qualifiers[source];
      if (qualifier !== undefined) {
        this.advanceSeen(qualifier, source, turn, out);
        continue;
      }
      const delta = turn.delta((relations[source] as Relation).id); // below the length
      if (delta !== undefined) this.paths[source]?.run(delta, out);
    }
  }

  private advanceSeen(qualifier: Qualifier, source: number, turn: Turn, out: Delta): void {
    const { seenDelta } = this;
    qualifier.advance(turn, seenDelta);
    if (seenDelta.count === 0) return;
    this.paths[source]?.runEach(seenDelta, out);
    seenDelta.clear();
  }

  close(): void {
    for (const qualifier of this.shape.qualifiers) qualifier?.close();
  }

  // --- making paths

  private stepsFrom(start: number, stateOf: (source: number) => StateName): readonly PathStep[] {
    const { relations } = this.shape;
    const bound = new Set<number>();
    const steps: PathStep[] = [];
    const bind = (source: number, lookup: Lookup | undefined): void => {
      const due = this.dueWith(source, bound);
      const parameters = this.parameters[source];
      bound.add(source);
      steps.push({
        source,
        lookup,
        condition: this.compile(due.filter(({ hasParams }) => !hasParams)),
        queryCondition: this.compile(due.filter(({ hasParams }) => hasParams)),
        parameters,
        isExact: parameters?.isExact === true && due.every(({ predicate }) => this.isFixing(predicate, source)),
        seen: source === start ? undefined : this.seenIn(source, stateOf(source)),
      });
    };
    bind(start, undefined);
    while (bound.size < relations.length) {
      const reach = this.nextReach(bound, () => noFixed);
      bind(reach.source, this.lookup(stateOf(reach.source), reach, bound));
    }
    return steps;
  }

  /** Whether a condition is one of the equalities by which queries are found. */
  private isFixing(predicate: Predicate, source: number): boolean {
    if (predicate.kind !== "compare" || predicate.op !== "=") return false;
    const [column, param] =
      predicate.left.kind === "column" ? [predicate.left, predicate.right] : [predicate.right, predicate.left];
    if (column.kind !== "column" || param.kind !== "param") return false;
    return column.source === source && this.fixed[source]?.get(column.column) === param.param;
  }

  /** The conditions that can be tested once `source` is bound, after those bound before it. */
  private dueWith(source: number, before: ReadonlySet<number>): readonly Term[] {
    const bound = new Set(before).add(source);
    return this.terms.filter(
      ({ sources }) => isWithin(sources, bound) && (before.size === 0 || !isWithin(sources, before)),
    );
  }

  private seenIn(source: number, state: StateName): SeenIn | undefined {
    const qualifier = this.shape.qualifiers[source];
    return qualifier === undefined ? undefined : { qualifier, state };
  }

  /** Finds out whether there is a tuple in one state, for a row of source 0 and a query. */
  probe(state: StateName): Probe {
    return this.probeFrom(state, new Set([0]), this.compile(this.dueWith(0, new Set())));
  }

  /** Finds out whether there is a tuple in one state for a query: `any`. */
  witness(state: StateName): Probe {
    return this.probeFrom(state, new Set(), undefined);
  }

  private probeFrom(state: StateName, bound: Set<number>, condition: TupleFilter | undefined): Probe {
    const { relations } = this.shape;
    const { resolver, counters } = this.context;
    const steps: ProbeStep[] = [];
    while (bound.size < relations.length) {
      const reach = this.nextReach(bound, (source) => this.fixed[source] ?? noFixed);
      const { source } = reach;
      const { by, rows } = this.access(state, reach);
      const key = by.columns.map((column): ProbeKeyPart => {
        const param = this.fixed[source]?.get(column);
        return param === undefined
          ? { kind: "column", ...this.otherEnd(source, column, bound) }
          : { kind: "param", param };
      });
      const due = this.compile(this.dueWith(source, bound));
      steps.push({ source, key, rows, condition: due, seen: this.seenIn(source, state) });
      bound.add(source);
    }
    return new Probe(resolver, condition, steps, counters);
  }

  private compile(terms: readonly Term[]): TupleFilter | undefined {
    if (terms.length === 0) return undefined;
    const { relations, layout } = this.shape;
    const predicate: Predicate = { kind: "and", terms: terms.map((term) => term.predicate) };
    const types = relations.map((relation) => relation.types);
    return compileTupleFilter(types, predicate, layout);
  }

  /**
   * The source to bind next: one that equalities join to those before, else one that the query's values find, else, where
   * only another comparison leads on, any, among all of its rows.
   */
  private nextReach(bound: ReadonlySet<number>, fixedOf: (source: number) => ReadonlyMap<number, number>): Reach {
    const left = [...this.shape.relations.keys()].filter((source) => !bound.has(source));
    const joined = left.filter((source) => this.edgesInto(source, bound).length > 0);
    const fixed = joined.length > 0 ? joined : left.filter((source) => fixedOf(source).size > 0);
    return this.nearest(fixed.length > 0 ? fixed : left, bound, fixedOf);
  }

  /** Of some sources one with a unique index, else with the longest index key, else the smallest. */
  private nearest(
    sources: readonly number[],
    bound: ReadonlySet<number>,
    fixedOf: (source: number) => ReadonlyMap<number, number>,
  ): Reach {
    let best: Reach | undefined;
    const { relations } = this.shape;
    for (const source of sources) {
      const relation = relations[source] as Relation; // one of them
      const joined = this.edgesInto(source, bound).map(({ own }) => own);
      const fixed = fixedOf(source);
      const columns = [...new Set([...joined, ...fixed.keys()])].toSorted((a, b) => a - b);
      const found = columns.length === 0 ? relation.scan() : relation.access(columns);
      // An index without the query's own values leads to the rows of all queries.
      const isNear = found?.isUnique === true || fixed.size === 0 || found?.columns.some((each) => fixed.has(each));
      const reach: Reach = { source, columns, access: isNear === true ? found : undefined };
      if (best === undefined || this.isNearer(reach, best)) best = reach;
    }
    return defined(best, "a source that is left");
  }

  private isNearer(a: Reach, b: Reach): boolean {
    const { relations } = this.shape;
    if (a.access !== undefined && b.access !== undefined) return isBetter(a.access, b.access);
    if (a.access !== undefined || b.access !== undefined) return a.access !== undefined;
    return (relations[a.source]?.rowCount ?? 0) < (relations[b.source]?.rowCount ?? 0);
  }

  /** The edges from a source to those bound, seen from it. */
  private edgesInto(source: number, bound: ReadonlySet<number>) {
    return this.shape.edges.flatMap(({ left, right }) => {
      const [own, other] = left.source === source ? [left, right] : [right, left];
      return own.source === source && bound.has(other.source) ? [{ own: own.column, other }] : [];
    });
  }

  private lookup(state: StateName, reach: Reach, bound: ReadonlySet<number>): Lookup {
    const { by, rows } = this.access(state, reach);
    return { key: new TupleKey(by.columns.map((column) => this.otherEnd(reach.source, column, bound))), rows };
  }

  /** The column of a bound source that an edge joins to a column. */
  private otherEnd(source: number, column: number, bound: ReadonlySet<number>) {
    const { other } = defined(
      this.edgesInto(source, bound).find(({ own }) => own === column),
      "an edge to the key's column",
    );
    const types = defined(this.shape.relations[other.source], "the source").types;
    return { source: other.source, place: columnPlace(types, other.column) };
  }

  /** Opens the lookup of a source in one state. */
  private access(state: StateName, { source, columns, access }: Reach) {
    const { context, shape } = this;
    const relation = defined(shape.relations[source], "the source");
    const by = access ?? context.arrangements.acquire(relation, columns);
    const rows = by.open();
    return { by, rows: state === "new" ? rows : new OldState(context.turn, relation, by.columns, rows, context.seed) };
  }

  /** Whether the path that starts at `start` reads a source's new state. */
  private standsBefore(source: number, start: number): boolean {
    const { relations } = this.shape;
    if (relations[start]?.isEvent === true) return true;
    return relations[source]?.isEvent !== true && source < start;
  }
}

function isWithin(sources: ReadonlySet<number>, bound: ReadonlySet<number>): boolean {
  for (const source of sources) if (!bound.has(source)) return false;
  return true;
}
