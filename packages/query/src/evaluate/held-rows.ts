/**
 * What a sliced SELECT holds of the sources that it looks rows up in: those of its joins, and those of row-level rules.
 *
 * A source is walked once and held by the column that an equality finds it by: its rows, or, where nothing else of it is
 * needed, the distinct keys with their counts. Only rows that the caller sees are held, so what a source's rules read
 * is held before the source itself.
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
import type { JoinEdge, Projection, RulePlan } from "@lightcone/sql";
import type { Args } from "../code/args.ts";
import { ColumnKey } from "../code/column-key.ts";
import { columnPlace } from "../code/column-place.ts";
import { columnTypes, type RowFilter } from "../code/predicate-code.ts";
import type { PreparedRule, PreparedTerm } from "../plan/prepared.ts";
import { tableOf } from "./evaluate.ts";
import { JoinTable } from "./join-table.ts";

type HashRow = KeyHash["hashRow"];

/** What a sliced SELECT reads. */
export interface SlicedSource {
  readonly store: RowSource;
  /** A view of the store. It must stay open until the last step. */
  readonly readView: ReadView;
  /** Seed of the hashes: clients choose the values. */
  readonly seed: number;
}

export const none = -1;
export const noRow: RowView = { bytes: new Uint8Array(0), view: new DataView(new ArrayBuffer(0)), at: 0, length: 0 };

/** A source whose rows are found by those of the sources before it. */
export interface Inner {
  readonly source: number;
  readonly cursor: ReadViewCursor;
  readonly filter: RowFilter | undefined;
  readonly rules: readonly SlicedRule[] | undefined;
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

/** All sources that are held, in the order in which they can be. */
export class HeldRows {
  readonly from: SlicedSource;
  readonly args: Args;
  private readonly sources: Inner[] = [];
  /** How many of them are held already. */
  private heldCount = 0;
  /** Rows that rules looked at since `takeLooks`. */
  looks = 0;

  constructor(from: SlicedSource, args: Args) {
    this.from = from;
    this.args = args;
  }

  /** Rows and keys held. */
  get rowCount(): number {
    return this.sources.reduce((count, { table }) => count + table.count, 0);
  }

  add(inner: Inner): void {
    this.sources.push(inner);
  }

  /** Continues to hold. @returns the visits that are left; 0 when there is more to be held */
  hold(visits: number): number {
    let left = visits;
    for (; left > 0; this.heldCount += 1) {
      const inner = this.sources[this.heldCount];
      if (inner === undefined) return left;
      left = this.holdSource(inner, left);
      if (left <= 0) return 0;
    }
    return 0;
  }

  /** Copies a source into its table. Returns the visits that are left; 0 if the source is not finished. */
  private holdSource({ cursor, filter, rules, table, hash, key }: Inner, visits: number): number {
    const { numbers, views } = this.args;
    const { row } = cursor;
    for (let left = visits; left > 0; left -= 1 + this.takeLooks()) {
      if (!cursor.next()) return left;
      const { bytes, view, at } = row;
      if (filter !== undefined && !filter(view, at, numbers, views)) continue;
      if (!isSeen(rules, row)) continue;
      if (key === undefined) table.add(hash(view, at), bytes, at, row.length);
      else {
        key.read(view, at);
        table.tally(hash(view, at), key.own ?? bytes, key.view, key.at, key.length);
      }
    }
    return 0;
  }

  /** Rows that rules looked at since the last call: they count as visits. */
  takeLooks(): number {
    const { looks } = this;
    this.looks = 0;
    return looks;
  }
}

/** Whether one of the rules shows a row. */
export function isSeen(rules: readonly SlicedRule[] | undefined, row: RowView): boolean {
  if (rules === undefined) return true;
  for (const rule of rules) if (rule.shows(row)) return true;
  return false;
}

/** A row-level rule, asked about one row after the other. */
export class SlicedRule {
  private readonly held: HeldRows;
  private readonly filter: RowFilter | undefined;
  private readonly inners: readonly Inner[];
  private readonly rows: RowView[];
  private readonly views: DataView[];
  private readonly ats: Float64Array;

  constructor(held: HeldRows, rule: PreparedRule) {
    const { sources } = rule.plan;
    this.held = held;
    this.filter = rule.sources[0]?.filter;
    this.inners = openInners(held, rule, new Set([0]), undefined);
    this.rows = sources.map(() => ({ ...noRow }));
    this.views = sources.map(() => noRow.view);
    this.ats = new Float64Array(sources.length);
  }

  /** Only once everything is held. */
  shows({ view, at }: RowView): boolean {
    const { args } = this.held;
    if (this.filter !== undefined && !this.filter(view, at, args.numbers, args.views)) return false;
    this.views[0] = view;
    this.ats[0] = at;
    return this.finds(0);
  }

  /** Whether there are rows of the sources from `depth` on with which all conditions hold. */
  private finds(depth: number): boolean {
    const inner = this.inners[depth];
    if (inner === undefined) return true;
    const { source, table, from, fromHash, fromKey, terms } = inner;
    const view = this.views[from] ?? noRow.view;
    const at = this.ats[from] ?? 0;
    const hash = fromHash(view, at);
    this.held.looks += 1;
    if (inner.key !== undefined) {
      fromKey.read(view, at);
      return table.find(hash, fromKey.view, fromKey.at, fromKey.length) !== none && this.finds(depth + 1);
    }
    for (let entry = table.first(hash); entry !== none; entry = table.next(entry)) {
      if (table.hashOf(entry) !== hash) continue;
      this.held.looks += 1;
      const row = defined(this.rows[source], "the row seen");
      table.resolve(entry, row);
      this.views[source] = row.view;
      this.ats[source] = row.at;
      if (this.fulfils(terms) && this.finds(depth + 1)) return true;
    }
    return false;
  }

  private fulfils(terms: readonly PreparedTerm[]): boolean {
    const { numbers, views } = this.held.args;
    for (const term of terms) if (!term.holds(this.views, this.ats, numbers, views)) return false;
    return true;
  }
}

export function openRules(
  held: HeldRows,
  rules: readonly PreparedRule[] | undefined,
): readonly SlicedRule[] | undefined {
  return rules?.filter(({ isEmpty }) => !isEmpty).map((rule) => new SlicedRule(held, rule));
}

export function openCursor({ readView }: SlicedSource, plan: RulePlan, source: number): ReadViewCursor {
  const id = defined(plan.sources[source], "the source").table.id;
  return defined(
    readView.tables.find((table) => table.id === id),
    `table ${id} in the read view`,
  ).openCursor();
}

/** The conditions that can be tested once `source`, the last of those bound, has a row. */
export function applicable(
  { terms }: PreparedRule,
  source: number,
  bound: ReadonlySet<number>,
): readonly PreparedTerm[] {
  return terms.filter((term) => term.sources.has(source) && [...term.sources].every((each) => bound.has(each)));
}

/** The other sources in the order of the join: those with an edge to the sources before first, small ones first. */
export function openInners(
  held: HeldRows,
  prepared: PreparedRule,
  bound: Set<number>,
  projection: Projection | undefined,
): readonly Inner[] {
  const { plan } = prepared;
  const { store } = held.from;
  const inners: Inner[] = [];
  while (bound.size < plan.sources.length) {
    const rest = [...plan.sources.keys()]
      .filter((source) => !bound.has(source))
      .toSorted((a, b) => tableOf(store, plan, a).rowCount - tableOf(store, plan, b).rowCount);
    const source = defined(rest.find((each) => edgeTo(plan, each, bound) !== undefined) ?? rest[0], "a source");
    const edge = edgeTo(plan, source, bound);
    bound.add(source);
    const isCounted = !isNeeded(prepared, projection, source, edge);
    const inner = openInner(held, prepared, { source, edge, isCounted, terms: applicable(prepared, source, bound) });
    held.add(inner);
    inners.push(inner);
  }
  return inners;
}

/** An edge from a source to one of those bound. */
function edgeTo(plan: RulePlan, source: number, bound: ReadonlySet<number>): JoinEdge | undefined {
  return plan.joins.find(
    ({ left, right }) =>
      (left.source === source && bound.has(right.source)) || (right.source === source && bound.has(left.source)),
  );
}

/** The key of sources without an edge: the same for every row. */
const noKey = (): ColumnKey => new ColumnKey(t.u8, { start: () => 0, end: () => 0 });

interface InnerPlace {
  readonly source: number;
  readonly edge: JoinEdge | undefined;
  /** Whether the counts of its keys are enough. */
  readonly isCounted: boolean;
  readonly terms: readonly PreparedTerm[];
}

function openInner(held: HeldRows, prepared: PreparedRule, { source, edge, isCounted, terms }: InnerPlace): Inner {
  const { plan, sources } = prepared;
  const { store, seed } = held.from;
  const common = {
    source,
    cursor: openCursor(held.from, plan, source),
    filter: sources[source]?.filter,
    rules: openRules(held, sources[source]?.rules),
    table: new JoinTable(tableOf(store, plan, source).rowCount),
    wanted: 0,
    candidate: none,
    copies: 1,
  };
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
function isNeeded(
  { plan, terms }: PreparedRule,
  projection: Projection | undefined,
  source: number,
  edge: JoinEdge | undefined,
): boolean {
  if (projection?.kind === "rows" && projection.source === source) return true;
  if (projection?.kind === "columns" && projection.columns.some((column) => column.source === source)) return true;
  // The edges' terms come first, in their order.
  const own = edge === undefined ? none : plan.joins.indexOf(edge);
  return terms.some((term, at) => at !== own && term.sources.has(source));
}
