/**
 * A SELECT carried out in steps over a read view: the result at its offset, whatever is committed between steps.
 *
 *   each inner source: walk ─filter─▶ JoinTable        then the outer: walk ─filter─▶ candidates ─conditions─▶ emit
 *
 * A read view has no indexes, so every source is walked once, from end to end; results small enough for an index are
 * evaluated at once instead. Of a source that only decides how often the others' rows are repeated, through one
 * equality, the distinct keys are held with their counts; of any other source the rows are held.
 */
import { defined } from "@lightcone/base";
import {
  makeHashSeed,
  makeKeyHash,
  type KeyHash,
  type ReadView,
  type ReadViewCursor,
  type RowView,
  type RowSource,
} from "@lightcone/engine";
import { t } from "@lightcone/sats";
import type { JoinEdge, SelectPlan } from "@lightcone/sql";
import { makeArgs, type Args } from "../code/args.ts";
import { tableOf } from "./evaluate.ts";
import { ColumnKey } from "../code/column-key.ts";
import { columnPlace } from "../code/column-place.ts";
import { JoinTable } from "./join-table.ts";
import { columnTypes, noArgs, type RowFilter } from "../code/predicate-code.ts";
import type { Prepared, PreparedTerm } from "../plan/prepared.ts";
import { emitCount, limitOf, projected, type EmitBytes } from "./projection.ts";

type HashRow = KeyHash["hashRow"];

/** What a sliced SELECT reads. */
export interface SlicedSource {
  readonly store: RowSource;
  /** A view of the store. It must stay open until the last step. */
  readonly readView: ReadView;
  /** Seed of the hashes: clients choose the values. */
  readonly seed: number;
}

/** A source whose rows are found by those of the sources before it. */
interface Inner {
  readonly source: number;
  readonly cursor: ReadViewCursor;
  readonly filter: RowFilter | undefined;
  readonly table: JoinTable;
  readonly hash: HashRow;
  /** The column that is held; undefined when the whole row is. */
  readonly key: ColumnKey | undefined;
  /** The source whose row gives the key, and how the key is read from it. */
  readonly from: number;
  readonly fromHash: HashRow;
  readonly fromKey: ColumnKey;
  /** Conditions to test once this source has a row. */
  readonly terms: readonly PreparedTerm[];
  /** The hash that is looked for, the next candidate, and how often the present one counts. */
  wanted: number;
  candidate: number;
  copies: number;
}

const none = -1;
const noRow: RowView = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0, length: 0 };

export class SlicedSelect {
  private readonly prepared: Prepared;
  private readonly args: Args;
  private readonly emit: EmitBytes;
  private readonly emitRow: () => void;
  private readonly isCount: boolean;
  private readonly outer: number;
  private readonly outerCursor: ReadViewCursor;
  private readonly outerTerms: readonly PreparedTerm[];
  private readonly inners: readonly Inner[];
  /** The present row of each source. */
  private readonly rows: RowView[];
  private readonly views: DataView[];
  private readonly ats: Float64Array;
  /** How many inner sources are held already. */
  private heldTables = 0;
  /** The inner source whose candidates are looked at; -1 for the outer source's rows. */
  private depth = none;
  /** Copies of the present row that are still to be emitted. */
  private owed = 0;
  private left: number;
  private total = 0;

  constructor(from: SlicedSource, prepared: Prepared, values: readonly Uint8Array[], emit: EmitBytes) {
    const { plan } = prepared;
    this.prepared = prepared;
    this.args = values.length === 0 ? noArgs : makeArgs(prepared.layout, values);
    this.emit = emit;
    this.isCount = plan.projection.kind === "count";
    this.left = this.isCount ? Infinity : limitOf(plan);
    this.emitRow = this.isCount
      ? () => undefined
      : projected(from.store, plan, (source) => this.rows[source] ?? noRow, emit);
    this.rows = plan.sources.map(() => ({ ...noRow }));
    this.views = plan.sources.map(() => noRow.view);
    this.ats = new Float64Array(plan.sources.length);
    this.outer = outerOf(from.store, plan);
    this.outerCursor = openCursor(from.readView, plan, this.outer);
    const bound = new Set([this.outer]);
    this.outerTerms = applicable(prepared, this.outer, bound);
    this.inners = openInners(from, prepared, bound);
  }

  /** Rows and keys held to join by. */
  get heldCount(): number {
    return this.inners.reduce((count, { table }) => count + table.count, 0);
  }

  /** Continues until about `visitMax` rows were visited or emitted. False when the result is complete. */
  step(visitMax: number): boolean {
    if (this.left === 0) return false;
    let visits = visitMax;
    for (;;) {
      const inner = this.inners[this.heldTables];
      if (inner === undefined) break;
      visits = this.hold(inner, visits);
      if (visits === 0) return true;
      this.heldTables += 1;
    }
    if (this.inners.length === 0 ? this.walkAlone(visits) : this.walk(visits)) return true;
    if (this.isCount) emitCount(this.total, this.emit);
    return false;
  }

  /** Copies an inner source into its table. Returns the visits that are left; 0 if the source is not finished. */
  private hold({ cursor, filter, table, hash, key }: Inner, visits: number): number {
    const { numbers, views } = this.args;
    const { row } = cursor;
    for (let left = visits; left > 0; left -= 1) {
      if (!cursor.next()) return left;
      const { bytes, view, at } = row;
      if (filter !== undefined && !filter(view, at, numbers, views)) continue;
      if (key === undefined) table.add(hash(view, at), bytes, at, row.length);
      else {
        key.read(view, at);
        table.tally(hash(view, at), key.own ?? bytes, key.view, key.at, key.length);
      }
    }
    return 0;
  }

  /** Walks the only source. False when no row is left. */
  private walkAlone(visits: number): boolean {
    const { outer, outerCursor, outerTerms, isCount } = this;
    const { row } = outerCursor;
    const { numbers, views } = this.args;
    const filter = this.prepared.sources[outer]?.filter;
    this.rows[outer] = row;
    for (let left = visits; left > 0; left -= 1) {
      if (!outerCursor.next()) return false;
      if (filter !== undefined && !filter(row.view, row.at, numbers, views)) continue;
      if (outerTerms.length > 0) {
        this.bind(outer, row);
        if (!this.fulfils(outerTerms)) continue;
      }
      if (isCount) this.total += 1;
      else {
        this.emitRow();
        this.left -= 1;
        if (this.left === 0) return false;
      }
    }
    return true;
  }

  /** The same with others joined to it. */
  private walk(visits: number): boolean {
    for (let left = visits; left > 0; left -= 1) {
      if (this.owed > 0) this.pay();
      else if (this.depth !== none) this.nextCandidate();
      else if (!this.outerCursor.next()) return false;
      else this.nextOuter();
      if (this.left === 0) return false;
    }
    if (this.owed > 0 || this.depth !== none) this.keepOuter();
    return true;
  }

  private nextOuter(): void {
    const { outer } = this;
    const { row } = this.outerCursor;
    const filter = this.prepared.sources[outer]?.filter;
    if (filter !== undefined && !filter(row.view, row.at, this.args.numbers, this.args.views)) return;
    this.bind(outer, row);
    if (this.fulfils(this.outerTerms)) this.enter(0);
  }

  private bind(source: number, row: RowView): void {
    this.rows[source] = row;
    this.views[source] = row.view;
    this.ats[source] = row.at;
  }

  /** Copies the outer row: the cursor's view is valid in this step only, and the next step needs the row. */
  private keepOuter(): void {
    const { bytes, at, length } = this.rows[this.outer] ?? noRow;
    const copy = bytes.slice(at, at + length);
    this.bind(this.outer, { bytes: copy, view: new DataView(copy.buffer), at: 0, length });
  }

  /** Tries the candidates of an inner source; after the last inner source, the result's row is complete. */
  private enter(depth: number): void {
    const inner = this.inners[depth];
    if (inner === undefined) {
      this.found();
      return;
    }
    const view = this.views[inner.from] ?? noRow.view;
    const at = this.ats[inner.from] ?? 0;
    const hash = inner.fromHash(view, at);
    inner.copies = 1;
    if (inner.key === undefined) {
      inner.wanted = hash;
      inner.candidate = inner.table.first(hash);
      this.depth = depth;
      return;
    }
    const { fromKey } = inner;
    fromKey.read(view, at);
    const entry = inner.table.find(hash, fromKey.view, fromKey.at, fromKey.length);
    if (entry === none) return;
    inner.copies = inner.table.countOf(entry);
    inner.candidate = none;
    this.depth = depth;
    this.enter(depth + 1);
  }

  private nextCandidate(): void {
    const inner = defined(this.inners[this.depth], "the source");
    const { source, table, candidate } = inner;
    if (candidate === none) {
      this.depth -= 1;
      return;
    }
    inner.candidate = table.next(candidate);
    if (table.hashOf(candidate) !== inner.wanted) return;
    const row = defined(this.rows[source], "the row seen");
    table.resolve(candidate, row);
    this.bind(source, row);
    if (this.fulfils(inner.terms)) this.enter(this.depth + 1);
  }

  private fulfils(terms: readonly PreparedTerm[]): boolean {
    for (const term of terms) {
      if (!term.holds(this.views, this.ats, this.args.numbers, this.args.views)) return false;
    }
    return true;
  }

  /** Every source has a row. */
  private found(): void {
    let copies = 1;
    for (const inner of this.inners) copies *= inner.copies;
    if (this.isCount) this.total += copies;
    else {
      this.owed = copies;
      this.pay();
    }
  }

  private pay(): void {
    this.owed -= 1;
    this.emitRow();
    this.left -= 1;
  }
}

/** The source to walk last: the largest; among similar ones, the one whose rows are returned. */
function outerOf(store: RowSource, plan: SelectPlan): number {
  const sizes = plan.sources.map((_, source) => tableOf(store, plan, source).rowCount);
  const largest = sizes.indexOf(Math.max(...sizes));
  const asked = plan.projection.kind === "rows" ? plan.projection.source : largest;
  return (sizes[asked] ?? 0) * 4 >= (sizes[largest] ?? 0) ? asked : largest;
}

function openCursor(readView: ReadView, plan: SelectPlan, source: number): ReadViewCursor {
  const id = defined(plan.sources[source], "the source").table.id;
  return defined(
    readView.tables.find((table) => table.id === id),
    `table ${id} in the read view`,
  ).openCursor();
}

/** The conditions that can be tested once `source`, the last of those bound, has a row. */
function applicable({ terms }: Prepared, source: number, bound: ReadonlySet<number>): readonly PreparedTerm[] {
  return terms.filter((term) => term.sources.has(source) && [...term.sources].every((each) => bound.has(each)));
}

/** The other sources in the order of the join: those with an edge to the sources before first, small ones first. */
function openInners(from: SlicedSource, prepared: Prepared, bound: Set<number>): readonly Inner[] {
  const { plan } = prepared;
  const inners: Inner[] = [];
  while (bound.size < plan.sources.length) {
    const rest = [...plan.sources.keys()]
      .filter((source) => !bound.has(source))
      .toSorted((a, b) => tableOf(from.store, plan, a).rowCount - tableOf(from.store, plan, b).rowCount);
    const source = defined(rest.find((each) => edgeTo(plan, each, bound) !== undefined) ?? rest[0], "a source");
    const edge = edgeTo(plan, source, bound);
    bound.add(source);
    inners.push(openInner(from, prepared, source, edge, applicable(prepared, source, bound)));
  }
  return inners;
}

/** An edge from a source to one of those bound. */
function edgeTo(plan: SelectPlan, source: number, bound: ReadonlySet<number>): JoinEdge | undefined {
  return plan.joins.find(
    ({ left, right }) =>
      (left.source === source && bound.has(right.source)) || (right.source === source && bound.has(left.source)),
  );
}

/** The key of sources without an edge: the same for every row. */
const noKey = (): ColumnKey => new ColumnKey(t.u8, { start: () => 0, end: () => 0 });

function openInner(
  { store, readView, seed }: SlicedSource,
  prepared: Prepared,
  source: number,
  edge: JoinEdge | undefined,
  terms: readonly PreparedTerm[],
): Inner {
  const { plan, sources } = prepared;
  const common = {
    source,
    cursor: openCursor(readView, plan, source),
    filter: sources[source]?.filter,
    table: new JoinTable(tableOf(store, plan, source).rowCount),
    wanted: 0,
    candidate: none,
    copies: 1,
  };
  const isCounted = !isNeeded(prepared, source, edge);
  if (edge === undefined) {
    const key = isCounted ? noKey() : undefined;
    return { ...common, hash: () => 0, key, from: 0, fromHash: () => 0, fromKey: noKey(), terms };
  }
  const [own, other] = edge.left.source === source ? [edge.left, edge.right] : [edge.right, edge.left];
  const ownTypes = columnTypes(plan, source);
  const otherTypes = columnTypes(plan, other.source);
  const hashed = makeHashSeed(seed);
  return {
    ...common,
    hash: makeKeyHash(ownTypes, [own.column], hashed).hashRow,
    key: isCounted ? new ColumnKey(edge.type, columnPlace(ownTypes, own.column)) : undefined,
    from: other.source,
    fromHash: makeKeyHash(otherTypes, [other.column], hashed).hashRow,
    fromKey: new ColumnKey(edge.type, columnPlace(otherTypes, other.column)),
    terms,
  };
}

/** Whether a source's rows are needed for anything but the equality that finds them. */
function isNeeded({ plan, terms }: Prepared, source: number, edge: JoinEdge | undefined): boolean {
  const { projection } = plan;
  if (projection.kind === "rows" && projection.source === source) return true;
  if (projection.kind === "columns" && projection.columns.some((column) => column.source === source)) return true;
  // The edges' terms come first, in their order.
  const own = edge === undefined ? none : plan.joins.indexOf(edge);
  return terms.some((term, at) => at !== own && term.sources.has(source));
}
