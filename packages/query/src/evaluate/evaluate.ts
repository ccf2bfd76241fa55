/**
 * Evaluates a plan over the present rows: nested loops, with the best access path for each source.
 *
 * The source that its own conditions narrow most comes first, then those that an index joins to the sources before. An
 * equality without an index becomes a hash join, with a table made for this evaluation. Only a cross product walks a
 * table once for every row.
 */
import type { IndexCursor, ScanBound, RowSource, Table, TableCursor } from "@lightcone/engine";
import type { RowRef } from "@lightcone/base";
import { defined } from "@lightcone/base";
import type { AlgebraicType } from "@lightcone/sats";
import type { ColumnRef, RulePlan } from "@lightcone/sql";
import {
  choosePath,
  knownFrom,
  type AccessPath,
  type IndexPath,
  type KeyPart,
  type UnionPath,
} from "../plan/access-path.ts";
import { makeArgs, type Args } from "../code/args.ts";
import { ColumnKey } from "../code/column-key.ts";
import { narrow, type Intervals, type Limit } from "../plan/bounds.ts";
import { bytesText, concat } from "../code/bytes.ts";
import type { Prepared, PreparedRule, PreparedTerm } from "../plan/prepared.ts";
import { RowLayout } from "../code/row-layout.ts";
import { chooseUnion } from "../plan/union.ts";

/** Takes one result: a row of each source, by position. Returns false to stop. Must not write the tables. */
export type EmitRows = (refs: Uint32Array) => boolean;

/**
 * Calls `emit` for every row of the result before projection and LIMIT, in no order.
 *
 * Reads the committed state while the store is idle, and the transaction's state while one is open.
 * Stops by itself once it has visited more than `visitMax` rows.
 *
 * @returns how many rows it visited
 */
export function evaluate(
  store: RowSource,
  prepared: Prepared,
  values: readonly Uint8Array[],
  emit: EmitRows,
  visitMax = Infinity,
): number {
  const visits = { count: 0, max: visitMax };
  new Evaluation(store, prepared, values, makeArgs(prepared.layout, values), emit, visits).run();
  return visits.count;
}

/** The access path of a source that comes first; undefined when the result cannot have rows. */
export function pathTo(
  store: RowSource,
  prepared: Prepared,
  values: readonly Uint8Array[],
  source: number,
): AccessPath | undefined {
  const intervals = intervalsOf(prepared, values)?.[source];
  if (intervals === undefined) return undefined;
  const table = tableOf(store, prepared.plan, source);
  const path = choosePath(table, knownFrom(intervals), intervals);
  return cheaper(path, chooseUnion(table, defined(prepared.sources[source], "the source").unions, values, intervals));
}

function cheaper(path: AccessPath, union: UnionPath | undefined): AccessPath {
  return union !== undefined && (path.kind === "scan" || union.cost < path.cost) ? union : path;
}

/** The intervals of each source's columns; undefined when the result cannot have rows. */
function intervalsOf(
  { sources, isEmpty }: PreparedRule,
  values: readonly Uint8Array[],
): readonly Intervals[] | undefined {
  if (isEmpty) return undefined;
  const intervals: Intervals[] = [];
  for (const { bounds } of sources) {
    const narrowed = narrow(bounds, values);
    if (narrowed === undefined) return undefined;
    intervals.push(narrowed);
  }
  return intervals;
}

/** Whether a path depends on the rows of the sources before. */
function isJoined(path: AccessPath): boolean {
  const parts = path.kind === "point" ? path.key : path.kind === "range" ? path.prefix : [];
  return parts.some((part) => part.kind === "column");
}

/** The live table of a plan's source. */
export function tableOf(store: RowSource, plan: Pick<RulePlan, "sources">, source: number): Table {
  const id = defined(plan.sources[source], "the source").table.id;
  return defined(store.table(id), `table ${id}`);
}

/** What joins a source to another: its own column, and the other's. */
interface Edge {
  readonly column: number;
  readonly from: ColumnRef;
  readonly type: AlgebraicType;
}

function edgesOf({ sources, joins }: Pick<RulePlan, "sources" | "joins">): readonly (readonly Edge[])[] {
  const edges: Edge[][] = sources.map(() => []);
  for (const { left, right, type } of joins) {
    edges[left.source]?.push({ column: left.column, from: right, type });
    if (right.source !== left.source) edges[right.source]?.push({ column: right.column, from: left, type });
  }
  return edges;
}

interface HashJoin {
  readonly kind: "hash";
  readonly column: number;
  readonly from: ColumnRef;
  readonly type: AlgebraicType;
  /** Gives the rows that the hash table is filled with. */
  readonly path: AccessPath;
  readonly cost: number;
}

/** The rows that rules show, found from what the rules read: a caller's own rooms, and what was said in them. */
interface SeenRows {
  readonly kind: "seen";
  readonly rules: readonly RowRule[];
  readonly cost: number;
}

type Way = AccessPath | HashJoin | SeenRows;

/** One of the nested loops. */
interface Step {
  readonly source: number;
  readonly way: Way;
  readonly terms: readonly PreparedTerm[];
  /** Opened when it is first needed: that may make a hash table. */
  rows: RowWalk | undefined;
}

/** Gives a source's rows, given the rows of the sources before it. */
interface RowWalk {
  seek(): void;
  next(): RowRef | -1;
  /** Whether the last row belongs to this branch of a union. Undefined when every row does. */
  readonly isTaken?: (view: DataView, at: number) => boolean;
}

/** Rows looked at, in all of an evaluation, and how many may be. */
interface Visits {
  count: number;
  readonly max: number;
}

class Evaluation {
  private readonly store: RowSource;
  private readonly prepared: PreparedRule;
  private readonly values: readonly Uint8Array[];
  private readonly emit: EmitRows;
  private readonly visits: Visits;
  private readonly args: Args;
  private readonly refs: Uint32Array;
  private readonly views: DataView[];
  private readonly ats: Float64Array;
  private readonly layouts: (RowLayout | undefined)[];
  private intervals: readonly Intervals[] = [];
  /** By source: what joins it to others. */
  private readonly edges: readonly (readonly Edge[])[];
  private readonly unions = new Map<number, UnionPath | undefined>();
  /** Where the rows of source 0 go, while a rule's are collected. */
  private found: Set<RowRef> | undefined;

  /** By source: what tells whether a row is seen. Undefined where all rows are. */
  private readonly rules: readonly (readonly RowRule[] | undefined)[];

  constructor(
    store: RowSource,
    prepared: PreparedRule,
    values: readonly Uint8Array[],
    args: Args,
    emit: EmitRows,
    visits: Visits,
  ) {
    const count = prepared.plan.sources.length;
    this.store = store;
    this.prepared = prepared;
    this.values = values;
    this.emit = emit;
    this.visits = visits;
    this.args = args;
    this.refs = new Uint32Array(count);
    this.views = Array.from({ length: count }, () => new DataView(new ArrayBuffer(0)));
    this.ats = new Float64Array(count);
    this.layouts = Array.from({ length: count });
    this.edges = edgesOf(prepared.plan);
    this.rules = prepared.sources.map(({ rules }) =>
      rules?.map((rule) => new RowRule(store, rule, values, args, visits)),
    );
  }

  run(): void {
    const steps = this.stepsFrom(new Set());
    if (steps !== undefined && this.visits.count <= this.visits.max) this.walk(steps, 0);
  }

  /** The loops over the sources that are not bound yet; undefined when the result cannot have rows. */
  stepsFrom(bound: Set<number>): readonly Step[] | undefined {
    const intervals = intervalsOf(this.prepared, this.values);
    if (intervals === undefined) return undefined;
    this.intervals = intervals;
    return this.order(bound);
  }

  /** Binds source 0 to a row; whether the row fulfils the conditions on it alone. */
  begin(ref: RowRef, view: DataView, at: number): boolean {
    const { numbers, views } = this.args;
    const filter = this.prepared.sources[0]?.filter;
    if (filter !== undefined && !filter(view, at, numbers, views)) return false;
    this.refs[0] = ref;
    this.views[0] = view;
    this.ats[0] = at;
    return true;
  }

  /** False when `emit` or the bound on visits stopped it. */
  walk(steps: readonly Step[], depth: number): boolean {
    const step = steps[depth];
    if (step === undefined) return this.emit(this.refs);
    const { source, terms, way } = step;
    const rows = (step.rows ??= this.open(source, way));
    const { isTaken } = rows;
    const filter = this.prepared.sources[source]?.filter;
    const rules = this.rules[source];
    const { numbers, views } = this.args;
    const { store, visits } = this;
    rows.seek();
    for (let ref = rows.next(); ref !== -1; ref = rows.next()) {
      visits.count += 1;
      if (visits.count > visits.max) return false;
      store.resolve(ref);
      const { view, at } = store.row;
      if (isTaken !== undefined && !isTaken(view, at)) continue;
      if (filter !== undefined && !filter(view, at, numbers, views)) continue;
      this.refs[source] = ref;
      this.views[source] = view;
      this.ats[source] = at;
      if (!terms.every((term) => term.holds(this.views, this.ats, numbers, views))) continue;
      if (rules !== undefined && way.kind !== "seen" && !rules.some((rule) => rule.shows(ref, view, at))) {
        if (visits.count > visits.max) return false;
        continue;
      }
      if (!this.walk(steps, depth + 1)) return false;
    }
    return true;
  }

  /** Adds the rows of source 0 that are in the result. */
  collect(found: Set<RowRef>): void {
    const steps = this.stepsFrom(new Set());
    if (steps === undefined) return;
    this.found = found;
    this.walk(steps, 0);
    this.found = undefined;
  }

  /** Takes a result of a rule's: one is enough, unless rows are collected. */
  take(refs: Uint32Array): boolean {
    this.found?.add((refs[0] ?? 0) as RowRef); // the walk sets every source
    return this.found !== undefined;
  }

  /** Whether there is a result, within the bound on visits. */
  finds(steps: readonly Step[]): boolean {
    return !this.walk(steps, 0) && this.visits.count <= this.visits.max;
  }

  // --- the order of the loops

  private order(bound: Set<number>): Step[] {
    const { plan, terms } = this.prepared;
    const steps: Step[] = [];
    while (bound.size < plan.sources.length) {
      let best: { readonly source: number; readonly way: Way } | undefined;
      for (let source = 0; source < plan.sources.length; source += 1) {
        if (bound.has(source)) continue;
        const way = this.wayTo(source, bound);
        if (best === undefined || way.cost < best.way.cost) best = { source, way };
      }
      const { source, way } = defined(best, "a source");
      bound.add(source);
      const applicable = terms.filter(
        (term) => term.sources.has(source) && [...term.sources].every((each) => bound.has(each)),
      );
      steps.push({ source, way, terms: applicable, rows: undefined });
    }
    return steps;
  }

  private wayTo(source: number, bound: ReadonlySet<number>): Way {
    const { plan } = this.prepared;
    const intervals = defined(this.intervals[source], "the source");
    const known = knownFrom(intervals);
    let edge: Edge | undefined;
    const table = tableOf(this.store, plan, source);
    for (const each of this.edges[source] ?? []) {
      const { column, from } = each;
      if (!bound.has(from.source)) continue;
      if (!known.has(column)) known.set(column, { kind: "column", ...from });
      edge ??= each;
    }
    const byIndex = choosePath(table, known, intervals);
    const path = cheaper(byIndex, this.unionTo(source, table, intervals));
    const rules = this.rules[source];
    // A walk of the table asks the rules about every row.
    if (bound.size === 0 && path.kind === "scan" && rules?.every((rule) => rule.leadsToRows) === true)
      return { kind: "seen", rules, cost: Math.sqrt(path.cost) };
    if (bound.size === 0 || isJoined(path)) return path;
    // A path that does not depend on the sources before would make a cross product: any other comes first.
    if (edge !== undefined) return { kind: "hash", ...edge, path, cost: Math.max(1, path.cost / 2) };
    return path.kind === "scan" ? { ...path, cost: 1e9 + path.cost } : path;
  }

  private unionTo(source: number, table: Table, intervals: Intervals): UnionPath | undefined {
    if (!this.unions.has(source)) {
      const { unions } = defined(this.prepared.sources[source], "the source");
      this.unions.set(source, chooseUnion(table, unions, this.values, intervals));
    }
    return this.unions.get(source);
  }

  // --- walking rows

  private open(source: number, way: Way): RowWalk {
    const table = tableOf(this.store, this.prepared.plan, source);
    if (way.kind === "seen") return openSeen(way);
    return way.kind === "hash" ? this.openHash(source, table, way) : this.openPath(table, way);
  }

  private openPath(table: Table, path: AccessPath): RowWalk {
    switch (path.kind) {
      case "scan":
        return table.openCursor() satisfies TableCursor;
      case "union":
        return this.openUnion(table, path);
      case "point": {
        const cursor = path.index.openCursor();
        const [only] = path.key;
        if (path.key.length === 1 && only?.kind === "column") return this.openProbe(cursor, only);
        return {
          seek: () => {
            const key = this.keyBytes(path.key);
            cursor.seekPoint(new DataView(key.buffer, key.byteOffset, key.byteLength), 0, key.length);
          },
          next: () => cursor.next(),
        };
      }
      case "range": {
        const cursor: IndexCursor = path.index.openCursor();
        return {
          seek: () => {
            const prefix = this.keyBytes(path.prefix);
            cursor.seekRange(prefix, path.prefix.length, scanBound(path.from), scanBound(path.to));
          },
          next: () => cursor.next(),
        };
      }
    }
  }

  private openUnion(table: Table, { branches, branchOf, firstTerm }: UnionPath): RowWalk {
    const walks = branches.map((branch) => this.openPath(table, branch));
    const { numbers, views } = this.args;
    let branch = -1;
    const begin = (next: number): void => {
      branch = next;
      walks[branch]?.seek();
    };
    return {
      seek: () => begin(0),
      next: () => {
        for (;;) {
          const walk = walks[branch];
          if (walk === undefined) return -1;
          const ref = walk.next();
          if (ref !== -1) return ref;
          begin(branch + 1);
        }
      },
      isTaken: (view, at) => branchOf[firstTerm(view, at, numbers, views)] === branch,
    };
  }

  /** Points at a column of another source's present row, without copying. */
  private openProbe(cursor: IndexCursor, { source, column }: ColumnRef): RowWalk {
    const layout = this.layoutOf(source);
    return {
      seek: () => {
        const view = defined(this.views[source], "the row");
        const start = layout.start(view, this.ats[source] ?? 0, column);
        cursor.seekPoint(view, start, layout.end(view, start, column) - start);
      },
      next: () => cursor.next(),
    };
  }

  private layoutOf(source: number): RowLayout {
    return (this.layouts[source] ??= new RowLayout(tableOf(this.store, this.prepared.plan, source).def));
  }

  /** An index key's bytes: its columns back to back, from values and from the sources' present rows. */
  private keyBytes(parts: readonly KeyPart[]): Uint8Array {
    return concat(
      parts.map((part) => (part.kind === "value" ? part.bytes : this.columnBytes(part.source, part.column))),
    );
  }

  /** A copy of a column's bytes in a source's present row. */
  private columnBytes(source: number, column: number): Uint8Array {
    const layout = this.layoutOf(source);
    const view = defined(this.views[source], "the row");
    const start = layout.start(view, this.ats[source] ?? 0, column);
    const end = layout.end(view, start, column);
    return new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice();
  }

  private columnKey({ source, column }: ColumnRef, type: AlgebraicType): ColumnKey {
    const layout = this.layoutOf(source);
    return new ColumnKey(type, {
      start: (view, at) => layout.start(view, at, column),
      end: (view, at) => layout.end(view, layout.start(view, at, column), column),
    });
  }

  private openHash(source: number, table: Table, { column, from, type, path }: HashJoin): RowWalk {
    const ownKey = this.columnKey({ source, column }, type);
    const fromKey = this.columnKey(from, type);
    const filter = this.prepared.sources[source]?.filter;
    const buckets = new Map<string, number[]>();
    const rows = this.openPath(table, path);
    const { visits } = this;
    const isTooMuch = path.kind === "scan" && visits.count + table.rowCount > visits.max;
    if (isTooMuch) visits.count = visits.max + 1;
    else rows.seek();
    for (let ref = isTooMuch ? -1 : rows.next(); ref !== -1; ref = rows.next()) {
      visits.count += 1;
      if (visits.count > visits.max) break;
      this.store.resolve(ref);
      const { view, at } = this.store.row;
      if (rows.isTaken !== undefined && !rows.isTaken(view, at)) continue;
      if (filter !== undefined && !filter(view, at, this.args.numbers, this.args.views)) continue;
      const text = keyText(ownKey, view, at);
      const bucket = buckets.get(text);
      if (bucket === undefined) buckets.set(text, [ref]);
      else bucket.push(ref);
    }
    let found: readonly number[] = [];
    let next = 0;
    return {
      seek: () => {
        const view = defined(this.views[from.source], "the row");
        found = buckets.get(keyText(fromKey, view, this.ats[from.source] ?? 0)) ?? [];
        next = 0;
      },
      next: () => (next < found.length ? (found[next++] as RowRef) : -1),
    };
  }
}

/** Whether a rule shows a row. Its loops are made once, for the first row that is asked about. */
class RowRule {
  private readonly evaluation: Evaluation;
  private steps: readonly Step[] | undefined;
  private isPlanned = false;

  constructor(store: RowSource, rule: PreparedRule, values: readonly Uint8Array[], args: Args, visits: Visits) {
    this.evaluation = new Evaluation(store, rule, values, args, (refs) => this.evaluation.take(refs), visits);
  }

  /** Whether indexes lead from what the caller is or asks for to the rows that the rule shows. */
  get leadsToRows(): boolean {
    const steps = this.evaluation.stepsFrom(new Set());
    return (
      steps === undefined || steps.every(({ way }, i) => (i === 0 ? isByIndex(way) : isByIndex(way) && isJoined(way)))
    );
  }

  /** Adds the rows that the rule shows, some of them more than once. */
  addRows(found: Set<RowRef>): void {
    this.evaluation.collect(found);
  }

  shows(ref: RowRef, view: DataView, at: number): boolean {
    if (!this.isPlanned) {
      this.isPlanned = true;
      this.steps = this.evaluation.stepsFrom(new Set([0]));
    }
    const { steps, evaluation } = this;
    return steps !== undefined && evaluation.begin(ref, view, at) && evaluation.finds(steps);
  }
}

function isByIndex(way: Way): way is IndexPath {
  return way.kind === "point" || way.kind === "range";
}

/** The rows that some rule shows, each once. */
function openSeen({ rules }: SeenRows): RowWalk {
  let rows: readonly RowRef[] = [];
  let next = 0;
  return {
    seek: () => {
      const found = new Set<RowRef>();
      for (const rule of rules) rule.addRows(found);
      rows = [...found];
      next = 0;
    },
    next: () => rows[next++] ?? -1,
  };
}

function scanBound(limit: Limit | undefined): ScanBound {
  if (limit === undefined) return { kind: "unbounded" };
  return { kind: limit.isIncluded ? "included" : "excluded", bytes: limit.bytes };
}

function keyText(key: ColumnKey, view: DataView, rowAt: number): string {
  key.read(view, rowAt);
  return bytesText(new Uint8Array(key.view.buffer, key.view.byteOffset + key.at, key.length));
}
