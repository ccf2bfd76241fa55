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
import type { Arrangements, SharedArrangement } from "./arrangements.ts";
import { DeltaPath, type Lookup, type PathCounters, type PathStep } from "./delta-path.ts";
import type { Delta } from "./delta.ts";
import type { Operator, ParameterRow } from "./operator.ts";
import { ParameterIndex } from "./parameter-index.ts";
import type { KeyedAccess, Relation, RowResolver } from "./relation.ts";
import { isBetter } from "./table-relation.ts";
import { TupleKey } from "./tuple-key.ts";
import { OldState, type CommitTurn, type Turn } from "./turn.ts";

/** What operators share with the others of their database. */
export interface OperatorContext {
  readonly resolver: RowResolver;
  readonly seed: HashSeed;
  readonly turn: CommitTurn;
  readonly arrangements: Arrangements;
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

export class DeltaJoin implements Operator {
  readonly width: number;
  readonly isConsolidated: boolean;
  readonly stateBytes = 0;
  private readonly context: OperatorContext;
  private readonly shape: JoinShape;
  private readonly paths: readonly DeltaPath[];
  private readonly parameters: readonly (ParameterIndex | undefined)[];
  private readonly arrangements: SharedArrangement[] = [];

  /** @param queries of the template, kept up to date by it */
  constructor(context: OperatorContext, shape: JoinShape, queries: readonly ParameterRow[]) {
    const { relations, edges, filters, residual, returned } = shape;
    assert(relations.filter(({ isEvent }) => isEvent).length <= 1, "a live query reads one event table at most");
    this.context = context;
    this.shape = shape;
    this.width = returned.length;
    this.isConsolidated = relations.length === 1;
    const terms = [...filters, ...edges.map(edgePredicate), residual]
      .flatMap(conjuncts)
      .filter((term) => !isAlways(term))
      .map((predicate): Term => ({ predicate, sources: sourcesOf(predicate), hasParams: readsParams(predicate) }));
    this.parameters = relations.map(({ types }, source) => {
      const own = filters[source];
      const equal = own === undefined ? new Map<number, number>() : equalities(boundsOf(conjuncts(own)));
      return ParameterIndex.over(types, equal, context.seed);
    });
    const { resolver, counters } = context;
    this.paths = relations.map(
      (_, source) => new DeltaPath(resolver, this.stepsFrom(source, terms), returned, queries, counters),
    );
  }

  add(query: ParameterRow): void {
    for (const index of this.parameters) index?.add(query);
  }

  drop(query: ParameterRow): void {
    for (const index of this.parameters) index?.drop(query);
  }

  advance(turn: Turn, out: Delta): void {
    const { relations } = this.shape;
    for (let source = 0; source < relations.length; source += 1) {
      const delta = turn.delta((relations[source] as Relation).id); // below the length
      if (delta !== undefined) this.paths[source]?.run(delta, out);
    }
  }

  close(): void {
    for (const arrangement of this.arrangements) this.context.arrangements.release(arrangement);
    this.arrangements.length = 0;
  }

  // --- making paths

  private stepsFrom(start: number, terms: readonly Term[]): readonly PathStep[] {
    const { relations } = this.shape;
    const bound = new Set<number>();
    const steps: PathStep[] = [];
    const bind = (source: number, lookup: Lookup | undefined): void => {
      const before = new Set(bound);
      bound.add(source);
      const due = terms.filter(
        ({ sources }) => isWithin(sources, bound) && (before.size === 0 || !isWithin(sources, before)),
      );
      steps.push({
        source,
        lookup,
        condition: this.compile(due.filter(({ hasParams }) => !hasParams)),
        queryCondition: this.compile(due.filter(({ hasParams }) => hasParams)),
        parameters: this.parameters[source],
      });
    };
    bind(start, undefined);
    while (bound.size < relations.length) {
      const reach = this.nextReach(bound);
      bind(reach.source, this.lookup(start, reach, bound));
    }
    return steps;
  }

  private compile(terms: readonly Term[]): TupleFilter | undefined {
    if (terms.length === 0) return undefined;
    const { relations, layout } = this.shape;
    const predicate: Predicate = { kind: "and", terms: terms.map((term) => term.predicate) };
    const types = relations.map((relation) => relation.types);
    return compileTupleFilter(types, predicate, layout);
  }

  /** The source to bind next: one with a unique index, else with the longest index key, else the smallest. */
  private nextReach(bound: ReadonlySet<number>): Reach {
    let best: Reach | undefined;
    for (const [source, relation] of this.shape.relations.entries()) {
      if (bound.has(source)) continue;
      const columns = [...new Set(this.edgesInto(source, bound).map(({ own }) => own))].toSorted((a, b) => a - b);
      if (columns.length === 0) continue;
      const reach: Reach = { source, columns, access: relation.access(columns) };
      if (best === undefined || this.isNearer(reach, best)) best = reach;
    }
    return defined(best, "a source of a live join that an equality joins to the others");
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

  private lookup(start: number, { source, columns, access }: Reach, bound: ReadonlySet<number>): Lookup {
    const { context, shape } = this;
    const relation = defined(shape.relations[source], "the source");
    const by = access ?? this.arrange(relation, columns);
    const edges = this.edgesInto(source, bound);
    const key = new TupleKey(
      by.columns.map((column) => {
        const { other } = defined(
          edges.find(({ own }) => own === column),
          "an edge to the key's column",
        );
        const types = defined(shape.relations[other.source], "the source").types;
        return { source: other.source, place: columnPlace(types, other.column) };
      }),
    );
    const rows = by.open();
    const isRead = this.standsBefore(source, start)
      ? rows
      : new OldState(context.turn, relation, by.columns, rows, context.seed);
    return { key, rows: isRead };
  }

  private arrange(relation: Relation, columns: readonly number[]): KeyedAccess {
    const arrangement = this.context.arrangements.acquire(relation, columns);
    this.arrangements.push(arrangement);
    return arrangement;
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
